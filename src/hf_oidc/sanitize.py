"""Text that somebody else wrote (a server, a claim, an input, a file), made fit to be shown in a log.

It stays on one line, is bounded, starts no command of any CI, and holds no token and no password of a URL. This module
does not know where it is shown.

What is hidden is what can be a token. Most tokens say so at their beginning. One that was cut or encoded does not, but
chance has mixed its letters and digits: kinds of characters (upper case, lower case, digits) change all the time. In
what people name, words and numbers stand whole. So the changes are counted, and length alone tells nothing: paths,
hashes, pinned workflows and names of repositories are long too. Of random words of 64 characters, one in 15,000
has fewer changes than `MAX_CHANGES`; of 900,000 names of packages, seven have as many, and these look random too.
"""

from __future__ import annotations

import re
import unicodedata

from hf_oidc.secret import MASK

MAX_CHARACTERS = 300
TOKEN = re.compile(
    r"hf_(jwt|oauth)_."  # what the Hub's exchange gives
    r"|hf_[A-Za-z0-9]{30}"  # its tokens of users
    r"|(?<![A-Za-z])eyJ[\w-]+\.|eyJ[\w-]{40}",  # the header or the claims of a JWT: base64url of `{"`
    re.ASCII,
)
MAX_CHANGES = 12
PIECE = re.compile(r"[A-Za-z0-9]+")
# The digits of a hash (SHA-256) are mixed by chance too, and no secret. They are of one case, and so are UUIDs.
LONGEST_HASH = 64
# From upper to lower case is none: words of names begin so.
CHANGE = re.compile(r"(?=[a-z][A-Z0-9]|[A-Z][0-9]|[0-9][A-Za-z])")
# A URL's user information begins behind a scheme, however written, and ends at the last `@`, which may be encoded.
AT = re.compile(r".*(@|%40)", re.DOTALL)
SCHEME = re.compile(r"://|\bhttps?:/*", re.IGNORECASE)
# Two colons may begin a command of GitHub's, `::name::` or `::name key=`, whose name is letters. Those in an IPv6
# address, in an ARN of AWS and in an ARI of Atlassian, `ari:cloud:bitbucket::workspace/x`, begin none.
COLONS = re.compile(r"(?P<harmless>\[[0-9A-Fa-f:.]+\]|(?<=[a-z])::(?=[0-9]|[a-z]+/))|:(?=:)")
# `##[name]` (GitHub), `##vso[…]` (Azure Pipelines) and `##teamcity[…]` are commands anywhere in a line.
NUMBER_SIGN = re.compile(r"#(?=[^\s#\[]*\[)")
# What nobody sees (Unicode's Default_Ignorable_Code_Point, beyond the category Cf). A comparison by culture, as .NET
# has it, skips them, and the agents of GitHub and Azure are written in .NET.
INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")


def sanitize_line(text: str, limit: int = MAX_CHARACTERS) -> str:
    """`text` sanitized, on one line of at most `limit` characters."""
    line = " ".join(sanitize(text[: limit * 8]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def sanitize(text: str) -> str:
    """`text`, of one line or more, without control characters, tokens, passwords of URLs, and commands of any CI."""
    seen = "".join(character if character == "\n" else _visible(character) for character in INVISIBLE.sub("", text))
    seen = re.sub(r"\S+", lambda word: _without_secrets(word[0]), seen)
    return NUMBER_SIGN.sub("# ", COLONS.sub(lambda colons: colons["harmless"] or ": ", seen))


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf":  # joiners, bidi marks: dropped, so that they cannot break a token into short words
        return ""
    # Zl and Zp are line and paragraph breaks; the other C* controls, surrogates, private use.
    return " " if category[0] == "C" or category in {"Zl", "Zp"} else character


def _without_secrets(word: str) -> str:
    if (user := AT.match(word)) and (scheme := SCHEME.search(word, 0, user.end())):
        word = f"{word[: scheme.end()]}{MASK}@{word[user.end() :]}"
    return MASK if TOKEN.search(word) or _changes(word) >= MAX_CHANGES else word


def _changes(word: str) -> int:
    """How often two neighbours are of different kinds, where that is not the way of hashes."""
    mixed = (
        piece for piece in PIECE.findall(word) if len(piece) > LONGEST_HASH or not (piece.islower() or piece.isupper())
    )
    return sum(len(CHANGE.findall(piece)) for piece in mixed)
