"""All providers, in the order in which they are asked, and the choice among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from hf_oidc.errors import AmbiguousProvider, IdentityError, NoProvider
from hf_oidc.providers.aws import mint as aws
from hf_oidc.providers.azure import mint as azure
from hf_oidc.providers.base import CannotMint, Kind, Mint, Provider, ReadFile
from hf_oidc.providers.bitbucket import mint as bitbucket
from hf_oidc.providers.buildkite import mint as buildkite
from hf_oidc.providers.circleci import mint as circleci
from hf_oidc.providers.codefresh import mint as codefresh
from hf_oidc.providers.forgejo import mint as forgejo
from hf_oidc.providers.github import mint as github
from hf_oidc.providers.gitlab import mint as gitlab
from hf_oidc.providers.google import mint as google
from hf_oidc.providers.jenkins import mint as jenkins
from hf_oidc.providers.kubernetes import mint as kubernetes
from hf_oidc.providers.semaphore import mint as semaphore
from hf_oidc.providers.spacelift import mint as spacelift
from hf_oidc.providers.supplied import mint as supplied
from hf_oidc.providers.terraform import mint as terraform
from hf_oidc.secret import Secret

PROVIDERS: tuple[Provider, ...] = (
    supplied.PROVIDER,
    github.PROVIDER,
    forgejo.PROVIDER,
    gitlab.PROVIDER,
    circleci.PROVIDER,
    bitbucket.PROVIDER,
    buildkite.PROVIDER,
    codefresh.PROVIDER,
    jenkins.PROVIDER,
    terraform.PROVIDER,
    azure.PROVIDER,
    semaphore.PROVIDER,
    spacelift.PROVIDER,
    google.PROVIDER,
    aws.PROVIDER,
    kubernetes.PROVIDER,
)
# A token in HF_OIDC_ID_TOKEN was put there on purpose, so it goes before what is detected. A platform is asked only
# where no CI is: the runner of a CI on Kubernetes is that CI's.
ORDER: tuple[Kind, ...] = ("supplied", "ci", "platform")


class IdTokenSource(NamedTuple):
    """The provider's name, and how it gets ID tokens here: as `CanMint` has it."""

    provider: str
    mint: Mint
    again: bool
    until_expiry_of: Secret | None


def choose(env: Mapping[str, str], read_file: ReadFile, *, id_token: str = "", named: str = "") -> IdTokenSource:
    """Who gives the ID token: `id_token` itself, the provider that is `named`, `HF_OIDC_ID_TOKEN`, the one detected.

    What a person typed goes before what the environment happens to hold.

    `named` is empty, or the name of one of `PROVIDERS`. Raises `AmbiguousProvider`, `NoProvider`, or the reason why
    the provider that is here cannot mint.
    """
    if id_token.strip():
        return IdTokenSource(supplied.PROVIDER.name, *supplied.supply(id_token))
    provider = _named(named) if named else detected(env)
    if provider is None:
        raise NoProvider("No supported CI was detected, and no ID token was supplied")
    obtained = provider.obtain(env)
    if isinstance(obtained, CannotMint):
        raise _of(provider, obtained.reason(read_file))
    return IdTokenSource(provider.name, *obtained)


def detected(env: Mapping[str, str]) -> Provider | None:
    """The provider whose environment `env` is, if it is one's. Raises `AmbiguousProvider`."""
    for kind in ORDER:
        here = [provider for provider in PROVIDERS if provider.kind == kind and provider.is_here(env)]
        if len(here) > 1:
            raise AmbiguousProvider(tuple(provider.name for provider in here))
        if here:
            return here[0]
    return None


def _named(name: str) -> Provider:
    return next(provider for provider in PROVIDERS if provider.name == name)


def _of(provider: Provider, error: IdentityError) -> IdentityError:
    error.provider = provider.name
    return error
