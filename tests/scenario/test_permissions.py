"""The Hub's security model, case by case, through huggingface_hub and git: who may do what, before and after expiry.

Each row is a token, an action and a repository, and how the client's call ends. `ok` is success; else the exception of
huggingface_hub and the status, or the status that git was given.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

from tests.clients import Clients, good, token_for, trust
from tests.local_hub_process import ServedHub, local_hub_here

PUBLIC, GATED, PRIVATE, MISSING = "acme/public", "acme/gated", "acme/private", "acme/missing"
DATASET, KERNEL, OTHER_PRIVATE = "datasets/acme/public", "kernels/acme/public", "other/private"
# What each token was issued for; a user's name has no slash.
TOKENS = {
    "public's": PUBLIC,
    "gated's": GATED,
    "private's": PRIVATE,
    "dataset's": DATASET,
    "kernel's": KERNEL,
    "read-only": "acme/read-only",
    "owner": "acme",
    "reader": "bob",
    "user": "eve",
}
READ_ONLY = "acme/read-only"
NOT_FOUND, GATE, FORBIDDEN = "RepositoryNotFoundError", "GatedRepoError", "HfHubHTTPError 403"
ANONYMOUS, REJECTED = f"{NOT_FOUND} 401", "HfHubHTTPError 401"
TABLE = [
    # Nobody
    ("nobody", "info", PUBLIC, "ok"),
    ("nobody", "download", PUBLIC, "ok"),
    ("nobody", "clone", PUBLIC, "ok"),
    ("nobody", "upload", PUBLIC, ANONYMOUS),
    ("nobody", "push", PUBLIC, "401"),
    ("nobody", "info", GATED, "ok"),
    ("nobody", "download", GATED, f"{GATE} 401"),
    ("nobody", "clone", GATED, "401"),
    ("nobody", "info", PRIVATE, ANONYMOUS),
    ("nobody", "download", PRIVATE, ANONYMOUS),
    ("nobody", "clone", PRIVATE, "401"),
    ("nobody", "info", MISSING, ANONYMOUS),
    ("nobody", "clone", MISSING, "401"),
    # A repository's own token
    ("public's", "info", PUBLIC, "ok"),
    ("public's", "list", PUBLIC, "ok"),
    ("public's", "download", PUBLIC, "ok"),
    ("public's", "upload", PUBLIC, "ok"),
    ("public's", "clone", PUBLIC, "ok"),
    ("public's", "push", PUBLIC, "ok"),
    ("public's", "create branch", PUBLIC, "ok"),
    ("public's", "create, if it is not there", PUBLIC, "ok"),
    ("public's", "create tag", PUBLIC, FORBIDDEN),
    ("public's", "delete", PUBLIC, REJECTED),
    ("public's", "check writing", PUBLIC, ANONYMOUS),
    ("public's", "create, if it is not there", MISSING, "401 Unauthorized"),
    ("gated's", "download", GATED, "ok"),
    ("gated's", "upload", GATED, "ok"),
    ("private's", "info", PRIVATE, "ok"),
    ("private's", "download", PRIVATE, "ok"),
    ("private's", "clone", PRIVATE, "ok"),
    ("private's", "push", PRIVATE, "ok"),
    ("dataset's", "upload", DATASET, "ok"),
    ("kernel's", "upload", KERNEL, "ok"),
    # And nothing else
    ("public's", "upload", "acme/other", FORBIDDEN),
    ("public's", "push", "acme/other", "403"),
    ("public's", "create branch", "acme/other", FORBIDDEN),
    ("public's", "upload", DATASET, FORBIDDEN),
    ("public's", "upload", KERNEL, FORBIDDEN),
    ("dataset's", "push", PUBLIC, "403"),
    ("public's", "download", "acme/other", "ok"),
    ("public's", "download", GATED, f"{GATE} 403"),
    ("public's", "clone", GATED, "403"),
    ("public's", "info", PRIVATE, f"{NOT_FOUND} 404"),
    ("public's", "upload", PRIVATE, f"{NOT_FOUND} 404"),
    ("public's", "clone", PRIVATE, "404"),
    ("public's", "info", MISSING, f"{NOT_FOUND} 404"),
    # A read-only publisher's
    ("read-only", "download", READ_ONLY, "ok"),
    ("read-only", "clone", READ_ONLY, "ok"),
    ("read-only", "upload", READ_ONLY, FORBIDDEN),
    ("read-only", "push", READ_ONLY, "403"),
    ("read-only", "create branch", READ_ONLY, FORBIDDEN),
    # A user's
    ("reader", "download", PUBLIC, "ok"),
    ("reader", "download", GATED, "ok"),
    ("reader", "clone", GATED, "ok"),
    ("user", "download", GATED, f"{GATE} 403"),
    ("user", "clone", GATED, "403"),
    ("owner", "download", GATED, "ok"),
    ("owner", "info", PRIVATE, f"{NOT_FOUND} 404"),
    ("owner", "clone", PRIVATE, "404"),
    ("owner", "upload", PUBLIC, FORBIDDEN),
    ("owner", "push", PUBLIC, "403"),
    ("reader", "upload", GATED, FORBIDDEN),
    ("owner", "create", MISSING, FORBIDDEN),
    ("owner", "whoami", PUBLIC, "ok"),
    ("public's", "whoami", PUBLIC, REJECTED),
    # A token that nobody issued
    ("invented", "info", PUBLIC, REJECTED),
    ("invented", "download", PUBLIC, REJECTED),
    ("invented", "upload", PUBLIC, REJECTED),
    ("invented", "clone", PUBLIC, "401"),
    ("invented", "push", PUBLIC, "401"),
]
AFTER_EXPIRY = [
    ("public's", "info", PUBLIC, REJECTED),
    ("public's", "download", PUBLIC, REJECTED),
    ("public's", "upload", PUBLIC, REJECTED),
    ("public's", "create branch", PUBLIC, REJECTED),
    ("public's", "clone", PUBLIC, "401"),
    ("public's", "push", PUBLIC, "401"),
    ("private's", "info", PRIVATE, REJECTED),
    ("private's", "clone", PRIVATE, "401"),
    ("gated's", "download", GATED, REJECTED),
    ("reader", "download", GATED, REJECTED),
    ("reader", "clone", GATED, "401"),
    ("owner", "whoami", PUBLIC, REJECTED),
    ("read-only", "download", READ_ONLY, REJECTED),
    ("read-only", "upload", READ_ONLY, REJECTED),
]


@dataclass(frozen=True)
class World:
    """A Local Hub with all repositories, and a token of each sort."""

    hub: ServedHub
    tokens: dict[str, str]


def world(hub: ServedHub) -> World:
    """Set the repositories up, and get the tokens."""
    for resource in (PUBLIC, DATASET, KERNEL, "acme/other"):
        hub.post("/local-hub/resources", {"resource": resource})
    hub.post("/local-hub/resources", {"resource": GATED, "gated": True, "readers": ["bob"]})
    hub.post("/local-hub/resources", {"resource": PRIVATE, "private": True})
    for resource in TOKENS.values():
        trust(hub, resource, readOnly=resource == READ_ONLY)
    issued = {name: token_for(hub, resource) for name, resource in TOKENS.items()}
    return World(hub, {**issued, "nobody": "", "invented": "hf_jwt_invented"})


@pytest.fixture(scope="module")
def before() -> Iterator[World]:
    """Tokens that live for an hour."""
    with local_hub_here() as hub:
        yield world(hub)


@pytest.fixture(scope="module")
def after() -> Iterator[World]:
    """Tokens that have lived for a second."""
    with local_hub_here(token_lifetime=1) as hub:
        expired = world(hub)
        deadline = time.monotonic() + 60
        while any(is_active(hub, token) for token in expired.tokens.values()):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        yield expired


def is_active(hub: ServedHub, token: str) -> bool:
    """Whether a token is good for anything."""
    if not token:
        return False
    return hub.request("GET", "/local-hub/introspect", headers={"Authorization": f"Bearer {token}"}).is_success


def split(resource: str) -> tuple[str, str]:
    """The name and the type that huggingface_hub takes."""
    kinds = {"datasets": "dataset", "kernels": "kernel"}
    first, _, rest = resource.partition("/")
    return (rest, kinds[first]) if first in kinds else (resource, "model")


def upload(api: HfApi, name: str, kind: str, _: Path) -> object:
    """Commit a file that was never there."""
    content, path = uuid.uuid4().bytes, f"{uuid.uuid4()}.dat"
    return api.upload_file(path_or_fileobj=content, path_in_repo=path, repo_id=name, repo_type=kind)


def download(api: HfApi, name: str, kind: str, folder: Path) -> object:
    """Fetch a file into an empty folder, and not from the client's cache."""
    return api.hf_hub_download(name, ".gitattributes", repo_type=kind, local_dir=folder)


CALLS: dict[str, Callable[[HfApi, str, str, Path], object]] = {
    "info": lambda api, name, kind, _: api.repo_info(name, repo_type=kind),
    "list": lambda api, name, kind, _: api.list_repo_files(name, repo_type=kind),
    "download": download,
    "upload": upload,
    "create branch": lambda api, name, kind, _: api.create_branch(name, repo_type=kind, branch=uuid.uuid4().hex),
    "create tag": lambda api, name, kind, _: api.create_tag(name, repo_type=kind, tag=uuid.uuid4().hex),
    "create": lambda api, name, kind, _: api.create_repo(name, repo_type=kind),
    "delete": lambda api, name, kind, _: api.delete_repo(name, repo_type=kind),
    "check writing": lambda api, name, kind, _: api.auth_check(name, repo_type=kind, write=True),
    "whoami": lambda api, _, __, ___: api.whoami(),
}


def outcome(world: World, token: str, action: str, resource: str, folder: Path) -> str:
    """How it ends."""
    clients = Clients(world.hub, folder, world.tokens[token])
    if action in ("clone", "push"):
        return git_outcome(clients, action, resource)
    if action == "create, if it is not there":
        # As a process: the answer's URL is of a host that the client must have been told of when it started.
        run = clients.hf("repos", "create", resource, "--exist-ok")
        return "ok" if run.returncode == 0 else "".join(re.findall("401 Unauthorized", run.stderr)[:1])
    api = HfApi(endpoint=world.hub.hub, token=world.tokens[token] or False)
    try:
        CALLS[action](api, *split(resource), folder)
    except (HfHubHTTPError, LocalEntryNotFoundError) as error:
        # A download looks for a copy on this machine before it gives up.
        refusal = error.__cause__ if isinstance(error, LocalEntryNotFoundError) else error
        assert isinstance(refusal, HfHubHTTPError)
        return f"{type(refusal).__name__} {refusal.response.status_code}"
    return "ok"


def git_outcome(clients: Clients, action: str, resource: str) -> str:
    """How git's own attempt ends: a clone, or the push of a new commit to a branch of its own.

    The token is in a header, which is always sent; a password is sent when it is asked for.
    """
    url, env = f"{clients.hub.hub}/{resource}", clients.extra_header() if clients.token else {}
    if action == "clone":
        run = clients.git("clone", "--quiet", url, "clone", **env)
    else:
        good(clients.git("init", "--quiet", "made"))
        good(clients.git("-C", "made", "commit", "--quiet", "--allow-empty", "--message", "x"))
        run = clients.git("-C", "made", "push", "--quiet", url, f"HEAD:refs/heads/{uuid.uuid4()}", **env)
    if run.returncode == 0:
        return "ok"
    if "Authentication failed" in run.stderr or "could not read" in run.stderr:
        return "401"
    return "404" if "not found" in run.stderr else run.stderr.strip().rpartition("error: ")[2]


@pytest.mark.parametrize("row", TABLE, ids=" ".join)
def test_while_the_token_lives(before: World, tmp_path: Path, row: tuple[str, str, str, str]) -> None:
    """As the row says."""
    assert outcome(before, *row[:3], tmp_path) == row[3]


@pytest.mark.parametrize("row", AFTER_EXPIRY, ids=" ".join)
def test_after_its_expiry(after: World, tmp_path: Path, row: tuple[str, str, str, str]) -> None:
    """As the row says."""
    assert outcome(after, *row[:3], tmp_path) == row[3]


def test_the_table_is_long_enough() -> None:
    """At least 40 cases, and each once."""
    assert len({row[:3] for row in TABLE}) == len(TABLE) >= 40
