"""What the CIs that we run in take for commands, as their agents look for it in a log."""

from __future__ import annotations

import re

# By whose agent: a command that would do something, if it got into a log.
COMMANDS_BY_CI = {
    "GitHub, Forgejo, Gitea, act": ("::error::x", "::stop-commands::x", "::set-output name=a::b", "##[add-path]/tmp"),
    "GitHub, with blanks before it": ("  ::add-mask::x", "\t::error file=a::b"),
    "Azure Pipelines": (
        "##vso[task.setvariable variable=PATH]/tmp",
        "text ##vso[task.complete result=Succeeded;]done",
        "##[section]x",
    ),
    "TeamCity": ("##teamcity[buildStatus status='SUCCESS']", "##teamcity[setParameter name='env.PATH' value='/tmp']"),
    "GitLab": ("section_start:1:x\r\x1b[0Kfolded", "section_end:1:x\r\x1b[0K"),
    "Travis CI": ("travis_fold:start:x\r",),
    "Jenkins": ("\x1b[8mha:AAAA\x1b[0m",),
    "Buildkite": ("\x1b]1338;url='artifact://x'\x07",),
}
COMMANDS = tuple(command for commands in COMMANDS_BY_CI.values() for command in commands)
# GitHub's at the beginning of a line; the others anywhere in it. Some need a control character, which no text of
# others keeps.
PATTERNS = (
    r"(?m)^\s*::[^\s:]",
    r"#[^\s#\[]*\[",
    r"\r",
    r"\x1b",
)
# What the action and the command say to a runner themselves; others' text may follow.
OURS = re.compile(r"^::(add-mask|error|warning|group|endgroup)\b[^:\n]*::", re.MULTILINE)


def commands_in(log: str) -> list[str]:
    """Where a CI would find a command in `log`."""
    return [found[0] for pattern in PATTERNS for found in re.finditer(pattern, log)]


def commands_of_others(log: str) -> list[str]:
    """The same, but for those that are ours."""
    return commands_in(OURS.sub("", log))
