"""Starts hf-oidc.pyz, which lies beside this file, with this Python, or else with one that it runs on.

`native/action.yml` runs this with whatever Python the runner calls `python3` (on Windows: `python`). So it is written
for Python 3.5 and newer, and imports nothing of ours. Python compiles it in each run, so what most runs do not need is
in find_python.py.
"""

import os
import runpy
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PYZ = os.path.join(HERE, "hf-oidc.pyz")


def main() -> int:
    """Run the action with this Python, or with a newer one if it is too old. Returns the exit code."""
    # Tells action.yml that Python was found: from here on, this process reports its own errors.
    try:
        with open(os.environ.get("GITHUB_OUTPUT", ""), "a", encoding="utf-8") as output:
            output.write("started=true\n")
    except OSError:
        pass  # the login reports this error
    # As NEEDED in find_python.py says.
    if sys.version_info < (3, 10) or not os.path.exists(PYZ):
        return int(runpy.run_path(os.path.join(HERE, "find_python.py"))["start"](PYZ))
    sys.argv[:] = [PYZ, "action"]
    runpy.run_path(PYZ, run_name="__main__")  # ends this process
    return 0


if __name__ == "__main__":
    sys.exit(main())
