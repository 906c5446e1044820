"""Renders templates to responses: always escaped, with security headers.

It does not know the content of any page.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from local_hub.pages.guard import Guard, keep, known_session, new_session
from local_hub.pages.visible import is_plain, moment, numeric_date, source_line, visible

if TYPE_CHECKING:
    from jinja2 import Environment

STATIC = {"style.css": "text/css", "icon.svg": "image/svg+xml"}
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Not `no-referrer`: with it a browser sends `Origin: null` with our own forms (Fetch standard, § 3.2).
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def page(request: Request, guard: Guard, template: str, status: int = 200, **context: Any) -> Response:
    """Respond with a page; its forms are bound to the browser's session."""
    known = known_session(request)
    session = known or new_session()
    text = _templates().get_template(template).render(form_token=guard.form_token(session), **context)
    answer = HTMLResponse(text, status, headers=HEADERS)
    if known is None:
        keep(answer, session, secure=request.url.scheme == "https")
    return answer


def moved(path: str) -> Response:
    """Redirect after a submitted form (303, RFC 9110 § 15.4.4)."""
    return RedirectResponse(path, 303, headers=HEADERS)


def static(name: str) -> Response:
    """Respond with a static file of the pages."""
    content = resources.files("local_hub.pages").joinpath("static").joinpath(name).read_bytes()
    return Response(content, media_type=STATIC[name], headers=HEADERS)


@cache
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - only the first page waits for it

    templates = Environment(
        loader=PackageLoader("local_hub.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(moment=moment, numeric_date=numeric_date, source_line=source_line, visible=visible)
    templates.tests["plain"] = is_plain
    return templates
