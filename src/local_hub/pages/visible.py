"""Others' text made fit to be seen: bounded, isolated, with what hides itself spelled out.

Names and claims come from whoever sent them. Pure: text in, markup out; it must not know what the text means.
"""

import unicodedata
from datetime import datetime, timezone

from markupsafe import Markup

SHOWN_CHARACTERS = 300
# Controls, formats (bidi among them), surrogates, private use, unassigned, and every separator but the space.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
_RFC_3339 = "%Y-%m-%dT%H:%M:%SZ"
_LATEST_DIGITS = 10  # until the year 2286
_CODE = Markup('<span class="code-point">U+{:04X}</span>')
_NOTE = Markup('<span class="code-point">{}</span>')


def is_hidden(character: str) -> bool:
    """Say whether a character cannot be seen, or changes how others are seen."""
    return character != " " and unicodedata.category(character) in _HIDDEN


def is_plain(text: str) -> bool:
    """Say whether what is seen of a text is what it is."""
    return text == text.strip(" ") and len(text) <= SHOWN_CHARACTERS and not any(map(is_hidden, text))


def visible(value: object, limit: int = SHOWN_CHARACTERS) -> Markup:
    """Give a text in full view: hidden characters, and spaces at its ends, as code points; too long a text is cut."""
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
    # Isolated: text that runs from right to left keeps to its own place.
    return Markup("<bdi>{}{}</bdi>").format(Markup().join(shown), cut)


def numeric_date(seconds: str) -> Markup:
    """Give a NumericDate (RFC 7519 § 2) for reading; what is none, or beyond all calendars, gives nothing."""
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= _LATEST_DIGITS):
        return Markup()
    return moment(datetime.fromtimestamp(int(seconds), timezone.utc).strftime(_RFC_3339))


def moment(at: str | None) -> Markup:
    """Give an RFC 3339 time, which is UTC, for reading."""
    if not at:
        return Markup("never")
    read = datetime.strptime(at, _RFC_3339).replace(tzinfo=timezone.utc)
    shown = f"{read.day} {read:%b %Y, %H:%M:%S} UTC"
    return Markup('<time datetime="{}">{}</time>').format(at, shown)
