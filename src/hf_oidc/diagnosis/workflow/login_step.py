"""Which steps log in to the Hub, and whether what they are given can work. Steps in, findings out.

The inputs' names and forms are those of `settings`; the outputs' names are those of action.yml.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping

from hf_oidc.diagnosis.workflow.findings import Finding
from hf_oidc.diagnosis.workflow.model import Job, Step, Workflow
from hf_oidc.diagnosis.workflow.yaml_text import line_of
from hf_oidc.errors import InvalidInput, InvalidResource, UsageError
from hf_oidc.resource import Resource
from hf_oidc.settings import INPUTS, RESOURCE
from hf_oidc.untrusted_text import shown

OUTPUTS = ("token", "tokens", "expires-at", "expires-in", "authenticated")
OURS = re.compile(r"(?:^|/)hf-oidc-action(?P<native>/native)?/?(?:[@:]|$)", re.IGNORECASE)
LOCAL = re.compile(r"\./(?P<native>native)?/?")
RESOURCE_VARIABLE = "HF_OIDC_RESOURCE"
COMMAND = re.compile(r"(?:^|[\s;&|(])hf-oidc\s+(?:run|env|token)\s", re.MULTILINE)
# With these it takes another ID token than the job's own.
ANOTHER = re.compile(r"--provider|--id-token-file|HF_OIDC_ID_TOKEN")


def is_login(step: Step) -> bool:
    """Whether `step` uses this action. `./` is it where a resource is given: any action may live in a checkout."""
    if LOCAL.fullmatch(step.uses):
        return bool(difflib.get_close_matches("resource", step.inputs, 1, 0.8))
    return OURS.search(step.uses) is not None


def is_command(step: Step) -> bool:
    """Whether the script of `step` calls a command of `hf-oidc` that logs in with the job's own ID token."""
    given = " ".join((step.run, *step.env))
    return bool(COMMAND.search(step.run)) and not ANOTHER.search(given)


def login_steps(job: Job) -> tuple[Step, ...]:
    """The steps of `job` that use this action."""
    return tuple(step for step in job.steps if is_login(step))


def is_soft(step: Step) -> bool:
    """Whether a login that fails here lets the job go on."""
    return step.continues or any(
        name.lower() == "on-error" and isinstance(value, str) and value.strip() == "warn"
        for name, value in step.inputs.items()
    )


def is_literal(text: object) -> bool:
    """Whether `text` is written out, and not computed by GitHub as the job runs."""
    return isinstance(text, str) and "${{" not in text


def environment_resources(workflow: Workflow, job: Job) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Where HF_OIDC_RESOURCE is set for `job`: the level's name, and the block."""
    levels = [("the workflow", workflow.env), (f"the job `{shown(job.key, 80)}`", job.env)]
    levels += [(f'the step "{step.label}"', step.env) for step in job.steps]
    return ((name, env) for name, env in levels if env.get(RESOURCE_VARIABLE))


def check_inputs(step: Step) -> Iterator[Finding]:
    """What is wrong with the inputs of a step that uses this action."""
    if not re.match(r"\./|docker://|.*@.", step.uses):
        yield Finding("no-version", "error", step.line, {"uses": shown(step.uses, 100)})
    given = {name.lower(): name for name in step.inputs}
    unknown = [_unknown(step, name) for known, name in given.items() if known not in INPUTS]
    yield from unknown
    if "resource" not in given and not any(finding.severity == "error" for finding in unknown):
        yield Finding("no-resource", "error", step.line)
    for known, name in given.items():
        value, line = step.inputs[name], line_of(step.inputs, name)
        if not isinstance(value, str):
            yield Finding("wrong-type", "error", line, {"where": f"with.{shown(known, 60)}", "expected": "text"})
        elif is_literal(value):
            yield from _check_value(known, value.strip(), line)


def read_input(value: str) -> list[Resource]:
    """The resources that the input names: one, or one a line. Raises `InvalidInput` or `InvalidResource`."""
    return [wanted.resource for wanted in RESOURCE.read(value)]


def read_variable(value: str) -> list[Resource]:
    """The resource that HF_OIDC_RESOURCE names, which is one. Raises `InvalidResource`."""
    return [Resource.parse(value, RESOURCE_VARIABLE)]


def check_resources(read: Callable[[str], list[Resource]], value: str, line: int | None) -> Iterator[Finding]:
    """What is wrong with the resources that are written out, as `read` finds them."""
    try:
        resources = read(value)
    except InvalidResource as error:
        facts = {"problem": error.what, "suggestion": error.suggestion or ""}
        yield Finding("invalid-resource", "error", line, facts)
    except InvalidInput as error:
        yield Finding("invalid-name", "error", line, {"problem": error.what, "expected": error.expected})
    else:
        for user in (resource for resource in resources if resource.kind == "user"):
            yield Finding("resource-is-user", "note", line, {"user": str(user)})


def _unknown(step: Step, name: str) -> Finding:
    close = "".join(difflib.get_close_matches(name.lower(), INPUTS, 1, 0.6))
    facts = {"input": shown(name, 60), "suggestion": close, "known": ", ".join(INPUTS)}
    needed = close == "resource" and close not in step.inputs
    return Finding("unknown-input", "error" if needed else "warning", line_of(step.inputs, name), facts)


def _check_value(name: str, value: str, line: int | None) -> Iterator[Finding]:
    if name == "resource":
        yield from check_resources(read_input, value, line)
    elif name == "id-token" and value:
        yield Finding("id-token-written-out", "error", line)
    elif name in INPUTS:
        try:
            INPUTS[name].read(value)
        except UsageError as error:
            expected = (
                error.expected if isinstance(error, InvalidInput) else "https://host, such as https://huggingface.co"
            )
            yield Finding("invalid-input", "error", line, {"problem": error.what, "expected": expected})
