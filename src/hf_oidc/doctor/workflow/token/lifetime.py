"""Checks that a token is not used more than an hour after its login, as far as the file tells how long a step may run.

It reports a step only if the file lets it run longer (`timeout-minutes`), and if it is not known to be quick.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator, Sequence

from hf_oidc.doctor.workflow.findings import WorkflowFinding
from hf_oidc.doctor.workflow.model import Job, Step
from hf_oidc.doctor.workflow.token.script import commands, shell_of
from hf_oidc.doctor.workflow.token.source import TokenUse
from hf_oidc.doctor.workflow.token.targets import JobUses

LIFETIME = 60  # minutes
MAX_DIGITS = 6
# Commands that prepare, copy or report. What is not named here may be a training.
QUICK = re.compile(
    r"pip[3x]?|uvx?|poetry|conda|(micro)?mamba|[np]?npm|yarn|apt|apt-get|brew|choco|winget|git|curl|wget|tar|(un|g)?zip"
    r"|echo|printf|cat|ls|cd|pwd|cp|mv|rm|mkdir|touch|chmod|ln|find|du|df|head|tail|grep|sed|awk|jq|tee|wc|sort|uniq|date"
    r"|env|export|set|unset|source|\.|true|false|test|\[\[?|:|exit|fi|done|esac|then|else|for|case|if|}|sleep|which|tree"
    r"|hf|huggingface-cli|hf-oidc|nvidia-smi|sha256sum|write-host|(copy|new|remove)-item|get-childitem",
    re.IGNORECASE,
)
PREPARES = (("-m", "pip"), ("-m", "venv"), ("-m", "build"))


def check_lifetime(job: Job, uses: JobUses, found: Sequence[TokenUse]) -> Iterator[WorkflowFinding]:
    """Finds a write to the Hub that may come more than an hour after its login. `found`: the token of each use."""
    slow = [index for index, each in enumerate(uses.steps) if _may_take_long(job, each.step)]
    for each in found:
        login, step = each.source.login, each.of_step.step
        if login is None or each.use.right == "read":
            continue
        between = slow[bisect(slow, login.index) :][:1]
        index = between[0] if between and between[0] < each.index else each.index
        if index == each.index and not _may_take_long(job, step, each.use.at):
            continue
        long = uses.steps[index].step
        minutes = int(str(long.block.get("timeout-minutes") or job.minutes)[:MAX_DIGITS])
        facts = {
            "step": step.label,
            "slow": long.label,
            "limit": f"{minutes // LIFETIME} hours" if minutes % LIFETIME == 0 else f"{minutes} minutes",
            "line": str(login.step.line),
            "resource": str(login.resource or "namespace/name"),
        }
        yield WorkflowFinding("token-expires", "warning", long.line, facts, long.file)
        return


def _may_take_long(job: Job, step: Step, end: int | None = None) -> bool:
    """Whether the file lets a step take more than an hour, and it may. `end`: only its commands before this one."""
    own = step.block.get("timeout-minutes", "")
    limit = own or job.minutes
    if step.background or not isinstance(limit, str) or not limit.isdecimal() or int(limit[:MAX_DIGITS]) <= LIFETIME:
        return False
    if step.uses:  # the file tells only by `timeout-minutes` how long an action may run
        return bool(own)
    for command in commands(step.run, shell_of(job, step))[:end]:
        installs = command.name.startswith("python") and command.words[1:3] in PREPARES
        if command.words and not (QUICK.fullmatch(command.name) or installs or command.words[1:2] == ("--version",)):
            return True
    return False
