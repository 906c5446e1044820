"""Renders a diagnosis as Markdown for the job summary. Foreign text stays plain text there.

A plain value goes into a code span. Any other value goes into a `<code>` element, with an entity for each special
character. So it cannot end its table cell, start a tag or a link, or mention a user.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

from hf_oidc.errors import Attempt
from hf_oidc.explain.advice import NO_SUGGESTION, Sentence, absent, call, cause, enter
from hf_oidc.explain.publisher import Suggestion
from hf_oidc.explain.report import Diagnosis
from hf_oidc.hub.publisher import Field

# Characters that a code span shows unchanged, in a table cell too: no backtick, pipe, backslash, angle bracket or
# ampersand.
PLAIN = re.compile(r"[\w.,:;/@+=#~*%()$!?'\[\]{}-]+( [\w.,:;/@+=#~*%()$!?'\[\]{}-]+)*")
# Characters that Markdown may interpret inside a line. A colon before a space, an underscore between two letters, and a
# full stop after anything but `www` are harmless. https://github.github.com/gfm/#autolinks-extension-
MEANINGFUL = re.compile(
    r"(?<=www)\.|:(?! |$)|(?<![^\W_])_|_(?![^\W_])|[^\w ,;?'\"()/=.:…-]",
    re.IGNORECASE,
)
SECTION = "\n\n"


def summary(diagnosis: Diagnosis) -> str:
    """Returns the whole diagnosis as Markdown."""
    asked = f" for {_code(diagnosis.resource)}" if diagnosis.resource else ""
    parts = [f"## Hugging Face login failed{asked}: `{diagnosis.code}`", f"**What:** {_escaped(diagnosis.what)}."]
    if diagnosis.where:
        parts.append(f"**Where:** {_markdown(call(diagnosis.where))}.")
    parts.append(f"**Next:** {_markdown(diagnosis.next_step)}")
    if diagnosis.copy.lines:
        parts.append(f"```{diagnosis.copy.language}\n{diagnosis.copy.lines}\n```")
    parts += _sections(diagnosis)
    if diagnosis.ci and diagnosis.ci_link:
        parts.append(f"[Help for {diagnosis.ci.title}]({diagnosis.ci_link})")
    parts.append(f"[Help for `{diagnosis.code}`]({diagnosis.link})")
    return SECTION.join(parts) + "\n"


def _sections(diagnosis: Diagnosis) -> Iterator[str]:
    if diagnosis.findings:
        found = "\n".join(f"- {_markdown(cause(finding))}" for finding in diagnosis.findings)
        yield f"### Check these, in this order\n\n{found}"
    if diagnosis.enter:
        # These values are our own text, so they need no code element.
        rows = [(f"`{field.name}`", _escaped(field.value or "")) for field in diagnosis.enter]
        page = diagnosis.page
        where = f"{_link(page.url)}, under {page.section}" if page else "the repository's settings"
        table = _table(("field", "value"), rows)
        yield f"### The publisher to add on the Hub\n\nAdd it once, on {where}.\n\n{table}"
    if diagnosis.cautions:
        yield "### Security notes\n\n" + "\n".join(f"- {caution}" for caution in diagnosis.cautions)
    if diagnosis.fields_alone:
        yield f"### This job, in the fields of a publisher\n\n{_fields(diagnosis.fields_alone)}"
    if isinstance(diagnosis.publisher, Suggestion):
        where = _markdown(enter(diagnosis.publisher, diagnosis.page))
        yield f"### A publisher for exactly this job\n\n{where}\n\n{_fields(diagnosis.publisher.table)}"
    elif diagnosis.publisher:
        yield f"### A publisher for exactly this job\n\n{NO_SUGGESTION[diagnosis.publisher.reason]}"
    if diagnosis.claims:
        table = _fields(diagnosis.claims, "claim")
        yield f"<details><summary>Claims of this job's ID token (unverified)</summary>\n\n{table}\n\n</details>"
    if len(diagnosis.attempts) > 1:
        yield f"### Attempts\n\n{_attempts(diagnosis.attempts)}"


def _fields(fields: Sequence[Field], heading: str = "field") -> str:
    values = (f"*none:* {_markdown(absent(each))}" if each.value is None else _code(each.value) for each in fields)
    return _table((heading, "value"), [(f"`{each.name}`", value) for each, value in zip(fields, values, strict=True)])


def _attempts(attempts: Iterable[Attempt]) -> str:
    rows = [
        (
            str(number),
            f"`{attempt.code}`",
            f"HTTP {attempt.where.status}" if attempt.where and attempt.where.status else "",
            f"{attempt.took:.1f} s",
            "" if attempt.wait is None else f"{attempt.wait:.1f} s",
        )
        for number, attempt in enumerate(attempts, 1)
    ]
    return _table(("attempt", "result", "response", "duration", "wait before the next"), rows)


def _table(heading: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (heading, ("---",) * len(heading), *rows)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _markdown(sentence: Sentence) -> str:
    return sentence.render(lambda name, value: RENDERED.get(name, _code)(value))


def _link(url: str) -> str:
    return f"<{quote(url, safe=':/#?=%.-_~')}>"


def _code(value: str) -> str:
    if not value:
        return ""
    return f"`{value}`" if PLAIN.fullmatch(value) else f"<code>{re.sub(r'[^a-zA-Z0-9 ]', _entity, value)}</code>"


def _escaped(text: str) -> str:
    return MEANINGFUL.sub(_entity, text)


def _entity(match: re.Match[str]) -> str:
    # GitHub looks for mentions in the rendered text, where an entity is a character again. A zero-width space between
    # `@` and the name prevents a mention.
    return f"&#{ord(match[0])};" + ("&#8203;" if match[0] == "@" else "")


RENDERED = {"page": _link, "section": _escaped, "expected": _escaped, "service": _escaped}
