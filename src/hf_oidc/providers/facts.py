"""What is known about each provider: its issuer, its claims, what to write in its files, and which publisher fits.

The facts of one provider are in `providers/<name>/facts.py`, and `facts_of` is the only way to them. They are loaded
when something has to be explained or checked; a login that succeeds loads none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

from hf_oidc.providers.detection import NAMES

Claims = Mapping[str, Any]
# The language of lines to copy, as Markdown names it.
Language = Literal["yaml", "groovy", "hcl", "sh"]

# Sentences that several providers share.
RUN_AGAIN = "Run the job again: this is usually temporary."
FIX_CLOCK = "The CI issued the ID token a moment ago, so a clock is wrong. Correct the clock of this machine."
REQUEST_AGAIN = (
    "Run the job again. `ACTIONS_ID_TOKEN_REQUEST_TOKEN` belongs to one job and expires after some hours. If Local Hub "
    "plays the CI, take the variables of its newest ready line, or of a new job."
)
REACHABLE_ISSUER = "The Hub must be able to reach the issuer: it reads the signing keys there."


@dataclass(frozen=True)
class Instruction:
    """What to do, and lines to copy.

    In both, `{audience}` stands for the audience of the login. In the lines, `{resource}` stands for its resource,
    `{command}` for a command that uses the token, and `{run}` or `{run --option}` for `hf-oidc run` with both.
    """

    text: str
    lines: str = ""
    language: Language = "yaml"


@dataclass(frozen=True)
class DefaultAudience:
    """The audience of the provider's ID tokens by default: a pattern, and its owner."""

    pattern: str
    owner: str


@dataclass(frozen=True)
class RefClaims:
    """Which claims say what a job runs for: a branch, a tag, or a change that is not merged yet.

    `ref` holds the branch; as `refs/heads/main`, or, if `plain`, as `main`. `tag` is present only in a tag's job.
    `pull_request`: a claim, and the values with which it shows a pull request; no values: any value does.
    `merge_queue`: how the branches of a merge queue begin. `default_branch_events`: the values of `event_name` with
    which a job runs for the default branch, whatever caused the event.
    """

    ref: str = "ref"
    plain: bool = False
    tag: str = ""
    pull_request: Mapping[str, frozenset[str]] = field(default_factory=dict)
    merge_queue: str = ""
    default_branch_events: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class ProviderFacts:
    """What is known about one provider, as data.

    In documents: `title`, and `section`, its anchor in docs/providers.md. `job_needs`: the line that a job needs
    before a command works there; empty if it needs none.

    The publisher: `issuer` and `claims` are what to enter on the Hub, or where to find it. `from_env` has templates
    for those of them that a job's variables know. `cautions`: what to be careful about with such a publisher.

    The ID token: `issuer_pattern` matches its `iss`. `has_claims` recognizes the claims of a provider that may run at
    any URL. `identifying`: the claims that say which job it is, the repository or project first. `protecting`: claims
    that keep others out if they have this value. `informative`: further claims that a public log may show.

    Failures: `declare` says how a job gets an ID token for the Hub, and `declares_audience` whether that chooses the
    audience. `failed`: the provider gave no ID token. `retry`: it may give one at the next attempt. `expired`: the ID
    token was too old. `issued_before_job`: it is in a variable or a file, and nothing requests it.
    """

    title: str
    section: str
    issuer: str
    claims: Mapping[str, str]
    declare: Instruction
    failed: Instruction
    expired: str = FIX_CLOCK
    retry: str = f"{RUN_AGAIN} If it keeps failing, check the CI's status page."
    cautions: tuple[str, ...] = ()
    job_needs: str = ""
    from_env: Mapping[str, str] = field(default_factory=dict)
    issuer_pattern: str = ""
    has_claims: Callable[[Claims], bool] = lambda _claims: False
    identifying: tuple[str, ...] = ()
    protecting: Mapping[str, str] = field(default_factory=dict)
    informative: tuple[str, ...] = ()
    ref_claims: RefClaims = RefClaims()
    default_audience: DefaultAudience | None = None
    declares_audience: bool = True
    issued_before_job: bool = False


def facts_of(name: str) -> ProviderFacts | None:
    """The facts of the provider of this name, if there is one."""
    if name not in NAMES:
        return None
    facts: ProviderFacts = import_module(f"hf_oidc.providers.{name}.facts").FACTS
    return facts


def all_facts() -> dict[str, ProviderFacts]:
    """The facts of every provider, by its name."""
    return {name: facts for name in NAMES if (facts := facts_of(name))}


def overwritten(*variables: str) -> Instruction:
    """What to do if something else than an ID token is in the variable that the provider sets."""
    named = "` or `".join(variables)
    return Instruction(f"`{named}` does not hold an ID token. Check that nothing else sets this variable.")


def having(*claims: str) -> Callable[[Claims], bool]:
    """Whether all of these claims are present and not empty: only this provider issues them together."""
    return lambda found: all(map(found.get, claims))


def preset_caution(title: str) -> str:
    """The caution about a form of the Hub with undocumented fields."""
    return (
        f"The Hub has a form for {title}, but does not document which claims its fields are compared with. A publisher "
        "with the issuer URL and these claims always works."
    )


def shared_issuer_caution(who: str, claim: str) -> str:
    """The caution about an issuer that all customers share."""
    return f"All {who} share this issuer. A publisher without `{claim}` accepts the jobs of all of them."


def fixed_audience(title: str, issuer_pattern: str, lines: str, caution: str) -> ProviderFacts:
    """The facts of a provider with a fixed audience. The Hub accepts none of its ID tokens."""
    return ProviderFacts(
        title=title,
        section=title.lower().replace(" ", "-"),
        issuer="the issuer URL of your identity provider",
        claims={"sub": "the subject that your identity provider gives this job"},
        declare=Instruction(
            "Run this job in another CI. Or let your own identity provider issue an ID token for {audience}, and pass "
            "that:",
            lines,
        ),
        failed=Instruction(RUN_AGAIN),
        cautions=(caution,),
        issuer_pattern=issuer_pattern,
    )
