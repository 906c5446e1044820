"""Configures git, through environment variables, to use the tokens for the Hub. The configuration holds no token.

https://git-scm.com/docs/git-config#ENVIRONMENT, https://git-scm.com/docs/gitcredentials. A helper reads its token when
git asks: from a variable of its environment, or from a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from hf_oidc.errors import DeliveryFailed
from hf_oidc.token_request import TokenRequest

COUNT = "GIT_CONFIG_COUNT"
# `git -c` gives its settings in this variable to the programs that git starts, a hook or an alias. git reads it last.
PARAMETERS = "GIT_CONFIG_PARAMETERS"
# The start of our helpers, by which a later step recognises them.
OURS = "!hf_oidc() { "
HELPER = '{ours}test "$1" = get || exit 0; {unless}token=$({tell}); test -z "$token" || {answer}; }}; hf_oidc'
# The Hub accepts any user name with a token.
ANSWER = "printf 'username=hf_user\\npassword=%s\\n' \"$token\""
# With `useHttpPath`, git gives the path to the helper. The path is then that of another repository, because each of our
# repositories has a separate helper.
UNLESS_PATH = "while read -r line; do case $line in path=?*) exit 0;; esac; done; "


class Credential(NamedTuple):
    """A token for a repository. `path`: the path of the repository on the Hub; empty: any repository.

    `tell`: shell commands that print the token. Only a shell builtin may have the token as an argument.
    """

    path: str
    tell: str


def in_variable(name: str) -> str:
    """Shell commands that print the environment variable `name`."""
    return f'printf %s "${{{name}-}}"'


def in_file(variable: str) -> str:
    """Shell commands that print the file that the environment variable `variable` names."""
    return f'cat "${variable}"'


def configuration_for(
    requests: Iterable[TokenRequest],
    hub_url: str,
    env: Mapping[str, str],
    tell: Callable[[str], str] = in_variable,
) -> dict[str, str]:
    """The variables that let git use a token for each request; `tell` takes its name. Raises `DeliveryFailed`."""
    return configuration(hub_url, credentials(requests, tell), env)


def credentials(requests: Iterable[TokenRequest], tell: Callable[[str], str]) -> list[Credential]:
    """A credential for each request; `tell` takes its name. A user's token comes first: it is for any repository."""
    found = [
        Credential("" if each.resource.kind == "user" else each.resource.path, tell(each.name)) for each in requests
    ]
    return sorted(found, key=lambda credential: credential.path != "")


def configuration(hub_url: str, credentials: Sequence[Credential], env: Mapping[str, str]) -> dict[str, str]:
    """The variables that extend the configuration in `env`. Raises `DeliveryFailed`.

    Each repository has a separate token, whether one step or several log in. The first token is also used when git does
    not name a repository; git-xet never does.
    """
    count = env.get(COUNT, "").strip() or "0"
    if not (count.isascii() and count.isdigit() and len(count) <= 4):
        raise DeliveryFailed(f"`{COUNT}` is not a number, so git's configuration cannot be extended", "git")
    first = int(count)
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
    """All settings for the Hub, including the helpers of earlier steps.

    An empty helper makes git forget all helpers before it. It is always written, followed by ours: since the last login
    a step may have configured `store`, which would write the token to a file.
    """
    everywhere = [each for each in credentials if not each.path] or credentials[:1]
    # A helper of an earlier step comes first. Ours is used if that one has no token any more.
    helpers = [helper for url, helper in earlier if url == hub_url]
    helpers += [_helper(each, "" if not each.path else UNLESS_PATH) for each in everywhere]
    yield f"credential.{hub_url}.helper", ""
    for helper in dict.fromkeys(helpers):
        yield f"credential.{hub_url}.helper", helper
    own = {url: helper for url, helper in earlier if url != hub_url}
    for each in credentials:
        # git-lfs appends `.git` to the name.
        own |= {f"{hub_url}/{each.path}{ending}": _helper(each) for ending in ("", ".git") if each.path}
    for url, helper in own.items():
        # Not for the whole Hub, where it would break git-xet. But git-lfs needs it to name the repository.
        yield f"credential.{url}.useHttpPath", "true"
        yield f"credential.{url}.helper", ""
        yield f"credential.{url}.helper", helper


def _helper(credential: Credential, unless: str = "") -> str:
    return HELPER.format(ours=OURS, unless=unless, tell=credential.tell, answer=ANSWER)


def _earlier(hub_url: str, env: Mapping[str, str], count: int) -> list[tuple[str, str]]:
    """The helpers of earlier steps, each with the URL of the Hub or of a repository there."""
    settings = [
        (env.get(f"GIT_CONFIG_KEY_{number}", ""), env.get(f"GIT_CONFIG_VALUE_{number}", "")) for number in range(count)
    ]
    return [
        (key.removeprefix("credential.").removesuffix(".helper"), value)
        for key, value in settings
        if key == f"credential.{hub_url}.helper" or key.startswith(f"credential.{hub_url}/")
        if value.startswith(OURS)
    ]
