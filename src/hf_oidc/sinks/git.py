"""git's configuration, in environment variables: whom it asks for the Hub's tokens. No token is in it.

https://git-scm.com/docs/git-config#ENVIRONMENT, https://git-scm.com/docs/gitcredentials. A helper reads its token when
git asks: from a variable of its environment, or from a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from hf_oidc.errors import DeliveryFailed
from hf_oidc.wanted import Wanted

COUNT = "GIT_CONFIG_COUNT"
# The Hub takes any name beside a token.
OURS = '!f() { test "$1" = get || exit 0; token=$('
HELPER = '{ours}{tell}); test -z "$token" || {answer}; }}; f'
ANSWER = "printf 'username=hf_user\\npassword=%s\\n' \"$token\""


class Credential(NamedTuple):
    """Which token is for which repository. `path`: the repository's below the Hub's URL; empty if for any.

    `tell`: commands of a shell that print the token. None may have it as an argument, unless it is the shell's own.
    """

    path: str
    tell: str


def in_variable(name: str) -> str:
    """The commands that print the environment variable `name`."""
    return f'printf %s "${{{name}-}}"'


def in_file(variable: str) -> str:
    """The commands that print the file that the environment variable `variable` has the path of."""
    return f'cat "${variable}"'


def credentials(wanted: Iterable[Wanted], tell: Callable[[str], str]) -> list[Credential]:
    """One for each; `tell` makes the commands from its name. A user's token comes first: it is for all the others."""
    found = [Credential("" if each.resource.kind == "user" else each.resource.path, tell(each.name)) for each in wanted]
    return sorted(found, key=lambda credential: credential.path != "")


def configuration(hub_url: str, credentials: Sequence[Credential], env: Mapping[str, str]) -> dict[str, str]:
    """The variables that add to the configuration which `env` has already. Raises `DeliveryFailed`.

    A repository has its own token, so that those of several repositories, of one step or of many, do not come in each
    other's way. The first is also the answer for all else on the Hub: git-xet names no repository when it asks.
    """
    first = _count(env)
    settings = list(_settings(hub_url, credentials, is_first=not _is_there(hub_url, env)))
    variables = {COUNT: str(first + len(settings))}
    for number, (key, value) in enumerate(settings, first):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return variables


def _settings(hub_url: str, credentials: Sequence[Credential], *, is_first: bool) -> Iterator[tuple[str, str]]:
    everywhere = [each for each in credentials if not each.path] or credentials[:1]
    # An empty helper forgets the helpers named before it: `store` would write the token to a file.
    if is_first:
        yield f"credential.{hub_url}.helper", ""
    # One of an earlier step goes before, and this one is asked where that has no token any more.
    for credential in everywhere:
        yield f"credential.{hub_url}.helper", _helper(credential)
    for credential in credentials:
        # Not for the whole Hub: it would keep git-xet from its answer. git-lfs names no repository without it.
        for url in [f"{hub_url}/{credential.path}{ending}" for ending in ("", ".git") if credential.path]:
            yield f"credential.{url}.useHttpPath", "true"
            yield f"credential.{url}.helper", ""
            yield f"credential.{url}.helper", _helper(credential)


def _helper(credential: Credential) -> str:
    return HELPER.format(ours=OURS, tell=credential.tell, answer=ANSWER)


def _is_there(hub_url: str, env: Mapping[str, str]) -> bool:
    """Whether an earlier step has answered for the whole Hub."""
    keys = (
        number for number in range(_count(env)) if env.get(f"GIT_CONFIG_KEY_{number}") == f"credential.{hub_url}.helper"
    )
    return any(env.get(f"GIT_CONFIG_VALUE_{number}", "").startswith(OURS) for number in keys)


def _count(env: Mapping[str, str]) -> int:
    count = env.get(COUNT, "").strip() or "0"
    if not (count.isascii() and count.isdigit() and len(count) <= 4):
        raise DeliveryFailed(f"`{COUNT}` is not a number, so git's configuration cannot be added to", "git")
    return int(count)
