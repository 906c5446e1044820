"""The routes of the pages, and the data that each page shows.

`/` and `/<resource>/settings` are as on the Hub; `/local-hub` has what the Hub does not have. On the Hub, the CI/CD
access of the signed-in account is at `/settings/authentication`. Local Hub has no sign-in, so that page asks for
the account and then links to `/<account>/settings`.
"""

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.convertors import IntegerConvertor, StringConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_hub.faults.script import OPERATOR
from local_hub.hub.publishers import Publisher
from local_hub.hub.resources import InvalidResource, Resource, parse_resource
from local_hub.hub.service import Hub
from local_hub.pages import forms, rendering
from local_hub.pages.guard import Forged, Guard
from local_hub.pages.history import changes_of, exchange_of
from local_hub.pages.presets import BY_NAME, GITHUB, PRESETS, preset_of
from local_hub.request_body import read_body
from local_hub.unknown_requests import UnknownRequests

RECENT = 20
SETTINGS = "/{resource:resource}/settings"
# On the Hub, the CI/CD access of the signed-in account. Error messages link to it.
AUTHENTICATION = "/settings/authentication"
PUBLISHERS = f"{SETTINGS}/publishers"
EXCHANGE = f"{OPERATOR}/exchanges/{{number:number}}"
STATIC = f"{OPERATOR}/pages"
FORM_TYPE = "application/x-www-form-urlencoded"
DONE = {
    "added": "The publisher was added.",
    "changed": "The publisher was changed.",
    "removed": "The publisher was removed.",
    "unchanged": "Nothing was changed.",
}
Fields = Mapping[str, list[str]]
Page = Callable[..., Response]


class _ResourceConvertor(StringConvertor):
    regex = "(?:(?:datasets|spaces|kernels|buckets)/)?[^/]+/[^/]+|[^/]+"


class _NumberConvertor(IntegerConvertor):
    # SQLite's integers have at least 18 digits.
    regex = "[0-9]{1,18}"


_NUMBER = re.compile(_NumberConvertor.regex, re.ASCII)
register_url_convertor("resource", _ResourceConvertor())
register_url_convertor("number", _NumberConvertor())


class NoSuchPage(Exception):
    """The page does not exist; the message is a sentence."""


@dataclass(frozen=True)
class Site:
    """What all pages use: the Hub, the URLs of Local Hub's issuers by preset name, and the unknown requests."""

    hub: Hub
    own_issuers: Mapping[str, str]
    unknown: UnknownRequests
    guard: Guard = field(default_factory=Guard)

    def page(self, request: Request, template: str, status: int = 200, **context: Any) -> Response:
        """Answer with a page."""
        title_of = lambda issuer: preset_of(issuer, self.own_issuers).title  # noqa: E731 -- a function for the templates
        return rendering.page(
            request, self.guard, template, status, static=STATIC, operator=OPERATOR, title_of=title_of, **context
        )


def routes(site: Site) -> list[Route]:
    """Return the routes of the pages. They come last, because a resource can have almost any name."""
    gets: dict[str, Page] = {
        "/": _index,
        f"{OPERATOR}/settings": _open,
        EXCHANGE: _exchange,
        AUTHENTICATION: _authentication,
        SETTINGS: _settings,
        f"{PUBLISHERS}/new": _new,
        f"{PUBLISHERS}/{{number:number}}": _edit,
    }
    posts: dict[str, Page] = {
        PUBLISHERS: _add,
        f"{PUBLISHERS}/{{number:number}}": _change,
        f"{PUBLISHERS}/{{number:number}}/remove": _remove,
    }
    return [
        *[Route(f"{STATIC}/{name}", _static(name)) for name in rendering.STATIC],
        *[Route(path, _page(site, show), methods=["GET"]) for path, show in gets.items()],
        *[Route(path, _form_handler(site, carry_out), methods=["POST"]) for path, carry_out in posts.items()],
    ]


def _static(name: str) -> Callable[[Request], Response]:
    return lambda _: rendering.static(name)


def _page(site: Site, show: Page) -> Callable[[Request], Response]:
    """Wrap a page; Starlette runs it in a thread."""

    def answer(request: Request) -> Response:
        try:
            return show(site, request)
        except NoSuchPage as error:
            return _failed(site, request, 404, "Page not found", str(error))

    return answer


def _form_handler(site: Site, carry_out: Page) -> Callable[[Request], Awaitable[Response]]:
    """Wrap the handler of a form; it runs only if the form comes from one of our pages."""

    async def answer(request: Request) -> Response:
        body = await read_body(request)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM_TYPE:
            return _failed(site, request, 415, "Nothing was changed", f"The form must have the type {FORM_TYPE}.")
        try:
            fields = forms.read_fields(body)
            site.guard.check(request, forms.first(fields, "form-token"))
            return await run_in_threadpool(carry_out, site, request, fields)
        except Forged as error:
            hint = f"{error} Go back, reload the page, and submit the form again."
            return _failed(site, request, 403, "Nothing was changed", hint)
        except forms.BadForm as error:
            return _failed(site, request, 400, "Nothing was changed", f"{error}.")
        except NoSuchPage as error:
            return _failed(site, request, 404, "Page not found", str(error))

    return answer


def _failed(site: Site, request: Request, status: int, heading: str, message: str) -> Response:
    return site.page(request, "failed.html", status, heading=heading, message=message)


def _index(site: Site, request: Request, problem: str = "", requested: str = "") -> Response:
    known = [{**row, "kind": parse_resource(row["name"]).kind} for row in site.hub.store.overview()]
    store = site.hub.store
    return site.page(
        request,
        "index.html",
        400 if problem else 200,
        known=known,
        exchanges=[exchange_of(*entry) for entry in store.entries("exchanges", limit=RECENT)],
        refused_mints=[entry for _, entry in store.entries("refused-mints", limit=RECENT)],
        unknown=site.unknown.listed()[:RECENT],
        problem=problem,
        requested=requested,
    )


def _open(site: Site, request: Request) -> Response:
    requested = request.query_params.get("resource", "").strip()
    try:
        return rendering.moved(_address(parse_resource(requested)))
    except InvalidResource as error:
        return _index(site, request, str(error), requested)


def _authentication(site: Site, request: Request) -> Response:
    known = [parse_resource(row["name"]) for row in site.hub.store.overview()]
    accounts = [str(resource) for resource in known if resource.kind == "user"]
    return site.page(request, "authentication.html", accounts=accounts)


def _exchange(site: Site, request: Request) -> Response:
    entry = site.hub.store.entry("exchanges", request.path_params["number"])
    if entry is None:
        raise NoSuchPage("The log has no exchange with this number.")
    exchange = exchange_of(request.path_params["number"], entry)
    existing = [number for number, _ in site.hub.store.publishers(str(exchange.resource or ""))]
    return site.page(request, "exchange.html", exchange=exchange, existing=existing)


def _settings(site: Site, request: Request) -> Response:
    resource, store = _resource(request), site.hub.store
    return site.page(
        request,
        "settings.html",
        resource=resource,
        base=_address(resource),
        done=DONE.get(request.query_params.get("done", "")),
        known=store.exists(str(resource)),
        locked=store.is_locked(resource.owner),
        publishers=store.listed_publishers(str(resource)),
        exchanges=[exchange_of(*entry) for entry in store.entries("exchanges", str(resource), RECENT)],
        changes=[changes_of(entry) for _, entry in store.entries("audit", str(resource), RECENT)],
    )


def _new(site: Site, request: Request) -> Response:
    resource, query = _resource(request), request.query_params
    if "exchange" not in query:
        preset = BY_NAME.get(query.get("preset", ""), GITHUB)
        return _form(site, request, resource, forms.blank(preset, site.own_issuers))
    number = int(query["exchange"]) if _NUMBER.fullmatch(query["exchange"]) else 0
    entry = site.hub.store.entry("exchanges", number)
    if entry is None:
        raise NoSuchPage("The log has no exchange with this number.")
    draft = forms.of_token(entry.get("claims", {}), site.own_issuers)
    return _form(site, request, resource, draft, from_exchange=number)


def _edit(site: Site, request: Request) -> Response:
    resource, publisher = _publisher(site, request)
    return _form(site, request, resource, forms.of_publisher(publisher, site.own_issuers))


def _add(site: Site, request: Request, fields: Fields) -> Response:
    resource = _resource(request)
    publisher = _submitted(site, request, resource, fields)
    if isinstance(publisher, Response):
        return publisher
    site.hub.store.add_publisher(publisher, time.time())
    return rendering.moved(f"{_address(resource)}?done=added")


def _change(site: Site, request: Request, fields: Fields) -> Response:
    resource, before = _publisher(site, request)
    publisher = _submitted(site, request, resource, fields)
    if isinstance(publisher, Response):
        return publisher
    if publisher == before:
        return rendering.moved(f"{_address(resource)}?done=unchanged")
    site.hub.store.change_publisher(request.path_params["number"], publisher, time.time())
    return rendering.moved(f"{_address(resource)}?done=changed")


def _remove(site: Site, request: Request, _: Fields) -> Response:
    resource, _publisher_there = _publisher(site, request)
    site.hub.store.remove_publisher(request.path_params["number"], time.time())
    return rendering.moved(f"{_address(resource)}?done=removed")


def _submitted(site: Site, request: Request, resource: Resource, fields: Fields) -> Publisher | Response:
    """Return the publisher of a submitted form, or the form again."""
    draft = forms.typed(fields, BY_NAME.get(forms.first(fields, "preset"), GITHUB))
    if forms.first(fields, "do") == "more":
        return _form(site, request, resource, forms.with_more_rows(draft))
    found = forms.publisher_of(draft, resource)
    if isinstance(found, Publisher):
        known = site.hub.store.publishers(str(resource))
        if found not in [publisher for number, publisher in known if number != request.path_params.get("number")]:
            return found
        found = [forms.Problem("issuer", "An identical publisher already exists.")]
    return _form(site, request, resource, draft, problems=found, status=422)


def _form(
    site: Site,
    request: Request,
    resource: Resource,
    draft: forms.Draft,
    *,
    problems: list[forms.Problem] | None = None,
    status: int = 200,
    from_exchange: int | None = None,
) -> Response:
    return site.page(
        request,
        "publisher.html",
        status,
        resource=resource,
        base=_address(resource),
        number=request.path_params.get("number"),
        draft=draft,
        presets=PRESETS,
        own_issuer=site.own_issuers.get(draft.preset.name, ""),
        problems=problems or [],
        wrong={problem.at: problem.message for problem in problems or []},
        from_exchange=from_exchange,
        longest=(forms.LONGEST_NAME, forms.LONGEST_VALUE),
    )


def _resource(request: Request) -> Resource:
    try:
        return parse_resource(request.path_params["resource"])
    except InvalidResource as error:
        raise NoSuchPage(f"The address contains an invalid resource: {error}.") from None


def _publisher(site: Site, request: Request) -> tuple[Resource, Publisher]:
    resource = _resource(request)
    known = dict(site.hub.store.publishers(str(resource)))
    if request.path_params["number"] not in known:
        raise NoSuchPage(f"{resource} has no publisher with this number. It may have been removed.")
    return resource, known[request.path_params["number"]]


def _address(resource: Resource) -> str:
    return f"/{resource}/settings"
