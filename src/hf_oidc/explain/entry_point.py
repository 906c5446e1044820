"""How a diagnosis names inputs: the action and the command line use different words.

A template contains `<name>` where the two differ. This module does not know which error occurred.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hf_oidc.providers.facts import Instruction

DOCUMENTS = "https://github.com/org/hf-oidc-action/blob/main/docs"
MARK = re.compile(r"<([a-z-]+)>")


@dataclass(frozen=True)
class EntryPoint:
    """The words of one entry point.

    `skip`: lines that let a job succeed without a login; `{resource}` and `{command}` are filled in. `own_machine`:
    what to do if this is a person's machine instead of a CI job; None if the entry point only runs in CI.
    """

    words: Mapping[str, str]
    skip: str
    own_machine: Instruction | None = None

    def says(self, template: str) -> str:
        """Returns `template` with each `<name>` in the words of this entry point."""
        return MARK.sub(lambda mark: self.words[mark[1]], template)


ACTION = EntryPoint(
    {
        "resource": "`resource`",
        "hub-url": "`hub-url`",
        "audience": "`audience`",
        "ca-bundle": "as the input `ca-bundle`",
        "id-token": "as the input `id-token`",
        "the-id-token": "the input `id-token`",
        "skip-here": "set `on-error: warn`, and skip the steps that need the token",
        "skip": "skip this step, or set `on-error: warn`",
        "show": "see the log of this step",
        "which": (
            "Remove the variables of the wrong one from the job's environment, or pass the ID token of the right one "
            "as the input `id-token`."
        ),
        "no-provider": (
            "Run this in a job of a supported CI. In any other CI, pass its ID token as the input `id-token`; "
            f"see {DOCUMENTS}/providers.md#any-other."
        ),
    },
    "- uses: org/hf-oidc-action@v1\n  id: hf\n  with:\n    resource: {resource}\n    on-error: warn\n"
    "- if: steps.hf.outputs.authenticated == 'true'\n  run: {command}",
)
COMMAND = EntryPoint(
    {
        "resource": "RESOURCE",
        "hub-url": "`--hub-url`",
        "audience": "`--audience`",
        "ca-bundle": "with `--ca-bundle`",
        "id-token": "with `--id-token-file`",
        "the-id-token": "`--id-token-file`",
        "skip-here": "run it only in other runs",
        "skip": "skip this step",
        "show": "run `hf-oidc doctor` in this job to see it",
        "which": "Name the right one with `--provider`, or pass its ID token with `--id-token-file`.",
        "no-provider": (
            "Name the CI or the cloud of this job with `--provider`, or pass an ID token with `--id-token-file`; "
            f"see {DOCUMENTS}/providers.md for what each needs."
        ),
    },
    "- if: >-\n    github.actor != 'dependabot[bot]' &&\n"
    "    (!github.event.pull_request || github.event.pull_request.head.repo.full_name == github.repository)\n"
    "  run: hf-oidc run {resource} -- {command}",
    Instruction(
        "`hf-oidc` is for CI jobs, and this looks like your own machine. To log in as yourself, or to check a workflow "
        "before you push it, run one of the lines below. To try a publication here, start Local Hub: see "
        f"{DOCUMENTS}/local-hub.md. If this is a CI job after all, name its CI with `--provider` (on a "
        "cloud VM, `google` or `aws`), or pass an ID token with `--id-token-file`.",
        "hf auth login  # as yourself\nhf-oidc doctor --workflow .github/workflows/publish.yml  # before a push",
        "sh",
    ),
)
