"""The ways in which CIs hand out ID tokens: an endpoint, a command, a variable.

Which CI has which, its own module says. What comes out is one word of ASCII or an error; nothing of it is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

from hf_oidc.command import NotRun
from hf_oidc.errors import AudienceMismatch, IdTokenNotDeclared, IdTokenRequestFailed
from hf_oidc.http_message import NoResponse, Request, Response
from hf_oidc.providers._base import CanMint, CannotMint, Means
from hf_oidc.secret import Secret
from hf_oidc.untrusted_text import shown


def transient(response: Response) -> bool:
    """Whether another try may be answered better."""
    return response.status == 429 or response.status >= 500


def from_endpoint(
    means: Means, request: Request, member: str, owner: str, may_pass: Callable[[Response], bool] = transient
) -> Secret:
    """The `member` of the JSON object that `owner` answers with. Raises what `Transport.send` raises, too."""
    response = answered(means.transport.send(request), owner, may_pass)
    return word((response.json_object() or {}).get(member), f"The answer of {owner}", response)


def answered(response: Response | NoResponse, owner: str, may_pass: Callable[[Response], bool] = transient) -> Response:
    """The answer of `owner`, if it is a good one. Raises `IdTokenRequestFailed`."""
    if isinstance(response, NoResponse):
        problem = f"{owner} {'gave no answer' if response.passing else 'was not reached'}: {response.reason}"
        raise IdTokenRequestFailed(problem, response.where, passing=response.passing)
    if response.status != 200:
        raise IdTokenRequestFailed(f"{owner} gave no ID token", response.where, passing=may_pass(response))
    return response


def with_audience(url: str, audience: str) -> str:
    """`url` with the audience in its query, which may have begun there (`?api-version=2.0`) and must stay."""
    return f"{url}{'&' if '?' in url else '?'}audience={quote(audience, safe='')}"


def from_command(means: Means, command: Sequence[str]) -> Secret:
    """The standard output of a command that ended well; it may be a token, whole or in part."""
    name = " ".join(part for part in command[:2] if part.isalpha() or "-" in part)
    done = means.run(command)
    if isinstance(done, NotRun):
        raise IdTokenRequestFailed(f"The command `{name}` {done.reason}", passing=done.passing)
    if done.exit_code != 0:
        said = shown(done.stderr)
        problem = f"The command `{name}` ended with exit code {done.exit_code}"
        raise IdTokenRequestFailed(f'{problem}: "{said}"' if said else problem, passing=False)
    return Secret(done.stdout)


def from_variable(env: Mapping[str, str], names: Sequence[str], owner: str) -> CanMint | CannotMint:
    """The token that the CI has put into the first of these variables, before the job has begun."""
    token = next(filter(None, (env.get(name, "").strip() for name in names)), "")
    if token:
        secret = Secret(token)
        return CanMint(lambda _audience, _means: secret, again=False, until_expiry_of=secret)
    problem = f"{owner} gave this job no ID token: there is no `{'` and no `'.join(names)}`"
    return CannotMint(lambda _read_file: IdTokenNotDeclared(problem))


def word(value: object, source: str, response: Response | NoResponse | None = None) -> Secret:
    """`value` as a token, if it can be one."""
    token = Secret(value.strip() if isinstance(value, str) else "")
    del value  # a logger that shows the variables of a traceback would show it
    if not _is_word(token.reveal()):
        raise IdTokenRequestFailed(f"{source} holds no ID token", response and response.where, passing=False)
    return token


def refused(owner: str, audience: str) -> CannotMint:
    """`owner` gives ID tokens for `audience` alone, in words."""
    problem = f"The ID tokens of {owner} are for {audience}, and nobody can choose another audience"
    return CannotMint(lambda _read_file: AudienceMismatch(problem, ""))


def _is_word(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text and text != ""
