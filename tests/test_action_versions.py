"""The actions that this repository uses, and that its documents and examples show, are of their current majors."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# The one list. To move to a new major, read its change log, change it here, and follow the failures.
MAJORS = {
    "org/hf-oidc-action": 1,
    "org/hf-oidc-action/native": 1,
    "actions/attest": 4,
    "actions/checkout": 7,
    "actions/download-artifact": 8,
    "actions/setup-node": 7,
    "actions/setup-python": 7,
    "actions/upload-artifact": 7,
    "docker/build-push-action": 7,
    "docker/login-action": 4,
    "docker/setup-buildx-action": 4,
    "github/codeql-action/upload-sarif": 4,
    # Still in development: version 0.
    "huggingface/hub-sync": 0,
    # Version 5 and newer want Node.js 24, and Debian trixie, the image of that job, has version 20.
    "https://data.forgejo.org/actions/checkout": 4,
}
USES = re.compile(
    r"\buses: *(?P<action>[\w./:-]+)@(?P<ref>v\d+|[0-9a-f]{40}|<[^>]+>|[\w.-]+)(?: *# v(?P<version>[\d.]+))?"
)
# The workflows of the tests are those that users have, with whatever they use.
TESTS = "tests/"
LISTED = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]


def used() -> list[tuple[str, str, str, str]]:
    """Each `uses:` of the repository: the file, the action, and its reference, and the version in the comment."""
    listed = subprocess.run(LISTED, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = [name for name in listed.splitlines() if not name.startswith(TESTS) and (ROOT / name).is_file()]
    found = []
    for name in names:
        text = (ROOT / name).read_bytes().decode(errors="replace")
        found += [(name, each["action"], each["ref"], each["version"] or "") for each in USES.finditer(text)]
    return found


USED = used()


@pytest.mark.parametrize("action", MAJORS)
def test_the_action_is_used_and_of_its_major(action: str) -> None:
    """Each reference is the tag of the major, or a commit with a comment that says a version of it."""
    here = [each for each in USED if each[1] == action]
    assert here
    wrong = [each for each in here if (each[3] or each[2].removeprefix("v")).split(".")[0] != str(MAJORS[action])]
    assert wrong == []


def test_no_other_action_is_used() -> None:
    """What is not in the list would not be held to a version."""
    assert {action for _, action, _, _ in USED} == set(MAJORS)


def test_a_commit_is_of_one_version() -> None:
    """A comment that was forgotten in one file is found by the others; workflows and examples name commits."""
    versions: dict[tuple[str, str], set[str]] = {}
    for name, action, ref, version in USED:
        if len(ref) == 40:
            versions.setdefault((action, ref), set()).add(version)
        elif name.startswith((".github/workflows/", "examples/github/")):
            assert action.startswith("org/hf-oidc-action"), (name, action)
    assert {key: found for key, found in versions.items() if len(found) != 1} == {}
