"""What every CI is here: an issuer's path, the claims of its ID tokens, and the environment of its jobs.

Pure values. A CI must not know who reads its tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Claims = Mapping[str, Any]


@dataclass(frozen=True)
class Endpoint:
    """How a CI's endpoint wants to be asked for an ID token, and how it answers.

    `bearer`: whether the Authorization header says "Bearer" before the request token, or must not. `answer`: the JSON
    object around an ID token. `api_version`: in the query of the URL that a job is told, if that has one;
    `needs_api_version`: whether a request that leaves it out is refused.
    """

    bearer: bool
    answer: Callable[[str], Mapping[str, object]]
    api_version: str = ""
    needs_api_version: bool = False

    def url(self, issuer: str) -> str:
        """Give the URL that a job is told."""
        return f"{issuer}/idtoken" + (f"?api-version={self.api_version}" if self.api_version else "")


@dataclass(frozen=True)
class Handout:
    """What a job is given to come to an ID token, whichever of it the CI uses.

    `token`: one that was issued before the job began. `url` and `secret`: an endpoint that mints, and what it asks
    for. `authority`: the host and port of the metadata server. `path`: a PATH that has the CI's commands.
    """

    token: str
    url: str
    secret: str
    authority: str
    path: str


@dataclass(frozen=True)
class Ci:
    """A CI. `issuer_path`: below `/oidc/`. `lifetime`: seconds that an ID token lives.

    `claims`: those of an example job, without the times and the audience; a job's own are merged over them. `files`:
    what the CI writes before the job begins, by its absolute path. `default_audience`: of a token that is issued before
    the job begins, where nobody chose another; the hub's own URL if empty. `endpoint`: where ID tokens are asked for
    over HTTP, if the CI has that.
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
