"""Each provider, with an environment in which it is here, one in which it has no means, and the CI that answers it.

A provider whose ID token is in a variable or comes from an endpoint needs no row: `as_local_hub_plays_it` makes one.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hf_oidc.errors import AudienceMismatch, IdentityError, IdTokenNotDeclared, IdTokenPermissionMissing
from hf_oidc.providers.detection import NAMES
from hf_oidc.providers.kubernetes import mint as kubernetes
from local_hub.issuers.base import Handout
from local_hub.issuers.registry import BY_NAME
from tests.factories import id_token
from tests.scripted_server import Answer

# Made when this file is read, and used when its turn comes.
TOKEN = id_token(exp=4_000_000_000)
METADATA = "/computeMetadata/v1/instance/service-accounts/default"
REQUEST_TOKEN = "secret-of-the-request"


@dataclass(frozen=True)
class Row:
    """A provider. `here`: the URL of its CI's server, and the token that is there before the job -> the environment.

    `path` and `answer`: its endpoint, and how that hands out a token. `command` and `prints`: its command likewise.
    """

    source: Literal["variable", "endpoint", "command", "file", "none"]
    here: Callable[[str, str], Mapping[str, str]]
    cannot: Mapping[str, str] | None = None
    reason: type[IdentityError] = IdTokenNotDeclared
    path: str = "/idtoken"
    answer: Callable[[str], Answer] = lambda token: Answer({"value": token})
    command: str = ""
    prints: Callable[[str], str] = lambda token: f"{token}\n"


def _actions(url: str, _token: str) -> dict[str, str]:
    return {
        "GITHUB_ACTIONS": "true",
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{url}/idtoken?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_TOKEN,
    }


def _codefresh(url: str, _token: str) -> dict[str, str]:
    return {"CF_BUILD_ID": "1", "CF_OIDC_REQUEST_URL": f"{url}/idtoken", "CF_OIDC_REQUEST_TOKEN": REQUEST_TOKEN}


def _variable(sign: Mapping[str, str], name: str) -> Row:
    return Row("variable", lambda _url, token: {**sign, name: f" {token}\n"}, cannot=sign)


def _command(sign: Mapping[str, str], name: str, prints: Callable[[str], str] = lambda token: f"{token}\n") -> Row:
    return Row("command", lambda _url, _token: sign, command=name, prints=prints)


def _refused(sign: Mapping[str, str]) -> Row:
    return Row("none", lambda _url, _token: sign, cannot=sign, reason=AudienceMismatch)


def as_local_hub_plays_it(name: str) -> Row:
    """The row of a provider of which the job that Local Hub plays says all: a variable, or an endpoint."""
    issuer = BY_NAME[name]

    def job(url: str, token: str, secret: str) -> dict[str, str]:
        handout = Handout(token and f" {token}\n", url and f"{url}/idtoken", secret, authority="", path="")
        return {variable: value for variable, value in issuer.environment(handout).items() if value}

    without = job("", "", "")
    if issuer.endpoint is None:
        return Row("variable", lambda url, token: job(url, token, REQUEST_TOKEN), without)
    answer = issuer.endpoint.answer
    return Row(
        "endpoint",
        lambda url, token: job(url, token, REQUEST_TOKEN),
        without,
        answer=lambda token: Answer(answer(token)),
    )


GITHUB = {"GITHUB_ACTIONS": "true"}
FORGEJO = {"GITHUB_ACTIONS": "true", "GITEA_ACTIONS": "true", "FORGEJO_ACTIONS": "true"}
WRITTEN: Mapping[str, Row] = {
    "supplied": Row("variable", lambda _url, token: {"HF_OIDC_ID_TOKEN": f" {token}\n"}),
    "github": Row("endpoint", _actions, GITHUB, IdTokenPermissionMissing),
    "forgejo": Row("endpoint", lambda url, token: {**_actions(url, token), **FORGEJO}, FORGEJO),
    "gitlab": _variable({"GITLAB_CI": "true"}, "HF_ID_TOKEN"),
    "circleci": _command({"CIRCLECI": "true"}, "circleci"),
    "bitbucket": _variable({"BITBUCKET_BUILD_NUMBER": "7"}, "BITBUCKET_STEP_OIDC_TOKEN"),
    "buildkite": _command({"BUILDKITE": "true"}, "buildkite-agent"),
    "codefresh": Row("endpoint", _codefresh, {"CF_BUILD_ID": "1"}, answer=lambda token: Answer({"id_token": token})),
    "jenkins": _variable({"JENKINS_URL": "https://jenkins.example/"}, "HF_ID_TOKEN"),
    "terraform": _variable({"TFC_RUN_ID": "run-1"}, "TFC_WORKLOAD_IDENTITY_TOKEN_HF"),
    "azure": _refused({"TF_BUILD": "True"}),
    "semaphore": _refused({"SEMAPHORE": "true"}),
    "spacelift": _refused({"SPACELIFT_OIDC_TOKEN": "x"}),
    "google": Row(
        "endpoint",
        lambda url, _token: {"K_SERVICE": "publish", "GCE_METADATA_HOST": url.removeprefix("http://")},
        path=f"{METADATA}/identity",
        answer=Answer,
    ),
    "aws": _command({"CODEBUILD_BUILD_ID": "publish:1"}, "aws", lambda token: json.dumps({"WebIdentityToken": token})),
    "kubernetes": Row("file", lambda _url, _token: {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}),
}
# In the registry's order.
ROWS: Mapping[str, Row] = {
    name: WRITTEN[name] if name in WRITTEN else as_local_hub_plays_it(name)
    for name in NAMES
    if name in {*WRITTEN, *BY_NAME}
}
FILE = kubernetes.PATH


def executable(folder: Path, name: str, *, stdout: str = "", stderr: str = "", exit_code: int = 0) -> Path:
    """A command of a CI's, which says this, whatever it is asked, and writes down its arguments."""
    (folder / f"{name}.out").write_text(stdout)
    (folder / f"{name}.err").write_text(stderr)
    quoted = shlex.quote(str(folder / name))
    script = [
        "#!/bin/sh",
        f"printf '%s\\n' \"$@\" > {quoted}.args",
        f"/bin/cat {quoted}.out",
        f"/bin/cat {quoted}.err >&2",
    ]
    (folder / name).write_text("\n".join([*script, f"exit {exit_code}", ""]))
    (folder / name).chmod(0o755)
    return folder / name
