"""The next step in the words of the provider, with the audience and the resource of this login filled in.

What is the same for every provider is in `advice`.
"""

from __future__ import annotations

import re
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
from hf_oidc.explain.claims import issued_by
from hf_oidc.providers.facts import Instruction, ProviderFacts, facts_of
from hf_oidc.settings import DEFAULT_HUB_URL

# What YAML, HCL and a shell take literally, with and without quotes.
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._:/~+-]*[A-Za-z0-9_/]", re.ASCII)
RUN = re.compile(r"\{run(?P<options>[^}]*)\}")
# The prefix of a resource -> `--repo-type` of `hf upload`. A model has no prefix.
REPO_TYPES = {"datasets": "dataset", "spaces": "space", "kernels": "kernel"}
INTERCEPTED = Instruction(
    "Run the job again. If it keeps failing, something else responds in place of the CI: ask the administrator of this "
    "machine."
)


@dataclass(frozen=True)
class LoginTarget:
    """What the user logs in for: the audience of the ID token, the Hub's URL, and the resource as the user wrote it.

    `by_endpoint`: the URL comes from `$HF_ENDPOINT`.
    """

    audience: str
    hub_url: str
    resource: str
    by_endpoint: bool = False

    def fill(self, template: str) -> str:
        """`template` with these values filled in, ready to copy."""
        audience = self.audience if PLAIN.fullmatch(self.audience) else "YOUR-AUDIENCE"
        # Without options, hf-oidc goes to huggingface.co, and the audience is the URL of the Hub that it goes to.
        options = ""
        if self.hub_url != DEFAULT_HUB_URL and PLAIN.fullmatch(self.hub_url):
            options += f" --hub-url {self.hub_url}"
        if self.audience != self.hub_url:
            options += f" --audience {audience}"
        filled = RUN.sub(lambda mark: f"hf-oidc run{mark['options']}{options} {{resource}} -- {{command}}", template)
        filled = filled.replace("{audience}", audience).replace("{command}", self._command())
        return filled.replace("{resource}", self.resource or "namespace/name")

    def _command(self) -> str:
        """What a job most likely does with a token for this resource."""
        prefix, _, name = self.resource.partition("/")
        if prefix == "buckets":
            return f"hf sync ./data hf://{self.resource}"
        if repo_type := REPO_TYPES.get(prefix):
            return f"hf upload {name} ./{repo_type} . --repo-type {repo_type}"
        # A user's token can read gated repositories, and cannot write.
        is_user = bool(prefix) and not name
        return "hf download namespace/gated-model" if is_user else "hf upload {resource} ./model ."


def facts_about(error: LoginError) -> ProviderFacts | None:
    """The facts of the provider that `error` is about. For an ID token that the user passed, that is its issuer."""
    if error.provider == "supplied":
        claims = error.unverified_claims or {}
        name = issued_by(claims)
        if not name and isinstance(error, AudienceMismatch) and (other := other_service(claims, error.expected)):
            name = other[1].provider
        return facts_of(name or "supplied")
    if error.provider == "github" and isinstance(error, IdTokenNotDeclared):
        return None  # act or Gitea runs this workflow, so GitHub's instructions do not apply
    return facts_of(error.provider)


def instruction(error: LoginError, facts: ProviderFacts | None) -> Instruction | None:
    """What to do about `error` in the provider's own files; nothing if the provider makes no difference."""
    is_supplied = error.provider == "supplied"
    # With `proxy_variable`, a proxy between the job and the server is at fault.
    if facts and not error.proxy_variable:
        match error:
            case IdTokenNotDeclared():
                return facts.declare
            case IdTokenRequestFailed():
                # A failure that another attempt may not meet says nothing about the CI's configuration.
                return Instruction(facts.retry) if error.retryable else facts.failed
            # If `declare` does not choose the audience, hf-oidc requested this one, and `declare` cannot help.
            case AudienceMismatch() if is_supplied or facts.declares_audience:
                return facts.declare
            case IdTokenMalformed() if not is_supplied:
                return facts.failed if facts.issued_before_job else INTERCEPTED
            case IdTokenExpired():
                return Instruction(facts.expired)
    return None


def needs_publisher(error: LoginError) -> bool:
    """Whether to show the publisher too: no job of this provider has got an ID token for the Hub yet."""
    if isinstance(error, IdTokenRequestFailed):
        return not error.retryable and not error.proxy_variable
    return isinstance(error, (IdTokenNotDeclared, IdTokenPermissionMissing, AudienceMismatch))


def cautions(error: LoginError, facts: ProviderFacts | None) -> tuple[str, ...]:
    """What to be careful about with a publisher, if `error` leads the reader to one."""
    return facts.cautions if facts and (needs_publisher(error) or isinstance(error, ExchangeRejected)) else ()
