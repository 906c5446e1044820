"""The weekly scan: which packages it asks about, what it makes of the answers, and what it reports."""

import json
import subprocess
from pathlib import Path
from urllib.error import HTTPError

import pytest

from release import scan
from release.lock import ROOT
from release.scan import Package
from tests.scripted_server import Answer, Recorded, scripted_server

HASHES = f" \\\n    --hash=sha256:{'a' * 64}\n"
URLLIB3 = Package("PyPI", "urllib3", "1.0")
LODASH = Package("npm", "lodash", "4.0.0")


def test_every_version_of_a_lock_is_scanned() -> None:
    """For other Pythons too, which a tool that looks at its own environment leaves out."""
    text = f"zizmor==1.0 ; python_full_version < '3.11'{HASHES}zizmor==2.0 ; python_full_version >= '3.11'{HASHES}"
    assert list(scan.python_packages(text)) == [Package("PyPI", "zizmor", "1.0"), Package("PyPI", "zizmor", "2.0")]


@pytest.mark.parametrize("line", ["urllib3==1.0\n", f"urllib3>=1.0{HASHES}", f"x @ https://x.example/x.whl{HASHES}"])
def test_a_line_that_cannot_be_read_is_refused(line: str) -> None:
    """A package that is not asked about must not look like one that is good."""
    with pytest.raises(ValueError, match="hash-locked"):
        list(scan.python_packages(f"click==8.0{HASHES}{line}"))


def test_a_list_without_hashes_locks_nothing() -> None:
    """As requirements/without-pygithub.txt, which only leaves a package out."""
    assert list(scan.python_packages("pygithub ; sys_platform == 'never'\n")) == []


def test_an_npm_lock_is_read() -> None:
    """Scoped packages, those inside another, and aliases by their real name; not the project itself."""
    packages = {
        "": {"name": "engine"},
        "node_modules/@a/b": {"version": "1.0.0"},
        "node_modules/@a/b/node_modules/c": {"version": "2.0.0"},
        "node_modules/d": {"name": "e", "version": "3.0.0"},
    }
    assert list(scan.npm_packages(json.dumps({"packages": packages}))) == [
        Package("npm", "@a/b", "1.0.0"),
        Package("npm", "c", "2.0.0"),
        Package("npm", "e", "3.0.0"),
    ]


def test_every_lock_of_this_repository_is_scanned() -> None:
    """The hash-locked lists and the npm lock files: none is missed because of where it is."""
    locks = {lock for locks in scan.locked_packages(ROOT).values() for lock in locks}
    hashed = {
        f"requirements/{path.name}"
        for path in (ROOT / "requirements").glob("*.txt")
        if "--hash=" in path.read_text(encoding="utf-8")
    }
    assert {"requirements/runtime.txt", "requirements/dev.txt", "requirements/scan.txt"} < hashed
    assert locks >= hashed | {".ci/axe/package-lock.json", "requirements/gitlab-ci-local/package-lock.json"}


def test_what_osv_knows_is_told() -> None:
    """Package, version, the locks that hold it, and each vulnerability once; nothing of the good ones."""
    results = [{"vulns": [{"id": "PYSEC-2"}, {"id": "GHSA-1"}, {"id": "GHSA-1"}]}, {}]
    with scripted_server({"/": Answer({"results": results})}) as osv:
        lines = list(scan.vulnerable({URLLIB3: ["a.txt", "b.txt"], LODASH: ["c.json"]}, f"{osv.url}/"))
    links = "[GHSA-1](https://osv.dev/vulnerability/GHSA-1), [PYSEC-2](https://osv.dev/vulnerability/PYSEC-2)"
    assert lines == [f"- PyPI `urllib3` 1.0 in `a.txt`, `b.txt`: {links}"]
    assert json.loads(osv.requests[0].body) == {
        "queries": [
            {"package": {"ecosystem": "PyPI", "name": "urllib3"}, "version": "1.0"},
            {"package": {"ecosystem": "npm", "name": "lodash"}, "version": "4.0.0"},
        ]
    }


def test_all_pages_are_read() -> None:
    """A page may be empty although another follows; at most a thousand packages are asked about at once."""

    def answer(request: Recorded) -> Answer:
        queries = json.loads(request.body)["queries"]
        assert len(queries) <= scan.OSV_QUERIES
        return Answer(
            {
                "results": [
                    {}
                    if query["version"] != "7"
                    else ({"vulns": [{"id": "X-1"}]} if "page_token" in query else {"next_page_token": "more"})
                    for query in queries
                ]
            }
        )

    packages = [Package("npm", "many", str(number)) for number in range(scan.OSV_QUERIES + 1)]
    with scripted_server({"/": answer}) as osv:
        assert scan.vulnerabilities(packages, f"{osv.url}/") == {Package("npm", "many", "7"): {"X-1"}}
    assert len(osv.requests) == 2


def test_an_answer_cannot_write_the_issue() -> None:
    """Of an identifier, only the characters that one has are kept."""
    results = [{"vulns": [{"id": "X-1](https://evil.example)\nEND\n@all"}]}]
    with scripted_server({"/": Answer({"results": results})}) as osv:
        (line,) = scan.vulnerable({LODASH: ["c.json"]}, f"{osv.url}/")
    assert line.count("](") == 1
    assert not {"\n", "@"} & set(line)


@pytest.mark.parametrize("answer", [Answer({"results": []}), Answer({}), Answer("", status=503), Answer("<html>")])
def test_a_scan_that_did_not_work_fails(answer: Answer) -> None:
    """It must not look like one that found nothing."""
    with scripted_server({"/": answer}) as osv, pytest.raises((ValueError, KeyError, OSError)) as raised:
        scan.vulnerabilities([URLLIB3], f"{osv.url}/")
    if isinstance(raised.value, HTTPError):
        raised.value.close()  # Python 3.15 warns of an answer that is left open


@pytest.mark.process
def test_findings_in_workflows_are_told(tmp_path: Path) -> None:
    """What is wrong, and the line where."""
    (tmp_path / "bad.yml").write_text(
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n"
    )
    lines = list(scan.faulty_workflows(tmp_path, ["bad.yml"], ["--offline"]))
    assert [line for line in lines if "unpinned-uses" in line and "`bad.yml:6`" in line]


@pytest.mark.process
def test_a_workflow_that_cannot_be_read_fails(tmp_path: Path) -> None:
    """It must not look like one without findings."""
    with pytest.raises(subprocess.CalledProcessError):
        list(scan.faulty_workflows(tmp_path, ["missing.yml"], ["--offline"]))


def test_a_report_is_no_longer_than_an_issue() -> None:
    """What is left out is counted."""
    lines = [f"- {number} {'x' * 1000}" for number in range(100)]
    text = scan.report(lines)
    assert len(text) < 65_536
    kept = text.count("\n- ") + 1
    assert text.endswith(f"and {100 - kept} more: run `python -m release.scan`.\n")


def test_nothing_found_is_nothing_said() -> None:
    """The job that writes the issue is skipped then."""
    assert scan.report([]) == ""


@pytest.mark.process
def test_what_is_argued_in_a_workflow_is_not_told() -> None:
    """A finding that a comment silences does not count: this repository's own have none, as in `make lint`."""
    assert list(scan.faulty_workflows(ROOT, scan.workflows(ROOT), ["--offline"])) == []
