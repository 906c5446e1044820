"""Which version is released: it must be the code's own, described in the changelog, and new. Prints its notes."""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass

from release.lock import ROOT

VERSION = re.compile(r"(?P<major>0|[1-9]\d*)\.(?P<minor>0|[1-9]\d*)\.(?P<patch>0|[1-9]\d*)(?:-rc\.(?P<rc>[1-9]\d*))?")
CODE_FILE = "src/hf_oidc/version.py"
CODE = re.compile(r'^VERSION = "(.*)"$', re.MULTILINE)


@dataclass(frozen=True)
class Version:
    """A version of Semantic Versioning, with `-rc.N` as the only kind of pre-release."""

    text: str
    order: tuple[int, int, int, float]

    @classmethod
    def parse(cls, text: str) -> Version:
        """Raises `ValueError` unless `text` is such a version."""
        match = VERSION.fullmatch(text)
        if not match:
            hint = f"; without the v: {text[1:]}" if text[:1] == "v" and VERSION.fullmatch(text[1:]) else ""
            raise ValueError(f"not a version (such as 1.2.3 or 1.2.3-rc.1): {text!r}{hint}")
        rc = int(match["rc"]) if match["rc"] else float("inf")
        return cls(text, (int(match["major"]), int(match["minor"]), int(match["patch"]), rc))

    @property
    def tag(self) -> str:
        """The tag that names this version for good."""
        return f"v{self.text}"

    @property
    def moving_tag(self) -> str:
        """The tag that names the newest release with this major version."""
        return f"v{self.order[0]}"

    @property
    def final(self) -> bool:
        """Whether it is not a pre-release."""
        return self.order[3] == float("inf")


def main() -> None:
    """Check that a version can be released from this checkout, and print its release notes."""
    parser = argparse.ArgumentParser(prog="python -m release.version", description=main.__doc__)
    parser.add_argument("version")
    parser.add_argument("--ref", help="the branch to check, such as refs/heads/main")
    arguments = parser.parse_args()
    try:
        version = Version.parse(arguments.version)
        if arguments.ref is not None:
            require_branch(arguments.ref, version)
        require_code((ROOT / CODE_FILE).read_text(encoding="utf-8"), version)
        notes = notes_of((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    except ValueError as error:
        sys.exit(f"release.version: {error}")
    sys.stdout.write(notes)


def require_branch(ref: str, version: Version) -> None:
    """Raises `ValueError` unless `ref` is main, or the branch for fixes of the version's own major version."""
    branches = ("main", f"{version.order[0]}.x")
    if ref not in {f"refs/heads/{branch}" for branch in branches}:
        raise ValueError(f"{version.text} is released from the branch {' or '.join(branches)}, not from {ref!r}")


def require_code(source: str, version: Version) -> None:
    """Raises `ValueError` unless src/hf_oidc/version.py says the same; what it says is also in the `User-Agent`."""
    found = code_version(source)
    if found != version.text:
        raise ValueError(f"{CODE_FILE} says {found}, not {version.text}: release {found}, or change it there")


def code_version(source: str) -> str:
    """The version that a version.py says, or "nothing"."""
    found = CODE.search(source)
    return found[1] if found else "nothing"


def notes_of(changelog: str, version: Version) -> str:
    """What the changelog says of this version. Raises `ValueError` if that is nothing."""
    section = re.compile(
        rf"^## \[{re.escape(version.text)}\] - \d{{4}}-\d\d-\d\d\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL
    )
    found = section.search(changelog)
    if not found or not found[1].strip():
        raise ValueError(f"CHANGELOG.md has no section `## [{version.text}] - YYYY-MM-DD` with something in it")
    return found[1].strip() + "\n"


if __name__ == "__main__":
    main()
