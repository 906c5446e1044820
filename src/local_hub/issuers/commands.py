"""The commands `circleci`, `buildkite-agent` and `aws`, as far as a login needs them, as small executables.

The job's environment tells them where Local Hub is. Each accepts only the arguments that its CI documents.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from local_hub.issuers.base import Endpoint, Handout

URL, SECRET = "LOCAL_HUB_ID_TOKEN_URL", "LOCAL_HUB_ID_TOKEN_SECRET"
# Private to these commands and Local Hub: the CIs do not document how the real commands connect.
ENDPOINT = Endpoint(bearer=True, answer=lambda token: {"value": token})


def variables(handout: Handout) -> Mapping[str, str]:
    """The variables that the commands read; the real commands have others."""
    return {URL: handout.url, SECRET: handout.secret}


def install(folder: Path) -> None:
    """Create the executables in `folder`."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for name in COMMANDS:
        path = folder / name
        path.unlink(missing_ok=True)
        command = shlex.join([sys.executable, "-I", "-m", "local_hub.issuers.commands", name])
        path.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        path.chmod(0o755)


def circleci(arguments: Sequence[str]) -> str:
    """`circleci run oidc get --claims JSON`: print the token."""
    parser = argparse.ArgumentParser("circleci")
    for word in ("run", "oidc", "get"):
        parser.add_argument(word, choices=[word])
    parser.add_argument("--claims", type=json.loads, default={})
    claims = parser.parse_args(arguments).claims
    if not isinstance(claims, dict) or not set(claims) <= {"aud"}:
        raise ValueError("--claims must be a JSON object with aud only")
    return _mint(claims.get("aud", ""))


def buildkite_agent(arguments: Sequence[str]) -> str:
    """`buildkite-agent oidc request-token --audience A`: print the token. `redactor add`: check standard input."""
    parser = argparse.ArgumentParser("buildkite-agent")
    groups = parser.add_subparsers(dest="group", required=True)
    oidc = groups.add_parser("oidc").add_subparsers(required=True).add_parser("request-token")
    oidc.add_argument("--audience", default="")
    redactor = groups.add_parser("redactor").add_subparsers(required=True).add_parser("add")
    redactor.add_argument("--format", choices=["none", "json"], default="none")
    options = parser.parse_args(arguments)
    if options.group == "oidc":
        return _mint(options.audience)
    # No log needs redaction here. Fail on wrong input, so that a mistake of the client shows.
    text = sys.stdin.read()
    secrets = json.loads(text).values() if options.format == "json" else [text]
    if not all(isinstance(each, str) for each in secrets) or not text.strip():
        raise ValueError("nothing to redact")
    return ""


def aws(arguments: Sequence[str]) -> str:
    """`aws sts get-web-identity-token`, with two arguments or `--cli-input-json`: print a JSON object."""
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
        raise ValueError("the signing algorithm must be RS256")
    return json.dumps({"WebIdentityToken": _mint(audience)}, indent=4)


COMMANDS: Mapping[str, Callable[[Sequence[str]], str]] = {
    "circleci": circleci,
    "buildkite-agent": buildkite_agent,
    "aws": aws,
}


def _parameter(text: str) -> str:
    # Version 1 of the AWS CLI takes a URL for the address of the value, and fetches it.
    if text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"Unable to retrieve {text}")
    return text


def _mint(audience: object) -> str:
    import urllib.request  # noqa: PLC0415 - for the commands alone; Local Hub, which installs them, starts faster

    if not isinstance(audience, str):
        raise TypeError("the audience must be a string")
    url = os.environ[URL] + "?" + urlencode({"audience": audience})
    authorization = {"Authorization": f"Bearer {os.environ[SECRET]}"}
    request = urllib.request.Request(url, headers=authorization)  # noqa: S310 - the URL of Local Hub
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as answer:
        document: dict[str, Any] = json.load(answer)
    return str(document["value"])


def main(arguments: Sequence[str]) -> int:
    """Run a command: print its output, or its error on standard error."""
    name, *rest = arguments
    try:
        output = COMMANDS[name](rest)
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        sys.stderr.write(f"{name}: failed: {error}\n")
        return 1
    sys.stdout.write(f"{output}\n" if output else "")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
