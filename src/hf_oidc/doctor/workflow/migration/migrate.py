"""Changes a workflow that uses a stored Hub token: its jobs log in instead, and the secret goes.

An edit is offered only if the changed file has no other difference and no new error. The edits keep the layout.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from hf_oidc.doctor.workflow.called import ReadFile, with_called
from hf_oidc.doctor.workflow.examine import examine, examine_workflow
from hf_oidc.doctor.workflow.findings import WorkflowReport
from hf_oidc.doctor.workflow.login.permissions import advised, effective
from hf_oidc.doctor.workflow.migration.plan import JobPlan, JobPlanner, Use, bare
from hf_oidc.doctor.workflow.migration.result import Migration, Remark
from hf_oidc.doctor.workflow.migration.script_edit import VARIABLE, ScriptSecrets
from hf_oidc.doctor.workflow.migration.text_edit import Edit
from hf_oidc.doctor.workflow.migration.yaml_edit import Item, YamlEditor
from hf_oidc.doctor.workflow.migration.yaml_layout import NotEditable, Path
from hf_oidc.doctor.workflow.model import Workflow, read_workflow
from hf_oidc.doctor.workflow.runs.derivation import runs_of
from hf_oidc.doctor.workflow.runs.reach import Reachability
from hf_oidc.doctor.workflow.token.stored_secrets import stored_secrets
from hf_oidc.doctor.workflow.yaml_text import Block, line_of, read
from hf_oidc.sanitize import sanitize_line

ACTION = "org/hf-oidc-action@v1"
NATIVE = "org/hf-oidc-action/native@v1"
# People write no larger workflows, and to find the places for edits takes time for each character.
MAX_CHARACTERS = 100_000


# Of the workflow, for all jobs together.
MAX_VARIABLES = 5_000
# Characters that are read again and again, job by job, if not all jobs can be changed at once.
MAX_AGAIN = 200_000
_Changed: TypeAlias = tuple[str, tuple[Edit, ...], WorkflowReport]


def migrate(text: str, file_name: str, repository: str, read_file: ReadFile, given: str = "") -> Migration:
    """Returns the migration of a workflow. `given`: the resource of steps that do not show theirs.

    Raises `UnreadableYaml` if `text` is not a workflow.
    """
    return _File(text, file_name, repository, read_file).migrated(given)


class _File:
    """A workflow file, and how it changes."""

    def __init__(self, text: str, file_name: str, repository: str, read_file: ReadFile) -> None:
        self.text, self.file_name, self.repository, self.read_file = text, file_name, repository, read_file
        self.workflow = with_called(read_workflow(read(text), file_name), read_file)
        self.before = examine_workflow(self.workflow, repository)
        stored = (each for job in self.workflow.jobs[:1] for each in stored_secrets(self.workflow, job))
        self._above = list(dict.fromkeys(each.name for each in stored if each.level == "workflow"))

    def report(self, text: str) -> WorkflowReport:
        """The report of the doctor about `text`."""
        return examine(text, self.file_name, self.repository, self.read_file)

    def migrated(self, given: str) -> Migration:
        """The migration, as far as it is safe."""
        remarks: list[Remark] = []
        jobs = self.workflow.jobs
        # Behind aliases, a short file can have long scripts.
        scripts = sum(len(step.run) for job in jobs for step in job.steps)
        if max(len(self.text), scripts) > MAX_CHARACTERS or len(jobs) * len(self.workflow.env) > MAX_VARIABLES:
            remarks += [Remark("to-do", "too-large", 1)] if "secrets" in self.text else []
            jobs = ()
        reachability = Reachability(self.workflow, runs_of(self.workflow, (), self.repository))
        self._planners = [JobPlanner(self.workflow, job, reachability, given) for job in jobs]
        plans = [plan for planner in self._planners if (plan := planner.plan())]
        remarks += [remark for planner in self._planners for remark in planner.remarks]
        done, (changed, edits, report) = self._accepted(plans, remarks)
        remarks += self._besides(done, changed, report)
        # The variables at the top of the file that keep the token.
        for name in set(self._above) - set(self._no_longer_read(done) if done else ()):
            line, facts = line_of(self.workflow.env, name) or 1, {"name": sanitize_line(name, 80)}
            if done:
                remarks.append(Remark("kept", "workflow-variable", line, facts))
            elif self._planners and not any(planner.remarks for planner in self._planners):
                remarks.append(Remark("to-do", "unknown-variable", line, facts))
        keys = tuple(plan.job.key for plan in done)
        return Migration(self.text, changed, edits, keys, tuple(sorted(remarks, key=lambda each: each.line)), report)

    def _accepted(self, plans: Sequence[JobPlan], remarks: list[Remark]) -> tuple[Sequence[JobPlan], _Changed]:
        """The plans that can be carried out, and the change. `remarks` gets one for each other plan."""
        lines: dict[str, int] = {}
        accepted = plans
        while True:
            try:
                changed = self._changed(accepted)
                break
            except NotEditable:
                alone = []  # the plans that can be carried out without the others
                for plan in accepted[: max(1, MAX_AGAIN // len(self.text))]:
                    try:
                        self._changed([plan])
                        alone.append(plan)
                    except NotEditable as error:
                        lines[plan.job.key] = error.line
                accepted = alone if len(alone) < len(accepted) else ()
        for plan in plans:
            if plan not in accepted:
                line = lines.get(plan.job.key, plan.job.line)
                remarks.append(Remark("to-do", "not-editable", line, {"job": sanitize_line(plan.job.key, 80)}))
        return accepted, changed

    def _changed(self, plans: Sequence[JobPlan]) -> _Changed:
        """The text with `plans`. Raises `NotEditable` if that is not safe, or if the doctor finds a new error."""
        if not plans:
            return self.text, (), self.before
        editor = YamlEditor(self.text)
        for plan in plans:
            _Edits(editor, plan).make()
        _permit(editor, self.workflow, plans)
        for name in self._no_longer_read(plans):
            editor.remove(("env", name))
        text, edits = editor.result()
        report = self.report(text)
        if _errors(report) - _errors(self.before):
            raise NotEditable(plans[0].job.line)
        return text, edits, report

    def _no_longer_read(self, plans: Sequence[JobPlan]) -> list[str]:
        """The variables at the top of the file that hold the token, and that only the jobs of `plans` read."""
        done = {plan.job.key for plan in plans}
        others = [planner for planner in self._planners if planner.job.key not in done]
        return [name for name in self._above if not any(planner.may_read(name) for planner in others)]

    def _besides(self, plans: Sequence[JobPlan], text: str, report: WorkflowReport) -> Iterator[Remark]:
        """What changes besides, and what is left to do elsewhere."""
        for plan in plans:
            job, facts = plan.job, {"job": sanitize_line(plan.job.key, 80)}
            if not effective([(self.workflow, job)]).scopes and "permissions" not in job.block:
                yield Remark("note", "other-permissions", job.line, facts)
            if plan.login.soft and not plan.login.step:
                code = "asked-for-secret" if any(use.tests for use in plan.uses) else "soft"
                yield Remark("note", code, job.line, facts)
        for name in sorted({name for plan in plans for name in plan.secrets.names}):
            if not ScriptSecrets(frozenset({name})).are_in(text):
                yield Remark("note", "delete-secret", plans[0].job.line, {"secret": sanitize_line(name, 80)})
        if plans and "workflow_call" in self.workflow.triggers:
            yield Remark("note", "callers", self.workflow.triggers["workflow_call"].line)
        changed = [job for job in report.jobs if job.key in {plan.job.key for plan in plans}]
        if any(each.severity == "warning" for job in changed for each in job.findings):
            yield Remark("note", "run-doctor", 1, {"file": self.workflow.place})


class _Edits:
    """The edits of the steps of one job."""

    def __init__(self, editor: YamlEditor, plan: JobPlan) -> None:
        self._editor, self._plan, self._login = editor, plan, plan.login
        self._steps: Path = ("jobs", plan.job.key, "steps")
        self._output = f"${{{{ steps.{plan.login.id}.outputs.token }}}}"

    def make(self) -> None:
        """Makes all of them."""
        login, step = self._login, self._login.step
        if step is None:
            self._log_in()
        else:
            # The login that the job has must give the other steps what they need of it.
            if not step.id and self._reads_output():
                self._editor.add(login.path, "id", login.id, after="uses")
            if self._git() and "git-credentials" not in {name.lower() for name in step.inputs}:
                self._editor.add((*login.path, "with"), "git-credentials", "true", after=list(step.inputs)[-1])
        for use in self._plan.uses:
            if not use.is_empty:
                self._take_out(use)
            elif step or use is not self._plan.uses[0] or _is_inside(use):
                self._editor.drop(use.path[:-1], int(use.path[-1]))
        for name in self._plan.inherited:
            self._editor.remove(("jobs", self._plan.job.key, "env", name))

    def _log_in(self) -> None:
        login, first = self._login, self._plan.uses[0]
        step: dict[str, Item] = {"if": login.condition} if login.condition else {}
        step["uses"] = NATIVE if login.native else ACTION
        if login.soft or self._reads_output():
            step["id"] = login.id
        several = "".join(f"{name}={resource}\n" for resource, name in login.names.items())
        inputs: dict[str, Item] = {"resource": next(iter(login.names)) if login.exports else several}
        inputs |= {"git-credentials": "true"} if self._git() else {}
        inputs |= {"hub-url": login.hub_url} if login.hub_url else {}
        inputs |= {"on-error": "warn"} if login.soft else {}
        step["with"] = inputs
        # Before `parallel:`, if the first step is in that.
        index = int(first.path[3])
        if first.is_empty and not _is_inside(first):
            self._editor.replace(self._steps, index, step)
        else:
            self._editor.insert(self._steps, index, step)

    def _git(self) -> bool:
        return any(use.needs_git for use in self._plan.uses)

    def _reads_output(self) -> bool:
        """Whether a step reads the output `token` of the login, which only one for a single repository has."""
        if VARIABLE not in self._login.names.values():
            return False
        passed = any(use.inputs or set(use.env) - {VARIABLE} for use in self._plan.uses)
        return passed or not self._login.exports

    def _take_out(self, use: Use) -> None:
        """Removes the secret from a step; the token of the login takes its place where it has to be passed."""
        editor, secrets = self._editor, self._plan.secrets
        variable = self._login.names.get(use.resource, VARIABLE)
        token = self._output if variable == VARIABLE else f"${{{{ env.{variable} }}}}"
        for name in use.env:
            if name == VARIABLE and self._login.exports and secrets.is_all_of(str(use.step.env[name])):
                editor.remove((*use.path, "env", name))
            else:
                editor.substitute((*use.path, "env", name), secrets.replaced_by(token))
        for name in use.inputs:
            editor.substitute((*use.path, "with", name), secrets.replaced_by(token))
        if use.script is not None:
            editor.substitute((*use.path, "run"), use.secrets.find)
        if not self._login.exports and use.step.run and VARIABLE not in use.step.env:
            if use.step.env:
                editor.add((*use.path, "env"), VARIABLE, token, after=list(use.step.env)[-1])
            else:
                editor.add(use.path, "env", {VARIABLE: token}, after=list(use.step.block)[-1])
        if self._login.soft and not self._login.step and use.resource:
            # A soft login lets the job go on without a token: the step then has to be skipped.
            check = f"steps.{self._login.id}.outputs.authenticated == 'true'"
            if text := bare(use.step.condition):
                both = check if use.tests else f"({text}) && {check}" if "||" in text else f"{text} && {check}"
                editor.substitute((*use.path, "if"), lambda found: [Edit(0, len(found), both)])
            else:
                editor.add(use.path, "if", check, after="name" if "name" in use.step.block else "")


def _errors(report: WorkflowReport) -> set[tuple[str, str]]:
    """The errors of a report, each with its job."""
    found = [("", each) for each in report.findings] + [(job.key, each) for job in report.jobs for each in job.findings]
    return {(key, each.code) for key, each in found if each.severity == "error"}


def _is_inside(use: Use) -> bool:
    """Whether the step is inside `parallel:`."""
    return len(use.path) > 4


def _permit(editor: YamlEditor, workflow: Workflow, plans: Sequence[JobPlan]) -> None:
    """Lets the jobs of `plans` request an ID token. They keep the permissions that they have."""
    inherit = {job.key for job in workflow.jobs if not job.permissions.given}
    lacking = [plan.job for plan in plans if effective([(workflow, plan.job)]).id_token != "granted"]
    block = workflow.block.get("permissions")
    # If each job that inherits them logs in, the permissions of the workflow are the place; else the job.
    shared = bool(inherit) and inherit <= {job.key for job in lacking}
    if isinstance(block, Block) and shared:
        try:
            _grant(editor, (), block)
        except NotEditable:  # an alias uses the block elsewhere
            shared = False
    for job in lacking:
        own = job.block.get("permissions")
        if isinstance(own, Block):
            _grant(editor, ("jobs", job.key), own)
        elif own is not None:
            raise NotEditable(job.block.lines["permissions"])
        elif not (isinstance(block, Block) and shared):
            scopes = dict(line.split(": ") for line in advised([(workflow, job)]).split("\n  ")[1:])
            after = next((key for key in ("runs-on", "needs", "name") if key in job.block), "")
            editor.add(("jobs", job.key), "permissions", scopes, after=after)


def _grant(editor: YamlEditor, parent: Path, block: Block) -> None:
    path = (*parent, "permissions")
    if "id-token" in block:
        editor.substitute((*path, "id-token"), lambda found: [Edit(0, len(found), "write")])
    else:
        editor.add(path, "id-token", "write", after=list(block)[-1] if block else "")
