"""Bare git repositories in one folder, read and changed with git commands.

A commit writes its objects first, then moves the branch with compare-and-swap, so a killed process leaves a consistent
repository. It knows no HTTP, tokens or permissions; `addresses` has validated all names.
"""

import hashlib
import os
import re
import shutil
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from local_hub.hub.log import rfc3339
from local_hub.hub.resources import Resource
from local_hub.repositories.addresses import full_names
from local_hub.repositories.commit_rules import Fault
from local_hub.repositories.git_commands import GitFailed, bounded, environment, git, read_fields
from local_hub.repositories.git_hook import install, new_faults

# The patterns of the .gitattributes in the first commit of a new repository on the Hub; a dataset has more. From public
# repositories; the patterns of a kernel are not known.
_LARGE = (
    *("*.7z", "*.arrow", "*.bin", "*.bz2", "*.ckpt", "*.ftz", "*.gz", "*.h5", "*.joblib", "*.lfs.*", "*.mlmodel"),
    *("*.model", "*.msgpack", "*.npy", "*.npz", "*.onnx", "*.ot", "*.parquet", "*.pb", "*.pickle", "*.pkl", "*.pt"),
    *("*.pth", "*.rar", "*.safetensors", "saved_model/**/*", "*.tar.*", "*.tar", "*.tflite", "*.tgz", "*.wasm"),
    *("*.xz", "*.zip", "*.zst", "*tfevents*"),
)
_LARGE_DATA = (
    *("*.avro", "*.lz4", "*.mds", "*.pcm", "*.sam", "*.raw", "*.aac", "*.flac", "*.mp3", "*.ogg", "*.wav", "*.bmp"),
    *("*.gif", "*.png", "*.tiff", "*.jpg", "*.jpeg", "*.webp", "*.mp4", "*.webm"),
)
# git reads `any-name-g1234567` as a commit if there is no such ref (gitrevisions(7), `<describeOutput>`).
_DESCRIBED = re.compile(r"-g[0-9a-fA-F]{4,40}\Z")
SHORTEST = 7  # hexadecimal digits of an abbreviated commit id, as in huggingface_hub and git
NO_OBJECT = "0" * 40
LINK, SUBMODULE = "120000", "160000"
# The form that huggingface_hub parses. It stops at the year 9999, but a pushed commit can claim any year.
_LAST_SECOND = 253_402_300_799
_HEAD = ("%H", "%an", "%at", "%s")
_FIELDS = (*_HEAD, "%b")
# Xorbs (see xet_api), git's lock files, and its temporary objects.
XORBS = "xorbs"
_LEFTOVERS = (XORBS, "*.lock", "refs/**/*.lock", "objects/tmp_objdir-*", "objects/pack/tmp_*", "objects/??/tmp_obj_*")
_ATTEMPTS = 20
# Maximum bytes of a listing: about 200,000 files. The Hub recommends fewer than half of that per repository.
_MOST_LISTED = 16 * 1024 * 1024
# Maximum bytes of history that are searched for the last commits of files.
_MOST_SEARCHED = 32 * 1024 * 1024
# Called with the old and the new commit just before a branch moves, so that the log is never behind.
BeforeMove = Callable[[str, str], None]


class Moved(Exception):
    """The branch is not at the expected commit."""


class Stuck(Exception):
    """A ref cannot be moved: it is locked, or the disk is full."""


class NotTaken(Exception):
    """git would reject this commit in a push; the message says why."""


class NotThere(Exception):
    """The commit deletes a file that does not exist."""


class Unknown(Exception):
    """The revision does not exist."""


@dataclass(frozen=True)
class Person:
    """The author of a commit."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a tree. A folder has size 0. A path that is not UTF-8 has surrogates (PEP 383)."""

    mode: str
    kind: str
    oid: str
    size: int
    path: str


@dataclass(frozen=True)
class Commit:
    """A commit of the log; `at` is an ISO 8601 time."""

    oid: str
    author: str
    at: str
    title: str
    message: str


@dataclass(frozen=True)
class Change:
    """The content of a new commit: files (path in the repository, file on disk), and what it deletes."""

    message: str
    person: Person
    files: Sequence[tuple[str, Path]]
    deleted: Sequence[str] = ()
    deleted_folders: Sequence[str] = ()


class GitStore:
    """All repositories; each is created at its first use."""

    def __init__(self, directory: Path) -> None:
        """Keep them in this folder, which no other process may use at the same time."""
        self._root = directory / "repositories"
        self._incoming = directory / "incoming"
        self.hooks = directory / "hooks"
        for folder in (self._root, self._incoming):
            folder.mkdir(mode=0o700, exist_ok=True)
        install(self.hooks)
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        # Delete what a killed process has left: partial uploads and pushes, and stale git locks.
        left = [*self._incoming.iterdir()]
        for repository in self._root.iterdir():
            left += [path for pattern in _LEFTOVERS for path in repository.glob(pattern)]
        for path in left:
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def open(self, resource: Resource) -> "Repository":
        """Return the repository of a resource; create it if necessary."""
        # A digest is safe as a file name, and unique on a case-insensitive file system.
        digest = hashlib.sha256(str(resource).encode()).hexdigest()[:32]
        path = self._root / f"{digest}.git"
        if not path.is_dir():
            with self._locks[digest]:
                if not path.is_dir():
                    self._create(path, resource)
        return Repository(path, self._incoming, self._locks[digest])

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Yield a temporary folder on the same file system."""
        with tempfile.TemporaryDirectory(dir=self._incoming, ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    def scratch_file(self) -> Path:
        """Create an empty file, which the caller must delete."""
        number, name = tempfile.mkstemp(dir=self._incoming)
        os.close(number)
        return Path(name)

    def _create(self, path: Path, resource: Resource) -> None:
        made = Path(tempfile.mkdtemp(dir=self._incoming))
        git(made, "init", "--quiet", "--bare", "--template=", "--initial-branch=main")
        (made / "description").write_text(f"{resource}\n", encoding="utf-8")
        first = Repository(made, self._incoming, threading.Lock())
        with tempfile.NamedTemporaryFile(dir=self._incoming) as attributes:
            patterns = (*_LARGE, *(_LARGE_DATA if resource.kind == "dataset" else ()))
            attributes.write("".join(f"{one} filter=lfs diff=lfs merge=lfs -text\n" for one in patterns).encode())
            attributes.flush()
            owner = Person(resource.owner, "owner@local-hub.invalid")
            first.commit_first(Change("initial commit\n", owner, [(".gitattributes", Path(attributes.name))]))
        made.rename(path)


@dataclass(frozen=True)
class Repository:
    """One bare repository."""

    path: Path
    incoming: Path
    lock: threading.Lock

    @property
    def xorbs(self) -> Path:
        """The folder of what hf_xet uploads, which may not exist."""
        return self.path / XORBS

    def resolve(self, revision: str) -> str:
        """Return the commit of a branch, a tag or a commit id."""
        return self._first_commit(full_names(revision))

    def entries(self, commit: str, path: str = "", *, recursive: bool = False) -> list[Entry]:
        """List a folder; with `recursive`, its subfolders too."""
        tree = f"{commit}:{path}"
        options = ("-r", "-t") if recursive else ()
        try:
            listed = bounded(self.path, "ls-tree", "-z", "-l", *options, "--end-of-options", tree, most=_MOST_LISTED)
        except GitFailed:
            return []
        prefix = f"{path}/" if path else ""
        entries = []
        for line in filter(None, _text(listed).split("\0")):
            about, _, name = line.partition("\t")
            mode, kind, oid, size = about.split()
            entries.append(Entry(mode, kind, oid, 0 if size == "-" else int(size), prefix + name))
        return entries

    def entry(self, commit: str, path: str) -> Entry | None:
        """Return the entry of a path, or None."""
        folder, _, name = path.rpartition("/")
        return next((entry for entry in self.entries(commit, folder) if entry.path == path and name), None)

    def blob(self, oid: str) -> bytes:
        """Return the content of a small file."""
        return git(self.path, "cat-file", "blob", oid)

    def write_blob(self, oid: str, path: Path) -> None:
        """Write the content of a file to disk; works for any size."""
        with path.open("wb") as file:
            git(self.path, "cat-file", "blob", oid, stdout=file)

    def small_blobs(self, oids: Sequence[str]) -> dict[str, bytes]:
        """Return the contents of several small files, with one git command."""
        if not oids:
            return {}
        output = git(self.path, "cat-file", "--batch", stdin="".join(f"{oid}\n" for oid in oids).encode())
        # Per object: a line that ends in the size, the content, a line feed.
        contents, at = {}, 0
        while at < len(output):
            end = output.index(b"\n", at)
            oid, _, size = output[at:end].decode().split(" ")
            at = end + 1 + int(size) + 1
            contents[oid] = output[end + 1 : at - 1]
        return contents

    def refs(self) -> dict[str, str]:
        """Return every ref and the id of the object that it points to."""
        output = git(self.path, "for-each-ref", "--format=%(refname) %(objectname)")
        return dict(line.split(" ", 1) for line in _text(output).split("\n") if line)

    def new_faults(self, commit: str) -> dict[Fault, list[str]]:
        """Return what the Hub rejects in files of this commit that no ref contains. A crafted push can leave such."""
        return new_faults(self.path, [commit], {**environment(), "GIT_DIR": str(self.path)})

    def history_size(self, commit: str, path: str = "") -> int:
        """Return the number of commits that lead to this one, itself included; with `path`, of those that change it."""
        return int(git(self.path, "--literal-pathspecs", "rev-list", "--count", *_history_of(commit, path)))

    def log(self, commit: str, most: int, skip: int = 0, path: str = "") -> list[Commit]:
        """Return the history, newest first, without the first `skip` commits; with `path`, of that file or folder."""
        form = f"--format={'%x00'.join(_FIELDS)}"
        part = (f"--max-count={most}", f"--skip={skip}")
        # A message can have any length.
        arguments = ("--literal-pathspecs", "log", "-z", *part, form, *_history_of(commit, path))
        output = bounded(self.path, *arguments, most=_MOST_LISTED)
        # Every field ends with NUL. Split by count, because any field can be empty.
        fields = output.decode("utf-8", "replace").split("\0")[:-1]
        commits = []
        for at in range(0, len(fields), len(_FIELDS)):
            oid, author, moment, title, message = fields[at : at + len(_FIELDS)]
            commits.append(Commit(oid, author, _time(moment), title, message))
        return commits

    def last_commits(self, commit: str, paths: Collection[str], folder: str = "") -> dict[str, Commit]:
        """Return the last commit that changed each of these files and folders, all of which are in `folder`.

        One pass over the history. A merge counts as the commit that changed what it brought to the branch. In a very
        long history, paths that last changed far back are left out.
        """
        # -t: each folder too. Not --raw: its abbreviated ids take most of the time.
        options = (
            "-z",
            "--name-status",
            "-t",
            "--first-parent",
            "-m",
            "--no-renames",
            f"--format={'%x00'.join(_HEAD)}",
        )
        arguments = ("--literal-pathspecs", "log", *options, "--end-of-options", commit, "--", *filter(None, [folder]))
        found: dict[str, Commit] = {}
        left = set(paths)
        with closing(read_fields(self.path, *arguments, most=_MOST_SEARCHED)) as fields:
            made = None
            while left and (field := next(fields, None)) is not None:
                # A change has one letter, after a line feed if it is the first of its commit; a commit has its id.
                if made and len(field.lstrip(b"\n")) == 1:
                    path = _text(next(fields, b""))
                    if path in left:
                        left.remove(path)
                        found[path] = made
                    continue
                author, moment, title = (next(fields, b"").decode("utf-8", "replace") for _ in range(3))
                made = Commit(field.decode(), author, _time(moment), title, "")
        return found

    def changes(self, commit: str, most: int) -> tuple[list[tuple[str, str]], int]:
        """Return what a commit did to its first files ("added", "changed", "deleted"), and how many more there are.

        Of a merge: what it brought to the branch.
        """
        options = ("-1", "-z", "--name-status", "--first-parent", "-m", "--no-renames", "--format=", "--end-of-options")
        words = {b"A": "added", b"D": "deleted"}
        found: list[tuple[str, str]] = []
        more = 0
        with closing(read_fields(self.path, "log", *options, commit, most=_MOST_SEARCHED)) as fields:
            for field in fields:
                path = _text(next(fields, b""))
                if len(found) < most:
                    found.append((words.get(field[-1:], "changed"), path))
                else:
                    more += 1
        return found, more

    def large(self, commit: str, paths: Sequence[str], changed: Change | None = None) -> set[str]:
        """Return the paths that .gitattributes gives to LFS, after applying `changed`."""
        with self._index(commit) as env:
            if changed:
                self._stage(commit, changed, self._written(changed), env)
            request = "".join(f"{path}\0" for path in paths).encode()
            output = git(self.path, "check-attr", "--cached", "-z", "--stdin", "filter", stdin=request, env=env)
        fields = output.decode().split("\0")
        return {fields[at] for at in range(0, len(fields) - 2, 3) if fields[at + 2] == "lfs"}

    def ignored(self, gitignore: bytes, paths: Sequence[str]) -> set[str]:
        """Return the paths that a .gitignore matches."""
        with tempfile.TemporaryDirectory(dir=self.incoming, ignore_cleanup_errors=True) as folder:
            Path(folder, ".gitignore").write_bytes(gitignore)
            # `./` makes each a plain path: git reads a leading colon as pathspec magic.
            request, env = "".join(f"./{path}\0" for path in paths).encode(), {"GIT_WORK_TREE": folder}
            # Exit code 1 means that no path matches.
            output = git(
                self.path, "check-ignore", "--no-index", "-z", "--stdin", stdin=request, env=env, successes=(0, 1)
            )
        return {path.removeprefix("./") for path in output.decode().split("\0") if path}

    def commit(self, branch: str, change: Change, before_move: BeforeMove, parent: str | None = None) -> str:
        """Commit a change to a branch; with `parent` (a commit id, or its start), only if the branch is there."""
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
        """Make the initial commit of a new repository."""
        made = self._commit_object(None, change, self._written(change))
        self.move("refs/heads/main", NO_OBJECT, made, change.person)

    def move(self, ref: str, before: str, after: str, person: Person) -> bool:
        """Move a ref with compare-and-swap; NO_OBJECT means "does not exist". False if another move came first."""
        try:
            git(self.path, "update-ref", "-m", "local-hub", ref, after, before, env=_as(person))
        except GitFailed as error:
            target = git(self.path, "rev-parse", "--verify", "--quiet", ref, successes=(0, 1)).decode().strip()
            if (target or NO_OBJECT) == before:
                raise Stuck(f"{ref}: {error}") from None
            return False
        return True

    def _first_commit(self, names: Sequence[str]) -> str:
        asked = names
        if _DESCRIBED.search(names[0]):
            known = self.refs()
            asked = [name for name in names if name in known]
        request = "".join(f"{name}^{{commit}}\n" for name in asked).encode()
        for line in git(self.path, "cat-file", "--batch-check", stdin=request).decode().splitlines():
            oid, _, rest = line.partition(" ")
            if rest.startswith("commit "):
                return oid
        raise Unknown(names[0])

    def _written(self, change: Change) -> list[str]:
        paths = "".join(f"{path}\n" for _, path in change.files).encode()
        return git(self.path, "hash-object", "-w", "--no-filters", "--stdin-paths", stdin=paths).decode().split()

    def _commit_object(self, before: str | None, change: Change, blobs: Sequence[str]) -> str:
        with self._index(before) as env:
            if set(change.deleted) - self._paths(env):
                raise NotThere
            self._stage(before, change, blobs, env)
            # git silently skips paths that no checkout may contain.
            if {path for path, _ in change.files} - self._paths(env):
                raise NotTaken("a path is not allowed")
            tree = git(self.path, "write-tree", env=env).decode().strip()
        if before and tree == git(self.path, "rev-parse", f"{before}^{{tree}}").decode().strip():
            return before
        parents = ["-p", before] if before else []
        made = git(
            self.path, "commit-tree", tree, *parents, "-F", "-", stdin=change.message.encode(), env=_as(change.person)
        )
        oid = made.decode().strip()
        self._check(oid, before)
        return oid

    def _paths(self, env: Mapping[str, str]) -> set[str]:
        return set(_text(git(self.path, "ls-files", "-z", env=env)).split("\0"))

    def _check(self, oid: str, before: str | None) -> None:
        """Check a new commit as git checks a push. Of the files, git reads .gitmodules only."""
        request = f"{oid}\n" + (f"^{before}\n" if before else "")
        options = ("--revs", "--stdout", "--quiet", "--filter=blob:none")
        with tempfile.TemporaryDirectory(dir=self.incoming, ignore_cleanup_errors=True) as folder:
            pack, index = Path(folder, "new.pack"), Path(folder, "new.idx")
            with pack.open("wb") as file:
                git(self.path, "pack-objects", *options, stdin=request.encode(), stdout=file)
            try:
                git(self.path, "index-pack", "--strict", "-o", str(index), str(pack))
            except GitFailed as error:
                if "fsck error" not in str(error):
                    raise
                raise NotTaken(str(error)) from None

    def _stage(self, before: str | None, change: Change, blobs: Sequence[str], env: Mapping[str, str]) -> None:
        """Apply the change to a private index; the last change to a path wins."""
        removed = [*change.deleted]
        if before:
            found = [self.entries(before, folder, recursive=True) for folder in change.deleted_folders]
            removed += [entry.path for entries in found for entry in entries if entry.kind != "tree"]
        lines = [f"0 {NO_OBJECT}\t{path}\0" for path in removed]
        lines += [f"100644 {oid}\t{path}\0" for (path, _), oid in zip(change.files, blobs, strict=True)]
        git(
            self.path,
            "update-index",
            "-z",
            "--index-info",
            stdin="".join(lines).encode("utf-8", "surrogateescape"),
            env=env,
        )

    @contextmanager
    def _index(self, commit: str | None) -> Iterator[dict[str, str]]:
        """Yield the environment of a private index that contains the files of a commit."""
        with tempfile.TemporaryDirectory(dir=self.incoming, ignore_cleanup_errors=True) as folder:
            env = {"GIT_INDEX_FILE": os.path.join(folder, "index")}  # noqa: PTH118 - git needs a string
            git(self.path, "read-tree", commit or "--empty", env=env)
            yield env


def _history_of(commit: str, path: str) -> tuple[str, ...]:
    return ("--end-of-options", commit, "--", *filter(None, [path]))


def _text(output: bytes) -> str:
    # Pushed names can have any bytes; surrogateescape keeps them.
    return output.decode("utf-8", "surrogateescape")


def _time(seconds: str) -> str:
    return rfc3339(min(int(seconds or 0), _LAST_SECOND)).replace("Z", ".000Z")


def _as(person: Person) -> dict[str, str]:
    return {
        f"GIT_{role}_{field}": value
        for role in ("AUTHOR", "COMMITTER")
        for field, value in (("NAME", person.name), ("EMAIL", person.email))
    }
