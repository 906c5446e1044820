"""Whether a form was sent from a page of ours, by the browser that the page was given to.

A random session cookie with a token that only this process can derive from it, and the browser's word on where the
request came from: cookies know no ports, and a page on another port of this machine is the same site to them. The Host
header was checked before. It must not know any form.
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
    """The request does not come from a page of ours; the message is a sentence for who sent it."""


class Guard:
    """The key that form tokens are made with, which lives as long as the process."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def form_token(self, session: str) -> str:
        """Give the token that the forms of a session carry."""
        return hmac.new(self._key, session.encode(), hashlib.sha256).hexdigest()

    def check(self, request: Request, form_token: str) -> None:
        """Refuse a form that comes from elsewhere."""
        _check_origin(request)
        session = known_session(request)
        # As bytes: what was sent need not be ASCII.
        if session is None or not hmac.compare_digest(self.form_token(session).encode(), form_token.encode()):
            raise Forged("The form belongs to another session, or to an earlier run of Local Hub.")


def known_session(request: Request) -> str | None:
    """Give the session that the request's cookie names, if it is one of the form that is given out."""
    session = request.cookies.get(COOKIE, "")
    return session if _SESSION.fullmatch(session) else None


def new_session() -> str:
    """Give a session that nobody has."""
    return secrets.token_urlsafe(32)


def keep(response: Response, session: str, *, secure: bool) -> None:
    """Let the browser keep the session until it is closed."""
    response.set_cookie(COOKIE, session, httponly=True, samesite="strict", secure=secure)


def _check_origin(request: Request) -> None:
    own = f"{request.url.scheme}://{request.headers.get('host', '')}"
    if request.headers.get("origin") != own:
        raise Forged("The Origin header does not name this Local Hub.")
    # A browser that is too old for this header has sent Origin at least.
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise Forged("Another site has sent the form.")
