"""Text that somebody else wrote (a server, a claim, an input), made fit to be shown in a log.

It stays on one line, is bounded, starts no workflow command, and holds no word long enough to be a token. This
module does not know where it is shown.
"""

from __future__ import annotations

import re
import unicodedata

from hf_oidc.secret import MASK

MAX_CHARACTERS = 300
# A JWT, whole or its signature alone, raw or encoded, has more characters than this; request ids, repository names
# and words of any language have fewer. A Hugging Face token can be shorter, but says so at its beginning.
MAX_WORD = 64
# The name of a repository, as the Hub writes it: up to 96 characters a part, and not of a shape that a token has.
REPOSITORY = r"(?a)[\"'(]*([a-z]+/)?[\w.-]{1,96}/[\w.-]{1,96}[\"').,:;]*"
HUB_TOKEN = r"hf_\w{6,}"
TOKEN = rf"{HUB_TOKEN}|eyJ[\w-]+\."
# Two colons may begin a workflow command, `::name::` or `::name key=`, whose name is letters. Those in an ARN of AWS
# and in an ARI of Atlassian, `arn:aws:iam::123:role` and `ari:cloud:bitbucket::workspace/x`, begin none.
COLONS = re.compile(r"(?<=[a-z])::(?=[0-9]|[a-z]+/)|:(?=:)")


def shown(text: str, limit: int = MAX_CHARACTERS) -> str:
    """`text` on one line of at most `limit` characters, without control, format and bidi characters, and no token."""
    words = "".join(map(_visible, text[: limit * 8])).split()
    return _bounded(" ".join(_not_a_token(word) for word in words), limit)


def shown_input(text: str, limit: int = 200) -> str:
    """The same for what the workflow itself says: its runner prints it anyway, so a long path is shown."""
    words = "".join(map(_visible, text[: limit * 8])).split()
    return _bounded(" ".join(MASK if re.search(TOKEN, word) else word for word in words), limit)


def no_command(line: str) -> str:
    """`line` without two colons that a runner could take for a command."""
    return COLONS.sub(lambda colons: colons[0] if colons[0] == "::" else ": ", line)


def _bounded(line: str, limit: int) -> str:
    # actions/runner (ActionCommand.cs) looks for its older command form `##[name]` anywhere in a line, and for
    # `::name::` at the beginning of one.
    line = no_command(line.replace("##[", "## ["))
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf":  # joiners, bidi marks: dropped, so that they cannot break a token into short words
        return ""
    # Zl and Zp are line and paragraph breaks; the other C* controls, surrogates, private use.
    return " " if category[0] == "C" or category in {"Zl", "Zp"} else character


def _not_a_token(word: str) -> str:
    too_long = len(word) > MAX_WORD and not re.fullmatch(REPOSITORY, word)
    return MASK if too_long or re.search(HUB_TOKEN, word) else word
