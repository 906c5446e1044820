"""Makes foreign text safe to display: bounded, isolated, with hidden characters as code points.

Pure: text in, markup out. Anyone can send names and claims.
"""

import unicodedata
from datetime import datetime, timezone

from markupsafe import Markup

from local_hub.hub.log import RFC_3339, rfc3339

SHOWN_CHARACTERS = 300
LONGEST_LINE = 2000
# Controls, formats (bidi among them), surrogates, private use, unassigned, and every separator but the space.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
_LATEST_DIGITS = 10  # until the year 2286
_CODE = Markup('<span class="code-point">U+{:04X}</span>')
_NOTE = Markup('<span class="code-point">{}</span>')


def is_hidden(character: str) -> bool:
    """Return whether a character is invisible, or changes how others are displayed."""
    return character != " " and unicodedata.category(character) in _HIDDEN


def is_plain(text: str) -> bool:
    """Return whether a text displays as what it is."""
    return text == text.strip(" ") and len(text) <= SHOWN_CHARACTERS and not any(map(is_hidden, text))


def visible(value: object, limit: int = SHOWN_CHARACTERS) -> Markup:
    """Return a text with hidden characters and outer spaces as code points; a long text is cut."""
    text = str(value)
    if not text:
        return _NOTE.format("empty")
    bare = text.strip(" ")
    start = text.find(bare)
    ends = set(range(start)) | set(range(start + len(bare), len(text)))
    shown = (
        _CODE.format(ord(character)) if number in ends or is_hidden(character) else Markup.escape(character)
        for number, character in enumerate(text[:limit])
    )
    cut = Markup("…") + _NOTE.format("cut here") if len(text) > limit else Markup()
    # <bdi> isolates right-to-left text from its surroundings.
    return Markup("<bdi>{}{}</bdi>").format(Markup().join(shown), cut)


def source_line(line: str) -> Markup:
    """Return a line of a file with its indentation; a tab is four spaces."""
    line = line[: LONGEST_LINE + 1].replace("\t", "    ")
    text = line.lstrip(" ")
    shown = visible(text, LONGEST_LINE) if text else Markup()
    return Markup("{}{}").format(" " * (len(line) - len(text)), shown)


def numeric_date(seconds: str) -> Markup:
    """Return a NumericDate (RFC 7519 § 2) in readable form; nothing if it is not one, or too far in the future."""
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= _LATEST_DIGITS):
        return Markup()
    return moment(rfc3339(int(seconds)))


def moment(at: str | None) -> Markup:
    """Return an RFC 3339 time in readable form, in UTC."""
    if not at:
        return Markup("never")
    at = at.replace(".000Z", "Z")  # the Hub writes the time of a commit with milliseconds
    read = datetime.strptime(at, RFC_3339).replace(tzinfo=timezone.utc)
    shown = f"{read.day} {read:%b %Y, %H:%M:%S} UTC"
    return Markup('<time datetime="{}">{}</time>').format(at, shown)
