"""Protects forms against CSRF: only a page of this Local Hub may submit them.

A random session cookie, a form token derived from it, and the Origin header. The cookie alone is not enough: cookies
ignore ports, so a page on another port of this machine can send them. The application has checked the Host header.
"""

import hashlib
import hmac
import re
import secrets

from starlette.requests import Request
from starlette.responses import Response

COOKIE = "local-hub-session"
_SESSION = re.compile(r"[A-Za-z0-9_-]{43}")


class Forged(Exception):
    """The request does not come from one of our pages; the message is a sentence for the user."""


class Guard:
    """The key of the form tokens; a new one for each process."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def form_token(self, session: str) -> str:
        """Return the form token of a session."""
        return hmac.new(self._key, session.encode(), hashlib.sha256).hexdigest()

    def check(self, request: Request, form_token: str) -> None:
        """Raise `Forged` unless the form comes from one of our pages."""
        own = f"{request.url.scheme}://{request.headers.get('host', '')}"
        if request.headers.get("origin") != own:
            raise Forged("The Origin header does not name this Local Hub.")
        # Old browsers do not send this header, but they send Origin.
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise Forged("Another site sent the form.")
        session = known_session(request)
        # Compare bytes: compare_digest rejects strings that are not ASCII.
        if session is None or not hmac.compare_digest(self.form_token(session).encode(), form_token.encode()):
            raise Forged("The form belongs to another session, or to an earlier run of Local Hub.")


def known_session(request: Request) -> str | None:
    """Return the session of the request's cookie, if it is well-formed."""
    session = request.cookies.get(COOKIE, "")
    return session if _SESSION.fullmatch(session) else None


def new_session() -> str:
    """Return a new session."""
    return secrets.token_urlsafe(32)


def keep(response: Response, session: str, *, secure: bool) -> None:
    """Set the session cookie; the browser deletes it when it closes."""
    response.set_cookie(COOKIE, session, httponly=True, samesite="strict", secure=secure)
