"""The demo at a terminal: a successful login, a published model, and a refused login.

Local Hub and the action run as separate processes, as in real use. The demo checks everything that it shows.
"""

import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from local_hub.github_runner import Step, masked, run_action

RESOURCE = "acme/awesome-model"
REPOSITORY = "acme/awesome-model-training"
CLAIMS = {"repository": REPOSITORY, "branch": "main", "workflow": "publish.yml"}
TAG = "refs/tags/v1"
TRUE_REASON = f"branch: expected main, token has {TAG}"
MESSAGE = "Trained at 1234"
MODEL_FILES = {"config.json": b"{}\n", "model.safetensors": bytes(1_000_000)}
STOP_SECONDS = 10
BOLD, DIM, PLAIN = "\033[1m", "\033[2m", "\033[0m"


class DemoFailed(Exception):
    """A check of the demo failed."""


def main() -> int:
    """Run the demo; return 0 if every check passes, else 1."""
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            # Raise an exception, so that the child process and the temporary directory are cleaned up.
            signal.signal(getattr(signal, name), lambda *_: sys.exit(1))
    try:
        with tempfile.TemporaryDirectory(prefix="local-hub-demo-") as directory, _running_hub() as hub:
            _show(hub, Path(directory))
    except DemoFailed as failure:
        sys.stderr.write(f"\nA check of the demo failed: {failure}\n")
        return 1
    except (httpx.HTTPError, OSError, ValueError, subprocess.SubprocessError) as error:
        sys.stderr.write(f"\nThe demo stopped with an error: {type(error).__name__}: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped.\n")
        return 1
    return 0


class _Hub:
    """A client of the running Local Hub."""

    def __init__(self, ready: Mapping[str, Any]) -> None:
        self.url = str(ready["hub"])
        self.issuer = str(ready["issuer"])

    def post(self, path: str, document: Mapping[str, Any]) -> Any:
        return httpx.post(self.url + path, json=document, trust_env=False).raise_for_status().json()

    def send(self, path: str, token: str, body: str, content_type: str) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": content_type}
        return httpx.post(self.url + path, content=body, headers=headers, trust_env=False).raise_for_status().json()

    def upload(self, content: bytes, token: str) -> dict[str, Any]:
        """Upload a large file to LFS, and return its entry for the commit."""
        file = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}
        body = json.dumps({"operation": "upload", "objects": [file]})
        path = f"/{RESOURCE}.git/info/lfs/objects/batch"
        answer = self.send(path, token, body, "application/vnd.git-lfs+json")
        href = answer["objects"][0]["actions"]["upload"]["href"]
        httpx.put(href, content=content, trust_env=False).raise_for_status()
        return {"algo": "sha256", **file}

    def get(self, path: str, token: str = "") -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.get(self.url + path, headers=headers, trust_env=False).raise_for_status().json()


def _show(hub: _Hub, directory: Path) -> None:
    _title("Local Hub is running")
    _line(f"It stands in for huggingface.co and for GitHub's OIDC issuer, at {hub.url}")
    claims = {name: {"kind": "eq", "value": value} for name, value in CLAIMS.items()}
    hub.post("/local-hub/publishers", {"resource": RESOURCE, "issuerUrl": hub.issuer, "claims": claims})
    _title(f"{RESOURCE} has one trusted publisher")
    _facts(CLAIMS)
    token = _granted(hub, directory)
    _behind_the_log(hub)
    _later_step(hub, token)
    _published(hub, directory, token)
    _refused(hub, directory)
    _page(hub)
    _title("All checks passed")
    _line("No secret was stored anywhere: the job's identity was enough.")
    _line()


def _granted(hub: _Hub, directory: Path) -> str:
    _title("The workflow runs on main, and its job requests a token")
    step = _run(hub, directory, "refs/heads/main")
    token = step.outputs.get("token", "")
    _expect(step.exit_code == 0, f"the action exited with {step.exit_code}")
    _expect(token.startswith("hf_jwt_"), "the output `token` is not a Hub token")
    _expect(step.hides(token), "the log shows the token")
    _expect(step.exported.get("HF_TOKEN") == token, "HF_TOKEN is not exported")
    _expect(step.outputs.get("authenticated") == "true", "the output `authenticated` is not true")
    _expect(json.loads(step.outputs.get("tokens", "null")) == {"HF_TOKEN": token}, "the output `tokens` is wrong")
    _line("outputs", dim=True)
    _facts({name: masked(value, step.masks) for name, value in step.outputs.items()})
    _line("environment of later steps", dim=True)
    _facts({name: masked(value, step.masks) for name, value in step.exported.items()})
    return token


def _behind_the_log(hub: _Hub) -> None:
    _title("What happened behind the log")
    seen = hub.get("/local-hub/exchanges")[0]
    _expect(seen["outcome"] == "granted" and seen["issuer"] == hub.issuer, "Local Hub logged another exchange")
    _line("1. The action requested an ID token for the job, and the CI minted it", dim=True)
    _facts({"issuer": seen["issuer"], "subject": seen["subject"], "audience": hub.url})
    _line("2. It sent the ID token to the Hub, which verified the signature, audience, times and claims", dim=True)
    _facts({"request": f"POST {hub.url}/oauth/token", "resource": seen["resource"], "request id": seen["request_id"]})
    _line("3. The claims match the publisher, so the Hub issued a token for one hour", dim=True)
    _facts({"outcome": seen["outcome"], "publisher": str(seen["publisher_id"])})


def _later_step(hub: _Hub, token: str) -> None:
    _title("A later step uses HF_TOKEN")
    seen = hub.get("/local-hub/introspect", token)
    _expect(seen["active"] is True and seen["resource"] == RESOURCE, "the Hub does not accept the token")
    _expect(seen["can"] == ["read", "write"], f"the token may {seen['can']}")
    _facts(
        {
            "valid for": f"the {seen['kind']} {seen['resource']} only",
            "may": " and ".join(seen["can"]),
            "expires": f"{seen['expires_at']}, in {round(seen['expires_in'] / 60)} minutes",
            "issued to": seen["subject"],
        }
    )


def _published(hub: _Hub, directory: Path, token: str) -> None:
    _title("It uploads the model, as `hf upload` does, and anyone can clone it")
    config = base64.b64encode(MODEL_FILES["config.json"]).decode()
    lines: list[tuple[str, dict[str, Any]]] = [
        ("header", {"summary": MESSAGE}),
        ("file", {"path": "config.json", "content": config, "encoding": "base64"}),
        ("lfsFile", {"path": "model.safetensors", **hub.upload(MODEL_FILES["model.safetensors"], token)}),
    ]
    body = "".join(json.dumps({"key": key, "value": value}) + "\n" for key, value in lines)
    made = hub.send(f"/api/models/{RESOURCE}/commit/main", token, body, "application/x-ndjson")["commitOid"]
    clone = directory / "clone"
    _git("clone", "--quiet", f"{hub.url}/{RESOURCE}", str(clone))
    oid, author, summary = _git("-C", str(clone), "log", "-1", "--format=%H%n%an%n%s").splitlines()
    names = _git("-C", str(clone), "ls-files", *MODEL_FILES).splitlines()
    _expect((oid, author, summary) == (made, "[OIDC]", MESSAGE), f"the clone's commit is {oid}, {summary}, by {author}")
    _expect(names == sorted(MODEL_FILES), f"the clone has {names}")
    _facts({"commit": oid[:12], "message": summary, "author": author, "files": ", ".join(names)})


def _refused(hub: _Hub, directory: Path) -> None:
    _title("The same workflow runs on the tag v1, which the publisher does not allow")
    step = _run(hub, directory, TAG)
    latest = hub.get("/local-hub/exchanges")[0]
    _expect(step.exit_code == 1, f"the action exited with {step.exit_code}, not with 1")
    _expect(not step.outputs.get("token") and not step.exported, "the action passed a token on")
    _expect(any(line.startswith("Error: ") for line in step.log), "the log shows no error")
    _expect(latest["outcome"] == "refused" and latest["reason"] == TRUE_REASON, f"Local Hub logged {latest['reason']}")
    _line("The Hub tells a client no more than this. Local Hub's log has the true reason:", dim=True)
    _facts({"reason": latest["reason"], "request id": latest["request_id"]})


def _page(hub: _Hub) -> None:
    _title("The model's settings page shows the publisher, and why the tag was refused")
    page = f"{hub.url}/{RESOURCE}/settings"
    text = httpx.get(page, trust_env=False).raise_for_status().text
    _expect(TAG in text, f"{page} does not show why the tag was refused")
    _facts({"page": page})
    if sys.stdin.isatty() and sys.stdout.isatty():
        _line("Open it in a browser. Local Hub runs until you press Enter.")
        sys.stdin.readline()


def _run(hub: _Hub, directory: Path, ref: str) -> Step:
    job = hub.post("/local-hub/jobs", {"repository": REPOSITORY, "ref": ref})["env"]
    inputs = {
        "resource": RESOURCE,
        "export-env": "true",
        "on-error": "fail",
        "hub-url": hub.url,
        "audience": "",
        "id-token": "",
        "ca-bundle": "",
        "timeout": "60",
    }
    step = run_action(directory, job, inputs)
    _line("log of the step", dim=True)
    for line in step.log:
        _line(f"  {line}")
    return step


def _git(*arguments: str) -> str:
    # A clean environment: the configuration of this machine must not matter.
    env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout  # noqa: S603 - fixed arguments


@contextmanager
def _running_hub() -> Iterator[_Hub]:
    command = [sys.executable, "-I", "-m", "local_hub.cli", "serve"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own module
    try:
        line = process.stdout.readline() if process.stdout else ""
        _expect(bool(line), "Local Hub did not start")
        yield _Hub(json.loads(line))
    finally:
        process.terminate()
        try:
            process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _expect(condition: bool, otherwise: str) -> None:  # noqa: FBT001 - reads like `assert`
    if not condition:
        raise DemoFailed(otherwise)


def _title(text: str) -> None:
    sys.stdout.write(f"\n{_styled(text, BOLD)}\n")


def _facts(facts: Mapping[str, str]) -> None:
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        _line(f"  {name:<{width}}  {value}")


def _line(text: str = "", *, dim: bool = False) -> None:
    sys.stdout.write(f"{_styled(f'  {text}', DIM) if dim else f'  {text}'.rstrip()}\n")
    sys.stdout.flush()


def _styled(text: str, style: str) -> str:
    plain = not sys.stdout.isatty() or os.environ.get("NO_COLOR")
    return text if plain else f"{style}{text}{PLAIN}"
