"""The commands `circleci`, `buildkite-agent` and `aws`, as far as a login needs them: small real executables.

They are told by the job's environment where Local Hub is. Each takes the arguments that its CI documents and no others.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from local_hub.issuers.base import Endpoint, Handout

URL, SECRET = "LOCAL_HUB_ID_TOKEN_URL", "LOCAL_HUB_ID_TOKEN_SECRET"
# Between these commands and Local Hub alone: how the real ones ask is their CIs' own business.
ENDPOINT = Endpoint(bearer=True, answer=lambda token: {"value": token})


def variables(handout: Handout) -> Mapping[str, str]:
    """What the commands need to know; the real ones have their own ways."""
    return {URL: handout.url, SECRET: handout.secret}


def install(folder: Path) -> None:
    """Write the executables into `folder`."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for name in COMMANDS:
        path = folder / name
        path.unlink(missing_ok=True)
        command = shlex.join([sys.executable, "-I", "-m", "local_hub.issuers.commands", name])
        path.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        path.chmod(0o755)


def circleci(arguments: Sequence[str]) -> str:
    """`circleci run oidc get --claims JSON`: the token."""
    parser = argparse.ArgumentParser("circleci")
    for word in ("run", "oidc", "get"):
        parser.add_argument(word, choices=[word])
    parser.add_argument("--claims", type=json.loads, default={})
    claims = parser.parse_args(arguments).claims
    if not isinstance(claims, dict) or not set(claims) <= {"aud"}:
        raise ValueError("--claims is a JSON object with aud alone")
    return _mint(claims.get("aud", ""))


def buildkite_agent(arguments: Sequence[str]) -> str:
    """`buildkite-agent oidc request-token --audience A`: the token. `redactor add`: nothing, if there is a text."""
    parser = argparse.ArgumentParser("buildkite-agent")
    groups = parser.add_subparsers(dest="group", required=True)
    oidc = groups.add_parser("oidc").add_subparsers(required=True).add_parser("request-token")
    oidc.add_argument("--audience", default="")
    redactor = groups.add_parser("redactor").add_subparsers(required=True).add_parser("add")
    redactor.add_argument("--format", choices=["none", "json"], default="none")
    options = parser.parse_args(arguments)
    return _mint(options.audience) if options.group == "oidc" else _redact(options.format)


def aws(arguments: Sequence[str]) -> str:
    """`aws sts get-web-identity-token`, with its two arguments or with `--cli-input-json`: a JSON object."""
    parser = argparse.ArgumentParser("aws")
    for word in ("sts", "get-web-identity-token"):
        parser.add_argument(word, choices=[word])
    parser.add_argument("--audience", type=_parameter)
    parser.add_argument("--signing-algorithm")
    parser.add_argument("--cli-input-json", type=json.loads, default={})
    parser.add_argument("--output", choices=["json"])
    options = parser.parse_args(arguments)
    document = options.cli_input_json
    (audience,) = [options.audience] if options.audience else document.get("Audience", [])
    if (options.signing_algorithm or document.get("SigningAlgorithm")) != "RS256":
        raise ValueError("the signing algorithm is RS256")
    return json.dumps({"WebIdentityToken": _mint(audience)}, indent=4)


COMMANDS: Mapping[str, Callable[[Sequence[str]], str]] = {
    "circleci": circleci,
    "buildkite-agent": buildkite_agent,
    "aws": aws,
}


def _parameter(text: str) -> str:
    # Version 1 of AWS's command takes a URL for the address of the value, and fetches it there.
    if text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"Unable to retrieve {text}")
    return text


def _redact(form: str) -> str:
    # There is no log here that it could be hidden in; a job learns whether it asked in the right way.
    text = sys.stdin.read()
    if not (text.strip() if form == "none" else all(isinstance(each, str) for each in json.loads(text).values())):
        raise ValueError("nothing to redact")
    return ""


def _mint(audience: object) -> str:
    if not isinstance(audience, str):
        raise TypeError("the audience is a string")
    url = os.environ[URL] + "?" + urllib.parse.urlencode({"audience": audience})
    authorization = {"Authorization": f"Bearer {os.environ[SECRET]}"}
    request = urllib.request.Request(url, headers=authorization)  # noqa: S310 - Local Hub's own
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as answer:
        document: dict[str, Any] = json.load(answer)
    return str(document["value"])


def main(arguments: Sequence[str]) -> int:
    """Print what the command prints, or why not on standard error."""
    name, *rest = arguments
    try:
        said = COMMANDS[name](rest)
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        sys.stderr.write(f"{name}: failed: {error}\n")
        return 1
    sys.stdout.write(f"{said}\n" if said else "")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
