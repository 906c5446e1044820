"""How much work `hf-oidc doctor` has with a file that somebody wrote to keep it busy: counted in calls, not in time."""

from __future__ import annotations

import cProfile
from collections.abc import Callable
from functools import partial

import pytest

from hf_oidc.doctor.workflow.called import with_called
from hf_oidc.doctor.workflow.examine import examine
from hf_oidc.doctor.workflow.expressions.syntax import parse_condition
from hf_oidc.doctor.workflow.migration.migrate import migrate
from hf_oidc.doctor.workflow.model import read_workflow
from hf_oidc.doctor.workflow.yaml_text import UnreadableYaml, read

pytestmark = pytest.mark.slow

LOGIN = (
    "on: push\npermissions: {id-token: write}\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n"
    "      - uses: org/hf-oidc-action@v1\n        with: {resource: acme/m}\n"
)
SECRET = "${{ secrets.HF_TOKEN }}"
UPLOAD = "hf upload acme/m ."
STEP = f"    runs-on: ubuntu-latest\n    steps: [run: {UPLOAD}]\n"
GROWING: dict[str, Callable[[int], str]] = {
    "jobs with a secret": lambda size: (
        f"on: push\nenv: {{HF_TOKEN: '{SECRET}'}}\njobs:\n" + "".join(f"  j{n}:\n{STEP}" for n in range(size))
    ),
    "lines with a secret": lambda size: (
        f"{LOGIN}      - run: |\n" + "".join(f"          {UPLOAD} --token {SECRET} # {n}\n" for n in range(3 * size))
    ),
    "steps with a condition": lambda size: (
        LOGIN + "".join(f"      - {{run: {UPLOAD}, if: github.actor == 'a{n}'}}\n" for n in range(size))
    ),
    "steps with a secret": lambda size: LOGIN + f"      - run: {UPLOAD} --token {SECRET}\n" * size,
}


def calls(work: Callable[[], object]) -> int:
    """How many functions `work` calls, those of Python itself too."""
    # The profiler in C: one in Python would take longer than the work.
    profile = cProfile.Profile()
    profile.runcall(work)
    return sum(entry.callcount for entry in profile.getstats())


def doctor(text: str) -> object:
    """What the doctor says of a file."""
    return examine(text, "a.yml", "acme/trainer", lambda _: "")


def migration(text: str) -> object:
    """How the file changes."""
    return migrate(text, "a.yml", "acme/trainer", lambda _: "")


@pytest.mark.parametrize("work", [doctor, migration])
@pytest.mark.parametrize("file", GROWING.values(), ids=GROWING)
def test_twice_the_file_is_twice_the_work(file: Callable[[int], str], work: Callable[[str], object]) -> None:
    """Each part of the file is read a fixed number of times."""
    doctor(file(1))  # what is imported late, is imported now
    few, many = (calls(partial(work, file(size))) for size in (40, 80))
    assert many < 2.2 * few


def test_each_condition_is_parsed_once() -> None:
    """However many conditions a file has, and however many runs evaluate them."""
    count = 600
    conditions = "".join(f"      - {{run: x, if: github.actor == 'parsed-{n}'}}\n" for n in range(count))
    before = parse_condition.cache_info().misses
    doctor(LOGIN.replace("push", "[push, pull_request]") + conditions)
    # Once as any condition, and once as that of a step.
    assert parse_condition.cache_info().misses - before <= 2 * count + 10


def test_long_conditions_are_not_evaluated_without_end() -> None:
    """A condition counts by its length. What is not evaluated is said."""
    condition = " || ".join(f"github.event.a{n} == 'x'" for n in range(40))
    jobs = "".join(f"  j{n}:\n    if: {condition}\n{STEP}" for n in range(120))
    text = f"on: push\npermissions: {{id-token: write}}\nenv: {{HF_OIDC_RESOURCE: acme/m}}\njobs:\n{jobs}"
    found = examine(text, "a.yml", "acme/trainer", lambda _: "")
    assert found.jobs[0].not_understood == ("the size of this file",)


def test_calls_of_a_large_workflow_are_read_up_to_a_limit() -> None:
    """Each call has a report for each of its jobs. What is not read is said."""
    called = "on: workflow_call\njobs:\n" + "".join(f"  j{n}:\n{STEP}" for n in range(400))
    calling = "on: push\njobs:\n" + "".join(f"  j{n}: {{uses: ./.github/workflows/b.yml}}\n" for n in range(400))
    workflow = with_called(read_workflow(read(calling), "a.yml"), lambda _: called)
    assert 1 <= sum(job.called is not None for job in workflow.jobs) <= 3
    found = examine(calling, "a.yml", "acme/trainer", lambda _: called)
    assert found.jobs[-1].not_understood == ("./.github/workflows/b.yml",)


@pytest.mark.parametrize(("variables", "jobs"), [(1, 501), (200, 200), (5_000, 20)])
def test_too_many_jobs_and_variables(variables: int, jobs: int) -> None:
    """Each job would be checked with each variable."""
    env = "".join(f"  T{n}: ${{{{ secrets.HF_TOKEN_{n} }}}}\n" for n in range(variables))
    text = f"on: push\nenv:\n{env}jobs:\n" + "".join(f"  j{n}:\n{STEP}" for n in range(jobs))
    for work in (doctor, migration):
        with pytest.raises(UnreadableYaml, match="than any workflow has"):
            work(text)
