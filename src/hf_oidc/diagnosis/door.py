"""What differs between the action and the command in the words of a diagnosis: how an input is named and handed over.

A template has `<name>` where the two differ. Words alone; what failed does not matter here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

MARK = re.compile(r"<([a-z-]+)>")


@dataclass(frozen=True)
class Door:
    """Where the user writes what. `skip`: lines that let a job pass where it cannot log in, for `{resource}`."""

    words: Mapping[str, str]
    skip: str

    def says(self, template: str) -> str:
        """`template`, with each mark in the words of this door."""
        return MARK.sub(lambda mark: self.words[mark[1]], template)


ACTION = Door(
    {
        "resource": "`resource`",
        "hub-url": "`hub-url`",
        "audience": "`audience`",
        "ca-bundle": "as the input `ca-bundle`",
        "id-token": "as the input `id-token`",
        "the-id-token": "the input `id-token`",
        "skip-here": "set `on-error: warn`, and skip the steps that need the token",
        "skip": "skip this step, or set `on-error: warn`",
        "show": "the log of this step shows it",
        "which": (
            "Take the variables of the one that it is not out of the job's environment, or hand over the ID token of "
            "the other, as the input `id-token`."
        ),
        "name-it": "",
    },
    "- uses: org/hf-oidc-action@v1\n  id: hf\n  with:\n    resource: {resource}\n    on-error: warn\n"
    "- if: steps.hf.outputs.authenticated == 'true'\n  run: ./publish",
)
COMMAND = Door(
    {
        "resource": "RESOURCE",
        "hub-url": "`--hub-url`",
        "audience": "`--audience`",
        "ca-bundle": "with `--ca-bundle`",
        "id-token": "with `--id-token-file`",
        "the-id-token": "`--id-token-file`",
        "skip-here": "run it only in others",
        "skip": "skip this step",
        "show": "`hf-oidc doctor`, in this job, shows it",
        "which": "Say which one it is, with `--provider`, or hand over its ID token, with `--id-token-file`.",
        "name-it": " On a machine of a cloud, name it: `--provider google` or `--provider aws`.",
    },
    "- if: >-\n    github.actor != 'dependabot[bot]' &&\n"
    "    (!github.event.pull_request || github.event.pull_request.head.repo.full_name == github.repository)\n"
    "  run: hf-oidc run {resource} -- ./publish",
)
