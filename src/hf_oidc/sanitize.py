"""Makes foreign text (from a server, a claim, an input, a file) safe to print in a log.

The result cannot start a command of any CI, and contains no token and no password of a URL. `sanitize_line` also keeps
it on one line and bounds its length.

What could be a token is hidden. Most tokens have a known prefix. A token that was cut or encoded has none, but its
letters and digits are random, so the kind of character (upper case, lower case, digit) changes often. Names consist of
whole words and numbers, so it changes rarely. Length says nothing: paths and hashes are long too.
Of random words of 64 characters, one in 15,000 has fewer changes than `MAX_CHANGES`. Of 900,000 names of packages,
seven have as many, and these look random too.
"""

from __future__ import annotations

import re
import unicodedata

from hf_oidc.secret import MASK

MAX_CHARACTERS = 300
TOKEN = re.compile(
    r"hf_(jwt|oauth)_."  # access tokens from the Hub's exchange
    r"|hf_[A-Za-z0-9]{30}"  # user access tokens
    r"|(?<![A-Za-z])eyJ[\w-]+\.|eyJ[\w-]{40}",  # the header or the claims of a JWT: base64url of `{"`
    re.ASCII,
)
MAX_CHANGES = 12
PIECE = re.compile(r"[A-Za-z0-9]+")
# The digits of a hash (SHA-256) are random too, but not secret. Hashes and UUIDs have letters of one case only.
LONGEST_HASH = 64
# Upper case followed by lower case does not count: words in names begin like that.
CHANGE = re.compile(r"(?=[a-z][A-Z0-9]|[A-Z][0-9]|[0-9][A-Za-z])")
# A URL's user information begins after the scheme and ends at the last `@`, which may be percent-encoded.
AT = re.compile(r".*(@|%40)", re.DOTALL)
# Strings, not compiled patterns: few texts have user information, and compiling them would slow down every login.
SCHEME = r"(?i)://|\bhttps?:/*"
# The digest of an image: its `@` does not end user information.
DIGEST = r"@sha(?:256|384|512):[0-9a-f]{32,128}\b"
# `user:password@host` without a scheme. The host has a path or a port after it, or is a whole name such as example.org.
# Words with these labels have the same form: `mailto:a@example.org`, `npm:react@next/x`, a subject of GitHub such as
# `repo:acme@12/training@34:ref:x`. A host has a letter or is an address: `1.2` is a version.
LABELS = "mailto|e-?mail|mail|contact|author|maintainer|from|to|cc|sip|sips|xmpp|acct|npm|jsr|pkg|node|repo"
USER_INFORMATION = (
    rf"(?ai)(?<![\w.+%:@/-])(?!(?:{LABELS}):)[\w.+%-]{{1,64}}:[^\s/@]{{1,256}}@"
    r"(?=[\w-]*[a-z][\w.-]*(?:/|:\d{1,5}(?!\w))|\d+(?:\.\d+){3}(?!\w)|(?:[\w-]+\.)+[a-z]{2,}(?![\w@]))"
)
# Two colons may begin a command of GitHub, `::name::` or `::name key=`, where the name is letters. They are harmless in
# an IPv6 address, an ARN of AWS or an ARI of Atlassian (`ari:cloud:bitbucket::workspace/x`).
COLONS = re.compile(r"(?P<harmless>\[[0-9A-Fa-f:.]+\]|(?<=[a-z])::(?=[0-9]|[a-z]+/))|:(?=:)")
# `##[name]` (GitHub), `##vso[…]` (Azure Pipelines) and `##teamcity[…]` are commands anywhere in a line.
NUMBER_SIGN = re.compile(r"#(?=[^\s#\[]*\[)")
# Invisible characters outside the category Cf (Unicode's Default_Ignorable_Code_Point). The agents of GitHub and Azure
# are written in .NET, whose culture-sensitive comparisons skip them.
# A string, as above: most text is ASCII.
INVISIBLE = "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"


def sanitize_line(text: str, limit: int = MAX_CHARACTERS) -> str:
    """`text`, sanitized, on one line of at most `limit` characters."""
    line = " ".join(sanitize(text[: limit * 8]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def sanitize(text: str) -> str:
    """`text`, which may have several lines, without control characters, tokens, passwords of URLs and CI commands."""
    seen = text
    if not (
        text.isascii() and text.replace("\n", "").isprintable()
    ):  # most text is, and needs no look at each character
        seen = "".join(
            character if character == "\n" else _visible(character) for character in re.sub(INVISIBLE, "", text)
        )
    seen = re.sub(r"\S+", lambda word: _without_secrets(word[0]), seen)
    return NUMBER_SIGN.sub("# ", COLONS.sub(lambda colons: colons["harmless"] or ": ", seen))


def hides_part_of(text: str) -> bool:
    """Whether `sanitize` hides a token or a password in `text`."""
    return any(_without_secrets(word) != word for word in text.split())


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf":  # joiners, bidi marks: removed, so that they cannot split a token
        return ""
    # Zl and Zp are line and paragraph breaks; the other C* controls, surrogates, private use.
    return " " if category[0] == "C" or category in {"Zl", "Zp"} else character


def _without_secrets(word: str) -> str:
    if user := AT.match(word):
        end = user.start(1)
        # Only the last `@`: what precedes another one may be user information.
        word, rest = (word[:end], word[end:]) if re.match(DIGEST, word[end:]) else (word, "")
        if (user := AT.match(word)) and (scheme := re.search(SCHEME, user[0])):
            word = f"{word[: scheme.end()]}{MASK}@{word[user.end() :]}"
        elif user:
            word = re.sub(USER_INFORMATION, f"{MASK}@", word)
        word += rest
    if TOKEN.search(word):
        return MASK
    # How often the kind of character changes, hashes not counted.
    mixed = (
        piece for piece in PIECE.findall(word) if len(piece) > LONGEST_HASH or not (piece.islower() or piece.isupper())
    )
    return MASK if sum(len(CHANGE.findall(piece)) for piece in mixed) >= MAX_CHANGES else word
