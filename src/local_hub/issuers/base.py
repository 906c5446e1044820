"""What an issuer and a job are: the path, the ID token's claims, and what a job's steps find.

Pure values. An issuer does not know who reads its ID tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local_hub.fields import flag, mapping, text

Claims = Mapping[str, Any]


@dataclass(frozen=True)
class Endpoint:
    """How an issuer's endpoint expects requests for ID tokens, and how it answers.

    `bearer`: the Authorization header must have "Bearer" before the request token; if false, it must not. `answer`: the
    JSON object around an ID token. `api_version`: part of the query of the URL that a job gets. `needs_api_version`,
    `needs_audience`: reject requests without them.
    """

    bearer: bool
    answer: Callable[[str], Mapping[str, object]]
    api_version: str = ""
    needs_api_version: bool = False
    needs_audience: bool = True

    def url(self, issuer: str) -> str:
        """Return the URL that a job gets."""
        return f"{issuer}/idtoken" + (f"?api-version={self.api_version}" if self.api_version else "")


@dataclass(frozen=True)
class Handout:
    """What a job can get its ID token from; each issuer passes on the parts that it uses.

    `token`: an ID token issued before the job begins. `url` and `secret`: an endpoint that mints, and its request
    token. `authority`: host and port of the metadata server. `path`: a PATH with the CI's commands.
    """

    token: str
    url: str
    secret: str
    authority: str
    path: str


@dataclass(frozen=True)
class Job:
    """A job that can get ID tokens.

    `claims` gets the issuer's URL; times and audience are added when a token is minted. `overrides` are merged last,
    and None removes a claim. `audience`: of a token issued before the job begins; empty means `default_audience`,
    else the hub's URL. `cloud_build`: Google's metadata server has no ID tokens for this job, as in Cloud Build.
    """

    issuer: Issuer
    claims: Callable[[str], Claims]
    environment: Callable[[Handout], Mapping[str, str]]
    overrides: Claims = field(default_factory=dict)
    audience: str = ""
    default_audience: str = ""
    cloud_build: bool = False

    def id_token_claims(
        self, issuer_url: str, audience: str, jti: str, now: int, without: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """Return the claims of an ID token; `without` names claims that this way of asking leaves out."""
        times = {"iat": now, "nbf": now, "exp": now + self.issuer.lifetime, "jti": jti}
        aud = [audience] if self.issuer.audience_is_a_list else audience
        issued = {**self.claims(issuer_url), **times, "aud": aud}
        merged = {**{name: value for name, value in issued.items() if name not in without}, **self.overrides}
        return {name: value for name, value in merged.items() if value is not None}


def read_example_job(issuer: Issuer, description: Mapping[str, Any], where: str) -> Job:
    """Read a job that changes single claims of the issuer's example job."""
    given = mapping(description, where, ("ci", "audience", "claims", "cloud-build"))
    return Job(
        issuer,
        issuer.claims,
        issuer.environment,
        mapping(given.get("claims", {}), f"{where}.claims"),
        text(given["audience"], f"{where}.audience") if "audience" in given else "",
        issuer.default_audience,
        flag(given.get("cloud-build", False), f"{where}.cloud-build"),
    )


@dataclass(frozen=True)
class Issuer:
    """An issuer of ID tokens. `issuer_path`: below `/oidc/`. `lifetime`: seconds that an ID token is valid.

    `claims` and `environment`: of an example job. `files`: what the CI writes before the job begins, by absolute path.
    `endpoint`: how a job requests ID tokens over HTTP, if it can. `discovery`: members of the discovery document that
    the other issuers do not have. `read_job`: reads a job of this issuer from its description.
    """

    name: str
    issuer_path: str
    claims: Callable[[str], Claims]
    environment: Callable[[Handout], Mapping[str, str]]
    lifetime: int = 300
    audience_is_a_list: bool = False
    default_audience: str = ""
    files: Callable[[Handout], Mapping[str, str]] = field(default=lambda _handout: {})
    endpoint: Endpoint | None = None
    discovery: Mapping[str, object] = field(default_factory=dict)
    read_job: Callable[[Issuer, Mapping[str, Any], str], Job] = read_example_job
