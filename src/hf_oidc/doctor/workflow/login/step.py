"""Finds what logs in to the Hub: steps with this action, commands of `hf-oidc`, and huggingface_hub's own exchange.

The names of the outputs are those of action.yml. It does not check what a login is given: `inputs` does.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from hf_oidc.doctor.workflow.findings import WorkflowFinding
from hf_oidc.doctor.workflow.model import Job, Step, Workflow
from hf_oidc.doctor.workflow.token.script import Command, Shell, commands, shell_of
from hf_oidc.doctor.workflow.yaml_text import Value, line_of
from hf_oidc.sanitize import sanitize_line

OUTPUTS = ("token", "tokens", "expires-at", "expires-in", "authenticated")
OURS = re.compile(r"(?:^|/)hf-oidc-action(?P<native>/native)?/?(?:[@:]|$)", re.IGNORECASE)
LOCAL = re.compile(r"[.$]/(?P<native>native)?/?")
RESOURCE_VARIABLE = "HF_OIDC_RESOURCE"
NO_DOCKER = re.compile(r"(macos|windows)(-|$)|ubuntu-slim$", re.IGNORECASE)

PROGRAM = re.compile(r"(?:.*[\\/])?(?:hf-oidc|hf_oidc)(?:\.cli|\.exe)?")
# The package, as `uvx` and `pipx run` take it.
PACKAGE = re.compile(r"hf-oidc-action(?:\[.*\])?(?:[@=].*)?")
STARTERS = {"uvx", "uv", "pipx", "python", "python3", "py", "sudo", "xargs", "env", "exec", "&"}
LOGS_IN = {"run", "agent", "env", "token"}
# The options of `hf-oidc` of which the next word is the value.
WITH_VALUE = {"--provider", "--hub-url", "--audience", "--id-token-file", "--ca-bundle", "--timeout", "--on-expiry"}
WITH_VALUE |= {"--format", "--output", "-o", "--token-file", "--ready-file"}
REDIRECTION = re.compile(r"[\d&]?(?:<{1,3}|>>?)&?")
# An ID token that does not come from the job's own permission.
OTHER_ID_TOKEN = frozenset({"HF_OIDC_ID_TOKEN", "HF_OIDC_ID_TOKEN_FILE"})
# Other languages set the variable by a call: Python's `os.environ`, actions/github-script and .NET.
BY_A_CALL = re.compile(
    r"(?:environ\[|environ\.setdefault\(|putenv\(|exportVariable\(|SetEnvironmentVariable\(|process\.env\[)\s*"
    rf"[\"']{RESOURCE_VARIABLE}[\"']\s*(?:\]\s*=|,)\s*(?:[\"'](?P<value>[^\"'\n]*)[\"'])?"
    rf"|(?:process\.env\.|Env:){RESOURCE_VARIABLE}\s*=?\s*[\"'](?P<direct>[^\"'\n]*)[\"']"
)


@dataclass(frozen=True)
class ResourceVariable:
    """A place that sets HF_OIDC_RESOURCE. `value` is empty if it is not known. `step`: none at the job or above.

    `where`: for sentences. `file`: as in `Step`.
    """

    where: str
    value: Value
    line: int | None
    step: Step | None = None
    file: str = ""


@dataclass(frozen=True)
class LoginCommand:
    """A command of `hf-oidc` that logs in. `resources`: its arguments. `words`: all after the program's name."""

    name: str
    words: tuple[str, ...]

    @property
    def resources(self) -> tuple[str, ...]:
        """The arguments before `--`. Of options, the value is left out."""
        found, words = [], iter(self.words[1:])
        for word in words:
            if word == "--":
                break
            if word in WITH_VALUE or REDIRECTION.fullmatch(word):
                next(words, None)
            elif not REDIRECTION.match(word) and not word.startswith("-"):
                found.append(word)
        return tuple(found)

    @property
    def hub_url(self) -> str | None:
        """The Hub that it names itself, if it names one."""
        return Command(self.words).option("--hub-url")

    @property
    def brings_its_own(self) -> bool:
        """Whether it takes another ID token than the job's own."""
        given = Command(self.words)
        provider = given.option("--provider")
        return provider not in (None, "github") or given.option("--id-token-file") is not None


def actual(step: Step) -> Iterator[Step]:
    """Yields `step`, or the steps of the composite action of this repository that it uses."""
    if step.action and step.action.steps:
        for inner in step.action.steps:
            yield from actual(inner)
    else:
        yield step


def is_action(step: Step) -> bool:
    """Whether `step` itself uses this action. `./` counts if it has a `resource`: a checkout may hold any action."""
    if step.action:
        return step.action.is_ours
    if LOCAL.fullmatch(step.uses):
        return bool(difflib.get_close_matches("resource", step.inputs, 1, 0.8))
    return OURS.search(step.uses) is not None


def is_native(step: Step) -> bool:
    """Whether `step`, which uses this action, uses the variant that needs no Docker."""
    if step.action:
        return step.action.using != "docker"
    match = LOCAL.fullmatch(step.uses) or OURS.search(step.uses)
    return bool(match and match["native"])


def is_login(step: Step) -> bool:
    """Whether `step` uses this action, itself or through a composite action of this repository."""
    return any(map(is_action, actual(step)))


def is_command(step: Step, shell: Shell = "sh") -> bool:
    """Whether the script of `step` calls a command of `hf-oidc` that logs in with the job's own ID token."""
    return any(login_commands(each, shell) for each in actual(step))


def login_steps(job: Job) -> tuple[Step, ...]:
    """Returns the steps of `job` that use this action."""
    return tuple(step for step in job.steps if is_login(step))


def actions_of(job: Job) -> Iterator[Step]:
    """Yields the steps that use this action, those inside composite actions of the repository too."""
    return (each for step in job.steps for each in actual(step) if is_action(each))


def commands_of(job: Job) -> Iterator[tuple[Step, LoginCommand]]:
    """Yields the commands of `hf-oidc` in the scripts of `job` that log in, each with its step."""
    for step in job.steps:
        for each in actual(step):
            for command in login_commands(each, shell_of(job, each)):
                yield each, command


def login_commands(step: Step, shell: Shell = "sh") -> tuple[LoginCommand, ...]:
    """Returns the commands of `hf-oidc` in the script of `step` that log in with the job's own ID token."""
    if any(name in step.env for name in OTHER_ID_TOKEN):
        return ()
    return _logins_in(step.run, shell)


@lru_cache(maxsize=256)
def _logins_in(script: str, shell: Shell) -> tuple[LoginCommand, ...]:
    if not re.search("hf.oidc", script):
        return ()
    logins: list[LoginCommand] = []
    for command in _every_command(script, shell):
        if any(name in command.variables for name in OTHER_ID_TOKEN):
            if not command.words:  # it is set for the rest of the script
                break
        elif (found := _login_command(command)) and not found.brings_its_own:
            logins.append(found)
    return tuple(logins)


def is_soft(step: Step) -> bool:
    """Whether the job continues after a failed login in this step."""
    soft = [
        each.continues
        or any(
            isinstance(value, str) and value.strip() == "warn"
            for name, value in each.inputs.items()
            if name.lower() == "on-error"
        )
        for each in actual(step)
        if is_action(each)
    ]
    return step.continues or (bool(soft) and all(soft))


def is_literal(text: object) -> bool:
    """Whether `text` is literal, and not an expression that GitHub evaluates when the job runs."""
    return isinstance(text, str) and "${{" not in text


def resource_variables(workflow: Workflow, job: Job) -> Iterator[ResourceVariable]:
    """Yields where HF_OIDC_RESOURCE is set for `job`, in an `env:` or in a script."""
    for where, env in (("the workflow", workflow.env), (f"the job `{sanitize_line(job.key, 80)}`", job.env)):
        if env.get(RESOURCE_VARIABLE):
            yield ResourceVariable(where, env[RESOURCE_VARIABLE], line_of(env, RESOURCE_VARIABLE))
    for step in job.steps:
        for each in actual(step):
            yield from variables_of(each, shell_of(job, each))


def variables_of(step: Step, shell: Shell = "sh") -> Iterator[ResourceVariable]:
    """Yields where `step` sets HF_OIDC_RESOURCE."""
    where = f'the step "{step.label}"'
    if step.env.get(RESOURCE_VARIABLE):
        value, line = step.env[RESOURCE_VARIABLE], line_of(step.env, RESOURCE_VARIABLE)
        yield ResourceVariable(where, value, line, step, step.file)
    # Several lines of a script may set it for different commands.
    for scripted in dict.fromkeys(_set_by(step, shell)):
        yield ResourceVariable(where, scripted, line_of(step.block, "run") or step.line, step, step.file)


def check_runner(job: Job, labels: Iterable[str]) -> Iterator[WorkflowFinding]:
    """Finds steps that need Docker, on a runner that has none. `labels`: of the runner."""
    label = next(filter(NO_DOCKER.match, labels), None)
    for step in actions_of(job):
        if label and not is_native(step):
            name, at, version = step.uses.partition("@")
            fits = OURS.search(step.uses) and not step.uses.startswith(("docker:", ".", "$"))
            native = f"{name.rstrip('/')}/native{at}{version}" if fits else "org/hf-oidc-action/native@v1"
            facts = {"runner": sanitize_line(label, 60), "uses": sanitize_line(native, 120)}
            yield WorkflowFinding("needs-linux", "error", step.line, facts, step.file)


def _every_command(script: str, shell: Shell, depth: int = 3) -> Iterator[Command]:
    """Yields the commands of `script`, and those in a `"$(…)"` inside of quotes."""
    for command in commands(script, shell):
        yield command
        for word in (*command.words, *command.variables.values()) if depth else ():
            if "$(" in word and "hf" in word:
                yield from _every_command(word[word.index("$(") :], shell, depth - 1)


def _login_command(command: Command) -> LoginCommand | None:
    words = command.words
    for index, word in enumerate(words[:20]):
        if index and not (command.name in STARTERS or re.fullmatch(r"python[\d.]*", command.name)):
            return None
        named = PROGRAM.fullmatch(word) or (index and PACKAGE.fullmatch(word))
        rest = words[index + 1 :]
        if named and rest and rest[0] in LOGS_IN:
            return LoginCommand(rest[0], rest)
    return None


def _set_by(step: Step, shell: Shell) -> Iterator[str]:
    """Yields the values to which the script of `step` sets HF_OIDC_RESOURCE: empty if a shell computes it."""
    given = step.inputs.get("script")
    text = f"{step.run}\n{given if isinstance(given, str) else ''}"
    if RESOURCE_VARIABLE not in text:
        return
    for_later = "GITHUB_ENV" in text
    code = re.sub(r"(?m)^\s*#.*$", "", text)
    for match in BY_A_CALL.finditer(code):
        yield match["value"] or match["direct"] or ""
    for command in _every_command(step.run, shell):
        if RESOURCE_VARIABLE in command.variables:
            yield _known(command.variables[RESOURCE_VARIABLE])
        # For later steps: `echo NAME=value >> "$GITHUB_ENV"`, in any shell, or a here-document.
        if for_later and command.name not in {"grep", "sed"}:
            for word in (*command.words, *command.body.splitlines()):
                name, equals, value = word.strip().partition("=")
                if equals and name == RESOURCE_VARIABLE:
                    yield _known(value.replace("\\n", ""))
        if command.words[1:2] == (RESOURCE_VARIABLE,) and command.name == "setenv":
            yield _known("".join(command.words[2:3]))


def _known(value: str) -> str:
    """The value, or an empty string if a shell computes it."""
    return "" if re.search(r"[$%`]", value.replace("${{", "")) else value
