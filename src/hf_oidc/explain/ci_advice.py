"""What a CI's own user is told: the next step in that CI's file, the publisher to enter, and what to be careful about.

From `ci`, with the user's audience and resource in place. A failure that is the same in every CI is `advice`'s.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hf_oidc.errors import (
    AudienceMismatch,
    ExchangeRejected,
    IdTokenExpired,
    IdTokenMalformed,
    IdTokenNotDeclared,
    IdTokenPermissionMissing,
    IdTokenRequestFailed,
    LoginError,
)
from hf_oidc.explain.audiences import other_service
from hf_oidc.explain.ci import CIS, Ci, Todo
from hf_oidc.explain.issuers import Claims, issued_by

HUB_URL = "https://huggingface.co"
# What YAML, HCL and a shell read as it is, between quotes or without.
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._:/~+-]*[A-Za-z0-9_/]", re.ASCII)
RUN = re.compile(r"\{run(?P<options>[^}]*)\}")
# The kinds of repositories that are no models, by the prefix of the resource, as `hf upload` has them.
UPLOADED = {"datasets": "dataset", "spaces": "space", "kernels": "kernel"}
ODD = Todo("Run the job again. If it stays, something answers in the CI's place: ask whoever runs this machine.")


@dataclass(frozen=True)
class Mine:
    """The user's own: the audience of the ID token, the Hub's URL, and the resource as it was asked for.

    `by_endpoint`: the URL is that of `$HF_ENDPOINT`.
    """

    audience: str
    hub_url: str
    resource: str
    by_endpoint: bool = False

    def into(self, template: str) -> str:
        """`template` of lines to copy, with these in it."""
        audience = self.audience if PLAIN.fullmatch(self.audience) else "YOUR-AUDIENCE"
        filled = RUN.sub(lambda mark: self._run(mark["options"], audience), template)
        filled = filled.replace("{audience}", audience).replace("{command}", self._command())
        return filled.replace("{resource}", self.resource or "namespace/name")

    def _run(self, options: str, audience: str) -> str:
        # By itself hf-oidc goes to huggingface.co, and asks for the URL of the Hub that it goes to.
        if self.hub_url != HUB_URL and PLAIN.fullmatch(self.hub_url):
            options += f" --hub-url {self.hub_url}"
        if self.audience != self.hub_url:
            options += f" --audience {audience}"
        return f"hf-oidc run{options} {{resource}} -- {{command}}"

    def _command(self) -> str:
        """What a job most likely does with its token."""
        prefix, _, name = self.resource.partition("/")
        if prefix == "buckets":
            return f"hf sync ./data hf://{self.resource}"
        if kind := UPLOADED.get(prefix):
            return f"hf upload {name} ./{kind} . --repo-type {kind}"
        # A user's token reads gated repositories, and writes nothing.
        is_user = bool(prefix) and not name
        return "hf download namespace/gated-model" if is_user else "hf upload {resource} ./model ."


def ci_of(error: LoginError) -> Ci | None:
    """The CI whose words are to be spoken, if one is known; of a supplied ID token, the one that it is from."""
    claims = error.unverified_claims or {}
    if error.provider == "supplied":
        return CIS[_source(error, claims) or "supplied"]
    if error.provider == "github" and isinstance(error, IdTokenNotDeclared):
        return None  # an engine that runs GitHub's workflows elsewhere
    return CIS.get(error.provider)


def todo(error: LoginError, ci: Ci | None) -> Todo | None:
    """What to do about `error` in that CI; nothing where a CI makes no difference."""
    choose = next((choose for kind, choose in CHOICES.items() if isinstance(error, kind)), None)
    return choose(error, ci) if choose and ci and not error.proxy_variable else None


def tells_publisher(error: LoginError) -> bool:
    """Whether the publisher belongs to the next step: where no job has got an ID token for the Hub yet."""
    kinds = (IdTokenNotDeclared, IdTokenPermissionMissing, AudienceMismatch)
    failed = isinstance(error, IdTokenRequestFailed) and not error.retryable and not error.proxy_variable
    return failed or isinstance(error, kinds)


def cautions(error: LoginError, ci: Ci | None) -> tuple[str, ...]:
    """What to be careful about, where the publisher is spoken of."""
    return ci.cautions if ci and (tells_publisher(error) or isinstance(error, ExchangeRejected)) else ()


def _source(error: LoginError, claims: Claims) -> str:
    other = other_service(claims, error.expected) if isinstance(error, AudienceMismatch) else None
    return issued_by(claims) or (other[1].ci if other else "")


def _failed(error: LoginError, ci: Ci) -> Todo | None:
    # A command or an endpoint that may work at the next try says nothing of how the CI is set up.
    return Todo(ci.retryable) if error.retryable else ci.failed


def _mismatch(error: LoginError, ci: Ci) -> Todo | None:
    # GitHub and its relatives were asked for this very audience.
    return None if error.provider in {"github", "forgejo"} else ci.declare


def _malformed(error: LoginError, ci: Ci) -> Todo | None:
    if error.provider == "supplied":
        return None
    return ci.failed if ci.given else ODD


# By the kind of the error. `None`: what `advice` says of it is all.
CHOICES: Mapping[type[LoginError], Callable[[LoginError, Ci], Todo | None]] = {
    IdTokenNotDeclared: lambda _error, ci: ci.declare,
    IdTokenRequestFailed: _failed,
    AudienceMismatch: _mismatch,
    IdTokenMalformed: _malformed,
    IdTokenExpired: lambda _error, ci: Todo(ci.expired),
}
