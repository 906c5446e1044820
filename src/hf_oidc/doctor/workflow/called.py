"""Reads what a workflow uses from the same repository: composite actions and reusable workflows, at any depth.

It does no I/O: the caller passes a function that reads files of the repository. The values of `inputs` are inserted
where the file writes them out, so that the checks see what a login is given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from hf_oidc.doctor.workflow.expressions.syntax import EXPRESSION
from hf_oidc.doctor.workflow.login.step import OUTPUTS, actual, is_action, login_commands, variables_of
from hf_oidc.doctor.workflow.model import Job, LocalAction, Step, Workflow, read_steps, read_workflow
from hf_oidc.doctor.workflow.runs.failing import always_fails
from hf_oidc.doctor.workflow.yaml_text import Block, UnreadableYaml, Value, read
from hf_oidc.settings import INPUTS

# Takes a path in the repository; returns the file's text, or an empty string if it cannot be read.
ReadFile = Callable[[str], str]
# `$/` is GitHub's self-repository syntax of 2026: the same file at the commit that runs, without a checkout.
LOCAL_WORKFLOW = re.compile(r"[.$]/(?:\./)?(?P<path>\.github/workflows/[^/\\]+\.ya?ml)")
LOCAL_ACTION = re.compile(r"[.$]/(?P<path>[^@\\]*)")
# A workflow calls at most nine levels of others; composite actions nest as deep.
# https://docs.github.com/en/actions/how-tos/reuse-automations/reuse-workflows#nesting-reusable-workflows
MAX_LEVELS = 9
# GitHub's limit of reusable workflows for a file is 50, each counted once.
MAX_FILES = 100
# Of all files together, each counted as often as it is used: files that use each other several times could otherwise
# take exponential time.
MAX_CHARACTERS = 4_194_304
COST_OF_A_USE = 10_000
# Of a called workflow: each job has its own report, each time that it is called.
COST_OF_A_JOB = 5_000
# Of what replaces the inputs in one file.
MAX_INSERTED = 100_000
# A string of an expression, or an input. Names are case-insensitive.
INPUT = re.compile(
    r"'(?:[^']|'')*'|(?<![\w.-])inputs(?:\.(?P<name>[A-Za-z_][\w-]*)|\[\s*'(?P<quoted>[^']*)'\s*\])", re.IGNORECASE
)
# Expressions that are always strings. A property of the event, an input or a matrix value may be a boolean or a number.
STRING = re.compile(r"(?:github\.(?!event\b)|env\.|vars\.|secrets\.|steps\.|needs\.)[\w.-]+|'(?:[^']|'')*'")


def with_called(workflow: Workflow, read_file: ReadFile) -> Workflow:
    """Returns `workflow` with what it uses of its repository: `Step.action` and `Job.called`."""
    return _Repository(read_file).workflow(workflow, ())


class _Repository:
    """The files that a workflow uses, each read once."""

    def __init__(self, read_file: ReadFile) -> None:
        self._read_file = read_file
        self._documents: dict[str, tuple[Value, int]] = {}
        self._left = MAX_CHARACTERS

    def workflow(self, workflow: Workflow, callers: tuple[str, ...]) -> Workflow:
        """`workflow`, with the actions and workflows that it uses. `callers`: the files that led to it."""
        jobs: list[Job] = []
        for job in workflow.jobs:
            match, called = LOCAL_WORKFLOW.fullmatch(job.calls), None
            steps = tuple(self._step(step, ()) for step in job.steps)
            document = self._document(match["path"], callers) if match else ""
            if match and isinstance(document, Block):
                path = match["path"]
                declared: Value = document
                for key in ("on", "workflow_call", "inputs"):
                    declared = declared.get(key, "") if isinstance(declared, Block) else ""
                # An expression of the caller sees other contexts: `reach` evaluates it there.
                inserted = _Inputs(declared, job.inputs, only_literal=True).inserted(document)
                with suppress(UnreadableYaml):
                    found = replace(read_workflow(inserted, path.rpartition("/")[2]), path=path)
                    self._left -= COST_OF_A_JOB * len(found.jobs)
                    called = self.workflow(found, (*callers, path)) if self._left >= 0 else None
            jobs.append(replace(job, steps=steps, called=called))
        return replace(workflow, jobs=tuple(jobs))

    def _step(self, step: Step, users: tuple[str, ...]) -> Step:
        match = LOCAL_ACTION.fullmatch(step.uses)
        folder = match["path"].removeprefix("./").strip("/") if match else ""
        for name in ("action.yml", "action.yaml") if match else ():
            path = f"{folder}/{name}".lstrip("/")
            document = self._document(path, users)
            runs = document.get("runs") if isinstance(document, Block) else None
            if not isinstance(document, Block) or not isinstance(runs, Block):
                continue
            declared, using = document.get("inputs", ""), runs.get("using")
            inserted = _Inputs(declared, step.inputs).inserted(runs)
            written = read_steps(inserted, path) if isinstance(inserted, Block) else ()
            steps = tuple(self._step(inner, (*users, path)) for inner in written)
            every = [each for inner in steps for each in actual(inner)]
            logs_in = any(is_action(each) or login_commands(each) or any(variables_of(each)) for each in every)
            # A copy of this action has its inputs and outputs, and its own steps or image log in.
            outputs = document.get("outputs")
            inputs = {*declared} & {*INPUTS} if isinstance(declared, Block) else set()
            alike = "resource" in inputs and len(inputs) >= 4 and isinstance(outputs, Block) and {*outputs} & {*OUTPUTS}
            is_ours = bool(alike) and not logs_in
            fails = any(always_fails(each.run, each.shell) for each in every)
            action = LocalAction(
                path, using if isinstance(using, str) else "", is_ours, () if is_ours else steps, fails
            )
            return replace(step, action=action)
        return step

    def _document(self, path: str, users: tuple[str, ...]) -> Value:
        """The YAML of a file, or an empty string: if it cannot be read, or uses itself, or if a limit is reached."""
        if path in users or len(users) >= MAX_LEVELS:
            return ""
        if path not in self._documents and len(self._documents) < MAX_FILES:
            text = self._read_file(path)
            try:
                self._documents[path] = read(text), len(text)
            except UnreadableYaml:
                self._documents[path] = "", 0
        document, size = self._documents.get(path, ("", 0))
        self._left -= size + COST_OF_A_USE
        return document if self._left > 0 else ""


class _Inputs:
    """The inputs of an action or workflow as texts of expressions: what the caller gives, else the default."""

    def __init__(self, declared: Value, given: Mapping[str, Value], *, only_literal: bool = False) -> None:
        passed = {name.lower(): value for name, value in given.items()}
        self._values: dict[str, str] = {}
        self._left = MAX_INSERTED
        for name, written in declared.items() if isinstance(declared, Block) else ():
            about = written if isinstance(written, Block) else Block()
            value = passed.get(name.lower(), about.get("default", ""))
            missing = about.get("required") == "true" and name.lower() not in passed  # `structure` tells
            if isinstance(value, str) and not missing and not (only_literal and "${{" in value):
                # The inputs of an action are strings. Those of a workflow have types, also with an expression as value.
                self._values[name.lower()] = _as_expression(value, str(about.get("type")), as_text=not only_literal)

    def inserted(self, value: Value, key: str = "") -> Value:
        """A copy of `value`, the value of `key`, in which expressions have the values of the inputs."""
        if isinstance(value, list):
            return [self.inserted(item) for item in value]
        if isinstance(value, Block):
            copy = Block(value.line)
            copy.lines, copy.merged = value.lines, value.merged
            copy.update({name: self.inserted(item, name) for name, item in value.items()})
            return copy
        if not self._values or "inputs" not in value.lower():
            return value
        if key == "if" and "${{" not in value:  # a condition is an expression, also without the signs around it
            return INPUT.sub(self._value_of, value)
        return EXPRESSION.sub(self._evaluated, value)

    def _evaluated(self, expression: re.Match[str]) -> str:
        """The expression with the values, or its own value if it then is a single string."""
        text = INPUT.sub(self._value_of, expression["inside"])
        literal = re.fullmatch(r"\s*\(?'((?:[^']|'')*)'\)?\s*", text)
        return literal[1].replace("''", "'") if literal else f"${{{{{text}}}}}"

    def _value_of(self, match: re.Match[str]) -> str:
        name = match["name"] or match["quoted"]
        value = self._values.get(name.lower(), match[0]) if name else match[0]
        self._left -= len(value)
        return value if self._left > 0 else match[0]


def _as_expression(value: str, kind: str, *, as_text: bool) -> str:
    """Returns text with `${{ … }}` as one expression of the same value. `as_text`: its value becomes a string."""
    whole = EXPRESSION.fullmatch(value.strip())
    if whole:
        inside = whole["inside"].strip()
        return f"({inside})" if not as_text or STRING.fullmatch(inside) else f"format('{{0}}', {inside})"
    if kind in {"boolean", "number"} and "${{" not in value:
        return value.strip().lower() or {"boolean": "false", "number": "0"}[kind]
    parts: list[str] = []

    def placed(match: re.Match[str]) -> str:
        parts.append(f", {match['inside'].strip()}")
        return f"\0{len(parts) - 1}\1"

    text = EXPRESSION.sub(placed, re.sub("[\0\1]", "", value)).replace("'", "''")
    if not parts:
        return f"'{text}'"
    text = text.replace("{", "{{").replace("}", "}}").replace("\0", "{").replace("\1", "}")
    return f"format('{text}'{''.join(parts)})"
