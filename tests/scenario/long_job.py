"""A job that uses the Hub all the time: huggingface_hub uploads twice a second, and git pushes every two seconds.

It runs for as many seconds as its first argument says, in a clone of acme/model, and prints what it did. If what its
second argument names, `upload` or `push`, has failed, it ends earlier.
"""

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable

from huggingface_hub import HfApi

done: Counter[str] = Counter()
failed: list[str] = []
until = sys.argv[2]


def every(seconds: float, end: float, name: str, work: Callable[[int], object]) -> None:
    """Do the work again and again, and note what fails."""
    while (began := time.monotonic()) < end and not any(each.startswith(f"{until} ") for each in failed):
        done[name] += 1
        try:
            work(done[name])
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what the test looks for
            failed.append(f"{name} {done[name]}: {error}")
        time.sleep(max(0.0, began + seconds - time.monotonic()))


def push(number: int) -> None:
    """A commit of git's, on a branch of its own."""
    git("commit", "--quiet", "--allow-empty", "--message", f"Push {number}")
    git("push", "--quiet", "origin", "HEAD:refs/heads/from-git")


def git(*arguments: str) -> None:
    """Run git; what it says is in the error, if it fails."""
    run = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(run.stderr)


def main() -> None:
    """Both at once."""
    api, end = HfApi(), time.monotonic() + float(sys.argv[1])

    def upload(number: int) -> None:
        api.upload_file(path_or_fileobj=str(number).encode(), path_in_repo="step.txt", repo_id="acme/model")

    pushing = threading.Thread(target=every, args=(2.0, end, "push", push))
    pushing.start()
    every(0.5, end, "upload", upload)
    pushing.join()
    sys.stdout.write(json.dumps({"done": done, "failed": failed}))


main()
