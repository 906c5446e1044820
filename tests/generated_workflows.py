"""Workflows with conditions by chance, from a seed: for the comparison with an engine, and for properties."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Any

JOBS = 12
OTHER_EVENTS = ["push", "pull_request", "release", "workflow_dispatch", "merge_group", "issues", "workflow_call"]
ATOMS = [
    "github.event_name == 'push'",
    "github.event_name != 'pull_request'",
    "github.event_name == 'PUSH' || github.event_name == 'release'",
    'contains(fromJSON(\'["push", "schedule"]\'), github.event_name)',
    "github.ref == 'refs/heads/main'",
    "github.ref != 'refs/heads/dev'",
    "github.ref_name == 'dev'",
    "github.ref_type == 'tag'",
    "startsWith(github.ref, 'refs/tags/v')",
    "startsWith(github.ref, 'refs/heads/')",
    "startsWith(github.ref_name, 'rel/')",
    "contains('refs/heads/main refs/heads/dev', github.ref)",
    "github.ref == format('refs/heads/{0}', github.event.repository.default_branch)",
    "github.ref_name == github.event.repository.default_branch",
    "github.base_ref == 'main'",
    "github.head_ref == 'feature/x'",
    "startsWith(github.head_ref, 'feature/')",
    "github.event.action == 'opened'",
    'contains(fromJSON(\'["opened", "published"]\'), github.event.action)',
    "github.event.pull_request.merged == true",
    "!github.event.pull_request.draft",
    "github.event.pull_request",
    "github.event.pull_request.head.repo.full_name == github.repository",
    "github.event.pull_request.head.repo.fork == false",
    "github.event.pull_request.head.repo.fork",
    "github.actor != 'dependabot[bot]'",
    "github.actor == 'octocat'",
    "github.repository == 'acme/training'",
    "github.repository_owner != 'acme'",
    "github.event.release.prerelease",
    "github.event.release.prerelease == false",
    "inputs.publish",
    "inputs.publish == true",
    "github.event.inputs.publish == 'true'",
    "inputs.level == 'info'",
    "inputs.note",
    "github.event.schedule == '0 3 * * 1'",
    "github.event.workflow_run.conclusion == 'success'",
    "github.event.workflow_run.head_branch == 'main'",
    "github.event.comment.body == '/publish'",
    "github.event.client_payload.stage == 'prod'",
    "github.event.label.name == 'publish'",
    "'' == 0",
    "github.event.unheard",
    "true",
    "false",
]
STATUS = ["always()", "!cancelled()", "success()", "!failure()", "failure()"]
# What the file does not tell: these are the expected "maybe".
UNKNOWABLE = ["vars.PUBLISH == 'true'", "contains(github.event.head_commit.message, 'Train')"]


class Conditions:
    """Makes conditions by chance, from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def some(self, more: list[str], depth: int = 2) -> str:
        """A condition; `more`: what it can use beside the event."""
        chance = self.random.random()
        if depth == 0 or chance < 0.35:
            return self.random.choice(more if more and self.random.random() < 0.3 else ATOMS)
        if chance < 0.45:
            return f"!({self.some(more, depth - 1)})"
        operator = "&&" if chance < 0.8 else "||"
        return f"({self.some(more, depth - 1)}) {operator} ({self.some(more, depth - 1)})"

    def maybe(self, more: list[str]) -> dict[str, str]:
        """An `if:`, of three steps or jobs for two."""
        if self.random.random() < 0.3:
            return {}
        chance = self.random.random()
        if chance < 0.03:
            return {"if": self.random.choice(UNKNOWABLE)}
        if chance < 0.2:
            return {"if": f"{self.random.choice(STATUS)} && ({self.some(more)})"}
        text = self.some(more)
        return {"if": f"${{{{ {text} }}}}" if chance < 0.4 else text}

    def workflow(self, event: str, filters: Sequence[Any] = (None,), jobs: int = JOBS) -> dict[str, Any]:
        """A workflow that `event` starts, with one of `filters`, and with other events beside it."""
        others = self.random.sample([each for each in OTHER_EVENTS if each != event], 2)
        on = {**dict.fromkeys(others), event: self.random.choice(filters)}
        numbers = itertools.count()
        found: dict[str, Any] = {}
        for key in (f"j{index}" for index in range(jobs)):
            needs = self.random.sample([*found], min(len(found), self.random.choice([0, 0, 1, 1, 2])))
            found[key] = self.job(needs, numbers)
        return {"on": on, "env": {"WHERE": "${{ github.ref }}", "FLAG": "yes"}, "jobs": found}

    def job(self, needs: list[str], numbers: Iterator[int]) -> dict[str, Any]:
        """A job with two or three steps."""
        results = [f"needs.{name}.result {comparison}" for name in needs for comparison in RESULTS]
        matrix = self.random.random() < 0.2
        atoms = ["env.FLAG == 'yes'", "env.WHERE == 'refs/heads/main'", "env.MISSING"]
        atoms += ["matrix.os == 'linux'", "matrix.extra", "matrix.os != 'linux' && matrix.extra"] if matrix else []
        steps: list[dict[str, Any]] = []
        for _ in range(self.random.choice([2, 3])):
            name = f"s{next(numbers)}"
            steps.append({"name": name, "id": name, "run": "true", **self.maybe([*atoms, *STATUS])})
            atoms += [f"steps.{name}.outcome == 'success'", f"steps.{name}.conclusion == 'skipped'"]
            if self.random.random() < 0.25:
                steps[-1] |= self.failing()
                steps[-1] = {key: value for key, value in steps[-1].items() if value != ""}
                atoms += [f"steps.{name}.{result} == 'failure'" for result in ("outcome", "conclusion")]
        if any("uses" in step for step in steps):
            steps.insert(0, {"id": "checkout", "uses": "actions/checkout@v4"})
        job: dict[str, Any] = {"runs-on": "ubuntu-latest", **self.maybe([*results, *STATUS]), "steps": steps}
        if needs:
            job["needs"] = needs
        if matrix:
            # act ends no row because another one has failed.
            job["strategy"] = {
                "fail-fast": False,
                "matrix": {"os": ["linux", "mac"], "include": [{"os": "mac", "extra": True}]},
            }
        return job

    def failing(self) -> dict[str, Any]:
        """What makes a step one that always fails, or an action that mostly does; the job may continue all the same."""
        scripts = ["exit 1", "false", "echo no\nexit 2", "echo 'not here'  # a guard\nexit 1"]
        uses = {"uses": "./guard", "with": {"stop": self.random.choice(["true", "true", "false"])}, "run": ""}
        found = uses if self.random.random() < 0.3 else {"run": self.random.choice(scripts)}
        return {**found, **({"continue-on-error": True} if self.random.random() < 0.3 else {})}


# The action that some of the steps use.
GUARD = """
name: Guard
inputs:
  stop: {default: "true"}
runs:
  using: composite
  steps:
    - {run: echo guard, shell: bash}
    - {if: inputs.stop == 'true' && github.ref != '', run: exit 1, shell: bash}
    - {if: always(), run: echo end, shell: bash}
"""
RESULTS = ["== 'success'", "!= 'skipped'", "== 'skipped'", "== 'failure'"]
