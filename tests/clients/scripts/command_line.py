"""Operations of the hf command and, for huggingface_hub below 0.34, of huggingface-cli."""

import os
import re
import subprocess
import sys
from pathlib import Path

import huggingface_hub
from operation_runner import JOB, NotOffered, check, content, folder, run

BIN = Path(sys.executable).parent
HF = BIN / "hf" if (BIN / "hf").exists() else BIN / "huggingface-cli"
SCRATCH = Path(JOB.scratch)
SENTENCES = {
    "Revision not found": "HTTP 404",
    "Invalid user token": "HTTP 401",
    "401 Unauthorized": "HTTP 401",
    "403 Forbidden": "HTTP 403",
}
VERSION = tuple(int(each) for each in JOB.version.split(".")[:2])


def hf(*arguments: str, **env: str) -> str:
    """Run the command; what it prints tells the status."""
    done = subprocess.run([HF, *arguments], cwd=SCRATCH, env={**os.environ, **env}, capture_output=True, text=True)
    if done.returncode == 0:
        return done.stdout
    said = done.stderr + done.stdout
    if re.search(r"No such command|invalid choice|No such option|unrecognized arguments", said):
        raise NotOffered
    # The command prints its own sentences for these.
    status = next((status for words, status in SENTENCES.items() if words in said), "")
    raise ValueError(f"{status} {said}")


def upload(path: str, data: bytes, repo: str = JOB.repo, *options: str, **env: str) -> None:
    """Upload one file."""
    hf("upload", repo, str(folder("sent", {path: data}) / path), path, *options, **env)


def read(path: str, repo: str = JOB.repo, *options: str) -> bytes:
    """Download one file."""
    hf("download", repo, path, "--local-dir", f"got-{repo.replace('/', '-')}", *options)
    return (SCRATCH / f"got-{repo.replace('/', '-')}" / path).read_bytes()


def upload_and_compare(path: str, data: bytes) -> None:
    """Upload a file, and download it."""
    upload(path, data)
    check(read(path), data)


def upload_folder() -> None:
    """Some files in one commit."""
    files = {"one.txt": b"one\n", "deep/two.bin": content(50_000)}
    hf("upload", JOB.repo, str(folder("folder", files)), "folder")
    check(read("folder/deep/two.bin"), files["deep/two.bin"])


def delete() -> None:
    """A file that was uploaded before: not by the command, which cannot do that in every version."""
    huggingface_hub.HfApi().upload_file(path_or_fileobj=b"old\n", path_in_repo="old.txt", repo_id=JOB.repo)
    if VERSION >= (1, 0):
        hf("repos", "delete-files", JOB.repo, "old.txt")
    elif HF.name == "hf":
        hf("repo-files", "delete", JOB.repo, "old.txt")
    else:
        hf("repo-files", JOB.repo, "delete", "old.txt")


def revision(name: str, expected: bytes) -> None:
    """A file of this revision."""
    check(read("data/small.txt", JOB.seeded, "--revision", name), expected)


def snapshot() -> None:
    """All files."""
    hf("download", JOB.seeded, "--local-dir", "snapshot")
    check((SCRATCH / "snapshot/weights.bin").read_bytes(), content(JOB.size))


repos = "repos" if VERSION >= (1, 0) else "repo"
run(
    {
        "upload a small file": lambda: upload_and_compare("small.txt", b"small\n"),
        "upload an LFS file": lambda: upload_and_compare("model.safetensors", content(200_000, 2)),
        "upload a text file over 10 MiB": lambda: upload_and_compare("long.txt", b"a line\n" * 1_600_000),
        "upload a folder": upload_folder,
        "delete a file": delete,
        "download": lambda: check(read("weights.bin", JOB.seeded), content(JOB.size)),
        "list files": lambda: check("weights.bin" in hf("models", "ls", JOB.seeded)),
        "repository info": lambda: check(JOB.commit in hf("models", "info", JOB.seeded)),
        "list refs": lambda: check("v1" in hf(repos, "tag", "list", JOB.seeded)),
        "revision: tag": lambda: revision("v1", b"first\n"),
        "revision: short hash": lambda: revision(JOB.first[:7], b"first\n"),
        "revision: HEAD": lambda: revision("HEAD", b"second\n"),
        "revision: refs/pr/1": lambda: revision("refs/pr/1", b"no such pull request"),
        "download all (snapshot, clone)": snapshot,
        "create a branch": lambda: hf(repos, "branch", "create", JOB.repo, "next"),
        "create a tag": lambda: hf(repos, "tag", "create", JOB.repo, "v9"),
        "create a repository that exists": lambda: hf(repos, "create", JOB.repo, "--exist-ok"),
        "create a repository": lambda: hf(repos, "create", f"{JOB.repo}-new"),
        "create a pull request": lambda: upload("proposed.txt", b"proposed\n", JOB.repo, "--create-pr"),
        "whoami": lambda: hf("auth", "whoami") if HF.name == "hf" else hf("whoami"),
        "write to another repository": lambda: upload("strange.txt", b"strange\n", JOB.other),
        "use an expired token": lambda: upload(
            "late.txt", b"late\n", HF_ENDPOINT=JOB.expired_hub, HF_TOKEN=JOB.expired_token
        ),
        "publish 150 MB": lambda: hf("upload", JOB.repo, JOB.big, "big.safetensors"),
    }
)
