"""Renders a diagnosis as text: the annotation, and the log group below it.

`report` has already sanitized foreign text. That text never starts a line here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hf_oidc.errors import Attempt
from hf_oidc.explain.advice import NO_SUGGESTION, Sentence, absent, call, cause, enter, is_likely
from hf_oidc.explain.publisher import Suggestion
from hf_oidc.explain.report import Diagnosis
from hf_oidc.hub.publisher import Field
from hf_oidc.sanitize import sanitize_line

MAX_ANNOTATION = 3700  # and two links; GitHub cuts a message at 4,096 characters
UNQUOTED = {"page", "section", "expected", "host", "request_id", "service"}


def annotation(diagnosis: Diagnosis) -> tuple[str, str]:
    """Returns title and message: what failed, the first cause, where, the next step, and a link."""
    lines = [f"{diagnosis.what}."]
    if diagnosis.findings:
        first = diagnosis.findings[0]
        lines.append(f"{'Likely cause' if is_likely(first) else 'Check'}: {_text(cause(first))}")
    if diagnosis.where:
        tries = f", {len(diagnosis.attempts)} attempts" if len(diagnosis.attempts) > 1 else ""
        lines.append(f"Where: {_text(call(diagnosis.where))}{tries}.")
    lines.append(f"Next: {_text(diagnosis.next_step)}")
    lines += [f"    {line}" for line in diagnosis.copy.lines.splitlines()]
    if diagnosis.enter:
        place = sanitize_line(diagnosis.page.url) if diagnosis.page else "in the repository's settings"
        section = diagnosis.page.section if diagnosis.page else "Trusted Publishers"
        lines.append(f"Add this once on the Hub, under {section} ({place}):")
        lines += [f"    {line}" for line in _table(diagnosis.enter)]
    lines += [f"Security note: {caution}" for caution in diagnosis.cautions]
    links = [f"{diagnosis.ci.title}: {diagnosis.ci_link}"] if diagnosis.ci and diagnosis.ci_link else []
    links.append(f"Help: {diagnosis.link}")
    return f"hf-oidc: {diagnosis.code}", "\n".join(["\n".join(lines)[:MAX_ANNOTATION], *links])


def heading(diagnosis: Diagnosis) -> str:
    """What stands above the details: where they say nothing of the job, they are its attempts."""
    of_the_job = diagnosis.findings or diagnosis.claims
    return f"hf-oidc: {'details of this job, and what would match' if of_the_job else 'the attempts'}"


def details(diagnosis: Diagnosis) -> list[str]:
    """Returns the lines that do not fit into the annotation. Empty if it says everything."""
    publisher: list[str] = []
    if isinstance(diagnosis.publisher, Suggestion):
        publisher = [_text(enter(diagnosis.publisher, diagnosis.page)), *_table(diagnosis.publisher.table)]
    elif diagnosis.publisher:
        publisher = [NO_SUGGESTION[diagnosis.publisher.reason]]
    sections = [
        ("Check these, in this order:", [f"- {_text(cause(finding))}" for finding in diagnosis.findings]),
        ("This job, in the fields of a publisher:", _table(diagnosis.fields_alone)),
        ("A publisher for exactly this job:", publisher),
        ("Claims of this job's ID token (unverified):", _table(diagnosis.claims)),
        ("Attempts:", list(_attempts(diagnosis.attempts))),
    ]
    return [line for heading, lines in sections if lines for line in (heading, *(f"  {each}" for each in lines))]


def retry_line(attempt: Attempt) -> str:
    """Returns the log line for a failed attempt that is followed by another one."""
    where = f" ({_text(call(attempt.where))})" if attempt.where else ""
    return f"{attempt.code}{where}; retrying in {attempt.wait or 0:.1f} s."


def _text(sentence: Sentence) -> str:
    return sentence.render(lambda name, value: sanitize_line(value) if name in UNQUOTED else f"`{value}`")


def _table(fields: Iterable[Field]) -> list[str]:
    fields = list(fields)
    width = max((len(field.name) for field in fields), default=0)
    values = (f"({_text(absent(field))})" if field.value is None else field.value for field in fields)
    return [f"{field.name:<{width}}  {value}" for field, value in zip(fields, values, strict=True)]


def _attempts(attempts: tuple[Attempt, ...]) -> Iterator[str]:
    for number, attempt in enumerate(attempts if len(attempts) > 1 else (), 1):
        status = f", HTTP {attempt.where.status}" if attempt.where and attempt.where.status else ""
        wait = f", then waited {attempt.wait:.1f} s" if attempt.wait is not None else ""
        yield f"{number}. {attempt.code}{status} after {attempt.took:.1f} s{wait}"
