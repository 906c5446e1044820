"""Repositories as bare git repositories below one folder, read and changed by git's own commands.

A commit is: objects first, then the branch by compare-and-swap, so a process that is killed leaves a whole
repository. It must not know HTTP, tokens, or who may do what; names were checked where they came in.
"""

import hashlib
import os
import shutil
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local_hub.repositories.addresses import full_names
from local_hub.repositories.git_commands import GitFailed, git
from local_hub.resources import Resource

# What the Hub's own first commit holds, in short: the types of file that are large as a rule.
LARGE_TYPES = (
    *("7z", "arrow", "bin", "bz2", "ckpt", "ftz", "gz", "h5", "joblib", "mlmodel", "model", "msgpack", "npy", "npz"),
    *("onnx", "ot", "parquet", "pb", "pickle", "pkl", "pt", "pth", "rar", "safetensors", "tar", "tflite", "tgz"),
    *("wasm", "xz", "zip", "zst"),
)
ATTRIBUTES = "".join(f"*.{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in LARGE_TYPES).encode()
NOBODY = "0" * 40
LINK, SUBMODULE = "120000", "160000"
# As huggingface_hub reads times.
DATES = "--date=format-local:%Y-%m-%dT%H:%M:%S.000Z"
_ATTEMPTS = 20
# Told of a branch's old and new commit before the branch is moved: what is in a repository was written down first.
BeforeMove = Callable[[str, str], None]


class Moved(Exception):
    """The branch is not where the caller thought that it was."""


class Unknown(Exception):
    """There is no such revision."""


@dataclass(frozen=True)
class Person:
    """Whom a commit is by."""

    name: str
    email: str


@dataclass(frozen=True)
class Entry:
    """A line of a tree; a folder's size is 0."""

    mode: str
    kind: str
    oid: str
    size: int
    path: str


@dataclass(frozen=True)
class Commit:
    """A commit as the log shows it; `at` is a time in ISO 8601."""

    oid: str
    author: str
    at: str
    title: str
    message: str


@dataclass(frozen=True)
class Change:
    """A commit to be made: files by path (each a file on disk), paths to remove, and folders to remove."""

    message: str
    person: Person
    files: Sequence[tuple[str, Path]]
    deleted: Sequence[str] = ()
    deleted_folders: Sequence[str] = ()


class GitStore:
    """All repositories; they are made when they are first asked for."""

    def __init__(self, directory: Path) -> None:
        """Keep them below this folder, which only its owner may enter, and which nobody else uses meanwhile."""
        self._root = directory / "repositories"
        self._incoming = directory / "incoming"
        for folder in (self._root, self._incoming):
            folder.mkdir(mode=0o700, exist_ok=True)
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._clean_up()

    def open(self, resource: Resource) -> "Repository":
        """Give the repository of a resource; made now, if it is not there yet."""
        # A digest: no name leads anywhere else, and none meets another where case does not count.
        digest = hashlib.sha256(str(resource).encode()).hexdigest()[:32]
        path = self._root / f"{digest}.git"
        if not path.is_dir():
            with self._locks[digest]:
                if not path.is_dir():
                    self._create(path, resource)
        return Repository(path, self._incoming, self._locks[digest])

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give a folder for what comes in, on the same file system, and gone afterwards."""
        with tempfile.TemporaryDirectory(dir=self._incoming, ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    def scratch_file(self) -> Path:
        """Give an empty file; whoever takes it removes it."""
        number, name = tempfile.mkstemp(dir=self._incoming)
        os.close(number)
        return Path(name)

    def _create(self, path: Path, resource: Resource) -> None:
        made = Path(tempfile.mkdtemp(dir=self._incoming))
        git(made, "init", "--quiet", "--bare", "--template=", "--initial-branch=main")
        (made / "description").write_text(f"{resource}\n", encoding="utf-8")
        first = Repository(made, self._incoming, threading.Lock())
        with tempfile.NamedTemporaryFile(dir=self._incoming) as attributes:
            attributes.write(ATTRIBUTES)
            attributes.flush()
            owner = Person(resource.owner, "owner@local-hub.invalid")
            first.commit_first(Change("initial commit\n", owner, [(".gitattributes", Path(attributes.name))]))
        made.rename(path)

    def _clean_up(self) -> None:
        """Remove what a process that was killed has left: half an upload, and git's locks, which nobody holds now."""
        for left in self._incoming.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        for repository in self._root.iterdir():
            for lock in [*repository.glob("*.lock"), *repository.glob("refs/**/*.lock")]:
                lock.unlink()


@dataclass(frozen=True)
class Repository:
    """One bare repository."""

    path: Path
    incoming: Path
    lock: threading.Lock

    def resolve(self, revision: str) -> str:
        """Give the commit that a branch, a tag or a commit's own name stands for."""
        return self._first_commit(full_names(revision))

    def entries(self, commit: str, path: str = "", *, recursive: bool = False) -> list[Entry]:
        """List a folder; with `recursive`, all that is below it as well."""
        tree = f"{commit}:{path}"
        options = ("-r", "-t") if recursive else ()
        try:
            listed = git(self.path, "ls-tree", "-z", "-l", *options, "--end-of-options", tree)
        except GitFailed:
            return []
        prefix = f"{path}/" if path else ""
        return [_entry(line, prefix) for line in listed.decode("utf-8", "replace").split("\0") if line]

    def entry(self, commit: str, path: str) -> Entry | None:
        """Give a path's own entry, if there is one."""
        folder, _, name = path.rpartition("/")
        return next((entry for entry in self.entries(commit, folder) if entry.path == path and name), None)

    def blob(self, oid: str) -> bytes:
        """Give what is in a file; only for those known to be small."""
        return git(self.path, "cat-file", "blob", oid)

    def write_blob(self, oid: str, path: Path) -> None:
        """Write what is in a file of any size to the disk."""
        with path.open("wb") as file:
            git(self.path, "cat-file", "blob", oid, stdout=file)

    def small_blobs(self, oids: Sequence[str]) -> dict[str, bytes]:
        """Give what is in several small files, at one stroke."""
        if not oids:
            return {}
        said = git(self.path, "cat-file", "--batch", stdin="".join(f"{oid}\n" for oid in oids).encode())
        return dict(_batch(said))

    def refs(self) -> dict[str, str]:
        """Give every branch and tag, and the commit or tag object that it points to."""
        said = git(self.path, "for-each-ref", "--format=%(refname) %(objectname)").decode()
        return dict(line.split(" ", 1) for line in said.splitlines())

    def log(self, commit: str, most: int) -> list[Commit]:
        """Give the history, the newest first."""
        form = "--format=%H%x00%an%x00%ad%x00%s%x00%b%x00%x01"
        said = git(self.path, "log", "-z", f"--max-count={most}", DATES, form, "--end-of-options", commit)
        records = said.decode("utf-8", "replace").split("\0\x01")
        return [Commit(*record.lstrip("\0").split("\0")) for record in records if record.strip("\0")]

    def large(self, commit: str, paths: Sequence[str]) -> set[str]:
        """Say which paths the repository's .gitattributes give to LFS."""
        with self._index(commit) as env:
            asked = "".join(f"{path}\0" for path in paths).encode()
            said = git(self.path, "check-attr", "--cached", "-z", "--stdin", "filter", stdin=asked, env=env)
        fields = said.decode().split("\0")
        return {fields[at] for at in range(0, len(fields) - 2, 3) if fields[at + 2] == "lfs"}

    def ignored(self, gitignore: bytes, paths: Sequence[str]) -> set[str]:
        """Say which paths a .gitignore names."""
        with tempfile.TemporaryDirectory(dir=self.incoming, ignore_cleanup_errors=True) as folder:
            Path(folder, ".gitignore").write_bytes(gitignore)
            asked, env = "".join(f"{path}\0" for path in paths).encode(), {"GIT_WORK_TREE": folder}
            # 1: none of them.
            said = git(self.path, "check-ignore", "--no-index", "-z", "--stdin", stdin=asked, env=env, successes=(0, 1))
        return set(said.decode().split("\0")) - {""}

    def commit(self, branch: str, change: Change, before_move: BeforeMove, parent: str | None = None) -> str:
        """Put a change on a branch; with `parent`, only if that is where the branch stands."""
        blobs = self._written(change)
        with self.lock:
            for _ in range(_ATTEMPTS):
                before = self._first_commit([f"refs/heads/{branch}"])
                if parent not in (None, before):
                    raise Moved(branch)
                after = self._commit_object(before, change, blobs)
                if after == before:
                    return after
                before_move(before, after)
                if self.move(f"refs/heads/{branch}", before, after, change.person):
                    return after
        raise Moved(branch)

    def commit_first(self, change: Change) -> None:
        """Make the first commit of a repository that has none."""
        made = self._commit_object(None, change, self._written(change))
        self.move("refs/heads/main", NOBODY, made, change.person)

    def move(self, ref: str, before: str, after: str, person: Person) -> bool:
        """Move a ref by compare-and-swap; NOBODY stands for one that is not there. False: somebody was quicker."""
        try:
            git(self.path, "update-ref", "-m", "local-hub", ref, after, before, env=_as(person))
        except GitFailed:
            return False
        return True

    def _first_commit(self, names: Sequence[str]) -> str:
        asked = "".join(f"{name}^{{commit}}\n" for name in names).encode()
        for line in git(self.path, "cat-file", "--batch-check", stdin=asked).decode().splitlines():
            oid, _, rest = line.partition(" ")
            if rest.startswith("commit "):
                return oid
        raise Unknown(names[0])

    def _written(self, change: Change) -> list[str]:
        paths = "".join(f"{path}\n" for _, path in change.files).encode()
        return git(self.path, "hash-object", "-w", "--no-filters", "--stdin-paths", stdin=paths).decode().split()

    def _commit_object(self, before: str | None, change: Change, blobs: Sequence[str]) -> str:
        with self._index(before) as env:
            removed = [*change.deleted, *self._below(before, change.deleted_folders)]
            lines = [f"0 {NOBODY}\t{path}\0" for path in removed]
            lines += [f"100644 {oid}\t{path}\0" for (path, _), oid in zip(change.files, blobs, strict=True)]
            git(self.path, "update-index", "-z", "--index-info", stdin="".join(lines).encode(), env=env)
            self._check_taken([path for path, _ in change.files], env)
            tree = git(self.path, "write-tree", env=env).decode().strip()
        if before and tree == git(self.path, "rev-parse", f"{before}^{{tree}}").decode().strip():
            return before
        parents = ["-p", before] if before else []
        made = git(
            self.path, "commit-tree", tree, *parents, "-F", "-", stdin=change.message.encode(), env=_as(change.person)
        )
        return made.decode().strip()

    def _check_taken(self, paths: Sequence[str], env: Mapping[str, str]) -> None:
        """Make sure that git took every path: those that no checkout may hold it leaves out, and calls it a success."""
        taken = git(self.path, "ls-files", "-z", env=env).decode().split("\0")
        if set(paths) - set(taken):
            raise GitFailed("git does not take one of these paths")

    def _below(self, commit: str | None, folders: Sequence[str]) -> list[str]:
        found = [self.entries(commit, folder, recursive=True) for folder in folders if commit]
        return [entry.path for entries in found for entry in entries if entry.kind != "tree"]

    @contextmanager
    def _index(self, commit: str | None) -> Iterator[dict[str, str]]:
        """Give the environment of a private index that holds a commit's files."""
        with tempfile.TemporaryDirectory(dir=self.incoming, ignore_cleanup_errors=True) as folder:
            env = {"GIT_INDEX_FILE": os.path.join(folder, "index")}  # noqa: PTH118 - a text is what is wanted
            git(self.path, "read-tree", commit or "--empty", env=env)
            yield env


def _as(person: Person) -> dict[str, str]:
    return {
        f"GIT_{role}_{field}": value
        for role in ("AUTHOR", "COMMITTER")
        for field, value in (("NAME", person.name), ("EMAIL", person.email))
    }


def _entry(line: str, prefix: str) -> Entry:
    about, _, path = line.partition("\t")
    mode, kind, oid, size = about.split()
    return Entry(mode, kind, oid, 0 if size == "-" else int(size), prefix + path)


def _batch(said: bytes) -> Iterator[tuple[str, bytes]]:
    """Read what `cat-file --batch` prints: a line that ends in the size, so many bytes, a line feed; and again."""
    at = 0
    while at < len(said):
        end = said.index(b"\n", at)
        oid, _, size = said[at:end].decode().split(" ")
        at = end + 1 + int(size) + 1
        yield oid, said[end + 1 : at - 1]
