"""Preconditions and ranges of requests for files: RFC 9110 §§ 13 and 14.

Pure: headers in, a decision out. A file has a strong entity tag and no modification date, because git keeps none. So
dates in a request have no effect, as § 13.1.3 and § 13.1.4 demand.
"""

import re
from collections.abc import Mapping

MOST_RANGES = 100
_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_RANGES = re.compile(r"\s*bytes\s*=([0-9,\s-]*)", re.IGNORECASE | re.ASCII)
_RANGE = re.compile(r"([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18})", re.ASCII)


def failed_precondition(method: str, headers: Mapping[str, str], tag: str) -> int | None:
    """Return 412 or 304 if a precondition of GET or HEAD fails for a file with this entity tag, in § 13.2.2's order."""
    if method not in ("GET", "HEAD"):
        return None
    if "if-match" in headers and not _names(headers["if-match"], tag, weakly=False):
        return 412
    if "if-none-match" in headers and _names(headers["if-none-match"], tag, weakly=True):
        return 304
    return None


def requested_ranges(method: str, headers: Mapping[str, str], tag: str, size: int) -> list[tuple[int, int]] | None:
    """Return the first and the last byte of each range to send. An empty list is 416; None is the whole file.

    A server ignores a range if the method is not GET (§ 14.2), if it does not know the unit or cannot parse the
    range, and if If-Range does not match (§ 13.1.5).
    """
    found = _RANGES.fullmatch(headers.get("range", ""))
    if method != "GET" or not found or headers.get("if-range", tag) != tag:
        return None
    parts = [part.strip() for part in found[1].split(",") if part.strip()]
    if not 0 < len(parts) <= MOST_RANGES:
        return None
    ranges = []
    for part in parts:
        read = _RANGE.fullmatch(part)
        if read is None or (read[2] and int(read[2]) < int(read[1])):
            return None
        if read[3]:  # the last bytes
            first, last = max(0, size - int(read[3])), size - 1
        else:
            first, last = int(read[1]), min(int(read[2] or size), size - 1)
        if first <= last:
            ranges.append((first, last))
    return ranges


def _names(value: str, tag: str, *, weakly: bool) -> bool:
    """Return whether a list of entity tags has this one (§ 8.8.3.2); `*` stands for any."""
    if value.strip() == "*":
        return True
    listed = _TAG.findall(value)
    return tag in ([one.removeprefix("W/") for one in listed] if weakly else listed)
