"""What the doctor predicts of a workflow, against what act runs: which steps an event reaches, in generated workflows.

Each workflow has many jobs with conditions, so that one start of act decides dozens of them. act is given an event's
payload; the doctor knows only the file.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from hf_oidc.doctor.workflow.called import with_called
from hf_oidc.doctor.workflow.expressions.values import OpenMapping, SomeText, Unknown, Value, fold
from hf_oidc.doctor.workflow.model import Job, Step, Workflow, read_workflow
from hf_oidc.doctor.workflow.runs.derivation import runs_of
from hf_oidc.doctor.workflow.runs.reach import Certainty, Reachability
from hf_oidc.doctor.workflow.runs.run import Run
from hf_oidc.doctor.workflow.yaml_text import read
from tests.e2e.engines import alone, commit, require_act
from tests.generated_workflows import GUARD, Conditions

REPOSITORY = "acme/training"
SEED = 15
FILES_FOR_EACH_DELIVERY = 2
RUN_SECONDS = 120
STARTED = re.compile(r"Run Main (s\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Delivery:
    """A webhook's delivery: the event, the ref that GitHub documents for it, and its payload.

    `on`: filters of the event that let it through.
    """

    event: str
    ref: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    on: tuple[Any, ...] = (None,)
    actor: str = "octocat"
    head_ref: str = ""
    base_ref: str = ""

    @property
    def github(self) -> dict[str, Any]:
        """The context `github` that GitHub makes of it, as far as it is documented."""
        name = self.ref.removeprefix("refs/heads/").removeprefix("refs/tags/").removeprefix("refs/pull/")
        return {
            "event_name": self.event,
            "event": self.event_json,
            "ref": self.ref,
            "ref_name": name,
            "ref_type": "tag" if self.ref.startswith("refs/tags/") else "branch",
            "base_ref": self.base_ref,
            "head_ref": self.head_ref,
            "actor": self.actor,
            "triggering_actor": self.actor,
            "repository": REPOSITORY,
            "repository_owner": "acme",
        }

    @property
    def event_json(self) -> dict[str, Any]:
        """The payload, with what each has."""
        repository = {"full_name": REPOSITORY, "default_branch": "main", "private": False, "fork": False}
        return {
            "repository": {**repository, "owner": {"login": "acme"}},
            "sender": {"login": self.actor},
            **self.payload,
        }


def push(ref: str, *on: Any) -> Delivery:
    """A push of a branch or a tag."""
    payload = {"ref": ref, "created": False, "deleted": False, "forced": False, "head_commit": {"message": "Train"}}
    return Delivery("push", ref, payload, (None, *on))


def pull_request(
    action: str, *on: Any, event: str = "pull_request", ref: str = "", repo: str = REPOSITORY, **more: Any
) -> Delivery:
    """An activity of a pull request from `repo`, of its branch `feature/x` to `main`."""
    payload = {
        "action": action,
        "number": 7,
        "pull_request": {
            "number": 7,
            "draft": False,
            "merged": False,
            "state": "closed" if action == "closed" else "open",
            "user": {"login": more.get("actor", "octocat")},
            "labels": [{"name": "publish"}],
            "head": {"ref": "feature/x", "repo": {"full_name": repo, "fork": repo != REPOSITORY}},
            "base": {"ref": "main", "repo": {"full_name": REPOSITORY, "fork": False}},
            **{name: value for name, value in more.items() if name != "actor"},
        },
    }
    return Delivery(
        event, ref or "refs/pull/7/merge", payload, on or (None,), more.get("actor", "octocat"), "feature/x", "main"
    )


INPUTS = {
    "publish": {"type": "boolean", "default": False},
    "level": {"type": "choice", "options": ["info", "debug"]},
    "note": {"type": "string"},
}
DISPATCH = {"inputs": {"publish": "true", "level": "info", "note": "x"}, "workflow": "publish.yml"}
MAIN = "refs/heads/main"
DELIVERIES = [
    push(MAIN, {"branches": ["main"]}, {"branches": ["**", "!dev"]}, {"branches-ignore": ["dev"]}),
    push("refs/heads/dev", {"branches": ["main", "dev"]}, {"tags-ignore": ["x"], "branches": ["d*"]}),
    push("refs/heads/rel/2", {"branches": ["rel/**"]}, {"branches-ignore": ["*"]}),
    push("refs/tags/v1.2", {"tags": ["v*"]}, {"branches": ["main"], "tags": ["v[0-9].[0-9]+"]}),
    push("refs/tags/nightly", {"tags": ["**"]}, {"tags-ignore": ["v*"]}),
    pull_request("opened", None, {"branches": ["main"]}, {"types": ["opened", "labeled"]}),
    pull_request("synchronize", None, {"branches-ignore": ["dev"]}, repo="stranger/training"),
    pull_request(
        "synchronize", None, {"types": ["synchronize"]}, actor="dependabot[bot]", user={"login": "dependabot[bot]"}
    ),
    pull_request("ready_for_review", {"types": ["opened", "ready_for_review"]}),
    pull_request("closed", {"types": ["closed"]}, {"types": ["opened", "closed"]}),
    pull_request(
        "closed", {"types": ["closed"]}, {"types": ["closed", "labeled"], "branches": ["main"]}, ref=MAIN, merged=True
    ),
    pull_request(
        "opened", None, {"types": ["opened"]}, event="pull_request_target", ref=MAIN, repo="stranger/training"
    ),
    Delivery(
        "release",
        "refs/tags/v1.2",
        {"action": "published", "release": {"tag_name": "v1.2", "prerelease": False, "draft": False}},
        (None, {"types": ["published"]}),
    ),
    Delivery(
        "release",
        "refs/tags/v2-rc",
        {"action": "prereleased", "release": {"tag_name": "v2-rc", "prerelease": True, "draft": False}},
        (None, {"types": ["prereleased", "released"]}),
    ),
    Delivery("workflow_dispatch", MAIN, {**DISPATCH, "ref": MAIN}, ({"inputs": INPUTS},)),
    Delivery(
        "workflow_dispatch",
        "refs/tags/v1.2",
        {**DISPATCH, "ref": "refs/tags/v1.2", "inputs": {"publish": "false", "level": "debug", "note": ""}},
        ({"inputs": INPUTS},),
    ),
    Delivery(
        "schedule",
        MAIN,
        {"schedule": "0 3 * * 1"},
        ([{"cron": "0 3 * * 1"}], [{"cron": "0 3 * * 1"}, {"cron": "5 5 * * *"}]),
    ),
    Delivery(
        "merge_group",
        "refs/heads/gh-readonly-queue/main/pr-7-abc",
        {"action": "checks_requested", "merge_group": {"base_ref": MAIN}},
    ),
    Delivery(
        "workflow_run",
        MAIN,
        {"action": "completed", "workflow_run": {"conclusion": "success", "event": "push", "head_branch": "dev"}},
        ({"workflows": ["Tests"], "types": ["completed"]},),
    ),
    Delivery(
        "issue_comment",
        MAIN,
        {"action": "created", "comment": {"body": "/publish"}, "issue": {"number": 3}},
        (None, {"types": ["created"]}),
    ),
    Delivery(
        "repository_dispatch",
        MAIN,
        {"action": "publish", "branch": "main", "client_payload": {"stage": "prod"}},
        (None, {"types": ["publish", "test"]}),
    ),
]
# Where act and GitHub differ, GitHub's documentation holds. So act is told the ref and the actor:
# - for a pull request that was merged, it takes the merge ref; GitHub, the base branch;
# - for `pull_request_target`, it takes the base branch; GitHub, the default branch (since December 2025);
# - it does not take the actor from the payload.
# It applies no filters and no `types:`, so each workflow has those that let its event through.
# https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
TOLD = {"GITHUB_REF": "ref", "GITHUB_ACTOR": "actor"}


def admits(known: Value, value: Any) -> bool:
    """Whether a value of a real run is possible by what is known of it."""
    if isinstance(known, Unknown):
        return True
    if isinstance(known, SomeText):
        return (
            isinstance(value, str)
            and fold(value).startswith(fold(known.prefix))
            and fold(value).endswith(fold(known.suffix))
            and not known.excludes(value)
        )
    if isinstance(known, Mapping):
        value = value if isinstance(value, dict) else {}
        return all(admits(each, value.get(name)) for name, each in known.items())
    return bool(known == value)


def run_of(delivery: Delivery, runs: tuple[Run, ...]) -> int:
    """The number of the run that stands for the delivery. There must be exactly one."""
    github = delivery.github
    given = delivery.payload.get("inputs", {})
    inputs = {name: value == "true" if name == "publish" else value for name, value in given.items()}
    found = []
    for index, run in enumerate(runs):
        contexts = run.contexts()
        same_branch = run.on_default is None or run.on_default == (delivery.ref == MAIN)
        if run.event == delivery.event and same_branch and admits(contexts["github"], github):
            assert isinstance(contexts["inputs"], Mapping)
            found += [index] if admits(OpenMapping(contexts["inputs"]), inputs) else []
    assert len(found) == 1, (
        delivery,
        [runs[index] for index in found] or [run for run in runs if run.event == delivery.event],
    )
    return found[0]


def with_guard(text: str) -> Workflow:
    """The workflow, with the action that it uses."""
    return with_called(
        read_workflow(read(text), "publish.yml"), lambda path: GUARD if path == "guard/action.yml" else ""
    )


def predicted(workflow: Workflow, delivery: Delivery) -> dict[str, Certainty]:
    """For each step, whether the delivery reaches it."""
    runs = runs_of(workflow, repository=REPOSITORY)
    reachability = Reachability(workflow, [runs[run_of(delivery, runs)]])
    steps: list[tuple[Job, Step]] = [(job, step) for job in workflow.jobs for step in job.steps]
    # act copies the checkout, and does not start that step.
    return {step.id: reachability.of(job, step)[0].certainty for job, step in steps if step.id != "checkout"}


def reached_on_act(act: str, folder: Path, text: str, delivery: Delivery) -> set[str]:
    """The steps that act starts."""
    checkout, payload = folder / "checkout", folder / "event.json"
    checkout.mkdir(parents=True)
    commit(checkout, {".github/workflows/publish.yml": text, "guard/action.yml": GUARD})
    payload.write_text(json.dumps(delivery.event_json))
    told = [f"--env={name}={delivery.github[key]}" for name, key in TOLD.items()]
    done = subprocess.run(
        [
            act,
            delivery.event,
            "--platform=ubuntu-latest=-self-hosted",
            "--pull=false",
            "--no-cache-server",
            "--rm",
            f"--eventpath={payload}",
            f"--env=GITHUB_REPOSITORY={REPOSITORY}",
            f"--actor={delivery.actor}",
            *told,
        ],
        cwd=checkout,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    # It ends with 1 if a job has failed, which some do.
    is_run = done.returncode == 0 or "Failure - Main s" in done.stdout
    assert is_run, (text, done.stdout, done.stderr)
    return set(STARTED.findall(done.stdout))


def test_the_prediction_is_what_act_runs(tmp_path: Path) -> None:
    """Never a step that was predicted unreachable, never the reverse, and few that are uncertain."""
    act = require_act()
    conditions = Conditions(SEED)
    cases = [
        (delivery, conditions.workflow(delivery.event, delivery.on))
        for delivery in DELIVERIES
        for _ in range(FILES_FOR_EACH_DELIVERY)
    ]
    texts = [yaml.safe_dump(document, sort_keys=False, width=10_000) for _, document in cases]

    def run(number: int) -> set[str]:
        return reached_on_act(act, tmp_path / str(number), texts[number], cases[number][0])

    with alone("act"), ThreadPoolExecutor(2) as pool:
        reached = list(pool.map(run, range(len(cases))))
    counted: Counter[str] = Counter()
    wrong = []
    seen, failing = set(), 0
    for (delivery, document), text, steps in zip(cases, texts, reached, strict=True):
        for step, certainty in predicted(with_guard(text), delivery).items():
            counted[certainty] += 1
            job = next(each for each in document["jobs"].values() if step in [inner["id"] for inner in each["steps"]])
            failing += any(step in steps and inner["id"] == step and "exit" in str(inner) for inner in job["steps"])
            if (certainty == "no" and step in steps) or (certainty == "yes" and step not in steps):
                wrong.append((delivery.event, delivery.ref, step, certainty, text))
            seen.add((str(document["on"]), delivery.ref, str(job.get("if")), str(job["steps"]), str(job.get("needs"))))
    assert not wrong, (len(wrong), wrong[0])
    assert len(seen) >= 400
    assert counted["maybe"] <= counted.total() / 10
    assert min(counted.values()) > 20, "each kind of prediction was made"
    assert failing > 20, f"{failing} steps ran and failed"
