"""What each client should get for each operation: what the Hub answers, as far as that is known.

Data, and the Markdown of docs/local-hub.md that is made from it. It starts nothing: tests/e2e/test_clients.py does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

NOT_OFFERED = "not offered"
REJECTED = "rejected"


@dataclass(frozen=True)
class Operation:
    """What clients do, how it ends, and how that is known of the Hub."""

    name: str
    expected: str = "done"
    known: str = ""


@dataclass(frozen=True)
class Client:
    """One version of a client: its environment, its script, and where it differs from `Operation.expected`."""

    name: str
    version: str
    environment: str
    script: str
    operations: tuple[str, ...]
    few: bool = False
    differs: Mapping[str, str] = field(default_factory=dict)
    kind: str = "model"

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}".strip()

    @property
    def id(self) -> str:
        """A name for repositories and files."""
        return self.title.lower().replace(" ", "-").replace("@huggingface/hub", "javascript").replace(",", "")

    def expected(self) -> dict[str, str]:
        """How each of its operations ends."""
        return {name: self.differs.get(name, OPERATIONS[name].expected) for name in self.operations}


UNKNOWN = "not known"
SNAPSHOT = "download all (snapshot, clone)"
EXISTS = "create a repository that exists"
BIG = "publish 150 MB"
_OPERATIONS = (
    Operation("upload a small file"),
    Operation("upload an LFS file"),
    Operation("upload a text file over 10 MiB"),
    Operation("upload a folder"),
    Operation("delete a file"),
    Operation("move a file"),
    Operation("download"),
    Operation("read metadata (HEAD)"),
    Operation("read a range"),
    Operation("list files"),
    Operation("list with last commits"),
    Operation("look up paths"),
    Operation("repository info"),
    Operation("list refs"),
    Operation("list commits"),
    Operation("revision: tag"),
    Operation("revision: short hash", known="not known; huggingface_hub's guide asks for the full hash"),
    Operation("revision: HEAD", known="huggingface.js requests it; huggingface_hub#197"),
    Operation("revision: refs/pr/1", "404", "the pull request does not exist"),
    Operation(SNAPSHOT),
    Operation("download the newest commit only"),
    Operation("download without a token"),
    Operation("fetch a later commit"),
    Operation("push_to_hub", known="huggingface_hub#4294"),
    Operation("push_to_hub again", known="huggingface_hub#4294"),
    Operation("upload_folder instead of push_to_hub"),
    Operation("load"),
    Operation("load as a stream"),
    Operation("create a branch", known=UNKNOWN),
    Operation("delete a branch", known=UNKNOWN),
    Operation("push a tag"),
    Operation("create a tag", "403", "refused; the status is not known"),
    Operation(EXISTS, "401", "huggingface_hub#4290"),
    Operation("create a repository", "401", "huggingface_hub#4290"),
    Operation("create a pull request", "403", "reported by one project"),
    Operation("whoami", "401", UNKNOWN),
    Operation("check for write access", "401", "reported by one project"),
    Operation("write to another repository", "403"),
    Operation("use an expired token", "401"),
    Operation("push a binary file without LFS", REJECTED, "qdonnars/ohmywind#289"),
    Operation("push a file over 10 MiB without LFS", REJECTED, "huggingface_hub#91"),
    Operation("push an LFS pointer without its object", REJECTED, "huggingface/diffusers#6285"),
    Operation("push from a shallow clone", REJECTED, "TimPietrusky/lerobot.js#18"),
    Operation("commit an LFS pointer without its object", "400", "refused; the status is not known"),
    Operation("log in by `HF_TOKEN_PATH`"),
    Operation("log in by `git-credentials`"),
    Operation("log in by the library's parameters"),
    Operation(BIG),
)
OPERATIONS = {each.name: each for each in _OPERATIONS}

_PUSHES = ("push_to_hub", "push_to_hub again")
_LIBRARY = (
    *(*_PUSHES, "upload_folder instead of push_to_hub", "load"),
    *("revision: short hash", "revision: HEAD", "revision: refs/pr/1", "create a repository"),
    *("create a pull request", "write to another repository", "use an expired token"),
)
_DATASETS = (*_LIBRARY, "load as a stream", "download", BIG)
_API = (
    *(
        "upload a small file",
        "upload an LFS file",
        "upload a text file over 10 MiB",
        "upload a folder",
        "delete a file",
    ),
    *("move a file", "download", "read metadata (HEAD)", "read a range", "list files", "list with last commits"),
    *("look up paths", "repository info", "list refs", "list commits", "revision: tag", "revision: short hash"),
    *("revision: HEAD", "revision: refs/pr/1", SNAPSHOT, "create a branch", "create a tag", EXISTS),
    *("create a repository", "create a pull request", "whoami", "check for write access"),
    *("write to another repository", "use an expired token", "log in by `HF_TOKEN_PATH`", BIG),
)
_WEB = (
    *(name for name in _API if name not in ("upload a text file over 10 MiB", SNAPSHOT, "log in by `HF_TOKEN_PATH`")),
    "commit an LFS pointer without its object",
)
_JAVASCRIPT = tuple(
    name
    for name in _API
    if name not in ("move a file", "list refs", "create a tag", "check for write access")
    and name != "log in by `HF_TOKEN_PATH`"
)
_COMMAND = tuple(
    name
    for name in _API
    if name not in ("move a file", "read metadata (HEAD)", "read a range", "list with last commits", "look up paths")
    and name not in ("list commits", "check for write access", "log in by `HF_TOKEN_PATH`")
)
_GIT = (
    *(
        "upload a small file",
        "upload a folder",
        "delete a file",
        "move a file",
        "list files",
        "list refs",
        "list commits",
    ),
    *("revision: tag", "revision: HEAD", SNAPSHOT, "download the newest commit only", "download without a token"),
    *("fetch a later commit", "create a branch", "delete a branch", "push a tag", "push a binary file without LFS"),
    *("push a file over 10 MiB without LFS", "push an LFS pointer without its object"),
    *("log in by `git-credentials`", "write to another repository", "use an expired token"),
)
_GIT_LFS = (
    *(name for name in _GIT if name != "push a binary file without LFS"),
    *("upload an LFS file", "push from a shallow clone", BIG),
)
_GIT_ALONE = (*_GIT, "log in by the library's parameters")
_OLD = {"check for write access": NOT_OFFERED}
# huggingface_hub 1.18 and newer go on after the 401. Older versions stop, so `hf upload` and push_to_hub do.
_GOES_ON = {EXISTS: "done"}
_ENDS_IN_401 = dict.fromkeys((*_PUSHES, "create a pull request", "write to another repository", BIG), "401")
_UPLOADS_END_IN_401 = dict.fromkeys(
    (
        *("upload a small file", "upload an LFS file", "upload a text file over 10 MiB", "upload a folder"),
        *("create a pull request", "write to another repository", BIG),
    ),
    "401",
)
_NOT_YET_IN_0_36 = dict.fromkeys(("list files", "repository info", "create a branch"), NOT_OFFERED)
_NOT_YET_IN_0_23 = dict.fromkeys(("delete a file", "list refs", "create a tag", EXISTS), NOT_OFFERED)
_OLDEST = {"move a file": NOT_OFFERED, "log in by `HF_TOKEN_PATH`": "401"}
# `git-credentials` configures git's credential helpers, which these two do not read.
_NO_HELPERS = {"log in by `git-credentials`": "401"}

CLIENTS = (
    Client("huggingface_hub", "0.14.1", "hub-0.14", "huggingface_hub_api.py", _API, differs=_OLD | _OLDEST),
    Client("huggingface_hub", "0.23.5", "hub-0.23", "huggingface_hub_api.py", _API, few=True, differs=_OLD),
    Client("huggingface_hub", "0.36.2", "hub-0.36", "huggingface_hub_api.py", _API, differs=_OLD),
    Client("huggingface_hub", "1.0.1", "hub-1.0", "huggingface_hub_api.py", _API, differs=_OLD),
    Client("huggingface_hub", "1.18.0", "hub-1.18", "huggingface_hub_api.py", _API, differs=_GOES_ON),
    Client("huggingface_hub", "2.4.0", "", "huggingface_hub_api.py", _API, few=True, differs=_GOES_ON),
    Client(
        "huggingface_hub without hf_xet",
        "2.4.0",
        "hub-2.4-without-xet",
        "huggingface_hub_api.py",
        _API,
        differs=_GOES_ON,
    ),
    Client(
        "huggingface-cli",
        "0.23.5",
        "hub-0.23",
        "command_line.py",
        _COMMAND,
        differs=_UPLOADS_END_IN_401 | _NOT_YET_IN_0_36 | _NOT_YET_IN_0_23,
    ),
    Client("hf", "0.36.2", "hub-0.36", "command_line.py", _COMMAND, differs=_UPLOADS_END_IN_401 | _NOT_YET_IN_0_36),
    Client("hf", "2.4.0", "", "command_line.py", _COMMAND, differs=_GOES_ON),
    Client("transformers", "4.57.6", "hub-0.36", "transformers_push.py", _LIBRARY, differs=_ENDS_IN_401),
    Client("transformers", "5.24.0", "hub-2.4", "transformers_push.py", _LIBRARY),
    Client("tokenizers", "0.22.2", "hub-0.36", "transformers_push.py", _LIBRARY[2:7]),
    Client("tokenizers", "0.23.3", "hub-2.4", "transformers_push.py", _LIBRARY[2:7]),
    Client("datasets", "3.6.0", "hub-0.36", "datasets_push.py", _DATASETS, differs=_ENDS_IN_401, kind="dataset"),
    Client("datasets", "4.6.1", "hub-1.18", "datasets_push.py", _DATASETS, kind="dataset"),
    Client("datasets", "5.2.0", "hub-2.4", "datasets_push.py", _DATASETS, kind="dataset"),
    Client(
        "@huggingface/hub",
        "1.1.2",
        "javascript-1",
        "javascript.mjs",
        _JAVASCRIPT,
        differs={"create a branch": NOT_OFFERED},
    ),
    Client("@huggingface/hub", "2.17.5", "javascript-2", "javascript.mjs", _JAVASCRIPT, few=True),
    Client("git", "", "", "git_clients.py", _GIT),
    Client("git-lfs", "", "", "git_clients.py", _GIT_LFS, few=True),
    Client("GitPython", "3.2.1", "git-libraries", "git_clients.py", _GIT),
    Client("dulwich", "1.2.21", "git-libraries", "git_clients.py", _GIT_ALONE, differs=_NO_HELPERS),
    Client("pygit2", "1.21.0", "git-libraries", "git_clients.py", _GIT_ALONE, differs=_NO_HELPERS),
    Client("curl", "", "", "web_requests.py", _WEB, few=True),
    Client("wget", "", "", "web_requests.py", _WEB),
)

_SHOWN = {"done": "✓", NOT_OFFERED: "—"}
_TABLES = (
    ("huggingface_hub, its Python API", ("huggingface_hub", "huggingface_hub without hf_xet")),
    ("commands, JavaScript, plain requests", ("huggingface-cli", "hf", "@huggingface/hub", "curl", "wget")),
    ("git and its libraries", ("git", "git-lfs", "GitPython", "dulwich", "pygit2")),
    ("libraries", ("transformers", "tokenizers", "datasets")),
)


def markdown() -> str:
    """The tables of docs/local-hub.md: a row for each operation, a column for each client."""
    return "\n".join(_table(title, [each for each in CLIENTS if each.name in names]) for title, names in _TABLES)


def _table(title: str, clients: list[Client]) -> str:
    subject = title.partition(",")[0]
    heads = [each.version if each.version and each.name == subject else each.title for each in clients]
    rows = [[title, *heads, "known of the Hub"], ["---"] * (len(clients) + 2)]
    for operation in _OPERATIONS:
        ends = [each.expected().get(operation.name) for each in clients]
        if set(ends) - {None, NOT_OFFERED}:
            rows.append([operation.name, *(_SHOWN.get(end, end) if end else "" for end in ends), operation.known])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
