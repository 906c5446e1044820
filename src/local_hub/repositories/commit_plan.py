"""Plans a commit: uploaded files go into git as they are, and large files, which are in LFS already, as pointers.

It reads the repository, and rejects what the Hub rejects. It knows nothing of HTTP or of who asks.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local_hub.repositories.commit_body import Requested
from local_hub.repositories.commit_rules import Fault, Rejected, fault_of, rejection
from local_hub.repositories.git_store import LINK, Change, Person, Repository
from local_hub.repositories.lfs import Objects, Pointer

RULES_LIMIT = 1024 * 1024
ATTRIBUTES_FILE = ".gitattributes"


class InvalidCommit(ValueError):
    """The requested commit cannot be made; the message says why."""


@dataclass(frozen=True)
class Planner:
    """Plans one commit on top of `commit`; pointers are written to `scratch`."""

    repository: Repository
    commit: str
    requested: Requested
    message: str
    person: Person
    scratch: Path

    def plan(self) -> Change:
        """Return the change, with a pointer in the place of each large file; raise `Rejected` as the Hub would."""
        requested, objects = self.requested, Objects(self.repository.path)
        faults: defaultdict[Fault, list[str]] = defaultdict(list)
        for upload in requested.uploads:
            if fault := fault_of(upload.size, upload.start, objects):
                faults[fault].append(upload.path)
        files = {upload.path: upload.content for upload in requested.uploads}
        for path, oid, size in requested.large:
            stored = objects.path(oid)
            if not stored.is_file() or size not in (None, stored.stat().st_size):
                faults[Fault.DANGLING].append(path)
            else:
                files[path] = self.scratch / f"pointer-{oid}"
                files[path].write_bytes(bytes(Pointer(oid, stored.stat().st_size)))
        if lines := rejection(faults):
            raise Rejected(lines)
        if untracked := self._untracked([path for path, _, _ in requested.large]):
            files[ATTRIBUTES_FILE] = self._extended_attributes(untracked)
        return self._change(list(files.items()))

    def _untracked(self, paths: Sequence[str]) -> list[str]:
        """Return the paths that .gitattributes does not give to LFS once this commit is made."""
        requested = self.requested
        rules = [upload for upload in requested.uploads if upload.path.rpartition("/")[2] == ATTRIBUTES_FILE]
        changes_rules = bool(rules or requested.deleted or requested.deleted_folders)
        after = self._change([(upload.path, upload.content) for upload in rules]) if changes_rules else None
        tracked = self.repository.large(self.commit, paths, after) if paths else set()
        return [path for path in paths if path not in tracked]

    def _change(self, files: Sequence[tuple[str, Path]]) -> Change:
        return Change(self.message, self.person, files, self.requested.deleted, self.requested.deleted_folders)

    def _extended_attributes(self, paths: Sequence[str]) -> Path:
        """Add each path to .gitattributes, as the Hub does for large files that no pattern matches."""
        uploaded = [upload.content for upload in self.requested.uploads if upload.path == ATTRIBUTES_FILE]
        if uploaded:
            known = uploaded[-1].read_bytes() if uploaded[-1].stat().st_size <= RULES_LIMIT else None
        else:
            deleted = ATTRIBUTES_FILE in self.requested.deleted
            known = b"" if deleted else read_rules(self.repository, self.commit, ATTRIBUTES_FILE)
        if known is None:
            raise InvalidCommit(f"{ATTRIBUTES_FILE} must be a file of at most {RULES_LIMIT} bytes")
        lines = ""
        for path in paths:
            # gitattributes(5): a pattern that begins with a double quote is quoted in C style; the rest are wildcards.
            pattern = "".join(f"\\{character}" if character in "*?[!#" else character for character in path)
            if set(path) & set(' "'):
                pattern = '"' + pattern.replace("\\", "\\\\").replace('"', '\\"') + '"'
            lines += f"{pattern} filter=lfs diff=lfs merge=lfs -text\n"
        file = self.scratch / "attributes"
        file.write_bytes((known if not known or known.endswith(b"\n") else known + b"\n") + lines.encode())
        return file


def read_rules(repository: Repository, commit: str, name: str) -> bytes | None:
    """Return a .gitignore or .gitattributes, or None if git would not read it: a folder, a link, a huge file."""
    entry = repository.entry(commit, name)
    if entry is None:
        return b""
    readable = entry.kind == "blob" and entry.mode != LINK and entry.size <= RULES_LIMIT
    return repository.blob(entry.oid) if readable else None
