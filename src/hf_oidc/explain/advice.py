"""The sentences of a diagnosis: the next step for each error code, and what each finding means. `errors` has the facts.

They are for readers who have never heard of OpenID Connect. Backticks mark what the reader types; they read well in a
log, and Markdown renders them. Templates never contain foreign values: each rendering sanitizes and inserts those.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from hf_oidc.errors import (
    AudienceMismatch,
    DeliveryFailed,
    ExchangeRejected,
    HubUnavailable,
    IdTokenPermissionMissing,
    InvalidInput,
    InvalidResource,
    LoginError,
    RateLimited,
    Recipient,
    Redirected,
    TlsFailed,
    TlsFault,
    Where,
)
from hf_oidc.explain.entry_point import EntryPoint
from hf_oidc.explain.findings import Finding, Name
from hf_oidc.explain.instructions import LoginTarget
from hf_oidc.explain.publisher import NoSuggestion, Suggestion
from hf_oidc.hub.publisher import Absence, Field, SettingsPage
from hf_oidc.providers.facts import Instruction, all_facts
from hf_oidc.sanitize import sanitize_line
from hf_oidc.settings import DEFAULT_HUB_URL


@dataclass(frozen=True)
class Sentence:
    """A template and the values for its `{names}`. `{page}` is a link; `{expected}` is text that we wrote."""

    template: str
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def render(self, rendered: Callable[[str, str], str]) -> str:
        """The sentence, with each value as `rendered(name, value)` makes it."""
        return self.template.format_map({name: rendered(name, value) for name, value in self.facts.items()})


@dataclass(frozen=True)
class Meaning:
    """What a finding means, and what to do about it.

    A finding with a `remedy` probably explains the refusal; a finding without one is only worth checking. In a
    template, `{on}` is the settings page, `{fields}` is the suggested publisher, and `{others}` is its fields without
    the branch. `otherwise` replaces the remedy if no publisher is suggested; `of_side_branch` replaces it if the
    suggested publisher is for a branch other than the default branch.
    """

    cause: str
    remedy: str = ""
    otherwise: str = ""
    of_side_branch: str = ""


CALL = {"mint": "asking the CI for an ID token", "exchange": "exchanging the ID token at the Hub"}
RESOURCE_FORMS = (
    "Write namespace/name for a model, datasets/namespace/name, spaces/…, kernels/… or buckets/… for the others, "
    "or a user name for that user's gated reads."
)

ADVICE = {
    "insecure-url": "Replace `http://` with `https://`: plain HTTP is allowed only to this machine (localhost).",
    "no-provider": "<no-provider>",
    "ambiguous-provider": "<which>",
    "id-token-permission-missing": (
        "Let the job request an ID token. If it has `permissions:` in the workflow file, add `id-token: write` there. "
        "If it has none, add these lines, and any other permissions that the job needs. If another workflow calls this "
        "one (`workflow_call`), the calling job needs the permission too."
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
        "Run the workflow on GitHub. To try it on this machine, let Local Hub issue the ID token and stand in for the "
        "Hub: see https://github.com/org/hf-oidc-action/blob/main/docs/local-hub.md. Or pass another ID token "
        "<id-token>."
    ),
    "id-token-request-failed": (
        "Run the job again: this is usually temporary. If it keeps failing, check the CI's status page."
    ),
    "id-token-malformed": (
        "Set <the-id-token> (or `HF_OIDC_ID_TOKEN`) to the ID token exactly as your CI issued it: one long string that "
        "begins with `eyJ`. A Hugging Face token or an API key does not work here."
    ),
    "id-token-expired": (
        "Get the ID token just before this step: it is valid for only a few minutes. If it is new, correct the clock "
        "of this machine."
    ),
    "exchange-invalid-request": (
        "Check <resource> and <hub-url>. If both are right, report this to Hugging Face, with the request "
        "id if there is one."
    ),
    "hub-unavailable": (
        "Run the job again later, and check https://status.huggingface.co. The problem is with the Hub or the network "
        "path to it: do not change your publisher or your workflow."
    ),
    "unexpected-response": (
        "Check that <hub-url> (or `HF_ENDPOINT`) is the Hub's address, and that no proxy or sign-in page answers "
        "instead of the Hub."
    ),
    "redirected": (
        "If the target of the redirect is the Hub's new address, set <hub-url> to it. A sign-in page or a proxy can "
        "also cause the redirect. A token is never sent to the target of a redirect."
    ),
}
TLS: Mapping[TlsFault, str] = {
    "authority": (
        "If a private certificate authority signed the certificate (a company's proxy, a mirror), pass that "
        "authority's certificate <ca-bundle>."
    ),
    "date": (
        "Check the clock of this machine first. If it is right, ask the administrator of that server for a valid "
        "certificate."
    ),
    "host": (
        "Check the host in the URL first: the certificate is for another host. If the URL is right, ask the "
        "administrator of that server for a certificate with that name."
    ),
    "plain": (
        "Check the port in the URL first. If it is right, ask the administrator of that server to serve https:// there."
    ),
    "handshake": (
        "Ask the administrator of that server: it has to accept TLS 1.2 or newer. A firewall or a proxy in between can "
        "also break the handshake."
    ),
}
DELIVERY: Mapping[Recipient, str] = {
    "file": (
        "Choose a regular file that you own, in an existing folder that you can write to. If it already is one, the "
        "disk may be full."
    ),
    "standard-output": "Send standard output to a pipe, a variable, or a file on a disk that is not full.",
    "log": (
        "Let standard error of `hf-oidc` go to the job's log: remove the redirection (`2>`). To redirect only the "
        "errors of your command, use `hf-oidc run RESOURCE -- sh -c 'COMMAND 2>err.log'`."
    ),
    "runner": (
        "Run this as a step of a workflow. If it already is one, the runner's disk may be full or its files read-only."
    ),
    "git": "Set `GIT_CONFIG_COUNT` to the number of the `GIT_CONFIG_KEY_…` variables that are set, or unset it.",
    "dotenv": "Choose another `--format`, such as `json`, or pass the token to a single command with `hf-oidc run`.",
    "token-folder": (
        "Set `XDG_RUNTIME_DIR` to a folder that you own, outside the working directory, on a disk that is not full."
    ),
}
DOCKER_SEES = " The Docker action sees only the files in the checkout, not the runner's other files."
RATE_LIMITED = (
    "Run the job again in {expected} or later. Most likely nothing is wrong with your configuration: runners share "
    "their addresses, and the Hub limits requests by address."
)
AUDIENCE = "Let your CI issue the ID token for the audience (its claim `aud`) {audience}."
FIXED_AUDIENCE = (
    "Run this job in another CI. Or let your own identity provider issue an ID token, and pass that <id-token>."
)
PROXY = (
    "Correct the environment variable {variable} on the machine that runs this job. It has to be the http:// or "
    "https:// URL of a proxy that lets the job through. In a password, percent-encode special characters (`#` is "
    "`%23`). If {host} can be reached without a proxy, add it to `NO_PROXY`."
)
FIVE_MINUTES = 300.0  # the window of the Hub's rate limit; used if the response does not say how long to wait
REDIRECTED_MINT = (
    "Ask the administrator of this runner: something between it and its CI redirects the request. A token is never "
    "sent to the target of a redirect."
)

PROXY_FIRST = (
    "Check the proxy first: this machine reaches {server} through {proxy}, the value of the environment variable "
    "{variable}. If the proxy is right, run the job again later."
)
URL_FIRST = (
    "Check the Hub's URL first: {url} comes from <source>. If it is right, the server has a problem, or this "
    "machine cannot reach it: ask its administrator, or run the job again later."
)
NETWORK_FIRST = (
    "Check the network of this machine first: it cannot look up the name {server}. Make sure that DNS works. A "
    "company's network may need a proxy, in the environment variable `HTTPS_PROXY`. Do not change your publisher or "
    "your workflow."
)

SKIPPED = {"id-token-fork-pull-request", "id-token-dependabot"}

ON_PAGE = "On {page}, under {section}, "
IN_SETTINGS = "On the Hub, in the settings of the resource, under Trusted Publishers, "
SIDE_BRANCH = (
    "It is only for the branch {side_branch}. To publish from another branch, such as `main`, enter that branch "
    "instead."
)
BRANCH_FIRST = "The Hub does not say what differs, so check the branch first."
EXACT = "Each field that is filled in there must match exactly, including upper and lower case"
COMPARE = Meaning(
    "",
    f"{{on}}compare the publisher with this job: {{fields}}. {EXACT}; the Hub does not say which one differs.",
    f"{{on}}compare the publisher with what this job's ID token says; <show>. {EXACT}; the Hub does not say which one "
    "differs.",
)

FINDINGS: Mapping[Name, Meaning] = {
    "other-audience": Meaning(
        "{audience} is the audience of {service}. This ID token is for that service, and was not sent to the Hub.",
        "Request a separate ID token for the Hub.",
    ),
    "own-audience": Meaning(
        "This ID token is for {audience}, as requested. A Hub usually accepts only ID tokens for its own URL, which "
        "is {hub} here.",
        "Leave <audience> out: the ID token is then for the Hub's own URL. Only if <hub-url> is a mirror of "
        "huggingface.co, set <audience> to https://huggingface.co.",
    ),
    "other-resource": Meaning(
        "The Hub's response is about {named}, but this login asked for {asked}.",
        "Check <resource>: it must be the repository's name on the Hub.",
    ),
    "user-resource": Meaning(
        "{user} is a user name, not a repository. A token for a user can only read the gated repositories that the "
        "user can read. It needs a publisher in the user's own settings, and never lets a job publish.",
        "To publish, write <resource> as namespace/name, or datasets/namespace/name. To read gated repositories, look "
        "at {page}, under {section}.",
    ),
    "no-publisher": Meaning(
        "{named} has no trusted publisher. Either none has been added yet, or {named} does not exist on the Hub.",
        "Check that {named} is spelled correctly. {on}add a publisher for exactly this job, if you want to trust it: "
        "{fields}.",
        "Check that {named} is spelled correctly. {on}add a publisher for the job that you mean to publish from.",
        "Check that {named} is spelled correctly. {on}add a publisher for the branch that you publish from, usually "
        "the default branch, such as `main`. Use this job's values for the other fields: {others}. This job runs for "
        "{side_branch}.",
    ),
    "pull-request": Meaning(
        "This job runs for a pull request ({ref}), which is not a branch. A publisher with a `branch` never accepts "
        "it.",
        "Publish from a push to a branch. In pull requests, <skip>.",
    ),
    "tag": Meaning(
        "This job runs for a tag ({ref}), which is not a branch. A publisher with a `branch` never accepts it.",
        "Publish from a push to the branch that the publisher names. Or leave `branch` empty in the publisher and fill "
        "in `workflow`: it then accepts that workflow on every branch, tag and pull request of your repository.",
    ),
    "merge-queue": Meaning(
        "This job runs in a merge queue, for the temporary branch {ref}. A publisher cannot name it in advance.",
        "Publish from the push that follows the merge. To skip the job in the merge queue, add "
        "`if: github.event_name != 'merge_group'` next to its `runs-on:`.",
    ),
    "merge-request": Meaning(
        "A pull request or merge request started this job. A publisher usually names only the default branch, such as "
        "`main`, and then refuses it.",
        "Publish from a push to the branch that the publisher names. In pull requests and merge requests, <skip>.",
    ),
    "other-tag": Meaning(
        "This job runs for the tag {ref}. A publisher that names a branch refuses it.",
        "Publish from a push to the branch that the publisher names. Or add a publisher that names the tag instead.",
    ),
    "other-branch": Meaning(
        "This job runs for the branch {ref}. A publisher usually names only the default branch, such as `main`, and "
        "then refuses every other branch.",
        f"{BRANCH_FIRST} {{on}}check which branch the publisher names. If it is another one, run this job for that "
        "branch: merge first, or choose the branch when you start the run. If the publisher names {ref} too, compare "
        "the other fields: {others}.",
        f"{BRANCH_FIRST} {{on}}check which branch the publisher names. If it is another one, run this job for that "
        "branch: merge first, or choose the branch when you start the run. If the publisher names {ref} too, compare "
        "the other fields with what this job's ID token says; <show>.",
    ),
    "default-branch": Meaning(
        "This job runs for {ref}, the default branch of its repository. A publisher that names another branch, such as "
        "`main`, refuses it.",
        f"{BRANCH_FIRST} {{on}}compare the publisher with this job: {{fields}}. {EXACT}.",
        f"{BRANCH_FIRST} {{on}}compare the publisher with what this job's ID token says; <show>. {EXACT}.",
    ),
    "unprotected-branch": Meaning(
        "In GitLab, {ref} is not a protected branch. A publisher with `ref_protected` refuses it.",
        "The Hub does not say what differs, so check this first. If the publisher has `ref_protected`, protect {ref} "
        "in GitLab: Settings, Repository, Protected branches. Otherwise, compare its fields with this job: "
        "{fields}.",
        "The Hub does not say what differs, so check this first. If the publisher has `ref_protected`, protect {ref} "
        "in GitLab: Settings, Repository, Protected branches. Otherwise, compare its fields with what this job's "
        "ID token says; <show>.",
    ),
    "enterprise-issuer": Meaning(
        "This job's ID token comes from {issuer}, an enterprise's own GitHub. The Hub's built-in publisher for "
        "GitHub Actions accepts only https://token.actions.githubusercontent.com, so it never accepts this job.",
        "{on}add a publisher that names the issuer and the claims themselves, if you want to trust this job: {fields}.",
        "{on}add a publisher that names the issuer {issuer}, and claims of the job that you mean to publish from.",
    ),
    "pull-request-target": Meaning(
        "`pull_request_target` runs for every pull request, from forks too, with the rights of {ref}. A publisher that "
        "accepts this job may let strangers publish. Publish from a push instead."
    ),
    "reusable-workflow": Meaning(
        "This job runs a reusable workflow: {workflow_ref} was started, and it called {job_workflow_ref}. The Hub's "
        "documentation does not say which of the two it compares `workflow` with; one user reports the one that was "
        "started. In the publisher, try {workflow}, then {called}, or leave `workflow` empty."
    ),
    "display-name": Meaning(
        "In the publisher, `workflow` must be the file name {workflow}, not the workflow's title {display_name}."
    ),
    "letter-case": Meaning(
        "GitHub spells the owner {owner}, but the namespace on the Hub is {namespace}. In the publisher, `repository` "
        "must be as GitHub spells it: {repository}."
    ),
    "workflow-file": Meaning(
        "In the publisher, `workflow` must be the file name {workflow}: with its extension, without a folder, and not "
        "the workflow's title."
    ),
    "repository": Meaning(
        "In the publisher, {claim} must be {value}: the repository that the job is in, not the one on the Hub. Upper "
        "and lower case matter."
    ),
    "claim": Meaning("In the publisher, {claim} must be {value}. Upper and lower case matter."),
}

ABSENT: Mapping[Absence, str] = {
    "missing": "the ID token does not say",
    "not-text": "not a string in the ID token, and a publisher compares strings",
    "tag": "{source} is a tag, and a tag has no branch",
    "pull-request": "{source} belongs to a pull request, which is not a branch",
    "no-branch": "{source} is not a branch",
    "no-file": "{source} names no workflow file",
}

NO_SUGGESTION = {
    "pull-request": "No publisher is suggested for a pull request: anyone who can open one could use the token.",
    "tag": (
        "No publisher is suggested for a tag. A publisher without `branch` accepts every branch, tag and pull request "
        "of the repository. A publisher with the issuer's URL and the claim `ref` accepts only this tag."
    ),
    "merge-queue": "No publisher is suggested for a merge queue: its branch no longer exists after the merge.",
    "plan": (
        "No publisher is suggested for a plan: a pull request can start one. Log in during the apply phase, where "
        "`terraform_run_phase` is `apply`."
    ),
    "incomplete": (
        "No publisher is suggested: this ID token does not identify the job in a known form. Choose claims that only "
        "the job you trust can have."
    ),
    "not-showable": (
        "No publisher is suggested: a value is too long, or has characters that cannot be copied safely from a log."
    ),
}


def next_step(error: LoginError, entry_point: EntryPoint, found: Instruction | None, target: LoginTarget) -> Sentence:
    """What the reader can do about `error`: `found`, which is specific to the CI, or else the general advice.

    For a refusal, `after_refusal` gives better advice.
    """
    if unreached := _unreached(error, entry_point, target):
        return unreached
    if found and not isinstance(error, ExchangeRejected):
        return Sentence(found.text, {"audience": sanitize_line(target.audience)})
    if isinstance(error, DeliveryFailed):
        return Sentence(DELIVERY[error.recipient])
    if isinstance(error, TlsFailed):
        return Sentence(entry_point.says(TLS[error.fault]))
    return _from_facts(error, entry_point) or Sentence(entry_point.says(ADVICE.get(error.code, "")))


def _unreached(error: LoginError, entry_point: EntryPoint, target: LoginTarget) -> Sentence | None:
    """What to check first if the network, a proxy or the URL may be wrong."""
    where = error.where
    if error.proxy_variable and where:
        return Sentence(PROXY, {"variable": sanitize_line(error.proxy_variable), "host": sanitize_line(where.host)})
    facts = {"server": sanitize_line(where.host)} if where else {}
    if where and where.proxy:
        proxy = {"proxy": sanitize_line(where.proxy), "variable": sanitize_line(where.proxy_variable)}
        return Sentence(PROXY_FIRST, {**facts, **proxy})
    if not isinstance(error, HubUnavailable):
        return None
    # The Hub reports some of its outages as 400; its URL is then right.
    if target.hub_url != DEFAULT_HUB_URL and (where is None or where.status != 400):
        template = URL_FIRST.replace("<source>", "`$HF_ENDPOINT`" if target.by_endpoint else "<hub-url>")
        return Sentence(entry_point.says(template), {"url": sanitize_line(target.hub_url)})
    return Sentence(NETWORK_FIRST, facts) if where and where.unresolved else None


def _from_facts(error: LoginError, entry_point: EntryPoint) -> Sentence | None:
    if isinstance(error, InvalidResource):
        meant = {"resource": sanitize_line(error.suggestion)} if error.suggestion else {}
        return Sentence("Did you mean {resource}?" if meant else RESOURCE_FORMS, meant)
    if isinstance(error, InvalidInput):
        # Only for the action's input: the command sees all files, and its option is named `--ca-bundle`.
        template = f"Write {{expected}}.{DOCKER_SEES if error.input_name == 'ca-bundle' else ''}"
        return Sentence(template, {"expected": sanitize_line(error.expected)})
    if isinstance(error, AudienceMismatch):
        template = AUDIENCE if error.expected else entry_point.says(FIXED_AUDIENCE)
        return Sentence(template, {"audience": sanitize_line(error.expected)})
    if isinstance(error, RateLimited):
        asked = error.where.retry_after if error.where else None
        return Sentence(RATE_LIMITED, {"expected": duration(asked or FIVE_MINUTES)})
    if isinstance(error, Redirected) and error.where and error.where.phase == "mint":
        return Sentence(REDIRECTED_MINT)
    return None


def after_refusal(
    found: Sequence[Finding],
    publisher: Suggestion | NoSuggestion | None,
    page: SettingsPage | None,
    entry_point: EntryPoint,
) -> Sentence:
    """What the reader can do about a refusal: the remedy for the first likely cause, or else compare the fields."""
    likely = next((finding for finding in found if is_likely(finding)), None)
    meaning = FINDINGS[likely.name] if likely else COMPARE
    suggested = publisher if isinstance(publisher, Suggestion) else None
    entries = suggested.entries if suggested else {}
    # Numbered, because a claim's name may contain characters that have a meaning in a template.
    marks = {name: f"{name} {{entry_{number}}}" for number, name in enumerate(entries)}
    template = meaning.remedy if entries or not meaning.otherwise else meaning.otherwise
    values = {f"entry_{number}": value for number, value in enumerate(entries.values())}
    if suggested and suggested.side_branch:
        template = meaning.of_side_branch or template
        values["side_branch"] = suggested.side_branch
    others = suggested.entries_of_any_branch if suggested else {}
    for mark, names in (("{fields}", entries), ("{others}", others)):
        template = template.replace(mark, ", ".join(marks[name] for name in names))
    template = entry_point.says(template).replace("{on}", ON_PAGE if page else IN_SETTINGS)
    place = {"page": page.url, "section": page.section} if page else {}
    return Sentence(template, {**values, **(likely.facts if likely else {}), **place})


def enter(publisher: Suggestion, page: SettingsPage | None) -> Sentence:
    """Where to enter the suggested publisher, and when not to."""
    template = "Enter it on {page}, under {section}," if page else "Enter it"
    facts = {"page": page.url, "section": page.section} if page else {}
    template += " only if you want to trust exactly this job."
    if publisher.side_branch:
        template += f" {SIDE_BRANCH}"
        facts["side_branch"] = publisher.side_branch
    return Sentence(template, facts)


def is_likely(finding: Finding) -> bool:
    """Whether the finding explains the refusal, rather than being one more thing to check."""
    return bool(FINDINGS[finding.name].remedy)


def cause(finding: Finding) -> Sentence:
    """What a finding means."""
    return Sentence(FINDINGS[finding.name].cause, finding.facts)


def absent(field: Field) -> Sentence:
    """Why a field has no value."""
    return Sentence(ABSENT[field.absence or "missing"], {"source": field.source})


def snippet(error: LoginError, entry_point: EntryPoint, found: Instruction | None, target: LoginTarget) -> Instruction:
    """The lines to copy for the next step, if there are any; `next_step` has the sentence for them."""
    if isinstance(error, IdTokenPermissionMissing):
        found = Instruction("", all_facts()["github"].declare.lines)
    if error.code in SKIPPED:
        found = Instruction("", entry_point.skip)
    return replace(found, lines=target.fill(found.lines)) if found else Instruction("")


def call(where: Where) -> Sentence:
    """The call that failed, and the response."""
    words, facts = [CALL[where.phase], "{host}"], {"host": sanitize_line(where.host)}
    if where.status:
        words.append(f"HTTP {where.status:d}")
    if where.request_id:
        words.append("request id {request_id}")
        facts["request_id"] = sanitize_line(where.request_id)
    if where.retry_after:
        words.append(f"the server asks to wait {duration(where.retry_after)}")
    return Sentence(", ".join(words), facts)


def duration(seconds: float) -> str:
    """`seconds` in words, rounded up."""
    if not math.isfinite(seconds):
        return "some days"
    for unit, size in (("second", 1), ("minute", 60), ("hour", 3600)):
        count = max(1, math.ceil(seconds / size))
        if count < 100:
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "some days"
