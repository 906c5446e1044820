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
# What `git -c` hands on to the programs that git starts, a hook or an alias. git reads it last.
PARAMETERS = "GIT_CONFIG_PARAMETERS"
# How a helper of ours begins: by its name, a later step knows it again.
OURS = "!hf_oidc() { "
HELPER = '{ours}test "$1" = get || exit 0; {unless}token=$({tell}); test -z "$token" || {answer}; }}; hf_oidc'
# The Hub takes any name beside a token.
ANSWER = "printf 'username=hf_user\\npassword=%s\\n' \"$token\""
# git names the path to a helper where `useHttpPath` is set for it. It is then another repository's: one of ours has a
# helper of its own.
UNLESS_PATH = "while read -r line; do case $line in path=?*) exit 0;; esac; done; "


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
    other's way. The first is also the answer where git names no repository, as git-xet never does.
    """
    first = _count(env)
    settings = list(_settings(hub_url, credentials, _earlier(hub_url, env, first)))
    variables = {COUNT: str(first + len(settings))}
    for number, (key, value) in enumerate(settings, first):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    if parameters := env.get(PARAMETERS):
        # A helper in it would be named after ours were, and be given the token.
        variables[PARAMETERS] = " ".join([parameters, *(f"{_quoted(key)}={_quoted(value)}" for key, value in settings)])
    return variables


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _settings(
    hub_url: str, credentials: Sequence[Credential], earlier: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """All that is to be known of the Hub, the helpers of earlier steps too.

    An empty helper makes git forget the helpers named before it. So it is always written, and ours anew: a step may
    have named `store` since the last login, which would write the token to a file.
    """
    everywhere = [each for each in credentials if not each.path] or credentials[:1]
    # One of an earlier step goes before, and this one is asked where that has no token any more.
    helpers = [helper for url, helper in earlier if url == hub_url]
    helpers += [_helper(each, "" if not each.path else UNLESS_PATH) for each in everywhere]
    yield f"credential.{hub_url}.helper", ""
    for helper in dict.fromkeys(helpers):
        yield f"credential.{hub_url}.helper", helper
    own = {url: helper for url, helper in earlier if url != hub_url}
    for each in credentials:
        # git-lfs adds to the name with `.git`.
        own |= {f"{hub_url}/{each.path}{ending}": _helper(each) for ending in ("", ".git") if each.path}
    for url, helper in own.items():
        # Not for the whole Hub: it would keep git-xet from its answer. git-lfs names no repository without it.
        yield f"credential.{url}.useHttpPath", "true"
        yield f"credential.{url}.helper", ""
        yield f"credential.{url}.helper", helper


def _helper(credential: Credential, unless: str = "") -> str:
    return HELPER.format(ours=OURS, unless=unless, tell=credential.tell, answer=ANSWER)


def _earlier(hub_url: str, env: Mapping[str, str], count: int) -> list[tuple[str, str]]:
    """The helpers of earlier steps, each with its URL: the Hub's, or that of a repository there."""
    settings = [
        (env.get(f"GIT_CONFIG_KEY_{number}", ""), env.get(f"GIT_CONFIG_VALUE_{number}", "")) for number in range(count)
    ]
    return [
        (key.removeprefix("credential.").removesuffix(".helper"), value)
        for key, value in settings
        if key == f"credential.{hub_url}.helper" or key.startswith(f"credential.{hub_url}/")
        if value.startswith(OURS)
    ]


def _count(env: Mapping[str, str]) -> int:
    count = env.get(COUNT, "").strip() or "0"
    if not (count.isascii() and count.isdigit() and len(count) <= 4):
        raise DeliveryFailed(f"`{COUNT}` is not a number, so git's configuration cannot be added to", "git")
    return int(count)
