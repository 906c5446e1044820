"""A diagnosis as text: the annotation, and the lines of a log group below it. Data in, words out.

What others wrote was made fit for a log where the diagnosis was built, and never stands at the beginning of a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hf_oidc.diagnosis.advice import NO_SUGGESTION, Sentence, absent, call, cause, enter, is_likely
from hf_oidc.diagnosis.claims import Field
from hf_oidc.diagnosis.findings import Finding
from hf_oidc.diagnosis.publisher import Suggestion
from hf_oidc.diagnosis.report import Diagnosis
from hf_oidc.errors import Attempt
from hf_oidc.untrusted_text import shown

MAX_ANNOTATION = 3700  # and two links; GitHub cuts a message at 4,096 characters
UNQUOTED = {"page", "section", "expected", "host", "request_id", "service"}


def annotation(diagnosis: Diagnosis) -> tuple[str, str]:
    """Title and message: what failed, the first cause, where, one next step, and a link."""
    lines = [f"{diagnosis.what}."]
    lines += [f"{_label(finding)}: {_text(cause(finding))}" for finding in diagnosis.findings[:1]]
    if diagnosis.where:
        lines.append(f"Where: {_text(call(diagnosis.where))}{_tries(diagnosis.attempts)}.")
    lines.append(f"Next: {_text(diagnosis.next_step)}")
    lines += [f"    {line}" for line in diagnosis.copy.lines.splitlines()]
    lines += _enter(diagnosis)
    lines += [f"Careful: {caution}" for caution in diagnosis.cautions]
    more = [f"{title}: {link}" for title, link in _links(diagnosis)]
    return f"hf-oidc: {diagnosis.code}", "\n".join(["\n".join(lines)[:MAX_ANNOTATION], *more])


def heading(diagnosis: Diagnosis) -> str:
    """What stands above the details: where they say nothing of the job, they are its attempts."""
    of_the_job = diagnosis.findings or diagnosis.claims
    return f"hf-oidc: {'what this job is, and what would match' if of_the_job else 'the attempts'}"


def details(diagnosis: Diagnosis) -> list[str]:
    """What the annotation has no room for, a line each; nothing if there is no more to say."""
    sections = [
        ("What to check, in this order:", [f"- {_text(cause(finding))}" for finding in diagnosis.findings]),
        ("This job, as a publisher on the Hub describes it:", _table(diagnosis.fields_alone)),
        ("The publisher for exactly this job:", _publisher(diagnosis)),
        ("What this job's ID token says (unverified):", _table(diagnosis.claims)),
        ("Attempts:", list(_attempts(diagnosis.attempts))),
    ]
    return [line for heading, lines in sections if lines for line in (heading, *(f"  {each}" for each in lines))]


def retry_line(attempt: Attempt) -> str:
    """A try that failed and is followed by another: why, and how long from now."""
    where = f" ({_text(call(attempt.where))})" if attempt.where else ""
    return f"Not yet: {attempt.code}{where}. Trying again in {attempt.wait or 0:.1f} s."


def _enter(diagnosis: Diagnosis) -> list[str]:
    """The publisher of this CI's jobs in general, and where it is entered."""
    if not diagnosis.enter:
        return []
    place = shown(diagnosis.page.url) if diagnosis.page else "in the settings of the resource"
    section = diagnosis.page.section if diagnosis.page else "Trusted Publishers"
    lines = _table(diagnosis.enter)
    return [f"On the Hub, once: {place}, under {section}, add", *(f"    {line}" for line in lines)]


def _links(diagnosis: Diagnosis) -> Iterator[tuple[str, str]]:
    if diagnosis.ci and diagnosis.ci_link:
        yield diagnosis.ci.title, diagnosis.ci_link
    yield "More", diagnosis.link


def _label(finding: Finding) -> str:
    return "Likely cause" if is_likely(finding) else "Check"


def _text(sentence: Sentence) -> str:
    return sentence.render(lambda name, value: shown(value) if name in UNQUOTED else f"`{value}`")


def _tries(attempts: tuple[Attempt, ...]) -> str:
    return f", {len(attempts)} attempts" if len(attempts) > 1 else ""


def _table(fields: Iterable[Field]) -> list[str]:
    fields = list(fields)
    width = max((len(field.name) for field in fields), default=0)
    return [f"{field.name:<{width}}  {_value(field)}" for field in fields]


def _value(field: Field) -> str:
    return f"({_text(absent(field))})" if field.value is None else field.value


def _publisher(diagnosis: Diagnosis) -> list[str]:
    publisher = diagnosis.publisher
    if publisher is None:
        return []
    if not isinstance(publisher, Suggestion):
        return [NO_SUGGESTION[publisher.reason]]
    lines = _table([Field("issuer", "GitHub Actions" if publisher.preset else publisher.issuer), *publisher.fields])
    return [_text(enter(publisher, diagnosis.page)), *lines]


def _attempts(attempts: tuple[Attempt, ...]) -> Iterator[str]:
    for number, attempt in enumerate(attempts if len(attempts) > 1 else (), 1):
        status = f", HTTP {attempt.where.status}" if attempt.where and attempt.where.status else ""
        wait = f", then waited {attempt.wait:.1f} s" if attempt.wait is not None else ""
        yield f"{number}. {attempt.code}{status} after {attempt.took:.1f} s{wait}"
