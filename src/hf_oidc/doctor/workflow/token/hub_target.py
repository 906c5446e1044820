"""What a step does with the Hub, as data: a use of the Hub, the repository that it names, and where its token is from.

It reads no file and no script. `commands_of_hub`, `inline_python` and `targets` find the uses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from hf_oidc.errors import InvalidResource
from hf_oidc.hub.resource import KIND_OF_PREFIX, Kind, Resource

PREFIX: Mapping[str, str] = {kind: f"{prefix}/" for prefix, kind in KIND_OF_PREFIX.items()}
KINDS: Mapping[str, Kind] = {kind: kind for kind in get_args(Kind) if kind != "user"}
# To `read` a public repository needs no token. `variable`: a script reads HF_TOKEN itself, for whatever it does.
Right = Literal["read", "write", "variable"]
# The user information of a git URL may hold an expression, which has blanks.
HUB_URL = re.compile(
    r"https?://(?:(?P<user>(?:\$\{\{[^}]*\}\}|[^/\s@])*)@)?(?:www\.)?(?:huggingface|hf)\.co(?::443)?/(?P<path>[^\s?#'\"]*)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Target:
    """A repository on the Hub. `kind` is None if the step does not tell it, as in `push_to_hub("acme/model")`."""

    kind: Kind | None
    name: str

    def __str__(self) -> str:
        return f"{PREFIX.get(self.kind or '', '')}{self.name}"

    @property
    def resource(self) -> Resource | None:
        """The resource to log in for, if the kind is known."""
        return Resource(self.kind, str(self)) if self.kind else None

    def may_be(self, resource: Resource) -> bool:
        """Whether `resource` may be this repository, as far as this is known."""
        return self.has_name_of(resource) and self.kind in {None, resource.kind}

    def has_name_of(self, resource: Resource) -> bool:
        """Whether `resource` is a repository of the same name, perhaps of another kind. The Hub ignores the case."""
        return resource.path.removeprefix(PREFIX.get(resource.kind, "")).lower() == self.name.lower()


@dataclass(frozen=True)
class Given:
    """Where a use takes its token from, if this is not the environment of the step.

    `text`: a text such as `$TOKEN`. `exchange`: HF_OIDC_RESOURCE is this. `login`: `hf-oidc` with these resources, one
    per line. `git`: what git has for the Hub.
    """

    kind: Literal["text", "exchange", "login", "git"]
    text: str = ""


@dataclass(frozen=True)
class Use:
    """A use of the Hub. `what`: the command, call or action. `target`: None if unknown.

    `right`: what it does there. `beyond`: what a token for a single
    repository cannot do, if it is that. `saved`: the token that an earlier `hf auth login` stored, which counts if
    the environment has none. `at`: the number of the command in its script.
    """

    what: str
    right: Right
    target: Target | None = None
    given: Given | None = None
    beyond: str = ""
    saved: str = ""
    at: int = 0


def target_of(repository: str, kind: str | None = "model") -> Target | None:
    """Returns the target that `repository` names: `namespace/name`, with the prefix of its kind or without.

    `kind`: of one without a prefix. Returns None for anything else, such as a variable.
    """
    text = repository.strip().strip("/").removesuffix(".git")
    prefix, _, rest = text.partition("/")
    if prefix in KIND_OF_PREFIX and "/" in rest:
        text, kind = rest, KIND_OF_PREFIX[prefix]
    # `./model` and `../model` are paths.
    if any(part.startswith((".", "-")) for part in text.split("/")):
        return None
    try:
        named = Resource.parse(text)
    except InvalidResource:
        return None
    # The Hub adds the namespace of the token's user to a single word.
    return Target(KINDS.get(kind or ""), text) if named.kind == "model" else None


def target_of_url(url: str) -> Target | None:
    """Returns the repository in a URL of the Hub, such as `https://huggingface.co/spaces/acme/demo`."""
    match = HUB_URL.match(url) or re.match(r"hf://(?P<path>[^\s?#'\"]*)", url)
    if not match:
        return None
    path = match["path"].removeprefix("api/").removeprefix("models/")
    parts = path.split("/")
    count = 3 if parts[0] in KIND_OF_PREFIX else 2
    return target_of("/".join(parts[:count])) if len(parts) >= count else None
