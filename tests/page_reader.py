"""A browser without a window: pages over real HTTP, read with the standard library's parser, and their forms sent.

It knows HTML and nothing of Local Hub but its address. Like a browser it keeps cookies, and says where a form is from.
"""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode

import httpx


@dataclass
class Form:
    """A form, with the fields that it would send."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)

    def with_claims(self, claims: Mapping[str, str]) -> list[tuple[str, str]]:
        """The fields with these claims in place of the form's own."""
        kept = [(name, value) for name, value in self.fields if name not in {"claim", "value"}]
        return [*kept, *[pair for item in claims.items() for pair in zip(("claim", "value"), item, strict=True)]]

    def changed(self, **values: str) -> list[tuple[str, str]]:
        """The fields with the first of each of these names set to another value."""
        names = {name.replace("_", "-"): value for name, value in values.items()}
        return [(name, names.pop(name, value)) for name, value in self.fields] + list(names.items())


@dataclass
class Page(HTMLParser):
    """A page that was read: its status, its text, its links, its forms and every element that it has."""

    answer: httpx.Response

    def __post_init__(self) -> None:
        """Read the page."""
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.forms: list[Form] = []
        self.rows: list[list[str]] = []
        self._texts: list[str] = []
        self._in_cell = False
        self.feed(self.answer.text)
        self.close()
        self.text = " ".join("".join(self._texts).split())

    @property
    def links(self) -> list[str]:
        """Every address that the page names."""
        return [str(value) for _, known in self.elements for name, value in known.items() if name in {"href", "src"}]

    def form(self, ending: str) -> Form:
        """The one form whose action ends so."""
        (found,) = (form for form in self.forms if form.action.endswith(ending))
        return found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        known = dict(attrs)
        self.elements.append((tag, known))
        if tag == "form":
            self.forms.append(Form(str(known["action"]), str(known["method"])))
        if tag == "input" and (known.get("type") != "checkbox" or "checked" in known):
            self.forms[-1].fields.append((str(known["name"]), known.get("value") or ""))
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        """Separate what stands in different places."""
        self._in_cell = self._in_cell and tag not in {"td", "th"}
        if tag in {"p", "li", "h1", "h2", "h3", "dt", "dd", "td", "th", "div", "caption", "tr"}:
            self._texts.append(" ")

    def handle_data(self, data: str) -> None:
        """Note text."""
        self._texts.append(data)
        if self._in_cell:
            self.rows[-1][-1] = (self.rows[-1][-1] + data).strip()


@dataclass(frozen=True)
class Browser:
    """A client with cookies."""

    client: httpx.Client

    def get(self, path: str) -> Page:
        """Open a page."""
        return Page(self.client.get(path))

    def send(self, action: str, fields: list[tuple[str, str]], headers: Mapping[str, str | None] | None = None) -> Page:
        """Send a form as a browser does; a header of None is left out."""
        origin = str(self.client.base_url).rstrip("/")
        said = {"Origin": origin, "Sec-Fetch-Site": "same-origin", **(headers or {})}
        kept = {name: value for name, value in said.items() if value is not None}
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return Page(self.client.post(action, content=urlencode(fields), headers={**form, **kept}))


@contextmanager
def browser(url: str, ca: str | None = None) -> Iterator[Browser]:
    """A browser for the length of a `with` block."""
    verify = ssl.create_default_context(cafile=ca) if ca else False
    with httpx.Client(base_url=url, trust_env=False, timeout=240, follow_redirects=True, verify=verify) as client:
        yield Browser(client)
