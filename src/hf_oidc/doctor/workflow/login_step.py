"""Finds the steps that log in to the Hub, and checks their inputs against `settings`.

The names of the outputs are those of action.yml.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping

from hf_oidc.doctor.workflow.findings import WorkflowFinding
from hf_oidc.doctor.workflow.model import Job, Step, Workflow
from hf_oidc.doctor.workflow.yaml_text import line_of
from hf_oidc.errors import InvalidInput, InvalidResource, UsageError
from hf_oidc.hub.resource import Resource
from hf_oidc.sanitize import sanitize_line
from hf_oidc.settings import INPUTS, RESOURCE

OUTPUTS = ("token", "tokens", "expires-at", "expires-in", "authenticated")
OURS = re.compile(r"(?:^|/)hf-oidc-action(?P<native>/native)?/?(?:[@:]|$)", re.IGNORECASE)
LOCAL = re.compile(r"\./(?P<native>native)?/?")
RESOURCE_VARIABLE = "HF_OIDC_RESOURCE"
COMMAND = re.compile(r"(?:^|[\s;&|(])hf-oidc\s+(?:run|env|token)\s", re.MULTILINE)
# With these it takes another ID token than the job's own.
ANOTHER = re.compile(r"--provider|--id-token-file|HF_OIDC_ID_TOKEN")


def is_login(step: Step) -> bool:
    """Whether `step` uses this action. `./` counts if it has a `resource`: a checkout may hold any action."""
    if LOCAL.fullmatch(step.uses):
        return bool(difflib.get_close_matches("resource", step.inputs, 1, 0.8))
    return OURS.search(step.uses) is not None


def is_command(step: Step) -> bool:
    """Whether the script of `step` calls a command of `hf-oidc` that logs in with the job's own ID token."""
    given = " ".join((step.run, *step.env))
    return bool(COMMAND.search(step.run)) and not ANOTHER.search(given)


def login_steps(job: Job) -> tuple[Step, ...]:
    """Returns the steps of `job` that use this action."""
    return tuple(step for step in job.steps if is_login(step))


def is_soft(step: Step) -> bool:
    """Whether the job continues after a failed login in this step."""
    return step.continues or any(
        name.lower() == "on-error" and isinstance(value, str) and value.strip() == "warn"
        for name, value in step.inputs.items()
    )


def is_literal(text: object) -> bool:
    """Whether `text` is literal, and not an expression that GitHub evaluates when the job runs."""
    return isinstance(text, str) and "${{" not in text


def environment_resources(workflow: Workflow, job: Job) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Returns where HF_OIDC_RESOURCE is set for `job`: the name of the level, and its `env:` block."""
    levels = [("the workflow", workflow.env), (f"the job `{sanitize_line(job.key, 80)}`", job.env)]
    levels += [(f'the step "{step.label}"', step.env) for step in job.steps]
    return ((name, env) for name, env in levels if env.get(RESOURCE_VARIABLE))


def check_inputs(step: Step) -> Iterator[WorkflowFinding]:
    """Finds wrong inputs of a step that uses this action."""
    if not re.match(r"\./|docker://|.*@.", step.uses):
        yield WorkflowFinding("no-version", "error", step.line, {"uses": sanitize_line(step.uses, 100)})
    given = {name.lower(): name for name in step.inputs}
    unknown = [_unknown(step, name) for known, name in given.items() if known not in INPUTS]
    yield from unknown
    if "resource" not in given and not any(finding.severity == "error" for finding in unknown):
        yield WorkflowFinding("no-resource", "error", step.line)
    for known, name in given.items():
        value, line = step.inputs[name], line_of(step.inputs, name)
        if not isinstance(value, str):
            yield WorkflowFinding(
                "wrong-type", "error", line, {"where": f"with.{sanitize_line(known, 60)}", "expected": "text"}
            )
        elif is_literal(value):
            yield from _check_value(known, value.strip(), line)


def read_input(value: str) -> list[Resource]:
    """Returns the resources that the input names, one per line. Raises `InvalidInput` or `InvalidResource`."""
    return [wanted.resource for wanted in RESOURCE.read(value)]


def read_variable(value: str) -> list[Resource]:
    """Returns the single resource that HF_OIDC_RESOURCE names. Raises `InvalidResource`."""
    return [Resource.parse(value, RESOURCE_VARIABLE)]


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


def _unknown(step: Step, name: str) -> WorkflowFinding:
    close = "".join(difflib.get_close_matches(name.lower(), INPUTS, 1, 0.6))
    facts = {"input": sanitize_line(name, 60), "suggestion": close, "known": ", ".join(INPUTS)}
    needed = close == "resource" and close not in step.inputs
    return WorkflowFinding("unknown-input", "error" if needed else "warning", line_of(step.inputs, name), facts)


def _check_value(name: str, value: str, line: int | None) -> Iterator[WorkflowFinding]:
    if name == "resource":
        yield from check_resources(read_input, value, line)
    elif name == "id-token" and value:
        yield WorkflowFinding("id-token-written-out", "error", line)
    elif name in INPUTS:
        try:
            INPUTS[name].read(value)
        except UsageError as error:
            expected = (
                error.expected if isinstance(error, InvalidInput) else "https://host, such as https://huggingface.co"
            )
            yield WorkflowFinding("invalid-input", "error", line, {"problem": error.what, "expected": expected})
