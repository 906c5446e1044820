"""The publisher form: parse it, validate it, and turn it into a publisher.

It knows no HTTP beyond form fields, and no store.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from local_hub.fields import FieldError
from local_hub.hub.publishers import Publisher, checked
from local_hub.hub.resources import Resource
from local_hub.loopback import is_trustworthy_url
from local_hub.pages.presets import ANY, ClaimField, Preset, preset_of
from local_hub.pages.visible import is_plain

SCOPE = "inference-api"
LONGEST_NAME = 200
LONGEST_VALUE = 1000
BLANK_ROWS = 2
_MOST_FIELDS = 200


class BadForm(ValueError):
    """The body is not a form of this page; the message says why."""


@dataclass(frozen=True)
class Row:
    """A claim in the form; `field` is set if the claim belongs to the preset."""

    name: str = ""
    value: str = ""
    field: ClaimField | None = None


@dataclass(frozen=True)
class Draft:
    """The state of the form."""

    preset: Preset
    issuer: str
    rows: tuple[Row, ...]
    read_only: bool = False
    inference: bool = False


@dataclass(frozen=True)
class Problem:
    """A validation error; `at` is the id of the input."""

    at: str
    message: str


def read_fields(body: bytes) -> dict[str, list[str]]:
    """Read `application/x-www-form-urlencoded`."""
    found: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise BadForm("the body is not a form of this page") from None
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def first(fields: Mapping[str, Sequence[str]], name: str) -> str:
    """Return the first value of a field, or an empty string."""
    return next(iter(fields.get(name, ())), "")


def typed(fields: Mapping[str, Sequence[str]], preset: Preset) -> Draft:
    """Read a submitted form."""
    names, values = fields.get("claim", ()), fields.get("value", ())
    if len(names) != len(values):
        raise BadForm("each claim needs a name and a value")
    by_name = {field.name: field for field in preset.fields}
    pairs = [(name.strip(), value.strip()) for name, value in zip(names, values, strict=True)]
    rows = [Row(name, value, by_name.pop(name, None)) for name, value in pairs]
    return Draft(
        preset, first(fields, "issuer").strip(), _arranged(rows, preset), "read-only" in fields, SCOPE in fields
    )


def blank(preset: Preset, own: Mapping[str, str]) -> Draft:
    """Return an empty form, with the URL of Local Hub's own issuer."""
    return Draft(preset, own.get(preset.name, preset.issuer), _arranged((), preset))


def of_publisher(publisher: Publisher, own: Mapping[str, str]) -> Draft:
    """Return the form of an existing publisher."""
    preset = preset_of(publisher.issuer_url, own)
    if any(field.required and field.name not in publisher.claims for field in preset.fields):
        preset = ANY
    rows = _rows(publisher.claims, preset)
    return Draft(preset, publisher.issuer_url, rows, publisher.read_only, SCOPE in publisher.scopes)


def of_token(claims: Mapping[str, str], own: Mapping[str, str]) -> Draft:
    """Return the form of a publisher that matches a token; claims with invisible characters are left out."""
    plain = {name: value for name, value in claims.items() if is_plain(name) and is_plain(value)}
    issuer = plain.get("iss", "")
    preset = preset_of(issuer, own)
    fitting = {field.name: field.of(plain) or "" for field in preset.fields}
    return Draft(preset, issuer, _rows(fitting, preset))


def with_more_rows(draft: Draft) -> Draft:
    """Add empty rows for more claims."""
    return Draft(draft.preset, draft.issuer, (*draft.rows, *[Row()] * BLANK_ROWS), draft.read_only, draft.inference)


def publisher_of(draft: Draft, resource: Resource) -> Publisher | list[Problem]:
    """Return the publisher of the form, or all its problems."""
    problems = []
    if not draft.issuer:
        problems.append(Problem("issuer", "Enter the URL of the issuer."))
    elif not is_trustworthy_url(draft.issuer):
        form = "must be an https:// URL, or http:// on loopback, without query or fragment"
        problems.append(Problem("issuer", f"The issuer {form}."))
    problems += _row_problems(draft.rows)
    claims = {row.name: row.value for row in draft.rows if row.name and row.value}
    if not claims and not problems:
        problems.append(
            Problem("value-1", "Add at least one claim. Without claims, every job of this issuer would be trusted.")
        )
    if problems:
        return problems
    scopes = (SCOPE,) if draft.inference else ()
    try:
        return checked(Publisher(resource, draft.issuer, claims, draft.read_only, scopes))
    except FieldError as error:
        return [Problem("issuer", str(error))]


def _rows(claims: Mapping[str, str], preset: Preset) -> tuple[Row, ...]:
    by_name = {field.name: field for field in preset.fields}
    return _arranged([Row(name, value, by_name.get(name)) for name, value in claims.items()], preset)


def _arranged(rows: Sequence[Row], preset: Preset) -> tuple[Row, ...]:
    """Put the preset's claims first, and empty rows for others last."""
    given = {row.name: row for row in rows if row.field}
    asked = [given.get(field.name, Row(field.name, "", field)) for field in preset.fields]
    others = [row for row in rows if not row.field and (row.name or row.value)]
    return (*asked, *others, *[Row()] * BLANK_ROWS)


def _row_problems(rows: Sequence[Row]) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, row in enumerate(rows, 1):
        at_name, at_value = f"name-{number}", f"value-{number}"
        if row.field and not row.value:
            if row.field.required:
                yield Problem(at_value, f"Enter a value for {row.name}.")
        elif row.name and not row.value:
            yield Problem(at_value, f"The claim {row.name[:LONGEST_NAME]} needs a value.")
        elif row.value and not row.name:
            yield Problem(at_name, "This claim needs a name.")
        elif len(row.name) > LONGEST_NAME or len(row.value) > LONGEST_VALUE:
            limits = f"The name may have at most {LONGEST_NAME} characters, the value {LONGEST_VALUE}."
            yield Problem(at_value, limits)
        elif row.name and row.name in seen:
            yield Problem(at_name, f"The claim {row.name} appears twice.")
        seen.add(row.name)
