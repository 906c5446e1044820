"""Plans how the jobs of a workflow change from a stored Hub token to a login. It changes no text.

What cannot be planned safely becomes a remark for the user. `doctor.advice` has the sentences.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

from hf_oidc.doctor.workflow.login.inputs import input_of
from hf_oidc.doctor.workflow.login.step import NO_DOCKER, is_action, is_soft, resource_variables
from hf_oidc.doctor.workflow.migration.result import Remark
from hf_oidc.doctor.workflow.migration.script_edit import VARIABLE, ScriptSecrets
from hf_oidc.doctor.workflow.migration.text_edit import applied
from hf_oidc.doctor.workflow.migration.yaml_layout import Path
from hf_oidc.doctor.workflow.model import Job, Step, Workflow
from hf_oidc.doctor.workflow.runs.reach import Reachability
from hf_oidc.doctor.workflow.token.hub_target import Use as HubUse
from hf_oidc.doctor.workflow.token.script import shell_of
from hf_oidc.doctor.workflow.token.stored_secrets import is_test, stored_secrets
from hf_oidc.doctor.workflow.token.targets import named_in_all_rows, uses_of
from hf_oidc.doctor.workflow.yaml_text import Block, Value, line_of
from hf_oidc.errors import UsageError
from hf_oidc.sanitize import sanitize_line
from hf_oidc.settings import RESOURCE

# A condition with one of these means something else at another step.
OF_ITS_PLACE = re.compile(
    r"\b(?:steps|env|job|runner)\s*[.\[]|\b(?:success|failure|always|cancelled|hashFiles)\s*\(", re.IGNORECASE
)
GIT_OF_THE_HUB = re.compile(r"\bgit\b(?:[^\n]|\\\r?\n){0,500}?https://(?:huggingface|hf)\.co/")
# What could be a program of the repository, which can read any variable.
PROGRAM = re.compile(
    r"(?:^|[\s;&|(])(?:python[\d.]*|uv|make|bash|sh|node|npm|npx|poetry|pytest|tox|\.{1,2}/\S+)\s", re.MULTILINE
)
IS_SET = re.compile(r"(?:\$\{\{)?\s*env\.(?P<name>\w+)\s*!=\s*''\s*(?:\}\})?")
# More than any workflow has. Each step is searched for each of them.
MAX_SECRETS = 20
NAMES = {"datasets": "DATASET_TOKEN", "spaces": "SPACE_TOKEN", "kernels": "KERNEL_TOKEN", "buckets": "BUCKET_TOKEN"}
REFERENCES = {"sh": f"${VARIABLE}", "powershell": f"$env:{VARIABLE}", "cmd": f"%{VARIABLE}%", "python": ""}


@dataclass(frozen=True)
class Use:
    """A step that uses a stored token, which is for `resource`. `env`, `inputs`: the names that hold it.

    `resource` is empty if the step only passes the token on. `secrets`: as its shell names them.
    `script`: the script without it, if it changes. `tests`: its condition only asks whether the secret is there.
    """

    step: Step
    path: Path
    env: tuple[str, ...]
    inputs: tuple[str, ...]
    secrets: ScriptSecrets
    script: str | None
    resource: str = ""
    tests: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left of the step: it only passed the token on."""
        return self.script is not None and not self.script.strip()

    @property
    def needs_git(self) -> bool:
        """Whether git reads the token from its credentials: its URL has none, or the token was stored for git."""
        script = self.step.run if self.script is None else self.script
        return GIT_OF_THE_HUB.search(script) is not None or "--add-to-git-credential" in self.step.run


@dataclass(frozen=True)
class Login:
    """The login of a job. `names`: the variable for each resource. `id`: by which steps read its outputs.

    `step`: if the job has one already, at `path`. `condition`: the `if:` of a new one. `soft`: a failure is a warning.
    `hub_url`: another Hub, which the steps name.
    """

    names: Mapping[str, str]
    id: str
    step: Step | None = None
    path: Path = ()
    condition: str = ""
    soft: bool = False
    native: bool = False
    hub_url: str = ""

    @property
    def exports(self) -> bool:
        """Whether later steps get HF_TOKEN."""
        exported = self.step is None or input_of(self.step, "export-env") != "false"
        return exported and set(self.names.values()) == {VARIABLE}


@dataclass(frozen=True)
class JobPlan:
    """What changes in a job. `inherited`: the variables of the job's `env:` that hold the token."""

    job: Job
    secrets: ScriptSecrets
    login: Login
    uses: tuple[Use, ...]
    inherited: tuple[str, ...]


@dataclass(frozen=True)
class _Targets:
    """What a step writes to and reads on the Hub. `unknown`: or something else. `is_use`: whether it uses the Hub.

    `beyond`: a use that a login cannot replace.
    """

    written: tuple[str, ...]
    read: tuple[str, ...]
    unknown: bool
    is_use: bool
    beyond: HubUse | None


def step_paths(job: Job) -> Iterator[Path]:
    """Yields where each of the steps of `job` is in the file."""
    steps = job.block.get("steps")
    for index, step in enumerate(steps if isinstance(steps, list) else ()):
        path: Path = ("jobs", job.key, "steps", index)
        inner = step.get("parallel") if isinstance(step, Block) else None
        yield from ((*path, "parallel", at) for at, _ in enumerate(inner)) if isinstance(inner, list) else (path,)


class JobPlanner:
    """Plans one job. `remarks` grows with what the user must know. `given`: the resource that the user names."""

    def __init__(self, workflow: Workflow, job: Job, reachability: Reachability, given: str) -> None:
        self.workflow, self.job, self.given = workflow, job, given
        self._stored = stored_secrets(workflow, job)
        names = frozenset(each.secret for each in self._stored if each.secret)
        self._is_too_much = len(names) > MAX_SECRETS
        self.secrets = ScriptSecrets(frozenset() if self._is_too_much else names)
        self._rows = uses_of(workflow, job)
        self.remarks: list[Remark] = []
        self._reachability = reachability
        self.inherited = tuple(name for name, value in job.env.items() if self._has(value))
        self._above = {*self.inherited, *(name for name, value in workflow.env.items() if self._has(value))}

    def plan(self) -> JobPlan | None:
        """Returns what changes in the job: none if nothing does."""
        # What a called workflow or a container gets, no login of this job replaces.
        for each in self._stored:
            line, called = each.line or self.job.line, self.job.called
            uses_one = called and each.way == "inherited" and any(stored_secrets(called, job) for job in called.jobs)
            if each.way == "called-workflow" or uses_one:
                self.remark("to-do", "called-workflow", line, called=self.job.calls)
            elif each.level == "job" and each.way == "env" and each.name not in self.job.env:
                self.remark("to-do", "container", line, name=each.name)
        if self._is_too_much:
            self.remark("to-do", "too-large", self.job.line)
        if not self.secrets.names or not self.job.steps:
            return None
        found = list(self._uses())
        login = self._existing()
        written = {target for use in found for target in self._targets(use.step).written}
        resolved = (self._resolved(use, written) for use in found)
        uses = [use for use in resolved if use and (not login or self._fits(use, login))]
        if not found and self.inherited:
            name = self.inherited[0]
            self.remark("to-do", "unknown-variable", line_of(self.job.env, name) or self.job.line, name=name)
        if not uses or not self._may_lose(found, uses):
            return None
        login = login or self._new(uses)
        return JobPlan(self.job, self.secrets, login, tuple(uses), self.inherited) if login else None

    def may_read(self, name: str) -> bool:
        """Whether a step of the job could read the variable `name`, which the workflow sets."""
        if any(each.uses for row in self._rows for each in row.steps):
            return True
        return any(_names(step, name) or PROGRAM.search(step.run) for step in self.job.steps)

    def remark(self, kind: Literal["to-do", "kept", "note"], code: str, line: int, **facts: str) -> None:
        """Notes what the user must know."""
        shown = {name: sanitize_line(text, 200) for name, text in facts.items()}
        self.remarks.append(Remark(kind, code, line, {"job": sanitize_line(self.job.key, 80), **shown}))

    def _has(self, value: Value) -> bool:
        return bool(self.secrets.names) and isinstance(value, str) and self.secrets.are_in(value)

    def _uses(self) -> Iterator[Use]:
        """The steps that use the token for certain: they are given it, or name the Hub and inherit it."""
        passed_on = False
        for step, path in zip(self.job.steps, step_paths(self.job), strict=True):
            secrets = replace(self.secrets, reference=REFERENCES[shell_of(self.job, step)])
            env = tuple(name for name, value in step.env.items() if self._has(value))
            inputs = tuple(name for name, value in step.inputs.items() if self._has(value))
            edits = secrets.find(step.run)
            passed_on = passed_on or (bool(edits) and secrets.passes_on(step.run))
            is_use = bool(env or inputs or edits) or self._has(step.run)
            if not is_use and (self._above or passed_on):
                # It may read a variable that the job or the workflow sets. What could be a program of the repository
                # may need the token that the user says it needs.
                named = any(_names(step, name) for name in self._above)
                is_use = named or self._targets(step).is_use or bool(self.given and PROGRAM.search(step.run))
            if is_use:
                yield Use(step, path, env, inputs, secrets, applied(step.run, edits) if edits else None)

    def _targets(self, step: Step) -> _Targets:
        """What `step` does with the Hub, in all rows of the matrix."""
        # Of a composite action of the repository: the uses of its steps.
        uses = [tuple(use for each in row.steps if each.outer is step for use in each.uses) for row in self._rows]
        every = [use for row in uses for use in row]
        written = [tuple(dict.fromkeys(str(use.target) for use in row if _is_known(use))) for row in uses]
        same = set(written)
        if len(same) > 1:
            text = named_in_all_rows((self.workflow.env, self.job.env), step, self._rows, written)
            same = {(text,)} if text else set()
        resources = same.pop() if same else ()
        read = {str(use.target) for use in every if use.right == "read" and use.target} - set(resources)
        unknown = any(use.right == "variable" or (use.right == "write" and not _is_known(use)) for use in every)
        beyond = next((use for use in every if use.beyond), None)
        return _Targets(resources, tuple(sorted(read)), unknown, bool(every), beyond)

    def _resolved(self, use: Use, written: Collection[str]) -> Use | None:
        """`use` with its resource. Without, a remark. `written`: what steps of the job write to."""
        step, line = use.step, self._line(use)
        targets = self._targets(step)
        facts = {"step": step.label, "resources": ", ".join(targets.written), "read": ", ".join(targets.read)}
        passes_on = use.script is not None and use.secrets.passes_on(step.run)
        resource = next(iter((*targets.written, *(set(targets.read) & set(written)))), "") or self.given
        code = ""
        if step.action or step.uses.startswith("./"):
            code, facts["uses"] = "local-action", step.uses
        elif targets.beyond:
            facts |= {"what": targets.beyond.what, "beyond": targets.beyond.beyond}
            self.remark("kept", "still-needed", line, **facts)
            return None
        elif use.secrets.are_in(use.script if use.script is not None else step.run):
            code = "script"
        elif len(targets.written) > 1:
            code = "several-targets"
        elif set(targets.read) - {*written, self.given}:
            code = "reads"
        elif not passes_on and (not resource or (targets.unknown and not self.given)):
            code = "unknown-resource"
        if code:
            self.remark("to-do", code, line, **facts)
            return None
        tests = tests_secret(step.condition, {*use.env, *self._above})
        return replace(use, resource="" if passes_on and not targets.written else resource, tests=tests)

    def _fits(self, use: Use, login: Login) -> bool:
        """Whether the login that the job has gives the token that `use` needs."""
        resource = ", ".join(login.names)
        if use.resource and use.resource not in login.names:
            facts = {"step": use.step.label, "target": use.resource, "resource": resource}
            self.remark("kept", "another-repository", self._line(use), **facts)
            return False
        steps = list(self.job.steps)
        if login.step and steps.index(use.step) < steps.index(login.step):
            self.remark("to-do", "before-login", self._line(use), step=use.step.label, resource=resource)
            return False
        return True

    def _may_lose(self, found: Sequence[Use], uses: Sequence[Use]) -> bool:
        """Whether the login may replace the variables that all steps of the job have."""
        kept = [use for use in found if use.path not in {each.path for each in uses}]
        depending = [use for use in kept if not (use.env or use.inputs or self._has(use.step.run))]
        # A login sets HF_TOKEN for all later steps. It would replace the secret for these too.
        for use in depending:
            self.remark("to-do", "inherits", self._line(use), step=use.step.label)
        for name in sorted(self._above):
            others = [step for step in self.job.steps if name != VARIABLE and _names(step, name)]
            for step in others:
                line = line_of(self.job.env, name) or self.job.line
                value = self.job.env.get(name) or self.workflow.env.get(name)
                code = "tests-secret" if isinstance(value, str) and is_test(value) else "other-variable"
                self.remark("to-do", code, line, name=name, step=step.label)
                depending.append(found[0])
        return not depending

    def _existing(self) -> Login | None:
        for step, path in zip(self.job.steps, step_paths(self.job), strict=True):
            if is_action(step):
                resource = next((value for name, value in step.inputs.items() if name.lower() == "resource"), "")
                text = resource if isinstance(resource, str) else ""
                names = {text.strip(): VARIABLE} if "${{" in text else {}
                with suppress(UsageError):  # the text is not a resource
                    names = names or {str(each.resource): each.name for each in RESOURCE.read(text)}
                return Login(names, step.id or self._free_id(), step, path, soft=is_soft(step))
        return None

    def _free_id(self) -> str:
        taken = {step.id for step in self.job.steps}
        return next(name for name in ("hf", "hf-login", "hf-oidc-login", "hf-oidc-action-login") if name not in taken)

    def _new(self, uses: Sequence[Use]) -> Login | None:
        """The login to add before the first of `uses`. Without, a remark."""
        if [*resource_variables(self.workflow, self.job)]:
            self.remark("to-do", "own-exchange", self.job.line)
            return None
        condition = self._condition(uses)
        if condition is None:
            return None
        first = next(step for step in self.job.steps if step is uses[0].step)
        soft = any(use.tests for use in uses) or any(
            each.certainty != "no" and each.run.kind == "pull-request"
            for each in self._reachability.of(self.job, first)
        )
        native = any(map(NO_DOCKER.match, self.job.runs_on))
        # The variable is HF_TOKEN if there is one resource. Else its name tells the kind, or the kind and a number.
        distinct = list(dict.fromkeys(use.resource for use in uses if use.resource)) or [self.given]
        names = {distinct[0]: VARIABLE}
        if len(distinct) > 1:
            by_kind = [NAMES.get(each.partition("/")[0], "MODEL_TOKEN") for each in distinct]
            if len(set(by_kind)) < len(by_kind):
                by_kind = [f"{kind}_{number}" for number, kind in enumerate(by_kind, 1)]
            names = dict(zip(distinct, by_kind, strict=True))
        if "" in names:
            self.remark("to-do", "unknown-resource", self._line(uses[0]), step=uses[0].step.label, secret="")
            return None
        hubs = {str(use.step.env.get("HF_ENDPOINT", "")) for use in uses if use.resource}
        if len(hubs) > 1:
            self.remark("to-do", "several-hubs", uses[0].step.line)
            return None
        hub_url = "".join(hubs)
        return Login(names, self._free_id(), condition=condition, soft=soft, native=native, hub_url=hub_url)

    def _condition(self, uses: Sequence[Use]) -> str | None:
        """The condition under which at least one of `uses` runs: an empty one is always true."""
        conditions = list(dict.fromkeys("" if use.tests else bare(use.step.condition) for use in uses))
        tested = {*self._above, *(name for use in uses for name in use.env)}
        for use in uses:
            reads = re.search(r"\benv\s*[.\[]", use.step.condition) and any(n in use.step.condition for n in tested)
            if reads and not use.tests:
                self.remark("to-do", "condition", use.step.line, step=use.step.label)
                return None
        if "" in conditions:
            return ""
        if len(conditions) == 1:
            return uses[0].step.condition
        if unclear := [use for use in uses if OF_ITS_PLACE.search(use.step.condition)]:
            self.remark("to-do", "condition", unclear[0].step.line, step=unclear[0].step.label)
            return None
        return " || ".join(f"({text})" for text in conditions)

    def _line(self, use: Use) -> int:
        names = [(use.step.env, name) for name in use.env] + [(use.step.inputs, name) for name in use.inputs]
        return next((line for block, name in names if (line := line_of(block, name))), use.step.line)


def _is_known(use: HubUse) -> bool:
    return use.right == "write" and use.target is not None and use.target.kind is not None


def tests_secret(condition: str, names: Collection[str]) -> bool:
    """Whether `condition` only asks whether one of the variables `names` is set."""
    match = IS_SET.fullmatch(condition.strip())
    return match is not None and match["name"] in names


def bare(condition: str) -> str:
    """Returns `condition` without the `${{ }}` around it, which an `if:` does not need."""
    text = condition.strip()
    inside = text[3:-2].strip()
    return inside if text.startswith("${{") and text.endswith("}}") and "${{" not in inside else text


def _names(step: Step, name: str) -> bool:
    """Whether `step` names the variable, and does not set it itself."""
    written = str([step.run, step.condition, step.inputs, step.env])
    return name not in step.env and re.search(rf"\b{re.escape(name)}\b", written) is not None
