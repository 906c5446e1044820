"""Looks for secrets where none may be, in every form in which a program lets one slip."""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

# Passwords that end the user information too early for one parser or another, and places in URLs, good and bad, where
# people write them.
PASSWORDS = (*(f"Winter{mark}Frost" for mark in "#/?@: "), "31415/Winter")
URL_FORMS = (
    "http://svc:{}@mirror.corp:3128",
    "https://svc:{}@mirror.corp/hub",
    "https:svc:{}@mirror.corp",
    "svc:{}@mirror.corp",
    "//svc:{}@mirror.corp",
    "HTTPS://svc:{}@mirror.corp?x#y",
    "https://{}@mirror.corp",
    "https://svc:{}%40mirror.corp",
    "http:/svc:{}@mirror.corp",
)


def shows_password(said: str) -> bool:
    """Whether a part of one of these passwords is in what was said."""
    return any(part in said for part in ("Winter", "31415", "Frost"))


def forms(secret: str) -> dict[str, bytes]:
    """The text as it is, URL-encoded, JSON-escaped, and the part of its base64 that does not hang on its neighbours."""
    raw = secret.encode()
    found = {
        "raw": raw,
        "URL-encoded": quote(secret, safe="").encode(),
        "URL-encoded as a form": quote_plus(secret).encode(),
        "JSON-escaped": json.dumps(secret)[1:-1].encode(),
        "Python-escaped": repr(secret)[1:-1].encode(),
    }
    for shift in range(3):
        # Each character of base64 is made of 6 bits. Of a secret that begins `shift` bytes into a group of three, the
        # characters that also hold bits of what stands before and after it are left out.
        first = (shift * 8 + 5) // 6
        last = (shift + len(raw)) * 8 // 6
        encoded = base64.b64encode(b"\0" * shift + raw)[first:last]
        found[f"base64, shift {shift}"] = encoded
        found[f"base64url, shift {shift}"] = encoded.replace(b"+", b"-").replace(b"/", b"_")
    return found


def parts(secrets: Iterable[str]) -> set[str]:
    """The secrets, and of each JWT among them its signature alone, for that is what makes it worth having."""
    whole = set(secrets)
    signatures = {secret.rpartition(".")[2] for secret in whole if re.match(r"(hf_jwt_)?eyJ[^.]*\.[^.]*\.", secret)}
    return (whole | signatures) - {""}


def leaks(secrets: Iterable[str], places: Mapping[str, bytes]) -> list[str]:
    """Each place that holds a secret, with the form that it has there; the secret itself is not repeated."""
    return [
        f"{place}: {form} ({secret[:6]}…)"
        for secret in sorted(parts(secrets))
        for form, text in forms(secret).items()
        for place, content in places.items()
        if text in content
    ]
