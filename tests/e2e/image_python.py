"""Stands in for this machine's Python: starts the one in a running container, with the environment that it was given.

The container is named by HF_OIDC_TEST_CONTAINER, and sees the folders of the tests under the same names. A program in
Python, because a shell drops variables whose names have a hyphen, such as INPUT_HUB-URL.
"""

import os
import sys

given = [f"--env={name}" for name in os.environ]
container = os.environ["HF_OIDC_TEST_CONTAINER"]
command = ["docker", "exec", "--interactive", f"--workdir={os.getcwd()}", *given, container, "/opt/hf-oidc/bin/python3"]  # noqa: PTH109
os.execvp(command[0], [*command, *sys.argv[1:]])
