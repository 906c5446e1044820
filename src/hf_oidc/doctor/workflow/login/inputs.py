"""Checks what a login is given: the inputs of this action against `settings`, and resources wherever they are written.

It does not find logins: `step` does.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from hf_oidc.doctor.workflow.findings import WorkflowFinding
from hf_oidc.doctor.workflow.login.step import RESOURCE_VARIABLE, actions_of, is_literal, is_native
from hf_oidc.doctor.workflow.login.values import Values, line_of_value
from hf_oidc.doctor.workflow.model import Job, Step, Workflow
from hf_oidc.doctor.workflow.structure import input_keys
from hf_oidc.doctor.workflow.yaml_text import line_of
from hf_oidc.errors import InvalidInput, InvalidResource, UsageError
from hf_oidc.explain.audiences import other_service
from hf_oidc.explain.findings import own_audience
from hf_oidc.hub.resource import Resource
from hf_oidc.sanitize import sanitize_line
from hf_oidc.settings import AUDIENCE, DEFAULT_HUB_URL, HUB_URL, INPUTS, RESOURCE, hub_url
from hf_oidc.token_request import from_arguments

URL_FORM = "https://host, such as https://huggingface.co"


def check_inputs(workflow: Workflow, job: Job, step: Step, values: Values) -> Iterator[WorkflowFinding]:
    """Finds wrong inputs of a step that uses this action. `values`: those of the expressions of `job`."""
    given = {name.lower(): name for name in step.inputs}
    missing = "resource" not in given and "resource" not in map(str.lower, input_keys(step))
    for name in [name for known, name in given.items() if known not in INPUTS]:
        close = "".join(difflib.get_close_matches(name.lower(), INPUTS, 1, 0.6))
        facts = {"input": sanitize_line(name, 60), "suggestion": close, "known": ", ".join(INPUTS)}
        # A misspelt `resource` is one finding, and not two.
        needed = close == "resource" and close not in step.inputs
        missing = missing and not needed
        yield WorkflowFinding("unknown-input", "error" if needed else "warning", line_of(step.inputs, name), facts)
    if missing:
        yield WorkflowFinding("no-resource", "error", step.line)
    for known, name in given.items():
        value, line = step.inputs[name], line_of(step.inputs, name)
        if not isinstance(value, str):
            yield WorkflowFinding(
                "wrong-type", "error", line, {"where": f"with.{sanitize_line(known, 60)}", "expected": "text"}
            )
        else:
            every = values.every(value, step)
            for each in (one for one in every if one is not None):
                row = None if is_literal(value) else line_of_value(job.matrix, each)
                for finding in _check_value(known, each.strip(), row or line):
                    if len(every) > 1 and not each.strip():
                        facts = {**finding.facts, "problem": f"{finding.facts['problem']} in some runs"}
                        yield replace(finding, severity="warning", facts=facts)
                    else:
                        yield finding
    yield from _check_audience(step, hub_of(workflow, job, step))


def check_endpoint(workflow: Workflow, job: Job, steps: Iterable[Step], values: Values) -> Iterator[WorkflowFinding]:
    """Finds a HF_ENDPOINT to which a login would send no token. `steps`: those that log in, and name no other Hub."""
    checked: set[int | None] = set()
    for step in steps:
        env = next((env for env in (step.env, job.env, workflow.env) if "HF_ENDPOINT" in env), None)
        if env is None or line_of(env, "HF_ENDPOINT") in checked:
            continue
        line, written = line_of(env, "HF_ENDPOINT"), env["HF_ENDPOINT"]
        checked.add(line)
        for value in values.of(written, step) if isinstance(written, str) else ():
            try:
                hub_url("", {"HF_ENDPOINT": value})
            except UsageError as error:
                facts = {"problem": error.what, "expected": URL_FORM}
                yield WorkflowFinding("invalid-input", "error", line, facts, step.file if env is step.env else "")


def unknown_inputs(job: Job, values: Values) -> Iterator[str]:
    """Yields what the file does not tell of the logins of `job`, as it is written: resources, and runners."""
    for step in actions_of(job):
        for name, value in step.inputs.items():
            if name.lower() == "resource" and isinstance(value, str) and None in values.every(value, step):
                yield f"`resource: {sanitize_line(value.strip(), 100)}`"
        # The other variant runs everywhere.
        for label in () if is_native(step) else job.runs_on:
            if None in values.every(label, None):
                yield f"`runs-on: {sanitize_line(label, 100)}`"


def input_of(step: Step, name: str) -> str:
    """Returns the literal value of an input of this action, or an empty string. GitHub ignores the case of its name."""
    value = next((value for key, value in step.inputs.items() if key.lower() == name), "")
    return value.strip() if isinstance(value, str) and is_literal(value) else ""


def hub_of(workflow: Workflow, job: Job, step: Step | None) -> str:
    """Returns the Hub of a login by `step`, or of the job; an empty string if GitHub computes it or it is wrong."""
    inputs = step.inputs if step else {}
    levels = [*([step.env] if step else []), job.env, workflow.env]
    written = [value for name, value in inputs.items() if name.lower() == "hub-url"]
    written += [env["HF_ENDPOINT"] for env in levels if "HF_ENDPOINT" in env]
    given = next((value for value in written if value), DEFAULT_HUB_URL)
    try:
        return HUB_URL.read(given.strip()) if isinstance(given, str) and is_literal(given) else ""
    except UsageError:
        return ""


def read_input(value: str) -> list[Resource]:
    """Returns the resources that the input names, one per line. Raises `InvalidInput` or `InvalidResource`."""
    return [request.resource for request in RESOURCE.read(value)]


def read_variable(value: str) -> list[Resource]:
    """Returns the single resource that HF_OIDC_RESOURCE names. Raises `InvalidResource`."""
    return [Resource.parse(value, RESOURCE_VARIABLE)]


def read_argument(value: str) -> list[Resource]:
    """Returns the resource of an argument of `hf-oidc`, `[NAME=]RESOURCE`. Raises as `read_input` does."""
    return [request.resource for request in from_arguments([value], "RESOURCE")]


def check_resources(read: Callable[[str], list[Resource]], value: str, line: int | None) -> Iterator[WorkflowFinding]:
    """Finds wrong resources in the literal `value`, which `read` parses."""
    try:
        resources = read(value)
    except InvalidResource as error:
        facts = {"problem": error.what, "suggestion": error.suggestion or ""}
        yield WorkflowFinding("invalid-resource", "error", line, facts)
    except InvalidInput as error:
        yield WorkflowFinding("invalid-name", "error", line, {"problem": error.what, "expected": error.expected})
    else:
        for user in (resource for resource in resources if resource.kind == "user"):
            yield WorkflowFinding("resource-is-user", "note", line, {"user": str(user)})


def _check_value(name: str, value: str, line: int | None) -> Iterator[WorkflowFinding]:
    if name == "resource":
        yield from check_resources(read_input, value, line)
    elif name == "id-token" and value:
        yield WorkflowFinding("id-token-written-out", "error", line)
    elif name in INPUTS:
        try:
            INPUTS[name].read(value)
        except UsageError as error:
            expected = error.expected if isinstance(error, InvalidInput) else URL_FORM
            yield WorkflowFinding("invalid-input", "error", line, {"problem": error.what, "expected": expected})


def _check_audience(step: Step, hub: str) -> Iterator[WorkflowFinding]:
    """Finds an audience that the Hub of this login does not accept. The ID token would be for another service."""
    audience = input_of(step, "audience")
    name = next((name for name in step.inputs if name.lower() == "audience"), "")
    try:
        AUDIENCE.read(audience)
    except UsageError:  # `_check_value` tells
        return
    if not audience or not hub:
        return
    facts, line = {"audience": sanitize_line(audience), "hub": sanitize_line(hub)}, line_of(step.inputs, name)
    if found := other_service({"aud": audience}, hub):
        yield WorkflowFinding("other-audience", "error", line, {**facts, "service": found[1].name})
    elif any(own_audience({"aud": audience}, hub)) and hub == DEFAULT_HUB_URL:
        # Another Hub may be configured to accept it.
        yield WorkflowFinding("own-audience", "warning", line, facts)
