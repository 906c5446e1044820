"""Local Hub on a runner of GitHub's, for a job that logs in there with GitHub's own ID token. Used by ci.yml.

`start` leaves it running in the background and tells later steps where it is; `check` asks it what the token is good
for.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ISSUER = "https://token.actions.githubusercontent.com"
RESOURCE = "acme/awesome-model"
START_SECONDS = 60
# This machine is never reached through a proxy.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main() -> None:
    """Start Local Hub for this job, or check the token that it has given."""
    parser = argparse.ArgumentParser(prog="python -m release.rehearsal", description=main.__doc__)
    parser.add_argument("command", choices=("start", "check"))
    problem = start(os.environ) if parser.parse_args().command == "start" else check(os.environ)
    if problem:
        sys.exit(f"release.rehearsal: {problem}")


def start(env: Mapping[str, str]) -> str:
    """Start it, trust this repository's jobs, and export LOCAL_HUB; what went wrong, or nothing."""
    # Into a file, and in a separate session: a process that holds the step's output open keeps the step from ending.
    log = Path(tempfile.mkdtemp(prefix="local-hub-")) / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "local_hub.cli", "serve"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while "\n" not in log.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            return f"Local Hub did not start: {log.read_text()}"
        time.sleep(0.1)
    hub = json.loads(log.read_text().splitlines()[0])["hub"]
    claims = {"repository": {"kind": "eq", "value": env["GITHUB_REPOSITORY"]}}
    added = asked(f"{hub}/local-hub/publishers", {"resource": RESOURCE, "issuerUrl": ISSUER, "claims": claims})
    if added.get("issuerUrl") != ISSUER:
        return f"Local Hub did not take the publisher: {added}"
    with Path(env["GITHUB_ENV"]).open("a", encoding="utf-8") as file:
        file.write(f"LOCAL_HUB={hub}\nLOCAL_HUB_PID={process.pid}\n")
    return ""


def check(env: Mapping[str, str]) -> str:
    """What is wrong with the token that the login has exported, or nothing."""
    if env.get("AUTHENTICATED") != "true":
        return f"the output `authenticated` is {env.get('AUTHENTICATED')!r}"
    seen = asked(f"{env['LOCAL_HUB']}/local-hub/introspect", token=env["HF_TOKEN"])
    return "" if seen.get("active") and seen.get("resource") == RESOURCE else f"the token is not good: {seen}"


def asked(url: str, document: dict[str, Any] | None = None, token: str = "") -> Any:
    """What Local Hub answers."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(url, json.dumps(document).encode() if document else None, headers)  # noqa: S310
    try:
        with OPENER.open(request, timeout=30) as response:
            return json.load(response)
    except urllib.error.HTTPError as refusal:
        with refusal:  # Local Hub says why in JSON
            return json.load(refusal)


if __name__ == "__main__":
    main()
