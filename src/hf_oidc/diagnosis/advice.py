"""The words: the next step for each way a login can fail, and what each finding means. `errors` has the facts.

Written for one who has never heard of OpenID Connect. Backticks mark what is to be typed; they read well in a log,
and are Markdown. Values that others wrote are never part of a template: a rendering puts them in, made fit for it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from hf_oidc.diagnosis.ci import PERMISSIONS, Todo
from hf_oidc.diagnosis.ci_advice import Mine
from hf_oidc.diagnosis.claims import Absence, Field
from hf_oidc.diagnosis.door import Door
from hf_oidc.diagnosis.findings import Finding, Name
from hf_oidc.diagnosis.publisher import NoSuggestion, SettingsPage, Suggestion
from hf_oidc.errors import (
    AudienceMismatch,
    ExchangeRejected,
    IdTokenPermissionMissing,
    InvalidInput,
    InvalidResource,
    LoginError,
    RateLimited,
    Redirected,
    Where,
)
from hf_oidc.untrusted_text import shown


@dataclass(frozen=True)
class Sentence:
    """A template of ours and the values for its `{names}`. `{page}` is a link, and `{expected}` words of ours."""

    template: str
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def render(self, rendered: Callable[[str, str], str]) -> str:
        """The sentence, with each value as `rendered(name, value)` makes it."""
        return self.template.format_map({name: rendered(name, value) for name, value in self.facts.items()})


@dataclass(frozen=True)
class Meaning:
    """What a finding says, and what to do about it.

    With a `remedy` the finding likely explains the refusal; without, it is one more thing to check. `{on}` stands for
    the settings page, `{fields}` for the suggested publisher; where none is suggested, `otherwise` is said.
    """

    cause: str
    remedy: str = ""
    otherwise: str = ""


CALL = {"mint": "asking the CI for an ID token", "exchange": "exchanging the ID token at the Hub"}
RESOURCE_FORMS = (
    "Write namespace/name for a model, datasets/namespace/name, spaces/…, kernels/… or buckets/… for the others, "
    "or a user name for that user's gated reads."
)

ADVICE = {
    "insecure-url": "Write `https://` in place of `http://`: plain http is for this machine (localhost) alone.",
    "no-provider": (
        "Run this in a job of a CI that issues ID tokens. If it is one, hand over its ID token, <id-token>.<name-it>"
    ),
    "ambiguous-provider": "<which>",
    "id-token-permission-missing": (
        "Allow the job to prove who it is. If it has `permissions:` in the workflow file, add `id-token: write` to "
        "them; if it has none, add these lines, and whatever else it needs. If another workflow calls this one "
        "(`workflow_call`), the calling job needs it too."
    ),
    "id-token-fork-pull-request": (
        "Nothing is broken: only your own repository's jobs may publish. To let the job pass in pull requests, "
        "<skip-here>."
    ),
    "id-token-dependabot": (
        "Nothing is broken: publish from a push to your own branch. To let the job pass in Dependabot's runs, "
        "<skip-here>."
    ),
    "id-token-not-declared": (
        "Run the workflow on GitHub. Or let Local Hub give the ID token, and stand in for the Hub on this machine: "
        "https://github.com/org/hf-oidc-action/blob/main/docs/local-hub.md has the lines. Or hand over an ID token "
        "from elsewhere, <id-token>."
    ),
    "id-token-request-failed": (
        "Run the job again: such a fault of the CI's mostly passes. If it stays, see its status page for news."
    ),
    "id-token-malformed": (
        "Give <the-id-token> (or `HF_OIDC_ID_TOKEN`) the ID token just as your CI issued it: one long word that "
        "begins with `eyJ`. A Hugging Face token or an API key is not one."
    ),
    "id-token-expired": (
        "Get the ID token just before this step, for it lives a few minutes only. If it is fresh, set the clock of "
        "this machine."
    ),
    "exchange-invalid-request": (
        "Check <resource> and <hub-url>. If both are right, report this to Hugging Face, with the request "
        "id if there is one."
    ),
    "hub-unavailable": (
        "Run the job again later; https://status.huggingface.co has news. The trouble is the Hub's, or on the way to "
        "it: do not change your publisher or your workflow. If you set <hub-url>, "
        "`HF_ENDPOINT` or a proxy yourself, check that first."
    ),
    "unexpected-response": (
        "Check that <hub-url> (or `HF_ENDPOINT`) is the Hub's address, and that no proxy or sign-in page answers in "
        "its place."
    ),
    "redirected": (
        "Set <hub-url> to the address that the redirect leads to, if that is the Hub's new one; a sign-in page or a "
        "proxy in between redirects, too. A token is never sent on to where a redirect points."
    ),
    "tls-failed": (
        "If a private certificate authority signed the certificate (a company's proxy, a mirror), pass that "
        "authority's certificate <ca-bundle>."
    ),
    "delivery-failed": ("<deliver>"),
}
RATE_LIMITED = (
    "Run the job again in {expected} or later. Most likely nothing is wrong with your configuration: runners share "
    "their addresses, and the Hub limits requests by address."
)
FIXED_AUDIENCE = (
    "Run this job in another CI, or take the ID token of an identity provider of your own, and hand that over, "
    "<id-token>."
)
FIVE_MINUTES = 300.0  # the window of the Hub's limit, for when it does not say how long to wait
REDIRECTED_MINT = (
    "Ask whoever runs this runner: something between it and its CI redirects the request, and a token is never sent "
    "on to where a redirect points."
)

SKIPPED = {"id-token-fork-pull-request", "id-token-dependabot"}

ON_PAGE = "On {page}, under {section}, "
IN_SETTINGS = "On the Hub, in the settings of the resource, under Trusted Publishers, "
COMPARE = Meaning(
    "",
    "{on}compare the publisher with this job: {fields}. Each field that is filled in there must be exactly the same, "
    "upper and lower case too; the Hub does not say which one differs.",
    "{on}compare the publisher with what this job's ID token says; <show>. Each field that is "
    "filled in there must be exactly the same, upper and lower case too; the Hub does not say which one differs.",
)

FINDINGS: Mapping[Name, Meaning] = {
    "other-audience": Meaning(
        "{audience} is the audience of {service}: this ID token was got for that service, and was not sent to the Hub.",
        "Get an ID token of its own for the Hub.",
    ),
    "own-audience": Meaning(
        "This ID token is for {audience}, as was asked for. A Hub accepts ID tokens that are for itself, and this one "
        "is {hub}.",
        "Leave <audience> out, and the ID token is for the Hub's own URL. Only where <hub-url> is a mirror of "
        "huggingface.co, it has to be https://huggingface.co.",
    ),
    "other-resource": Meaning(
        "The Hub speaks of {named}, and this login asked for {asked}.",
        "Check <resource>: it must be the repository's name on the Hub.",
    ),
    "user-resource": Meaning(
        "{user} is a user name, not a repository: it asks for that user's right to read gated repositories, which "
        "needs a publisher in the user's own settings and never lets a job publish.",
        "To publish, write <resource> as namespace/name, or datasets/namespace/name. To read gated repositories, look "
        "at {page}, under {section}.",
    ),
    "no-publisher": Meaning(
        "The Hub knows of no job that {named} trusts. Either no publisher was added there yet, or there is no {named} "
        "on the Hub.",
        "Check that {named} is spelled right. {on}add a publisher for exactly this job, if you mean to trust it: "
        "{fields}.",
        "Check that {named} is spelled right. {on}add a publisher for the job that you mean to publish from.",
    ),
    "pull-request": Meaning(
        "This job runs for a pull request ({ref}), which is no branch: a publisher with a `branch` never accepts it.",
        "Publish from a push to a branch. In pull requests <skip>.",
    ),
    "tag": Meaning(
        "This job runs for a tag ({ref}), and a tag is no branch: a publisher with a `branch` never accepts it.",
        "Publish from a push to the branch that the publisher names. Or leave `branch` empty in the publisher and fill "
        "in `workflow`: it then accepts that workflow on every branch, tag and pull request of your repository.",
    ),
    "enterprise-issuer": Meaning(
        "This job's identity comes from {issuer}, an enterprise's own GitHub. The Hub's ready-made publisher for "
        "GitHub Actions is for https://token.actions.githubusercontent.com alone, and never accepts it.",
        "{on}add a publisher that names the issuer and the claims themselves, if you mean to trust this job: {fields}.",
        "{on}add a publisher that names the issuer {issuer}, and claims of the job that you mean to publish from.",
    ),
    "reusable-workflow": Meaning(
        "This job runs a reusable workflow: {workflow_ref} was started, and it called {job_workflow_ref}. Which of the "
        "two the Hub compares `workflow` with is not documented: leave it empty, or try {workflow}, then {called}."
    ),
    "letter-case": Meaning(
        "GitHub writes the owner {owner}, the Hub's namespace is {namespace}. In the publisher, `repository` must be "
        "as GitHub writes it: {repository}."
    ),
    "pull-request-target": Meaning(
        "`pull_request_target` runs for anybody's pull request, yet with the rights of {ref}: a publisher that accepts "
        "this job may let strangers publish. Publish from a push instead."
    ),
    "display-name": Meaning(
        "In the publisher, `workflow` must be the file name {workflow}, not the workflow's title {display_name}."
    ),
}

ABSENT: Mapping[Absence, str] = {
    "missing": "the ID token does not say",
    "not-text": "no text in the ID token, and a publisher compares texts",
    "tag": "{source} is a tag, and a tag has no branch",
    "pull-request": "{source} is a pull request's, and that is no branch",
    "no-branch": "{source} is no branch",
    "no-file": "{source} names no workflow file",
}

NO_SUGGESTION = {
    "pull-request": "None is suggested for a pull request: whoever can open one could use the token.",
    "tag": (
        "None is suggested for a tag. A publisher without `branch` accepts every branch, tag and pull request of the "
        "repository; one with the issuer's URL and the claim `ref` accepts this one tag alone."
    ),
    "plan": (
        "None is suggested for a plan: a pull request may start one. Log in as a run is applied, where "
        "`terraform_run_phase` is `apply`."
    ),
    "incomplete": (
        "None is suggested: this ID token does not say whose job this is in a form that is known here. Choose from its "
        "claims those that only the job you trust can have."
    ),
    "not-showable": "None is suggested: a value is too long or too odd to be copied from a log.",
}


def next_step(error: LoginError, door: Door, found: Todo | None, mine: Mine) -> Sentence:
    """What the reader of `error` can do about it: `found` in the CI's own words, or what is so in every CI.

    Of a refusal, `after_refusal` knows more.
    """
    if found and not isinstance(error, ExchangeRejected):
        return Sentence(found.words, {"audience": shown(mine.audience)})
    return _from_facts(error, door) or Sentence(door.says(ADVICE.get(error.code, "")))


def _from_facts(error: LoginError, door: Door) -> Sentence | None:
    if isinstance(error, InvalidResource):
        return _did_you_mean(error)
    if isinstance(error, InvalidInput):
        return Sentence("Write {expected}.", {"expected": shown(error.expected)})
    if isinstance(error, AudienceMismatch):
        template = "Let your CI issue the ID token for the audience (its claim `aud`) {audience}."
        return Sentence(template if error.expected else door.says(FIXED_AUDIENCE), {"audience": shown(error.expected)})
    if isinstance(error, RateLimited):
        asked = error.where.retry_after if error.where else None
        return Sentence(RATE_LIMITED, {"expected": duration(asked or FIVE_MINUTES)})
    if isinstance(error, Redirected) and error.where and error.where.phase == "mint":
        return Sentence(REDIRECTED_MINT)
    return None


def after_refusal(
    found: Sequence[Finding], publisher: Suggestion | NoSuggestion | None, page: SettingsPage | None, door: Door
) -> Sentence:
    """What the reader of a refusal can do about it: what the first likely cause asks for, or else compare."""
    likely = next((finding for finding in found if is_likely(finding)), None)
    meaning = FINDINGS[likely.name] if likely else COMPARE
    entries = publisher.entries if isinstance(publisher, Suggestion) else {}
    numbered = {f"entry_{number}": name for number, name in enumerate(entries)}
    template = meaning.remedy if entries or not meaning.otherwise else meaning.otherwise
    # By number: a claim's name may have marks in it that mean something in a template.
    template = template.replace("{fields}", ", ".join(f"{name} {{{each}}}" for each, name in numbered.items()))
    template = door.says(template).replace("{on}", ON_PAGE if page else IN_SETTINGS)
    place = {"page": page.url, "section": page.section} if page else {}
    values = {each: entries[name] for each, name in numbered.items()}
    return Sentence(template, {**values, **(likely.facts if likely else {}), **place})


def is_likely(finding: Finding) -> bool:
    """Whether the finding explains the refusal, rather than being one more thing to check."""
    return bool(FINDINGS[finding.name].remedy)


def cause(finding: Finding) -> Sentence:
    """What a finding says."""
    return Sentence(FINDINGS[finding.name].cause, finding.facts)


def absent(field: Field) -> Sentence:
    """Why a field has no value."""
    return Sentence(ABSENT[field.absence or "missing"], {"source": field.source})


def snippet(error: LoginError, door: Door, found: Todo | None, mine: Mine) -> Todo:
    """The next step's lines to copy, if it has any; the words are those of `next_step`."""
    if isinstance(error, IdTokenPermissionMissing):
        found = Todo("", PERMISSIONS)
    if error.code in SKIPPED:
        found = Todo("", door.skip)
    return replace(found, lines=mine.into(found.lines)) if found else Todo("")


def call(where: Where) -> Sentence:
    """The call that failed, and what came back."""
    words, facts = [CALL[where.phase], "{host}"], {"host": shown(where.host)}
    if where.status:
        words.append(f"HTTP {where.status:d}")
    if where.request_id:
        words.append("request id {request_id}")
        facts["request_id"] = shown(where.request_id)
    if where.retry_after:
        words.append(f"asked to wait {duration(where.retry_after)}")
    return Sentence(", ".join(words), facts)


def duration(seconds: float) -> str:
    """`seconds` as a person says it, rounded up."""
    if not math.isfinite(seconds):
        return "some days"
    for unit, size in (("second", 1), ("minute", 60), ("hour", 3600)):
        count = max(1, math.ceil(seconds / size))
        if count < 100:
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "some days"


def _did_you_mean(error: InvalidResource) -> Sentence:
    if error.suggestion:
        return Sentence("Did you mean {resource}?", {"resource": shown(error.suggestion)})
    return Sentence(RESOURCE_FORMS)
