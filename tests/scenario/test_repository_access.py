"""Every repository endpoint, requested over plain HTTP by every kind of caller, without a client library.

The verb of an endpoint decides who is allowed; a row holds the answer to an allowed caller. The answers are the status
and `X-Error-Code`.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from local_hub.repositories.router import BUCKET_ENDPOINTS, ENDPOINTS
from tests.clients import token_for, trust
from tests.local_hub_process import ServedHub, local_hub_here

SECRET = b"weights"
OID = hashlib.sha256(SECRET).hexdigest()
LFS = {"Content-Type": "application/vnd.git-lfs+json"}
PACK = "application/x-git-{}-pack-request"
HEADER = '{"key": "header", "value": {"summary": "x"}}\n'
SEE, READ, WRITE, PROPOSE, CHECK_WRITE, ADMINISTER = "see", "read", "write", "propose", "check write", "administer"
CALLERS = ("nobody", "own", "read-only", "other", "user", "invented")
VISIBILITIES = ("public", "gated", "private")


@dataclass(frozen=True)
class Ask:
    """A request, and the answer to whom it is allowed; `{repo}`, `{api}` and `{new}` stand for names."""

    method: str
    action: str
    path: str
    verb: str
    allowed: str
    content: bytes = b""
    content_type: str = "application/json"


def lines(*operations: tuple[str, dict[str, Any]]) -> bytes:
    """The body of a commit."""
    return (HEADER + "".join(json.dumps({"key": key, "value": value}) + "\n" for key, value in operations)).encode()


def batch(operation: str) -> bytes:
    """The body of a call to LFS, for the one large file there is, or for one that is not there."""
    oid = OID if operation == "download" else "0" * 64
    return json.dumps({"operation": operation, "objects": [{"oid": oid, "size": len(SECRET)}]}).encode()


NDJSON, LFS_TYPE = "application/x-ndjson", LFS["Content-Type"]
BATCH, VERIFY = "info/lfs/objects/batch", "info/lfs/objects"
ASKS = [
    Ask("GET", "api/", "{api}", SEE, "200"),
    Ask("GET", "api/revision", "{api}/revision/main", SEE, "200"),
    Ask("GET", "api/tree", "{api}/tree/main", SEE, "200"),
    Ask("POST", "api/paths-info", "{api}/paths-info/main", SEE, "200", b'{"paths": ["w.bin"]}'),
    Ask("GET", "api/refs", "{api}/refs", SEE, "200"),
    Ask("GET", "api/commits", "{api}/commits/main", SEE, "200"),
    Ask("GET", "api/discussions", "{api}/discussions", SEE, "200"),
    Ask("POST", "api/discussions", "{api}/discussions", PROPOSE, "", b"{}"),
    Ask("GET", "api/likers", "{api}/likers", SEE, "200"),
    Ask("GET", "resolve", "/{repo}/resolve/main/w.bin", READ, "200"),
    Ask("HEAD", "resolve", "/{repo}/resolve/main/.gitattributes", READ, "200"),
    Ask("GET", "raw", "/{repo}/raw/main/w.bin", READ, "200"),
    Ask("POST", "api/preupload", "{api}/preupload/main", WRITE, "200", b'{"files": [{"path": "a", "size": 1}]}'),
    Ask("POST", "api/commit", "{api}/commit/main", WRITE, "200", lines(), NDJSON),
    Ask("POST", "api/commit", "{api}/commit/main?create_pr=1", PROPOSE, "", lines(), NDJSON),
    Ask("POST", "api/branch", "{api}/branch/{new}", WRITE, "201", b"{}"),
    Ask("DELETE", "api/branch", "{api}/branch/nothing", WRITE, "404 RevisionNotFound"),
    Ask("GET", "api/auth-check", "{api}/auth-check", READ, "200"),
    Ask("GET", "api/auth-check/write", "{api}/auth-check/write", CHECK_WRITE, ""),
    Ask("POST", "api/tag", "{api}/tag/main", ADMINISTER, "", b'{"tag": "x"}'),
    Ask("DELETE", "api/tag", "{api}/tag/x", ADMINISTER, ""),
    Ask("PUT", "api/settings", "{api}/settings", ADMINISTER, "", b'{"private": false}'),
    Ask("GET", "api/xet-read-token", "{api}/xet-read-token/main", READ, "501"),
    Ask("GET", "api/xet-write-token", "{api}/xet-write-token/main", WRITE, "200"),
    Ask("GET", "info/xet", f"/{{repo}}.git/info/xet/x/v1/chunks/default/{OID}", WRITE, "404 EntryNotFound"),
    Ask("POST", "info/xet", "/{repo}.git/info/xet/x/v1/shards", WRITE, "404 EntryNotFound", b"", ""),
    Ask("GET", "info/lfs/locks", "/{repo}.git/info/lfs/locks", SEE, "404"),
    Ask("POST", "info/lfs/locks", "/{repo}.git/info/lfs/locks/verify", SEE, "404", b"{}", LFS_TYPE),
    Ask("POST", BATCH, "/{repo}.git/info/lfs/objects/batch", READ, "200", batch("download"), LFS_TYPE),
    Ask("POST", BATCH, "/{repo}.git/info/lfs/objects/batch", WRITE, "200", batch("upload"), LFS_TYPE),
    Ask(
        *("POST", VERIFY, f"/{{repo}}.git/info/lfs/objects/{OID}/verify", WRITE, "200"),
        *(json.dumps({"oid": OID, "size": len(SECRET)}).encode(), LFS_TYPE),
    ),
    Ask("GET", "git", "/{repo}/info/refs?service=git-upload-pack", READ, "200"),
    Ask("GET", "git", "/{repo}/info/refs?service=git-receive-pack", WRITE, "200"),
    Ask("POST", "git", "/{repo}/git-upload-pack", READ, "200", b"0000", PACK.format("upload")),
    Ask("POST", "git", "/{repo}/git-receive-pack", WRITE, "200", b"0000", PACK.format("receive")),
]
BUCKET_ASKS = [
    Ask("GET", "api/", "{api}", SEE, "200"),
    Ask("GET", "api/tree", "{api}/tree", SEE, "200"),
    Ask("POST", "api/", "{api}", ADMINISTER, "", b"{}"),
    Ask("DELETE", "api/", "{api}", ADMINISTER, ""),
    Ask("POST", "api/batch", "{api}/batch", WRITE, "501", b"", NDJSON),
    Ask("GET", "api/xet-read-token", "{api}/xet-read-token", READ, "501"),
    Ask("GET", "api/xet-write-token", "{api}/xet-write-token", WRITE, "501"),
]
# By caller and verb: the refusal of what is public, gated and private; "" where it is allowed.
UNSEEN = "404 RepoNotFound"
LOG_IN, FORBIDDEN = ("401 RepoNotFound",) * 3, ("403",) * 3
REFUSALS = {
    ("nobody", SEE): ("", "", "401 RepoNotFound"),
    ("nobody", READ): ("", "401 GatedRepo", "401 RepoNotFound"),
    ("nobody", WRITE): LOG_IN,
    **{("nobody", verb): LOG_IN for verb in (PROPOSE, CHECK_WRITE, ADMINISTER)},
    ("read-only", WRITE): FORBIDDEN,
    **{(caller, verb): FORBIDDEN for caller in ("own", "read-only") for verb in (PROPOSE, ADMINISTER)},
    **{(caller, CHECK_WRITE): LOG_IN for caller in ("own", "read-only")},
    **{
        (caller, verb): refusals
        for caller in ("other", "user")
        for verb, refusals in {
            SEE: ("", "", UNSEEN),
            READ: ("", "403 GatedRepo", UNSEEN),
            WRITE: ("403", "403", UNSEEN),
            PROPOSE: ("403", "403", UNSEEN),
            CHECK_WRITE: ("401 RepoNotFound" if caller == "other" else "403",) * 2 + (UNSEEN,),
            ADMINISTER: ("403", "403", UNSEEN),
        }.items()
    },
    **{("invented", verb): ("401",) * 3 for verb in (SEE, READ, WRITE, PROPOSE, CHECK_WRITE, ADMINISTER)},
}
ROWS = [
    *((ask, "acme/{}", visibility) for ask in ASKS for visibility in VISIBILITIES),
    *((ask, "buckets/acme/{}", visibility) for ask in BUCKET_ASKS for visibility in ("public", "private")),
]


def token_of(hub: ServedHub, resource: str, job: str, *, read_only: bool = False) -> str:
    """A token for a resource, as its publisher for this very job gives it."""
    trust(hub, resource, claims={"repository": {"kind": "eq", "value": job}}, readOnly=read_only)
    answer = hub.exchange(hub.id_token(repository=job), resource).raise_for_status()
    return str(answer.json()["access_token"])


@pytest.fixture(scope="module")
def hub() -> Iterator[ServedHub]:
    """A Local Hub with a model and a bucket of each sort; in each model there is a large file."""
    with local_hub_here() as running:
        for visibility in VISIBILITIES:
            for resource in (f"acme/{visibility}", f"buckets/acme/{visibility}"):
                shown = {"private": visibility == "private"}
                shown |= {"gated": True} if visibility == "gated" and not resource.startswith("buckets") else {}
                running.post("/local-hub/resources", {"resource": resource, **shown})
        yield running


@pytest.fixture(scope="module")
def tokens(hub: ServedHub) -> dict[tuple[str, str], str]:
    """The token of each caller for each repository."""
    found = {}
    for name in ("acme/{}", "buckets/acme/{}"):
        for visibility in VISIBILITIES:
            resource = name.format(visibility)
            found["own", resource] = token_of(hub, resource, "acme/writer")
            found["read-only", resource] = token_of(hub, resource, "acme/reader", read_only=True)
    found["other", ""] = token_of(hub, "acme/other", "acme/writer")
    found["user", ""] = token_of(hub, "eve", "acme/writer")
    found["invented", ""] = "hf_jwt_invented"
    value = {"path": "w.bin", "oid": OID, "size": len(SECRET), "algo": "sha256"}
    wanted = json.dumps({"operation": "upload", "objects": [{"oid": OID, "size": len(SECRET)}]})
    for visibility in VISIBILITIES:
        token = {"Authorization": f"Bearer {found['own', f'acme/{visibility}']}"}
        path = f"/acme/{visibility}.git/{BATCH}"
        answer = hub.request("POST", path, content=wanted, headers={**token, **LFS}).raise_for_status()
        hub.request("PUT", answer.json()["objects"][0]["actions"]["upload"]["href"], content=SECRET).raise_for_status()
        headers = {**token, "Content-Type": NDJSON}
        path = f"/api/models/acme/{visibility}/commit/main"
        hub.request("POST", path, content=lines(("lfsFile", value)), headers=headers).raise_for_status()
    return found


def answer_to(hub: ServedHub, ask: Ask, resource: str, token: str) -> str:
    """The status and the Hub's own code, if there is one."""
    api = f"/api/{resource}" if resource.startswith("buckets/") else f"/api/models/{resource}"
    path = ask.path.format(repo=resource, api=api, new=uuid.uuid4().hex)
    headers = {"Content-Type": ask.content_type, **({"Authorization": f"Bearer {token}"} if token else {})}
    answer = hub.request(ask.method, path, content=ask.content, headers=headers)
    return f"{answer.status_code} {answer.headers.get('x-error-code', '')}".strip()


def called(row: tuple[Ask, str, str]) -> str:
    """A row's name."""
    ask, name, visibility = row
    return f"{ask.method} {ask.path.partition('?')[2] or ask.action} {ask.verb} {name.format(visibility)}"


@pytest.mark.parametrize("row", ROWS, ids=called)
def test_who_may_use_an_endpoint(hub: ServedHub, tokens: dict[tuple[str, str], str], row: tuple[Ask, str, str]) -> None:
    """It lets through whom its verb lets through, and refuses the others as the Hub does."""
    ask, name, visibility = row
    resource = name.format(visibility)
    at = VISIBILITIES.index(visibility)
    expected = {caller: REFUSALS.get((caller, ask.verb), ("",) * 3)[at] or ask.allowed for caller in CALLERS}
    own = {caller: tokens.get((caller, resource)) or tokens.get((caller, "")) or "" for caller in CALLERS}
    assert {caller: answer_to(hub, ask, resource, own[caller]) for caller in CALLERS} == expected


def test_every_endpoint_has_a_row() -> None:
    """No endpoint is missing from the table."""
    assert {(ask.method, ask.action) for ask in ASKS if ask.action != "git" and ask.method != "HEAD"} == set(ENDPOINTS)
    assert {(ask.method, ask.action) for ask in BUCKET_ASKS} == set(BUCKET_ENDPOINTS)


@pytest.fixture(scope="module")
def short() -> Iterator[ServedHub]:
    """A Local Hub whose tokens live for two seconds."""
    with local_hub_here(token_lifetime=2) as running:
        trust(running, "acme/public")
        yield running


def wait_for_the_end_of(hub: ServedHub, token: str) -> None:
    """Wait until a token is good for nothing."""
    deadline = time.monotonic() + 60
    while hub.request("GET", "/local-hub/introspect", headers={"Authorization": f"Bearer {token}"}).is_success:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_every_endpoint_rejects_an_expired_token(short: ServedHub) -> None:
    """Also for a public repository, so that the job notices."""
    token = token_for(short, "acme/public")
    wait_for_the_end_of(short, token)
    answers = {(ask.method, ask.path): answer_to(short, ask, "acme/public", token) for ask in ASKS}
    assert set(answers.values()) == {"401"}, answers


def link(hub: ServedHub, operation: str, content: bytes) -> tuple[str, str]:
    """A link to a large file, and the token that it was had with; anew, if that had died too soon."""
    body = {"operation": operation, "objects": [{"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}]}
    while True:
        token = token_for(hub, "acme/public")
        headers = {**LFS, "Authorization": f"Bearer {token}"}
        answer = hub.request("POST", f"/acme/public.git/{BATCH}", content=json.dumps(body), headers=headers)
        if answer.status_code == 200:
            return answer.json()["objects"][0]["actions"][operation]["href"], token
        assert answer.status_code == 401


def test_no_link_outlives_its_token(short: ServedHub) -> None:
    """Neither to upload nor to download, although it carries its own permission."""
    while True:
        upload, token = link(short, "upload", SECRET)
        if short.request("PUT", upload, content=SECRET).status_code == 200:
            break
    download, _ = link(short, "download", SECRET)
    late, token = link(short, "upload", b"late")
    wait_for_the_end_of(short, token)
    assert short.request("PUT", late, content=b"late").status_code == 403
    assert short.request("GET", download).status_code == 403
    again = short.request("POST", f"/acme/public.git/{BATCH}", content=batch("download"), headers=LFS).json()
    assert short.request("GET", again["objects"][0]["actions"]["download"]["href"]).content == SECRET


# Below the place that Local Hub gives to hf_xet.
XORB = f"/v1/xorbs/default/{'0' * 64}"


def late_bodies(hub: ServedHub) -> dict[str, tuple[bytes, str]]:
    """What may come slowly: a commit, a push that makes a branch, and an upload of hf_xet."""
    head = hub.get("/api/models/acme/public")["sha"]
    file = {"path": uuid.uuid4().hex, "content": "eA==", "encoding": "base64"}
    command = f"{'0' * 40} {head} refs/heads/{uuid.uuid4().hex}\0report-status".encode()
    return {
        "/api/models/acme/public/commit/main": (lines(("file", file)), NDJSON),
        "/acme/public.git/git-receive-pack": (b"%04x" % (len(command) + 4) + command + b"0000", PACK.format("receive")),
        XORB: (b"\0\1\0\0\0\1\0\0x", "application/octet-stream"),
    }


@pytest.mark.parametrize("path", ["/api/models/acme/public/commit/main", "/acme/public.git/git-receive-pack", XORB])
def test_a_token_that_dies_within_the_request(short: ServedHub, path: str) -> None:
    """It changes nothing any more, when the end of the body has come."""
    before = short.get("/api/models/acme/public/refs"), short.get("/local-hub/commits")
    body, type_ = late_bodies(short)[path]
    token = token_for(short, "acme/public")
    if path == XORB:
        bearer = {"Authorization": f"Bearer {token}"}
        given = short.request("GET", "/api/models/acme/public/xet-write-token/main", headers=bearer)
        path = urlsplit(given.json()["casUrl"]).path + path
    with closing(http.client.HTTPConnection(urlsplit(short.hub).netloc, timeout=60)) as connection:
        connection.putrequest("POST", path)
        for name, value in {"Authorization": f"Bearer {token}", "Content-Type": type_}.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body[:-2])
        wait_for_the_end_of(short, token)
        connection.send(body[-2:])
        assert connection.getresponse().status == 401
    assert (short.get("/api/models/acme/public/refs"), short.get("/local-hub/commits")) == before


def test_a_link_is_for_one_object_one_way_and_one_repository(short: ServedHub) -> None:
    """Any other use of its signature is refused."""
    href, _ = link(short, "upload", b"other")
    other = href.replace("acme/public", "acme/elsewhere")
    longer = str(httpx.URL(href).copy_set_param("expires", "9999999999"))
    assert {short.request("PUT", changed, content=b"other").status_code for changed in (other, longer)} == {403}
    assert short.request("GET", href).status_code == 403
