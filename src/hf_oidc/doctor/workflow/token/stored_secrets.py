"""Finds where a stored token of the Hub enters a workflow: in `env:`, in `with:`, in a script, in a called workflow.

It only finds them. `remaining_secrets` knows whether a login makes them superfluous, and `migration` replaces them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from hf_oidc.doctor.workflow.expressions.syntax import EXPRESSION
from hf_oidc.doctor.workflow.model import Job, Step, Workflow
from hf_oidc.doctor.workflow.yaml_text import Block, Value, line_of
from hf_oidc.sanitize import sanitize_line

SECRET = re.compile(r"\bsecrets\s*(?:\.\s*(?P<name>[\w-]+)|\[\s*'(?P<quoted>[^']*)'\s*\])", re.IGNORECASE)
# A name with HF as a word in it, as in HF_TOKEN, MY_HF_WRITE, HFTOKEN; or with HUGGINGFACE and a word for a token.
OF_THE_HUB = re.compile(
    r"(?:^|_)HF(?:_(?!OIDC_)|$|TOKEN)|HUGGING_?FACE(?:_?HUB)?$|HUGGING_?FACE.*(?:TOKEN|KEY|PAT|SECRET|AUTH|WRITE|READ|API)",
    re.IGNORECASE,
)
# These names are of other values, which people also store as secrets.
NO_TOKEN = re.compile(
    r"APP_ID|PRIVATE_KEY|WEBHOOK|(?:USER|USERNAME|NAME|ORG|REPO|REPOSITORY|SPACE|MODEL|DATASET|URL|ENDPOINT|HOME|EMAIL|"
    r"NAMESPACE|BUCKET|HOST|ID|PATH|CACHE)S?$",
    re.IGNORECASE,
)
TEST = re.compile(r"\$\{\{\s*\(?\s*secrets\.[\w-]+\s*[!=]=\s*''\s*\)?\s*\}\}", re.IGNORECASE)
# Of a script, with a secret. Each is compared with each use of the Hub in the script.
MAX_LINES = 100
MAX_EXPRESSIONS = 100  # of a line
Way = Literal["env", "input", "export", "option", "git-url", "header", "script", "called-workflow", "inherited"]


@dataclass(frozen=True)
class StoredSecret:
    """A place where a stored token of the Hub enters. `secret`: its name at GitHub.

    `level`: where it is written. `step` is None at the workflow and the job. `name`: the variable, the input, the
    option. `text`: the value, or the line of the script, as it is written. `alone`: nothing else is in its block.
    `inline`: it is on the line on which its block begins, as in `env: {HF_TOKEN: …}`.
    `falls_back`: it counts only if another value is empty (`steps.hf.outputs.token || secrets.HF_TOKEN`).
    """

    way: Way
    level: Literal["workflow", "job", "step"]
    secret: str
    name: str
    line: int | None
    text: str
    step: Step | None = None
    alone: bool = False
    falls_back: bool = False
    inline: bool = False


def is_test(value: str) -> bool:
    """Whether `value` only says if a secret is set, as `${{ secrets.HF_TOKEN != '' }}` does: it holds no token."""
    return TEST.fullmatch(value.strip()) is not None


def stored_secrets(workflow: Workflow, job: Job) -> tuple[StoredSecret, ...]:
    """Returns where stored tokens enter `job`, in the order of the file."""
    container = job.block.get("container")
    inner = container.get("env") if isinstance(container, Block) else None
    found = [*_of_block(workflow.env, "env", "workflow", None), *_of_block(job.env, "env", "job", None)]
    found += _of_block(inner, "env", "job", None) if isinstance(inner, Block) else ()
    if job.calls and isinstance(job.secrets, Block):
        found += _of_block(job.secrets, "called-workflow", "job", None)
    elif job.calls and job.secrets == "inherit":
        line = job.block.lines.get("secrets")
        found.append(StoredSecret("inherited", "job", "", "secrets", line, "inherit"))
    for step in job.steps:
        found += [*_of_block(step.env, "env", "step", step), *_of_block(step.inputs, "input", "step", step)]
        found += _of_script(step)
    return tuple(found)


def is_token(secret: str, name: str = "") -> bool:
    """Whether the secret is a token of the Hub, by its name or by the name of the variable or input that it is for."""
    # A variable such as HF_USER_TOKEN says what is in it, also if the secret has the name of a user: MY_HF_USER.
    if OF_THE_HUB.search(name) and name.upper().endswith("TOKEN"):
        return True
    return any(OF_THE_HUB.search(each) and not NO_TOKEN.search(each) for each in (secret, name)) and not (
        OF_THE_HUB.search(secret) and NO_TOKEN.search(secret)
    )


def _of_block(
    block: Block, way: Way, level: Literal["workflow", "job", "step"], step: Step | None
) -> Iterator[StoredSecret]:
    for name, value in block.items():
        for secret, falls_back in _secrets(value, name):
            line = line_of(block, name)
            text = value if isinstance(value, str) else ""
            yield StoredSecret(
                way, level, secret, name, line, text, step, len(block) == 1, falls_back, line == block.line
            )


def _of_script(step: Step) -> Iterator[StoredSecret]:
    """Yields the secrets in the lines of a script, each line and secret once."""
    if not SECRET.search(step.run):
        return
    line = line_of(step.block, "run") or step.line
    lines = dict.fromkeys(each for each in step.run.splitlines() if "secrets" in each.lower())
    for text in map(str.strip, islice(lines, MAX_LINES)):
        found: dict[tuple[str, str, str], StoredSecret] = {}
        for match in islice(EXPRESSION.finditer(text), MAX_EXPRESSIONS):
            way, name, subject = _way(
                text[max(0, match.start() - 200) : match.start()], text[match.end() : match.end() + 100]
            )
            for secret, falls_back in _secrets(match[0], subject):
                each = StoredSecret(way, "step", secret, name, line, text, step, falls_back=falls_back)
                found.setdefault((way, name, secret), each)
        yield from found.values()


def _way(before: str, after: str) -> tuple[Way, str, str]:
    """How a script uses what is between `before` and `after`: the variable or option, and what it is a token for."""
    if re.search(r"https?://[^\s/]*$", before) and (host := re.match(r"[^\s/]*@(?P<host>[\w.-]+)", after)):
        hub = host["host"] in {"huggingface.co", "hf.co"}
        return ("git-url" if hub else "script"), "git", "HUGGINGFACE" if hub else ""
    if re.search(r"Authorization: *Bearer *$", before, re.IGNORECASE):
        return "header", "Authorization", ""
    if option := re.search(r"(--[\w-]*token)(?:=|\s+)[\"']?$", before):
        hub = bool(re.search(r"\b(hf|huggingface-cli)\s", before))
        return "option", option[1], "HUGGINGFACE" if hub else ""
    if variable := re.search(r"(?:^|[\s;&\"'({:])([A-Za-z_]\w*)\s*=\s*[\"']?$", before):
        return "export", variable[1], variable[1]
    return "script", "", ""


def _secrets(value: Value, name: str) -> Iterator[tuple[str, bool]]:
    if not isinstance(value, str) or "secrets" not in value.lower():
        return
    for expression in EXPRESSION.finditer(value):
        inside = expression["inside"]
        for match in SECRET.finditer(inside):
            secret = match["name"] or match["quoted"] or ""
            if secret and is_token(secret, name):
                yield sanitize_line(secret, 60), "||" in inside[: match.start()]
