"""Which token each use of the Hub in a job has: from a login, a stored secret, huggingface_hub's own exchange, or none.

It follows variables from step to step, as the runner does. What the file does not tell is unknown, never assumed. This
module judges nothing: `use` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from hf_oidc.doctor.workflow.expressions.syntax import EXPRESSION
from hf_oidc.doctor.workflow.login.step import RESOURCE_VARIABLE, is_action, login_commands
from hf_oidc.doctor.workflow.model import Job, Step, texts
from hf_oidc.doctor.workflow.token.hub_commands import TOKEN_VARIABLES
from hf_oidc.doctor.workflow.token.hub_target import Use
from hf_oidc.doctor.workflow.token.script import Command, shell_of
from hf_oidc.doctor.workflow.token.targets import JobUses, StepUses
from hf_oidc.doctor.workflow.yaml_text import Block
from hf_oidc.errors import UsageError
from hf_oidc.hub.resource import Resource
from hf_oidc.settings import RESOURCE

OUTPUT = re.compile(
    r"\bsteps\s*\.\s*(?P<id>[\w-]+)\s*\.\s*outputs\s*(?:\.\s*(?P<name>[\w-]+)|\[\s*'(?P<quoted>[^']*)'\s*\])",
    re.IGNORECASE,
)
SECRET = re.compile(r"\bsecrets\b", re.IGNORECASE)
VARIABLE = re.compile(r"\$\{?(?:env:)?(?P<name>\w+)\}?|%(?P<cmd>\w+)%", re.IGNORECASE)
ENV = re.compile(r"\s*env\s*(?:\.\s*(?P<name>\w+)|\[\s*'(?P<quoted>\w+)'\s*\])\s*", re.IGNORECASE)
# `fromJSON(steps.hf.outputs.tokens).NAME`
OF_TOKENS = re.compile(
    r"outputs\s*(?:\.\s*tokens|\['tokens'\])\s*\)\s*(?:\.\s*(?P<name>\w+)|\[\s*'(?P<quoted>\w+)'\s*\])", re.IGNORECASE
)
NAMES = "|".join((*TOKEN_VARIABLES, RESOURCE_VARIABLE))
TO_LATER_STEPS = re.compile(
    rf"(?P<name>{NAMES})=(?P<value>[^\"'\n]{{0,300}})[\"']?\s*>>\s*[\"']?\$\{{?(?:env:)?GITHUB_ENV"
)
MAX_DEPTH = 5  # of variables that name each other
# Actions and scripts that may leave a token for later steps, in a way that is not followed.
MAY_LOG_IN = re.compile(
    r"HF_TOKEN|HUGGING_FACE_HUB_TOKEN|hf-oidc\s+agent|(?:hf|hugging)[\w-]{0,40}login|login[\w-]{0,40}(?:hf|hugging)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Login:
    """A step that gets a token for other steps. `outer`: as in `StepUses`. `index`: its number.

    `tokens`: the resource of each variable, None if it is unknown. `exports`: it sets these variables for later steps,
    None if that is unknown. `git`: it sets up git. `ready`: the number of the first step that sees them.
    """

    step: Step
    outer: Step
    index: int
    ready: int
    tokens: Mapping[str, Resource | None]
    exports: bool | None = True
    git: bool = False

    @property
    def resource(self) -> Resource | None:
        """Its resource, if it is one and known."""
        return next(iter(self.tokens.values())) if len(self.tokens) == 1 else None


@dataclass(frozen=True)
class Source:
    """Where a token comes from. `resource`: what it is for, if known.

    `login`: a step. `secret`: a stored secret. `exchange`: HF_OIDC_RESOURCE. `command`: `hf-oidc` in the same script.
    `early`: a login that comes later. `pending`: a login in the background that nothing waits for. `no-id`: the output
    of a step with an id (`name`) that no step has. `none`: nothing sets a token.
    """

    kind: Literal["login", "secret", "exchange", "command", "early", "pending", "no-id", "none", "unknown"]
    login: Login | None = None
    resource: Resource | None = None
    name: str = ""


UNKNOWN = Source("unknown")
NONE = Source("none")


@dataclass(frozen=True)
class TokenUse:
    """A use of the Hub, its step, the number of that step, and the token that it has."""

    index: int
    of_step: StepUses
    use: Use
    source: Source


def logins_of(job: Job, uses: JobUses) -> tuple[Login, ...]:
    """Returns the steps of `job` that hand a token to others."""
    ready = _ready(job, uses)
    found = []
    for index, of_step in enumerate(uses.steps):
        step = of_step.step
        if is_action(step):
            given = {name.lower(): value for name, value in step.inputs.items() if isinstance(value, str)}
            exports = {"true": True, "false": False}.get(given.get("export-env", "true").strip().lower())
            git = given.get("git-credentials", "").strip().lower() == "true"
            tokens = _tokens(uses.fill(given.get("resource", "")))
            found.append(Login(step, of_step.outer, index, ready[index], tokens, exports, git))
        for command in login_commands(step, shell_of(job, step)):
            if command.name == "env" and Command(command.words).option("--format") == "github":
                tokens = _tokens(uses.fill("\n".join(command.resources)))
                found.append(Login(step, of_step.outer, index, ready[index], tokens))
    return tuple(found)


def token_uses(job: Job, uses: JobUses) -> Iterator[TokenUse]:
    """Yields each use of the Hub in `job`, with the token that it has."""
    logins = logins_of(job, uses)
    ready: dict[int, list[Login]] = {}
    for login in logins:
        ready.setdefault(login.ready, []).append(login)
    walk = _Walk(logins, ready, {step.id.lower() for step in job.steps if step.id})
    for index, of_step in enumerate(uses.steps):
        walk.reach(index)
        for use in of_step.uses:
            yield TokenUse(index, of_step, use, walk.source(use, of_step))
        walk.leave(of_step)


@dataclass
class _Walk:
    """What the steps so far have left for later ones."""

    logins: tuple[Login, ...]
    ready: Mapping[int, Sequence[Login]]  # by the number of the first step that sees them
    ids: set[str]
    index: int = 0
    exported: dict[str, Source] = field(default_factory=dict)
    is_unknown: bool = False

    def reach(self, index: int) -> None:
        """Takes what the logins have exported when the step with this number starts."""
        self.index = index
        for login in self.ready.get(index, ()):
            if login.exports is not False:
                for name, resource in login.tokens.items():
                    self.exported[name] = Source("login", login, resource) if login.exports else UNKNOWN

    def leave(self, of_step: StepUses) -> None:
        """Takes what a step may have left for later ones."""
        step = of_step.step
        if is_action(step):
            return
        named = " ".join((*step.inputs, *step.env, *texts([*step.inputs.values()])))
        if step.uses and "sync" not in step.uses:
            self.is_unknown = (
                self.is_unknown or step.uses.startswith((".", "$")) or bool(MAY_LOG_IN.search(f"{step.uses} {named}"))
            )
        written = {match["name"]: match["value"] for match in TO_LATER_STEPS.finditer(step.run)}
        for name, value in written.items():
            text = self.of_text(value, of_step)
            self.exported[name] = Source("exchange") if name == RESOURCE_VARIABLE else text
        unseen = "GITHUB_ENV" in step.run and not written and "hf-oidc" not in step.run
        self.is_unknown = self.is_unknown or bool(
            MAY_LOG_IN.search(step.run if unseen else re.sub(r"HF_TOKEN|HUGGING_FACE_HUB_TOKEN", "", step.run))
        )

    def source(self, use: Use, of_step: StepUses) -> Source:
        """The token of a use."""
        given = use.given
        if given is None:
            # huggingface_hub reads HF_OIDC_RESOURCE first, then the variables of a token, then what a login has stored.
            if self._of_variable(RESOURCE_VARIABLE, of_step).kind != "none":
                return Source("exchange", None, _resource(of_step.env.get(RESOURCE_VARIABLE, "")))
            every = (self._of_variable(name, of_step) for name in TOKEN_VARIABLES)
            found = next((each for each in every if each.kind != "none"), None)
            return found or (self.of_text(use.saved, of_step) if use.saved else self._nothing())
        if given.kind == "git":
            login = next((each for each in reversed(self.logins) if each.git and each.ready <= self.index), None)
            # Something else may have set up git.
            return Source("login", login, login.resource) if login else UNKNOWN
        if given.kind == "text":
            return self.of_text(given.text, of_step)
        if given.kind == "exchange":
            return Source("exchange", None, _resource(given.text))
        return Source("command", None, _tokens(given.text).get("HF_TOKEN"))

    def of_text(self, text: str, of_step: StepUses, depth: int = 0) -> Source:
        """The token that a text names: an expression, or a variable of the shell."""
        if "||" in text or depth == MAX_DEPTH:
            return UNKNOWN
        if SECRET.search(text):
            return Source("secret")
        if output := OUTPUT.search(text):
            return self._of_output(output, text, of_step)
        whole = EXPRESSION.fullmatch(text.strip())
        variable = ENV.fullmatch(whole["inside"]) if whole else VARIABLE.fullmatch(text.strip())
        name = next(filter(None, variable.groups())) if variable else ""
        found = self._of_variable(name, of_step, depth + 1) if name else UNKNOWN
        if found.kind != "none":
            return found
        # Other variables than those of the token may come from anywhere.
        return self._nothing() if name in TOKEN_VARIABLES else UNKNOWN

    def _of_variable(self, name: str, of_step: StepUses, depth: int = 0) -> Source:
        """A step's own `env:` counts first, then what steps have exported, then the job's and the workflow's."""
        own = name in of_step.step.env or name in of_step.outer.env
        if own or name not in self.exported:
            text = of_step.env.get(name, "")
            # `HF_TOKEN: ${{ env.HF_TOKEN }}` names the exported variable.
            if own and re.search(rf"\benv\s*\.\s*{name}\b", text):
                return self.exported.get(name, UNKNOWN)
            return self.of_text(text, of_step, depth) if text.strip() else NONE
        return self.exported[name]

    def _of_output(self, output: re.Match[str], text: str, of_step: StepUses) -> Source:
        step_id = output["id"].lower()
        name = (output["name"] or output["quoted"] or "").lower()
        # A composite action does not share its ids with the job.
        inside = of_step.outer if of_step.outer is not of_step.step else None
        scope = [each for each in self.logins if (each.outer if each.outer is not each.step else None) is inside]
        login = next((each for each in scope if each.step.id.lower() == step_id), None)
        if login is None:
            return UNKNOWN if inside or step_id in self.ids else Source("no-id", name=output["id"])
        if name not in {"token", "tokens"}:
            return UNKNOWN
        if login.ready > self.index:
            return Source("early" if login.index >= self.index else "pending", login)
        part = OF_TOKENS.search(text)
        named = next(filter(None, part.groups()), "") if part else ""
        return Source("login", login, login.tokens.get(named) if named else login.resource)

    def _nothing(self) -> Source:
        if self.is_unknown:
            return UNKNOWN
        pending = next((each for each in self.logins if each.index < self.index < each.ready), None)
        return Source("pending", pending) if pending and pending.exports else NONE


@lru_cache(maxsize=64)  # each row of a matrix has the same text, unless it names a value of the row
def _tokens(text: str) -> Mapping[str, Resource | None]:
    """The variables and resources that an input `resource` names."""
    try:
        return {request.name: request.resource for request in RESOURCE.read(text)}
    except UsageError:
        names = re.findall(r"^\s*(\w+)=", text, re.MULTILINE)
        return dict.fromkeys(names or ["HF_TOKEN"])


def _resource(text: str) -> Resource | None:
    try:
        return Resource.parse(text)
    except UsageError:
        return None


def _ready(job: Job, uses: JobUses) -> list[int]:
    """For each step, the number of the first step that sees what it has exported.

    A background step exports its variables at the `wait` of a later step, `parallel:` when all its steps have ended.
    """
    ends: list[int] = []  # for each step of the job, the number of the one that follows its group
    steps = job.block.get("steps")
    for written in steps if isinstance(steps, list) else []:
        inner = written.get("parallel") if isinstance(written, Block) else None
        count = len(inner) if isinstance(inner, list) else 1
        ends += [len(ends) + count] * count
    waited: dict[str, int] = {}  # the number of the next step that waits for an id; "": for all
    for index in range(len(job.steps) - 1, -1, -1):
        step = job.steps[index]
        if step.block.get("background") == "true":
            never = len(job.steps) + 1
            ends[index] = min(waited.get("", never), waited.get(step.id, never))
        names = ["", *texts(step.block.get("wait"))] if "wait-all" in step.block else texts(step.block.get("wait"))
        waited |= dict.fromkeys(names, index)
    # The numbers of `uses` also count the steps inside of composite actions.
    numbers = {id(step): index for index, step in enumerate(job.steps)}
    first: dict[int, int] = {}
    for at, each in enumerate(uses.steps):
        first.setdefault(numbers[id(each.outer)], at)
    found = []
    for at, each in enumerate(uses.steps):
        end = ends[numbers[id(each.outer)]]
        inside = each.outer is not each.step and end == numbers[id(each.outer)] + 1
        found.append(at + 1 if inside else first.get(end, len(uses.steps) + end - len(job.steps)))
    return found
