"""What a token can and cannot do: the tables of docs/after-the-login.md are executed, against Local Hub.

Each row that says "tested" is run with the token of a login. Its result begins with "works", or with the text that the
command prints as it fails. The messages in docs/troubleshooting.md are those that `hf` prints then.
"""

from __future__ import annotations

import functools
import re
import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local_hub.repositories.commit_rules import Fault
from tests.action_process import run_action
from tests.clients import Clients, Run, good, token_for, trust
from tests.local_hub_process import ServedHub, local_hub_here

DOCUMENTS = Path(__file__).parents[2] / "docs"
DOCUMENT = (DOCUMENTS / "after-the-login.md").read_text(encoding="utf-8")
GUIDE = (DOCUMENTS / "troubleshooting.md").read_text(encoding="utf-8")
# The resource that each table logs in for.
LOGINS = {"A repository's token": "acme/model", "A user's token": "bob"}
KNOWN_BY = re.compile(
    r"tested(, as reported|; the answer of the Hub is not known)?|reported.*|documented.*|not known.*"
)
JOB = {"repository": "acme/trainer"}


def rows(section: str) -> list[list[str]]:
    """The rows of the table in that section."""
    lines = [line for line in DOCUMENT.split(f"\n## {section}\n")[1].split("\n## ")[0].splitlines() if line[:1] == "|"]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


TESTED = [
    pytest.param(section, row[0].split("`")[1], row[1], id=f"{LOGINS[section]}: {row[0]}")
    for section in LOGINS
    for row in rows(section)
    if row[3].startswith("tested") and row[0].startswith("`")
]


@pytest.fixture(scope="module")
def hub() -> Iterator[ServedHub]:
    """A Local Hub with the repositories of the document."""
    with local_hub_here() as running:
        for name in ("acme/public", "acme/other", "bob/model"):
            running.post("/local-hub/resources", {"resource": name})
        for name in ("acme/private", "acme/model", "bob/private"):
            running.post("/local-hub/resources", {"resource": name, "private": True})
        running.post("/local-hub/resources", {"resource": "acme/gated", "gated": True, "readers": ["bob"]})
        for name in (*LOGINS.values(), "acme/public", "acme/private", "acme/gated", "bob/private"):
            trust(running, name)
        for name in ("acme/model", "acme/public", "acme/private", "acme/gated", "bob/private"):
            add_readme(running, name)
        yield running


def add_readme(hub: ServedHub, name: str) -> None:
    """A commit with a README.md, by a token of the repository itself."""
    headers = {"Authorization": f"Bearer {token_for(hub, name)}", "Content-Type": "application/x-ndjson"}
    lines = '{"key": "header", "value": {"summary": "x"}}\n'
    lines += '{"key": "file", "value": {"path": "README.md", "content": "eA==", "encoding": "base64"}}\n'
    hub.request("POST", f"/api/models/{name}/commit/main", content=lines, headers=headers).raise_for_status()


def logged_in(hub: ServedHub, tmp_path: Path, resource: str) -> Clients:
    """The programs in a step after the login, in a folder with a file to publish."""
    inputs = {"resource": resource, "hub-url": hub.hub, "git-credentials": "true" if "/" in resource else "false"}
    (tmp_path / "login").mkdir()
    run = run_action(tmp_path / "login", hub.job(**JOB), inputs)
    assert run.exit_code == 0, run.stdout
    home = tmp_path / "later"
    home.mkdir()
    (home / "weights.txt").write_text(str(tmp_path))
    return Clients(hub, home, env=run.exported)


def run_command(clients: Clients, command: str) -> Run:
    """The command, with this Local Hub in place of the Hub."""
    program, *arguments = shlex.split(command.replace("https://huggingface.co", clients.hub.hub))
    return clients.git(*arguments) if program == "git" else clients.hf(*arguments)


def clone_with_changes(clients: Clients) -> None:
    """A clone in `model` with a commit, a tag, and a file in git-lfs, none of which is pushed."""
    clients.install_lfs()
    good(run_command(clients, "git clone --quiet https://huggingface.co/acme/model"))
    (clients.home / "model" / "large.bin").write_text(str(clients.home))
    for command in ("lfs track *.bin", "add .", "commit --quiet --message x", "tag v1 --force"):
        good(run_command(clients, f"git -C model {command}"))


# Runs a command after the login for a resource, in a folder that only it uses.
AfterLogin = Callable[[str, str], Run]


@pytest.fixture(scope="module")
def after_login(hub: ServedHub, tmp_path_factory: pytest.TempPathFactory) -> AfterLogin:
    """Each command once: the guide quotes some of those that are in the tables."""

    @functools.cache
    def run(resource: str, command: str) -> Run:
        clients = logged_in(hub, tmp_path_factory.mktemp("step"), resource)
        if command.startswith("git -C model"):
            clone_with_changes(clients)
        return run_command(clients, command)

    return run


@pytest.mark.parametrize(("section", "command", "result"), TESTED)
def test_each_row_is_so(after_login: AfterLogin, section: str, command: str, result: str) -> None:
    """The command works, or fails with the text of the row."""
    run = after_login(LOGINS[section], command)
    said = run.stdout + run.stderr
    assert (run.returncode == 0) == result.startswith("works"), said
    assert result.startswith("works") or result.split("`")[1] in said


def test_every_row_says_how_it_is_known() -> None:
    """And most are tested."""
    known = [row[3] for section in LOGINS for row in rows(section)]
    assert [each for each in known if not KNOWN_BY.fullmatch(each)] == []
    assert sum(each.startswith("tested") for each in known) > len(known) / 2


def headings(text: str) -> dict[str, str]:
    """The sections of a message in "After the login"."""
    after = text.split("\n## After the login\n")[1]
    return {part.partition("\n")[0]: part for part in after.split("\n### ")[1:]}


MESSAGES = {
    "Invalid user token": ("acme/model", "hf auth whoami"),
    "401 for /api/repos/create": ("acme/model", "hf upload acme/new weights.txt"),
    "403 Forbidden": ("acme/model", "hf upload acme/other weights.txt"),
    "404 Not Found": ("acme/model", "hf download acme/private README.md"),
}


@pytest.mark.parametrize("heading", MESSAGES)
def test_the_guide_quotes_what_hf_prints(hub: ServedHub, after_login: AfterLogin, heading: str) -> None:
    """The first message of a section is printed by a command that it speaks of."""
    said = after_login(*MESSAGES[heading]).stderr.replace(hub.hub, "https://huggingface.co")
    quoted = re.findall("``(.+?)``", " ".join(headings(GUIDE)[heading].split()))
    assert quoted[0] in said


def test_too_many_requests_are_named(hub: ServedHub, tmp_path: Path) -> None:
    """As the section about 429 says: at the commit of an upload, `hf` does not try again."""
    clients = logged_in(hub, tmp_path, "acme/model")
    hub.post("/local-hub/faults", {"path": "/api/models/acme/model/commit/main", "faults": ["429-ratelimit"]})
    run = clients.hf("upload", "acme/model", "weights.txt")
    assert run.returncode == 1
    assert "429 Too Many Requests" in run.stderr


def test_an_expired_token_is_refused(tmp_path: Path) -> None:
    """With 401, by an upload for the creation of a repository; the guide has Local Hub's text."""
    with local_hub_here(token_lifetime=1) as hub:
        trust(hub, "acme/model")
        clients = logged_in(hub, tmp_path, "acme/model")
        deadline = time.monotonic() + 60
        headers = {"Authorization": f"Bearer {clients.env['HF_TOKEN']}"}
        while hub.request("GET", "/local-hub/introspect", headers=headers).is_success:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        run = clients.hf("upload", "acme/model", "weights.txt")
    assert run.returncode == 1
    assert f"401 Unauthorized' for url '{hub.hub}/api/repos/create'" in run.stderr
    assert "Invalid credentials in Authorization header" in headings(GUIDE)["401 with an expired token"]
    assert "Invalid credentials in Authorization header" in run.stderr


def test_rejected_pushes_are_quoted() -> None:
    """With the words that git prints in test_pushes.py, and with those of each kind."""
    section = " ".join(headings(GUIDE)["Your push was rejected"].split())
    quoted = [words for words in re.findall("``(.+?)``", section) if words != "remote:"]
    kinds = [fault for words in quoted for fault in Fault if words in fault.value[0]]
    assert (set(kinds), len(kinds)) == (set(Fault), len(quoted))


def test_every_message_has_its_test() -> None:
    """Those above: some in a table, and some in a test each."""
    single = {"401 with an expired token", "429 Too Many Requests", "Your push was rejected"}
    assert set(headings(GUIDE)) == {*MESSAGES, *single}
