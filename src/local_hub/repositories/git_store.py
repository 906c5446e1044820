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
from datetime import datetime, timezone
from pathlib import Path

from local_hub.hub.resources import Resource
from local_hub.repositories.addresses import full_names
from local_hub.repositories.git_commands import GitFailed, bounded, git

# What the Hub's own first commit holds, in short: the types of file that are large as a rule.
LARGE_TYPES = (
    *("7z", "arrow", "bin", "bz2", "ckpt", "ftz", "gz", "h5", "joblib", "mlmodel", "model", "msgpack", "npy", "npz"),
    *("onnx", "ot", "parquet", "pb", "pickle", "pkl", "pt", "pth", "rar", "safetensors", "tar", "tflite", "tgz"),
    *("wasm", "xz", "zip", "zst"),
)
ATTRIBUTES = "".join(f"*.{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in LARGE_TYPES).encode()
SHORTEST = 7  # digits of a commit's name, for huggingface_hub and git alike
NOBODY = "0" * 40
LINK, SUBMODULE = "120000", "160000"
# As huggingface_hub reads times, which ends with the year 9999; a pushed commit may say that it is of any.
_DATE = "%Y-%m-%dT%H:%M:%S.000Z"
_LAST_SECOND = 253_402_300_799
_FIELDS = ("%H", "%an", "%at", "%s", "%b")
# git's locks, and where it puts what it has not taken yet.
_LEFTOVERS = ("*.lock", "refs/**/*.lock", "objects/tmp_objdir-*", "objects/pack/tmp_*", "objects/??/tmp_obj_*")
_ATTEMPTS = 20
# Bytes that git may say of a folder: some 200,000 files. The Hub asks for fewer than half of that in a repository.
_MOST_LISTED = 16 * 1024 * 1024
# Told of a branch's old and new commit before the branch is moved: what is in a repository was written down first.
BeforeMove = Callable[[str, str], None]


class Moved(Exception):
    """The branch is not where the caller thought that it was."""


class Stuck(Exception):
    """A ref is where it was, and cannot be moved: somebody holds it, or the disk is full."""


class NotTaken(Exception):
    """What a commit would hold is nothing that git would take in a push; the message says why."""


class NotThere(Exception):
    """A file that was to be deleted is not there."""


class Unknown(Exception):
    """There is no such revision."""


@dataclass(frozen=True)
class Person:
    """Whom a commit is by."""

    name: str
    email: str


@dataclass(frozen=True)
class Entry:
    """A line of a tree; a folder's size is 0. A path that is no UTF-8 has surrogates in it (PEP 383)."""

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
        """Remove what a process that was killed has left: half an upload or a push, and git's locks, held by nobody."""
        left = [*self._incoming.iterdir()]
        for repository in self._root.iterdir():
            left += [path for pattern in _LEFTOVERS for path in repository.glob(pattern)]
        for path in left:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


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
            listed = bounded(self.path, "ls-tree", "-z", "-l", *options, "--end-of-options", tree, most=_MOST_LISTED)
        except GitFailed:
            return []
        prefix = f"{path}/" if path else ""
        return [_entry(line, prefix) for line in _text(listed).split("\0") if line]

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
        said = git(self.path, "for-each-ref", "--format=%(refname) %(objectname)")
        return dict(line.split(" ", 1) for line in _text(said).split("\n") if line)

    def log(self, commit: str, most: int) -> list[Commit]:
        """Give the history, the newest first."""
        form = f"--format={'%x00'.join(_FIELDS)}"
        said = git(self.path, "log", "-z", f"--max-count={most}", form, "--end-of-options", commit)
        # No field has a NUL in it, and each ends with one: they are counted, for any of them may be empty.
        fields = said.decode("utf-8", "replace").split("\0")[:-1]
        return [_logged(*fields[at : at + len(_FIELDS)]) for at in range(0, len(fields), len(_FIELDS))]

    def large(self, commit: str, paths: Sequence[str], changed: Change | None = None) -> set[str]:
        """Say which paths the repository's .gitattributes give to LFS, once they were changed."""
        with self._index(commit) as env:
            if changed:
                self._stage(commit, changed, self._written(changed), env)
            asked = "".join(f"{path}\0" for path in paths).encode()
            said = git(self.path, "check-attr", "--cached", "-z", "--stdin", "filter", stdin=asked, env=env)
        fields = said.decode().split("\0")
        return {fields[at] for at in range(0, len(fields) - 2, 3) if fields[at + 2] == "lfs"}

    def ignored(self, gitignore: bytes, paths: Sequence[str]) -> set[str]:
        """Say which paths a .gitignore names."""
        with tempfile.TemporaryDirectory(dir=self.incoming, ignore_cleanup_errors=True) as folder:
            Path(folder, ".gitignore").write_bytes(gitignore)
            # The beginning makes each a path, where a colon would make it a pattern with magic.
            asked, env = "".join(f"./{path}\0" for path in paths).encode(), {"GIT_WORK_TREE": folder}
            # 1: none of them.
            said = git(self.path, "check-ignore", "--no-index", "-z", "--stdin", stdin=asked, env=env, successes=(0, 1))
        return {path.removeprefix("./") for path in said.decode().split("\0") if path}

    def commit(self, branch: str, change: Change, before_move: BeforeMove, parent: str | None = None) -> str:
        """Put a change on a branch; with `parent`, the beginning of a commit's name, only if it stands there."""
        blobs = self._written(change)
        with self.lock:
            for _ in range(_ATTEMPTS):
                before = self._first_commit([f"refs/heads/{branch}"])
                if parent is not None and not (len(parent) >= SHORTEST and before.startswith(parent)):
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
        except GitFailed as error:
            if self._place(ref) == before:
                raise Stuck(f"{ref}: {error}") from None
            return False
        return True

    def _place(self, ref: str) -> str:
        return git(self.path, "rev-parse", "--verify", "--quiet", ref, successes=(0, 1)).decode().strip() or NOBODY

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
        tree = self._tree(before, change, blobs)
        if before and tree == git(self.path, "rev-parse", f"{before}^{{tree}}").decode().strip():
            return before
        parents = ["-p", before] if before else []
        made = git(
            self.path, "commit-tree", tree, *parents, "-F", "-", stdin=change.message.encode(), env=_as(change.person)
        )
        oid = made.decode().strip()
        self._check(oid, before)
        return oid

    def _tree(self, before: str | None, change: Change, blobs: Sequence[str]) -> str:
        with self._index(before) as env:
            if set(change.deleted) - self._paths(env):
                raise NotThere
            self._stage(before, change, blobs, env)
            # Those that no checkout may hold git leaves out, and calls it a success.
            if {path for path, _ in change.files} - self._paths(env):
                raise NotTaken("one of these paths")
            return git(self.path, "write-tree", env=env).decode().strip()

    def _paths(self, env: Mapping[str, str]) -> set[str]:
        return set(_text(git(self.path, "ls-files", "-z", env=env)).split("\0"))

    def _check(self, oid: str, before: str | None) -> None:
        """Look through a new commit as a push is looked through; of its files, git reads .gitmodules alone."""
        asked = f"{oid}\n" + (f"^{before}\n" if before else "")
        options = ("--revs", "--stdout", "--quiet", "--filter=blob:none")
        with tempfile.TemporaryDirectory(dir=self.incoming, ignore_cleanup_errors=True) as folder:
            pack, index = Path(folder, "new.pack"), Path(folder, "new.idx")
            with pack.open("wb") as file:
                git(self.path, "pack-objects", *options, stdin=asked.encode(), stdout=file)
            try:
                git(self.path, "index-pack", "--strict", "-o", str(index), str(pack))
            except GitFailed as error:
                if "fsck error" not in str(error):
                    raise
                raise NotTaken(str(error)) from None

    def _stage(self, before: str | None, change: Change, blobs: Sequence[str], env: Mapping[str, str]) -> None:
        """Make the change in a private index; the last of several changes to a path counts."""
        removed = [*change.deleted, *self._below(before, change.deleted_folders)]
        lines = [f"0 {NOBODY}\t{path}\0" for path in removed]
        lines += [f"100644 {oid}\t{path}\0" for (path, _), oid in zip(change.files, blobs, strict=True)]
        git(self.path, "update-index", "-z", "--index-info", stdin=_bytes("".join(lines)), env=env)

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


def _text(said: bytes) -> str:
    # What is pushed has names of any bytes; they come back as they were.
    return said.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _as(person: Person) -> dict[str, str]:
    return {
        f"GIT_{role}_{field}": value
        for role in ("AUTHOR", "COMMITTER")
        for field, value in (("NAME", person.name), ("EMAIL", person.email))
    }


def _logged(oid: str, author: str, at: str, title: str, message: str) -> Commit:
    moment = datetime.fromtimestamp(min(int(at or 0), _LAST_SECOND), timezone.utc)
    return Commit(oid, author, moment.strftime(_DATE), title, message)


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
