"""Checks that a token is not used more than an hour after its login, as far as the file tells how long a step may run.

It speaks only of steps whose limit the file raises (`timeout-minutes`), and which are not known to be quick.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from hf_oidc.doctor.workflow.findings import WorkflowFinding
from hf_oidc.doctor.workflow.model import Job, Step
from hf_oidc.doctor.workflow.script import Command, commands, shell_of
from hf_oidc.doctor.workflow.token_source import TokenUse

LIFETIME = 60  # minutes
# Commands that prepare, copy or report. What is not named here may be a training.
QUICK = re.compile(
    r"pip[3x]?|uvx?|poetry|conda|(micro)?mamba|[np]?npm|yarn|apt|apt-get|brew|choco|winget|git|curl|wget|tar|(un|g)?zip"
    r"|echo|printf|cat|ls|cd|pwd|cp|mv|rm|mkdir|touch|chmod|ln|find|du|df|head|tail|grep|sed|awk|jq|tee|wc|sort|uniq|date"
    r"|env|export|set|unset|source|\.|true|false|test|\[\[?|:|exit|fi|done|esac|then|else|for|case|if|}|sleep|which|tree"
    r"|hf|huggingface-cli|hf-oidc|nvidia-smi|sha256sum|write-host|(copy|new|remove)-item|get-childitem",
    re.IGNORECASE,
)


def check_lifetime(job: Job, found: Sequence[TokenUse]) -> Iterator[WorkflowFinding]:
    """Finds writes to the Hub that may come more than an hour after their login. `found`: all uses of `job`."""
    for each in found:
        login = each.source.login
        if login is None or each.use.right == "read":
            continue
        between = [(step, commands(step.run, shell_of(job, step))) for step in job.steps[login.index + 1 : each.index]]
        step = each.of_step.step
        between.append((step, commands(step.run, shell_of(job, step))[: each.use.at]))
        slow = next((step for step, before in between if _may_take_long(job, step, before)), None)
        if slow:
            minutes = slow.block.get("timeout-minutes") or job.minutes
            facts = {
                "step": step.label,
                "slow": slow.label,
                "limit": _duration(int(str(minutes))),
                "line": str(login.step.line),
                "id": login.step.id,
                "resource": str(login.resource or "namespace/name"),
                "same": "yes" if slow is step else "",
            }
            yield WorkflowFinding("token-expires", "warning", slow.line, facts)
            return


def _may_take_long(job: Job, step: Step, before: Sequence[Command]) -> bool:
    own = step.block.get("timeout-minutes", "")
    limit = own or job.minutes
    if step.background or not isinstance(limit, str) or not limit.isdigit() or not int(limit[:6]) > LIFETIME:
        return False
    # How long an action takes, the file tells only by a limit of its own.
    return bool(own) if step.uses else any(command.words and not _is_quick(command) for command in before)


def _is_quick(command: Command) -> bool:
    installs = command.name.startswith("python") and command.words[1:3] in (
        ("-m", "pip"),
        ("-m", "venv"),
        ("-m", "build"),
    )
    return bool(QUICK.fullmatch(command.name)) or installs or command.words[1:2] == ("--version",)


def _duration(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return f"{hours} hours" if not rest else f"{minutes} minutes"
