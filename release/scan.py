"""Asks OSV which locked packages have known vulnerabilities, and zizmor what is wrong with the workflows, online.

Prints a report in Markdown, or nothing. scan.yml runs it each week: much becomes known after a version is locked.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from release.lock import ROOT, pins

OSV = "https://api.osv.dev/v1/querybatch"
OSV_QUERIES = 1000  # in one request
OSV_SECONDS = 60
# By its title, and that github-actions wrote it, scan.yml finds the issue that is open.
REPORT_TITLE = "The weekly scan found vulnerabilities"
REPORT_CHARACTERS = 60_000  # GitHub takes 65,536
ZIZMOR = str(Path(sys.executable).with_name("zizmor"))
WORKFLOWS = ("action.yml", "native/action.yml", ".github", "examples/github/*.yml")


class Package(NamedTuple):
    """One version of a package, as OSV names it."""

    ecosystem: str
    name: str
    version: str


def main() -> None:
    """Print what is found, for an issue; nothing where nothing is."""
    lines = [*vulnerable(locked_packages(ROOT), OSV), *faulty_workflows(ROOT, workflows(ROOT))]
    sys.stdout.write(report(lines))


def locked_packages(root: Path) -> dict[Package, list[str]]:
    """What each lock of the checkout holds, for all systems and Pythons, and the locks that hold it."""
    found: dict[Package, list[str]] = {}
    for lock in sorted([*root.glob("requirements/*.txt"), *root.glob("*/*/package-lock.json")]):
        text = lock.read_text(encoding="utf-8")
        for package in npm_packages(text) if lock.suffix == ".json" else python_packages(text):
            found.setdefault(package, []).append(lock.relative_to(root).as_posix())
    return found


def python_packages(text: str) -> Iterator[Package]:
    """The packages of a hash-locked list. A list that has no hashes installs nothing."""
    if "--hash=" in text:
        for package in pins(text):
            yield Package("PyPI", package.name, package.version)


def npm_packages(text: str) -> Iterator[Package]:
    """The packages of a package-lock.json; the one without a path is the project itself."""
    for path, entry in json.loads(text)["packages"].items():
        if path:
            # An alias has its real name beside it.
            yield Package("npm", entry.get("name", path.rpartition("node_modules/")[2]), entry["version"])


def vulnerable(packages: dict[Package, list[str]], osv: str) -> Iterator[str]:
    """A line for each package that OSV knows a vulnerability of."""
    for package, ids in vulnerabilities(list(packages), osv).items():
        links = ", ".join(f"[{known}](https://osv.dev/vulnerability/{known})" for known in sorted(ids))
        locks = ", ".join(f"`{lock}`" for lock in packages[package])
        yield f"- {package.ecosystem} `{package.name}` {package.version} in {locks}: {links}"


def vulnerabilities(packages: Sequence[Package], osv: str) -> dict[Package, set[str]]:
    """The identifiers of each package's vulnerabilities, if there are any."""
    found: dict[Package, set[str]] = {}
    pending = [(package, "") for package in packages]
    while pending:
        asked, pending = pending[:OSV_QUERIES], pending[OSV_QUERIES:]
        results = _ask(osv, {"queries": [_query(package, page) for package, page in asked]})["results"]
        for (package, _), result in zip(asked, results, strict=True):
            for vulnerability in result.get("vulns", ()):
                # It becomes part of an issue's text.
                identifier = re.sub(r"[^A-Za-z0-9._-]", "", vulnerability["id"])
                found.setdefault(package, set()).add(identifier)
            if page := result.get("next_page_token"):
                pending.append((package, page))
    return found


def _query(package: Package, page: str) -> dict[str, Any]:
    query = {"package": {"ecosystem": package.ecosystem, "name": package.name}, "version": package.version}
    return {**query, "page_token": page} if page else query


def _ask(url: str, document: dict[str, Any]) -> Any:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(document).encode(), headers)  # noqa: S310 - https, except in tests
    with urllib.request.urlopen(request, timeout=OSV_SECONDS) as response:  # noqa: S310 - the same
        return json.load(response)


def workflows(root: Path) -> list[str]:
    """What zizmor reads: the actions, our workflows and the examples."""
    return [str(path.relative_to(root)) for pattern in WORKFLOWS for path in sorted(root.glob(pattern))]


def faulty_workflows(root: Path, paths: Iterable[str], options: Sequence[str] = ()) -> Iterator[str]:
    """A line for each finding of zizmor, which asks GitHub with the token in GH_TOKEN."""
    command = [ZIZMOR, "--quiet", "--no-exit-codes", "--persona=pedantic", "--format=json", *options, *paths]
    done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, check=True)
    for finding in json.loads(done.stdout):
        location = next(place for place in finding["locations"] if place["symbolic"]["kind"] == "Primary")
        path = location["symbolic"]["key"]["Local"]["verbatim_path"]
        row = location["concrete"]["location"]["start_point"]["row"] + 1
        yield f"- [{finding['ident']}]({finding['url']}) at `{path}:{row}`: {finding['desc']}"


def report(lines: Iterable[str]) -> str:
    """The text of the issue: as many lines as it takes, or nothing if there are none."""
    found = list(lines)
    text = ""
    for number, line in enumerate(found):
        if len(text) + len(line) > REPORT_CHARACTERS:
            text += f"\nand {len(found) - number} more: run `python -m release.scan`.\n"
            break
        text += f"{line}\n"
    return text


if __name__ == "__main__":
    main()
