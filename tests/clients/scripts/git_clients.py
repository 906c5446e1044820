"""Operations of git, with git-lfs or without, GitPython, dulwich and pygit2.

Each client clones, commits all of its work tree, pushes and lists refs; the operations are made of these.
"""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from operation_runner import JOB, Rejected, check, content, run

SCRATCH = Path(JOB.scratch)
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 5\n".format("5" * 64).encode()
TEXT = b"a line\n" * 1_600_000
IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Ada"), ("EMAIL", "ada@example.com"))
}


def url(repo: str, hub: str = JOB.hub, token: str = JOB.token) -> str:
    """A repository, with the token as the password of any user name."""
    return f"{hub.replace('//', f'//any-name:{token}@', 1) if token else hub}/{repo}"


class GitClient(Protocol):
    """What a client of git can do."""

    def clone(self, source: str, folder: Path, branch: str = "", *, newest_only: bool = False) -> None:
        """Clone into a new folder; `branch` can be a tag. `newest_only`: without the history before it."""

    def fetch(self, folder: Path) -> None:
        """Get the branches of origin as they are now."""

    def commit(self, folder: Path) -> None:
        """Commit everything."""

    def push(self, folder: Path, ref: str = "refs/heads/main") -> None:
        """Push HEAD to a ref of origin."""

    def delete(self, folder: Path, ref: str) -> None:
        """Delete a ref of origin."""

    def refs(self, source: str) -> set[str]:
        """The names of the remote's refs."""

    def titles(self, folder: Path, branch: str = "HEAD") -> list[str]:
        """Of all commits, newest first."""


def rejecting(push: Callable[..., None]) -> Callable[..., None]:
    """Tell a push that the server rejected from one that could not be done."""

    def pushing(*arguments: Any) -> None:
        try:
            push(*arguments)
        except Exception as error:
            if "rejected" in str(error) or "declined" in str(error):
                raise Rejected(str(error)) from error
            raise

    return pushing


class Git:
    """The command."""

    def _git(self, *arguments: str | Path) -> str:
        env = {**os.environ, **IDENTITY, "GIT_LFS_SKIP_PUSH": "1" if "missing" in str(arguments) else ""}
        done = subprocess.run(["git", *arguments], cwd=SCRATCH, env=env, capture_output=True, text=True)
        if done.returncode:
            raise ValueError(done.stderr)
        return done.stdout

    def clone(self, source: str, folder: Path, branch: str = "", *, newest_only: bool = False) -> None:
        options = [*(["--branch", branch] if branch else []), *(["--depth=1"] if newest_only else [])]
        self._git("clone", "--quiet", *options, source, folder)

    def fetch(self, folder: Path) -> None:
        self._git("-C", folder, "fetch", "--quiet")

    def commit(self, folder: Path) -> None:
        self._git("-C", folder, "add", "--all")
        self._git("-C", folder, "commit", "--quiet", "--message", "Change")

    def push(self, folder: Path, ref: str = "refs/heads/main") -> None:
        self._git("-C", folder, "push", "origin", f"HEAD:{ref}")

    def delete(self, folder: Path, ref: str) -> None:
        self._git("-C", folder, "push", "origin", f":{ref}")

    def refs(self, source: str) -> set[str]:
        return {line.split("\t")[1] for line in self._git("ls-remote", source).splitlines()}

    def titles(self, folder: Path, branch: str = "HEAD") -> list[str]:
        return self._git("-C", folder, "log", "--format=%s", branch).splitlines()


class GitPython:
    """GitPython, which starts git."""

    def __init__(self) -> None:
        import git

        os.environ.update(IDENTITY)
        self._repo = git.Repo
        self._command = git.cmd.Git()

    def clone(self, source: str, folder: Path, branch: str = "", *, newest_only: bool = False) -> None:
        options = {**({"branch": branch} if branch else {}), **({"depth": 1} if newest_only else {})}
        self._repo.clone_from(source, folder, **options)

    def fetch(self, folder: Path) -> None:
        self._repo(folder).remote().fetch()

    def commit(self, folder: Path) -> None:
        repo = self._repo(folder)
        repo.git.add("--all")
        repo.index.commit("Change")

    def push(self, folder: Path, ref: str = "refs/heads/main") -> None:
        self._push(folder, f"HEAD:{ref}")

    def delete(self, folder: Path, ref: str) -> None:
        self._push(folder, f":{ref}")

    def _push(self, folder: Path, refspec: str) -> None:
        pushed = self._repo(folder).remote().push(refspec)
        for each in pushed:
            if each.flags & each.ERROR:
                raise ValueError(each.summary)
        pushed.raise_if_error()

    def refs(self, source: str) -> set[str]:
        return {line.split("\t")[1] for line in self._command.ls_remote(source).splitlines()}

    def titles(self, folder: Path, branch: str = "HEAD") -> list[str]:
        return [commit.summary for commit in self._repo(folder).iter_commits(branch)]


class Dulwich:
    """dulwich, git in Python."""

    def __init__(self) -> None:
        from dulwich import porcelain
        from dulwich.repo import Repo

        self._git, self._repo = porcelain, Repo
        self.login: dict[str, str] = {}

    def clone(self, source: str, folder: Path, branch: str = "", *, newest_only: bool = False) -> None:
        depth = 1 if newest_only else None
        self._git.clone(source, str(folder), branch=branch or None, depth=depth, errstream=io.BytesIO(), **self.login)

    def fetch(self, folder: Path) -> None:
        nowhere = io.BytesIO()
        self._git.fetch(str(folder), "origin", outstream=io.TextIOWrapper(nowhere), errstream=nowhere, **self.login)

    def commit(self, folder: Path) -> None:
        status = self._git.status(str(folder))
        for path in status.unstaged:
            if not (folder / os.fsdecode(path)).exists():
                self._git.remove(str(folder), [str(folder / os.fsdecode(path))])
        self._git.add(str(folder))
        self._git.commit(
            str(folder), message=b"Change", author=b"Ada <ada@example.com>", committer=b"Ada <ada@example.com>"
        )

    def push(self, folder: Path, ref: str = "refs/heads/main") -> None:
        self._push(folder, f"HEAD:{ref}")

    def delete(self, folder: Path, ref: str) -> None:
        self._push(folder, f":{ref}")

    def _push(self, folder: Path, refspec: str) -> None:
        nowhere = io.BytesIO()
        pushed = self._git.push(str(folder), "origin", refspec, outstream=nowhere, errstream=nowhere, **self.login)
        # It says so, and raises nothing.
        for name, reason in (pushed.ref_status or {}).items():
            if reason:
                raise Rejected(f"rejected: {os.fsdecode(name)}: {reason}")

    def refs(self, source: str) -> set[str]:
        return {os.fsdecode(name) for name in self._git.ls_remote(source).refs}

    def titles(self, folder: Path, branch: str = "HEAD") -> list[str]:
        repo = self._repo(str(folder))
        name = b"HEAD" if branch == "HEAD" else f"refs/remotes/{branch}".encode()
        walker = repo.get_walker([repo.refs[name]])
        return [entry.commit.message.decode().splitlines()[0] for entry in walker]


class Pygit2:
    """pygit2, which is libgit2."""

    def __init__(self) -> None:
        import pygit2

        self._git = pygit2
        self.login: dict[str, str] = {}

    def clone(self, source: str, folder: Path, branch: str = "", *, newest_only: bool = False) -> None:
        tag = branch == "v1"  # libgit2 checks out branches only
        checkout = None if tag else branch or None
        options = {"checkout_branch": checkout, "callbacks": self._callbacks(), "depth": 1 if newest_only else 0}
        repo = self._git.clone_repository(source, folder, **options)
        if tag:
            repo.checkout_tree(repo.revparse_single(branch), strategy=self._git.enums.CheckoutStrategy.FORCE)

    def fetch(self, folder: Path) -> None:
        self._git.Repository(folder).remotes["origin"].fetch(callbacks=self._callbacks())

    def _callbacks(self) -> Any:
        class Callbacks(self._git.RemoteCallbacks):  # type: ignore[misc, name-defined]
            def push_update_reference(self, refname: str, message: str | None) -> None:
                if message:
                    raise Rejected(f"rejected: {refname}: {message}")

        return Callbacks(credentials=self._git.UserPass(*self.login.values()) if self.login else None)

    def commit(self, folder: Path) -> None:
        repo = self._git.Repository(folder)
        repo.index.add_all()
        for path, status in repo.status().items():
            if status & self._git.enums.FileStatus.WT_DELETED:
                repo.index.remove(path)
        repo.index.write()
        ada = self._git.Signature("Ada", "ada@example.com")
        repo.create_commit("HEAD", ada, ada, "Change", repo.index.write_tree(), [repo.head.target])

    def push(self, folder: Path, ref: str = "refs/heads/main") -> None:
        repo = self._git.Repository(folder)
        if ref.startswith("refs/tags/"):
            repo.references.create(ref, repo.head.target)
        source = ref if ref.startswith("refs/tags/") else repo.head.name
        repo.remotes["origin"].push([f"{source}:{ref}"], callbacks=self._callbacks())

    def delete(self, folder: Path, ref: str) -> None:
        self._git.Repository(folder).remotes["origin"].push([f":{ref}"], callbacks=self._callbacks())

    def refs(self, source: str) -> set[str]:
        made = self._git.init_repository(SCRATCH / "refs", bare=True)
        return {each.name for each in made.remotes.create_anonymous(source).list_heads()}

    def titles(self, folder: Path, branch: str = "HEAD") -> list[str]:
        repo = self._git.Repository(folder)
        return [commit.message.splitlines()[0] for commit in repo.walk(repo.revparse_single(branch).id)]


CLIENTS = {"git": Git, "git-lfs": Git, "GitPython": GitPython, "dulwich": Dulwich, "pygit2": Pygit2}
client: Any = CLIENTS[JOB.name]()
push = rejecting(client.push)
if JOB.name == "git-lfs":
    subprocess.run(["git", "lfs", "install", "--skip-repo"], check=True, capture_output=True)
counter = iter(range(1000))


def clone(source: str | None = None, branch: str = "", name: str = "clone") -> Path:
    """A new clone."""
    folder = SCRATCH / f"{name}-{next(counter)}"
    client.clone(source or url(JOB.repo), folder, branch)
    return folder


def publish(files: dict[str, bytes], name: str = "clone") -> None:
    """Commit and push these files, and compare them in another clone."""
    work = clone(name=name)
    for path, data in files.items():
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_bytes(data)
    client.commit(work)
    push(work)
    again = clone()
    for path, data in files.items():
        check((again / path).read_bytes() == data)


def delete() -> None:
    """A file that was pushed before."""
    publish({"old.txt": b"old\n"})
    work = clone()
    (work / "old.txt").unlink()
    client.commit(work)
    push(work)
    check(not (clone() / "old.txt").exists())


def move() -> None:
    """A file that was pushed before."""
    publish({"before.txt": b"same\n"})
    work = clone()
    (work / "before.txt").rename(work / "after.txt")
    client.commit(work)
    push(work)
    again = clone()
    check(((again / "before.txt").exists(), (again / "after.txt").read_bytes()), (False, b"same\n"))


def new_ref(ref: str) -> None:
    """A branch or a tag."""
    work = clone()
    push(work, ref)
    check(ref in client.refs(url(JOB.repo)))


def delete_branch() -> None:
    """A branch that was pushed before."""
    work = clone()
    push(work, "refs/heads/gone")
    client.delete(work, "refs/heads/gone")
    check("refs/heads/gone" not in client.refs(url(JOB.repo)))


def newest_only() -> None:
    """As most CIs clone."""
    work = SCRATCH / "newest"
    client.clone(url(JOB.seeded), work, newest_only=True)
    check((client.titles(work), (work / "data/small.txt").read_bytes()), (["Second"], b"second\n"))


def fetch() -> None:
    """What another clone has pushed meanwhile."""
    work = clone()
    before = client.titles(work, "origin/main")
    publish({"later.txt": b"later\n"})
    client.fetch(work)
    check(client.titles(work, "origin/main"), ["Change", *before])


def shallow() -> None:
    """As actions/checkout leaves it: the push lacks the history."""
    work = SCRATCH / "shallow"
    subprocess.run(["git", "clone", "--quiet", "--depth=1", url(JOB.seeded), work], check=True, capture_output=True)
    subprocess.run(["git", "-C", work, "remote", "set-url", "origin", url(JOB.repo)], check=True)
    rejecting(lambda: client._git("-C", work, "push", "--force", "origin", "HEAD:refs/heads/shallow"))()


def publish_without_token() -> None:
    """With no token in the URL."""
    work = clone(url(JOB.repo, token=""))
    (work / f"{next(counter)}.txt").write_bytes(b"yes\n")
    client.commit(work)
    push(work)


def with_git_credentials() -> None:
    """What the action's input `git-credentials` leaves in the environment."""
    os.environ.update(JOB.git_credentials)
    try:
        publish_without_token()
    finally:
        for name in JOB.git_credentials:
            del os.environ[name]


def with_parameters() -> None:
    """The user name and the password that the library takes."""
    client.login = {"username": "hf_user", "password": JOB.token}
    try:
        publish_without_token()
    finally:
        client.login = {}


def write_elsewhere(source: str, target: str) -> None:
    """Clone one repository, and push to another."""
    work = clone(source)
    subprocess.run(["git", "-C", work, "remote", "set-url", "origin", target], check=True)
    (work / "strange.txt").write_bytes(b"strange\n")
    client.commit(work)
    push(work)


run(
    {
        "upload a small file": lambda: publish({"small.txt": b"small\n"}),
        "upload an LFS file": lambda: publish({"model.safetensors": content(200_000, 2)}),
        "upload a folder": lambda: publish({"folder/one.txt": b"one\n", "folder/deep/two.txt": b"two\n"}),
        "delete a file": delete,
        "move a file": move,
        "list files": lambda: check(
            sorted(str(each.relative_to(each.parents[0])) for each in clone(url(JOB.seeded)).glob("w*")),
            ["weights.bin"],
        ),
        "list refs": lambda: check({"refs/heads/main", "refs/tags/v1"} <= client.refs(url(JOB.seeded))),
        "list commits": lambda: check(client.titles(clone(url(JOB.seeded)))[:2], ["Second", "First"]),
        "revision: tag": lambda: check((clone(url(JOB.seeded), "v1") / "data/small.txt").read_bytes(), b"first\n"),
        "download all (snapshot, clone)": lambda: check(
            (clone(url(JOB.seeded)) / "data/small.txt").read_bytes(), b"second\n"
        ),
        "download the newest commit only": newest_only,
        "download without a token": lambda: check(
            (clone(url(JOB.seeded, token="")) / "data/small.txt").read_bytes(), b"second\n"
        ),
        "fetch a later commit": fetch,
        "revision: HEAD": lambda: check("HEAD" in client.refs(url(JOB.seeded))),
        "create a branch": lambda: new_ref("refs/heads/next"),
        "delete a branch": delete_branch,
        "push a tag": lambda: new_ref("refs/tags/v9"),
        "push a binary file without LFS": lambda: publish({"picture.dat": b"\0" + content(20_000)}),
        "push a file over 10 MiB without LFS": lambda: publish({"long.txt": TEXT}),
        "push an LFS pointer without its object": lambda: publish({"missing.bin": POINTER}, name="missing"),
        "push from a shallow clone": shallow,
        "log in by `git-credentials`": with_git_credentials,
        "log in by the library's parameters": with_parameters,
        "write to another repository": lambda: write_elsewhere(url(JOB.repo), url(JOB.other)),
        "use an expired token": lambda: write_elsewhere(
            url(JOB.other, JOB.expired_hub, ""), url(JOB.other, JOB.expired_hub, JOB.expired_token)
        ),
        "publish 150 MB": lambda: publish({"big.safetensors": Path(JOB.big).read_bytes()}),
    }
)
