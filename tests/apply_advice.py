"""Applies what the doctor advises to a workflow, as a person would who does exactly what it says.

It reads only what the doctor prints: the line, what to do, and the lines to copy. Advice in other words than those of
`RULES` cannot be applied.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from hf_oidc.doctor.workflow.yaml_text import Block, Value, read


class NotApplicable(Exception):
    """No rule knows the words of the advice."""


@dataclass
class Place:
    """A key of a block, and the blocks around it, the innermost first."""

    block: Block
    key: str
    parents: list[tuple[Block, str]]


@dataclass
class Advice:
    """A piece of advice: the document, the finding as JSON has it, what a rule found in its words, and its job."""

    document: Block
    finding: dict[str, Any]
    match: re.Match[str]
    job_key: str

    @property
    def job(self) -> Block:
        """The job that the advice names, or in which the finding is listed."""
        named = re.search(r"the job `([^`]+)`", self.finding["next"]) or re.search(
            r"[Tt]he job `([^`]+)`", self.finding["what"]
        )
        return block(block(self.document, "jobs"), named[1] if named else self.job_key)

    @property
    def lines(self) -> Block:
        """The lines to copy."""
        found = read(self.finding["lines"])
        assert isinstance(found, Block), found
        return found

    @property
    def place(self) -> Place:
        """The key at the line of the finding: the one that its words name, if several are on that line."""
        here = [each for each in keys(self.document, []) if each.block.lines.get(each.key) == self.finding["line"]]
        named = [each for each in here if re.search(rf"[`. ]{re.escape(each.key)}\b", self.finding["what"])]
        return (named or here)[-1]

    @property
    def step(self) -> Block:
        """The step that is named, or else the one that the line is in."""
        every = [step for job in block(self.document, "jobs").values() for step in steps(job)]
        return [step for step in every if step.line <= self.finding["line"]][-1]

    @property
    def login(self) -> Block:
        """The login step of the line that is named, or of the job."""
        line = re.search(r"the login step \(line (\d+)\)", self.finding["next"], re.IGNORECASE)
        logins = [step for step in steps(self.job) if "hf-oidc-action" in str(step.get("uses", ""))]
        return next(step for step in logins if not line or step.line == int(line[1]))

    def insert(self, step: Value) -> None:
        """Inserts a step before that of the finding."""
        target = self.step
        for job in block(self.document, "jobs").values():
            every = job.get("steps") if isinstance(job, Block) else None
            if isinstance(every, list) and any(each is target for each in every):
                every.insert(next(at for at, each in enumerate(every) if each is target), step)


Rule = Callable[[Advice], None]


def applied(workflow: str, finding: dict[str, Any], job: str = "") -> str:
    """Returns the workflow with the advice of a finding, as in the JSON of the doctor. `job`: in which it is listed."""
    document = read(workflow)
    assert isinstance(document, Block)
    for pattern, rules in RULES:
        if match := re.search(pattern, finding["next"]):
            for rule in rules if isinstance(rules, list) else [rules]:
                rule(Advice(document, finding, match, job))
            return yaml.safe_dump(plain(document), sort_keys=False, width=1000)
    raise NotApplicable(finding["next"])


def applied_elsewhere(workflow: str, finding: dict[str, Any]) -> str:
    """Returns the file that the advice names with the lines to copy: they are about its top."""
    document, lines = read(workflow), read(finding["lines"])
    assert isinstance(document, Block)
    assert isinstance(lines, Block)
    if not isinstance(document["on"], Block):
        document["on"] = wrapped(str(document["on"]), "")
    merge(document, lines)
    return yaml.safe_dump(plain(document), sort_keys=False)


def plain(value: Value) -> Any:
    """The value in Python's own types."""
    if isinstance(value, Block):
        return {str(key): plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else None if value == "" else str(value)


def block(parent: Block, key: str) -> Block:
    """The block at `key`; a new one if there is none."""
    if not isinstance(parent.get(key), Block):
        parent[key] = Block()
    found = parent[key]
    assert isinstance(found, Block)
    return found


def steps(job: Value) -> list[Block]:
    """The steps of a job."""
    found = job.get("steps", []) if isinstance(job, Block) else []
    return [step for step in found if isinstance(step, Block)] if isinstance(found, list) else []


def keys(value: Value, parents: list[tuple[Block, str]]) -> Iterator[Place]:
    """Every key of the document."""
    if isinstance(value, list):
        for each in value:
            yield from keys(each, parents)
    elif isinstance(value, Block):
        for key, each in list(value.items()):
            yield Place(value, key, parents)
            yield from keys(each, [(value, key), *parents])


def remove(place: Place) -> None:
    """Removes a key, and each block around it that is then empty."""
    del place.block[place.key]
    inner = place.block
    for parent, key in place.parents:
        if inner or parent.get(key) is not inner:
            return
        del parent[key]
        inner = parent


def merge(target: Block, lines: Block) -> None:
    """Adds lines to a block: those that it has already are replaced, blocks are joined."""
    for key, value in lines.items():
        if isinstance(value, Block) and isinstance(target.get(key), Block) and key != "permissions":
            merge(block(target, key), value)
        else:
            target[key] = value


def to_job(advice: Advice) -> None:
    """Adds the lines to the job."""
    merge(advice.job, advice.lines)


def to_step(advice: Advice) -> None:
    """Adds the lines to the step."""
    merge(advice.step, advice.lines)


def to_login(advice: Advice) -> None:
    """Adds the lines to the login step."""
    merge(advice.login, advice.lines)


def to_inputs(advice: Advice) -> None:
    """Adds the lines to the `with:` of the login step."""
    merge(block(advice.login, "with"), advice.lines)


def to_own_inputs(advice: Advice) -> None:
    """Adds the lines to the `with:` of the step."""
    merge(block(advice.step, "with"), advice.lines)


def to_both(advice: Advice) -> None:
    """Adds `with:` to the login step, and `env:` to the step."""
    for key, value in advice.lines.items():
        merge(advice.login if key == "with" else advice.step, wrapped(key, value))


def wrapped(key: str, value: Value) -> Block:
    """A block with one key."""
    found = Block()
    found[key] = value
    return found


def to_permissions(advice: Advice) -> None:
    """Adds the lines to the permissions that the job has."""
    merge(block(advice.job, "permissions"), advice.lines)


def to_uses(advice: Advice) -> None:
    """Replaces the `uses:` of the step, or of the job that calls a workflow."""
    called = [job for job in block(advice.document, "jobs").values() if isinstance(job, Block) and "uses" in job]
    target = next((job for job in called if job.lines["uses"] == advice.finding["line"]), None)
    merge(advice.step if target is None else target, advice.lines)


def to_the_line(advice: Advice) -> None:
    """Writes the lines in place of the key, or of the line of the script, that has the secret."""
    place = advice.place
    if place.key == "run":
        in_script(advice, advice.finding["lines"])
    else:
        place.block.update(advice.lines)


def in_script(advice: Advice, instead: str) -> None:
    """Writes a line in place of the line of the script that has the secret."""
    lines = str(advice.step["run"]).splitlines()
    at = next(at for at, line in enumerate(lines) if "secrets." in line)
    lines[at : at + 1] = instead.splitlines()
    advice.step["run"] = "\n".join(lines)


def remove_from_script(advice: Advice) -> None:
    """Removes the line from the script."""
    lines = str(advice.step["run"]).splitlines()
    advice.step["run"] = "\n".join(line for line in lines if line.strip() != advice.finding["lines"].strip())


def remove_line(advice: Advice) -> None:
    """Removes the line, and what becomes empty."""
    remove(advice.place)


def remove_step(advice: Advice) -> None:
    """Removes the step."""
    target = advice.step
    every = advice.job["steps"]
    assert isinstance(every, list)
    every[:] = [each for each in every if each is not target]


def remove_named(advice: Advice) -> None:
    """Removes the input that the advice names."""
    remove(next(each for each in keys(advice.step, []) if each.key == advice.match[1]))


def remove_need(advice: Advice) -> None:
    """Removes one name from `needs:`."""
    wrong = re.search(r"needs `([^`]+)`", advice.finding["what"])
    name = advice.match[1] if advice.match.re.groups else wrong[1] if wrong else ""
    needs = advice.job["needs"]
    left: list[Value] = [each for each in (needs if isinstance(needs, list) else [needs]) if each != name]
    if left:
        advice.job["needs"] = left
    else:
        del advice.job["needs"]


def not_exporting(advice: Advice) -> None:
    """Removes `export-env: false` from the login step."""
    remove(next(each for each in keys(advice.login, []) if each.key == "export-env"))


def from_step_to_job(advice: Advice) -> None:
    """Removes the permissions of a step, and gives them to the job."""
    del advice.step["permissions"]
    to_job(advice)


def also_require(advice: Advice) -> None:
    """Joins a condition with that of the job."""
    condition = re.sub(r"^\s*\$\{\{(.*)\}\}\s*$", r"\1", str(advice.job["if"]), flags=re.DOTALL)
    advice.job["if"] = f"({condition}) && {advice.lines['if']}"


def start_by_push(advice: Advice) -> None:
    """Replaces `on:`."""
    advice.document["on"] = advice.lines["on"]


def with_inputs(advice: Advice) -> None:
    """Moves inputs under `with:`."""
    for key in block(advice.lines, "with"):
        advice.step.pop(key, None)
    advice.step["with"] = advice.lines["with"]


def as_step(advice: Advice) -> None:
    """Turns the `uses:` of a job into a step."""
    for key in ("uses", "with"):
        advice.job.pop(key, None)
    merge(advice.job, advice.lines)


def to_the_command(advice: Advice) -> None:
    """Adds an option at the end of the script."""
    advice.step["run"] = f"{str(advice.step['run']).rstrip()} {advice.finding['lines']}"


def around_the_command(advice: Advice) -> None:
    """Puts the script in place of the word COMMAND."""
    advice.step["run"] = str(advice.finding["lines"]).replace("COMMAND", str(advice.step["run"]))


def replace(advice: Advice) -> None:
    """Writes another value at the line; another name, if that is what is wrong."""
    value = next(group for group in advice.match.groups() if group)
    place = advice.place
    wrong = re.search(r"(?:know|permission|input) `([^`]+)`|^`([^`]+)` cannot be", advice.finding["what"])
    if wrong and place.key in wrong.groups():
        renamed = {value if key == place.key else key: each for key, each in place.block.items()}
        place.block.clear()
        place.block.update(renamed)
    elif isinstance(place.block[place.key], list):
        wrong = re.search(r"needs `([^`]+)`", advice.finding["what"])
        assert wrong
        place.block[place.key] = [value if each == wrong[1] else each for each in place.block[place.key]]
    else:
        place.block[place.key] = value


def permissions_written_out(advice: Advice) -> None:
    """Replaces a word by a block."""
    merge(advice.place.block, advice.lines)


def insert_lines(advice: Advice) -> None:
    """Inserts the step before that of the finding."""
    found = read(advice.finding["lines"])
    assert isinstance(found, list)
    advice.insert(found[0])


def permit_and_insert(advice: Advice) -> None:
    """Gives the job the permission, and inserts the login."""
    merge(block(advice.job, "permissions"), wrapped("id-token", "write"))
    insert_lines(advice)


def login_before(advice: Advice) -> None:
    """Moves the login step before the step of the finding."""
    login = advice.login
    every = advice.job["steps"]
    assert isinstance(every, list)
    every[:] = [each for each in every if each is not login]
    advice.insert(login)


def login_after(advice: Advice) -> None:
    """Moves the login step behind the step that is named."""
    login, every = advice.login, advice.job["steps"]
    named = re.search(r'but the step "([^"]+)"', advice.finding["what"])
    assert isinstance(every, list)
    assert named
    every[:] = [each for each in every if each is not login]
    at = next(at for at, each in enumerate(steps(advice.job)) if named[1] in (each.get("name"), each.get("run")))
    every.insert(at + 1, login)


def through_variable(advice: Advice) -> None:
    """Passes an expression of the script through a variable."""
    to_step(advice)
    for name, value in block(advice.lines, "env").items():
        inside = re.escape(str(value)[3:-2].strip())
        advice.step["run"] = re.sub(rf"\$\{{\{{\s*{inside}\s*\}}\}}", f"${name}", str(advice.step["run"]))


def give_id(advice: Advice) -> None:
    """Gives the login step the id that the advice names besides."""
    if named := re.search(r"`id: ([\w-]+)`", advice.finding["next"]):
        advice.login["id"] = named[1]


RULES: list[tuple[str, Rule | list[Rule]]] = [
    (r"^Remove that line, and `export-env: false`", [remove_line, not_exporting]),
    (r"^Remove this line from the script", remove_from_script),
    (r"^Remove the step", remove_step),
    (r"^Remove them from the step, and give the job", from_step_to_job),
    (r"^Remove it from `needs:`", remove_need),
    (r"^Remove `([^`]+)` from the `needs:`", remove_need),
    (r"^Remove the input `([^`]+)`", remove_named),
    (
        r"^Remove (?:this|that|the) (?:line|output)(?!\. In)|^Remove it\b|^Remove `[^`]+` (?:here|from that line)",
        remove_line,
    ),
    (r"^Under the `with:` of the login step \(line \d+\), add `git-credentials: true`", [to_the_line]),
    (r"^Under the `with:` of the checkout, write:", to_own_inputs),
    (r"[Uu]nder the `with:` of the login step(?: \(line \d+\))?, add:", to_inputs),
    (r"add this step before the step:", permit_and_insert),
    (r"^Add this step before it:|^Add the login before this step", insert_lines),
    (r"[Gg]ive the job `[^`]+` these permissions", to_job),
    (r"Next to the job's `runs-on:`(?: or `uses:`)?, add:|Replace the job's `(?:if|permissions):` with:", to_job),
    (r"^Add this line to the `permissions:` of the job:", to_permissions),
    (r"In the job's `if:`, also require:", also_require),
    (r"Start (?:it|the job) by a push to the branch", start_by_push),
    (r"[Gg]ive the login step (?:\(line \d+\) )?this line:|^The login step \(line \d+\) has another id", to_login),
    (r"^To (?:do without|replace) it, remove it, and log in for both", [remove_line, to_both]),
    (r"In the login step,? and in (?:this|the) step(?: on line \d+)?, write:", to_both),
    (r"^If the step should write to the \w+, add:", to_the_command),
    (r"^Pass it, next to `uses:`", to_uses),
    (r"^Write the merged lines out here", []),  # the values of the document have them
    (r"give the job:$", as_step),
    (r"^Move it under `with:`", with_inputs),
    (r"^Give the step .* another one:", to_step),
    (r"^Log in for that repository:", to_inputs),
    (r"^Log in for this step too:", around_the_command),
    (r"^Move the login step before this step", login_before),
    (r"^Log in after that step", login_after),
    (r"^Pass it as an environment variable(?: instead)?, and use that in the script:", through_variable),
    (r"^(?:Name the repository|Run the step only if|Pass the|Compare it)", [to_step, give_id]),
    (r"^Write the permissions out:", permissions_written_out),
    (r"^Add the version after|^Leave the version out|^Begin the path|needs no Docker:$|and write:$", to_uses),
    (r"^Write(?: instead)?:", [to_the_line, give_id]),
    (r"^Did you mean `([^`]+)`\?|^Write `([^`]+)`\.$|^Write ([\w-]+)(?: or |,|\.$)", replace),
]
