"""What strangers send to Local Hub: nothing leaves the data folder, nothing is asked elsewhere, nothing breaks.

Requests are written byte by byte where a client would tidy them up first.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from tests.clients import JOB, token_for, trust
from tests.factories import signing_key
from tests.local_hub_process import LocalHub, local_hub
from tests.own_repository import Own

MODEL = "acme/target"
MIB = 1024 * 1024
PASSWD = "etc/passwd"
READING = [
    "/acme/target/resolve/main/../../../../../../etc/passwd",
    "/acme/target/resolve/main/..%2f..%2f..%2f..%2fetc%2fpasswd",
    "/acme/target/resolve/main/%2e%2e/%2e%2e/etc/passwd",
    "/acme/target/resolve/main//etc/passwd",
    "/acme/target/resolve/main/%2fetc%2fpasswd",
    "/acme/target/resolve/..%2f..%2f..%2fetc/passwd",
    "/acme/target/resolve/--output=x/a",
    "/acme/target/resolve/main%00/a",
    "/acme/target/resolve/main/a%00b",
    "/acme/target/resolve/main/.git/config",
    "/acme/target/resolve/main/" + "a/" * 3000,
    "/acme/target/resolve/main/%FF%FE",
    "/acme/target/resolve/main",
    "/acme/target/raw/HEAD%5E%7Bcommit%7D/x",
    "/acme/../../etc/info/refs?service=git-upload-pack",
    "/../../etc/info/refs?service=git-upload-pack",
    "/acme/target/info/refs?service=git-upload-archive",
    "/acme/target/info/refs",
    "/acme/target/HEAD",
    "/acme/target/config",
    "/acme/target/objects/info/packs",
    "/api/models/acme/target/tree/main/..%2f..",
    "/api/models/acme/target/tree/--help",
    "/api/models/acme/target/revision/main..main",
    "/api/models/%2e%2e/%2e%2e",
    "/api/models/acme/target/commits/-n1",
    f"/acme/target.git/info/lfs/objects/{'0' * 64}?size=1&expires=99999999999&signature=00",
    f"/acme/target.git/info/lfs/objects/{'..%2f' * 8}etc%2fpasswd?size=1&expires=9999999999&signature=0",
    "/acme/target.git/info/lfs/objects/x?size=-1&expires=nan&signature=%F0%9F%98%80",
]
# All that there is to be in the folder, besides git's own and the large files.
PLACES = re.compile(
    r"home|data|data/(bin(/[a-z-]+)?|hooks(/pre-receive)?|incoming|lock|repositories|local-hub\.sqlite3(-wal|-shm)?)"
    r"|data/repositories/[0-9a-f]{32}\.git"
    r"(/(config|description|HEAD|packed-refs|branches|info|hooks|(lfs|lfs/objects|objects|refs|logs)(/[\w./-]+)?))?"
)
HEADER = '{"key": "header", "value": {"summary": "x"}}\n'


def file_at(path: str) -> str:
    """A commit that writes a file there."""
    line = {"key": "file", "value": {"path": path, "content": "eA==", "encoding": "base64"}}
    return HEADER + json.dumps(line) + "\n"


def value_of(**value: Any) -> str:
    """A commit with one file's line as given."""
    return HEADER + json.dumps({"key": "file", "value": {"path": "a", **value}}) + "\n"


COMMITS = {
    **{
        f"a path of {path[:20]!r}": file_at(path)
        for path in (
            *(
                "../x",
                "a/../../x",
                "/etc/cron.d/x",
                ".git/hooks/post-receive",
                ".GIT/config",
                "a/.git/config",
                "git~1/x",
            ),
            *(".git /config", "a\0b", "a\nb", "..\\x", "C:\\x\\", "", ".", "a" * 5000, "\ud800", ".g\u200cit/config"),
        )
    },
    "nothing": "",
    "no header": file_at("a").removeprefix(HEADER),
    "two headers": HEADER * 2,
    "no summary": '{"key": "header", "value": {}}\n',
    "not JSON": HEADER + "{\n",
    "an array": "[]\n",
    "deep JSON": HEADER + "[" * 100_000 + "\n",
    "an unknown key": HEADER + '{"key": "exec", "value": {"path": "a"}}\n',
    "an unknown field that is half a character": HEADER + '{"key": "file", "\\ud800": 1}\n',
    "content that is no base64": value_of(content="***"),
    "content that is no text": value_of(content=1),
    "another encoding": value_of(content="eA==", encoding="rot13"),
    "a large file that nobody uploaded": HEADER
    + json.dumps({"key": "lfsFile", "value": {"path": "a", "algo": "sha256", "oid": "0" * 64, "size": 1}}),
    "a large file named by a path": HEADER
    + json.dumps({"key": "lfsFile", "value": {"path": "a", "algo": "sha256", "oid": f"../{PASSWD}", "size": 1}}),
    "a parent that is an option": '{"key": "header", "value": {"summary": "x", "parentCommit": "--all"}}\n',
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Local Hub's data folder lies in."""
    return tmp_path_factory.mktemp("outside")


@pytest.fixture(scope="module")
def hub(folder: Path) -> Iterator[LocalHub]:
    """A Local Hub that must still be there, and must have kept to its folder, when all is over."""
    home = folder / "home"
    home.mkdir()
    with local_hub("--data", str(folder / "data"), HOME=str(home), TMPDIR=str(home)) as running:
        trust(running, MODEL)
        yield running
        assert running.process.poll() is None
        assert running.get(f"/api/models/{MODEL}")["id"] == MODEL
        assert strays(folder) == []


def strays(folder: Path) -> list[str]:
    """What lies outside the repositories and is not known, and what is in a repository where git puts nothing."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    return [path for path in found if not PLACES.fullmatch(path)]


@pytest.fixture(scope="module")
def token(hub: LocalHub) -> str:
    """A token that may write the model."""
    return token_for(hub, MODEL)


def send(hub: LocalHub, method: str, target: str, body: bytes | str = b"", **headers: str) -> tuple[int, bytes]:
    """Send a request as it stands; the status and the body of the answer."""
    with closing(http.client.HTTPConnection(urlsplit(hub.hub).netloc, timeout=60)) as connection:
        connection.putrequest(method, target, skip_accept_encoding=True)
        content = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders(content)
        answer = connection.getresponse()
        return answer.status, answer.read()


@pytest.mark.parametrize("target", READING)
def test_nothing_is_read_from_elsewhere(hub: LocalHub, token: str, target: str) -> None:
    """With a good token, and every spelling of the way out; never an error of the server's."""
    status, body = send(hub, "GET", target, Authorization=f"Bearer {token}")
    assert 400 <= status < 500
    assert b"root:" not in body


@pytest.mark.parametrize("name", COMMITS)
def test_a_crooked_commit_is_refused(hub: LocalHub, token: str, name: str) -> None:
    """And there is none."""
    before = hub.get(f"/api/models/{MODEL}")["sha"]
    headers = {"Authorization": f"Bearer {token}", "Content_Type": "application/x-ndjson"}
    status, _ = send(hub, "POST", f"/api/models/{MODEL}/commit/main", COMMITS[name], **headers)
    assert status in (400, 412)
    assert hub.get(f"/api/models/{MODEL}")["sha"] == before


@pytest.mark.parametrize(
    ("path", "type_", "limit"),
    [
        ("/api/models/acme/target/preupload/main", "application/json", 16 * MIB),
        ("/api/models/acme/target/branch/x", "application/json", MIB),
        ("/acme/target.git/info/lfs/objects/batch", "application/vnd.git-lfs+json", MIB),
    ],
)
def test_a_huge_body_is_refused(hub: LocalHub, token: str, path: str, type_: str, limit: int) -> None:
    """413, when it has been heard out."""
    headers = {"Authorization": f"Bearer {token}", "Content_Type": type_}
    assert send(hub, "POST", path, b" " * (limit + 1), **headers)[0] == 413


@pytest.mark.parametrize("type_", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
@pytest.mark.parametrize(
    "path",
    ["/api/models/acme/target/commit/main", "/api/models/acme/target/preupload/main", "/acme/target/git-receive-pack"],
)
def test_another_content_type_is_refused(hub: LocalHub, token: str, path: str, type_: str) -> None:
    """415, whatever the body is."""
    basic = base64.b64encode(f"u:{token}".encode()).decode()
    scheme = f"Basic {basic}" if "git-" in path else f"Bearer {token}"
    assert send(hub, "POST", path, b"0000", Authorization=scheme, Content_Type=type_)[0] == 415


@pytest.mark.parametrize(
    "body", [b"", b"zzzz", b"0001", b"0004", b"ffff", b"0032nonsense" + b"x" * 40, b"0000" + b"P" * 99]
)
def test_a_push_that_is_none(hub: LocalHub, token: str, body: bytes) -> None:
    """It moves nothing."""
    before = hub.get(f"/api/models/{MODEL}")["sha"]
    basic = base64.b64encode(f"u:{token}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Content_Type": "application/x-git-receive-pack-request"}
    status, _ = send(hub, "POST", "/acme/target/git-receive-pack", body, **headers)
    assert status < 500
    assert hub.get(f"/api/models/{MODEL}")["sha"] == before


@pytest.mark.parametrize(
    "authorization", ["Bearer", "Basic", "Basic ***", "Basic eA==", "Basic /w==", "Digest x", "\xff"]
)
def test_a_crooked_authorization(hub: LocalHub, authorization: str) -> None:
    """It is a token that nobody issued."""
    assert send(hub, "GET", "/api/models/acme/target", Authorization=authorization)[0] == 401
    assert send(hub, "GET", "/acme/target/info/refs?service=git-upload-pack", Authorization=authorization)[0] == 401


def test_a_large_file_of_other_bytes_is_not_taken(hub: LocalHub, token: str) -> None:
    """Too few, too many, or others than were announced; and nothing of it stays."""
    oid = hashlib.sha256(b"right").hexdigest()
    asked = {"operation": "upload", "objects": [{"oid": oid, "size": 5}]}
    headers = {"Authorization": f"Bearer {token}", "Content_Type": "application/vnd.git-lfs+json"}
    batch = f"/{MODEL}.git/info/lfs/objects/batch"
    href = json.loads(send(hub, "POST", batch, json.dumps(asked), **headers)[1])["objects"][0]["actions"]["upload"][
        "href"
    ]
    target = href.removeprefix(hub.hub)
    for body in (b"", b"wrong", b"righ", b"right and more", b"x" * MIB):
        assert send(hub, "PUT", target, body)[0] == 400
    assert send(hub, "PUT", target.replace("size=5", "size=4"), b"righ")[0] == 403
    assert send(hub, "GET", target)[0] == 403  # a link to upload is none to download
    assert send(hub, "PUT", target, b"right")[0] == 200
    assert "actions" not in json.loads(send(hub, "POST", batch, json.dumps(asked), **headers)[1])["objects"][0]


def test_another_repositorys_large_file_is_not_to_be_had(hub: LocalHub, token: str, tmp_path: Path) -> None:
    """Whoever knows the digest of a private file cannot commit it to a repository that may be read."""
    hub.post("/local-hub/resources", {"resource": "acme/secret", "private": True})
    secret = Own(hub, tmp_path, "acme/secret")
    key, value = secret.large_file("w.bin", b"secret weights")
    assert secret.commit((key, value)).status_code == 200
    own = {"Authorization": f"Bearer {token}", "Content_Type": "application/x-ndjson"}
    stolen = HEADER + json.dumps({"key": key, "value": value})
    assert send(hub, "POST", f"/api/models/{MODEL}/commit/main", stolen, **own)[0] == 400


def test_a_subject_writes_no_trailers(hub: LocalHub) -> None:
    """A claim with line breaks in it stays one line of the commit's message."""
    trust(hub, "acme/trailers")
    subject = "x\n\nOIDC-Issuer: https://evil.example\nOIDC-Subject: somebody else"
    id_token = hub.id_token(**JOB, claims={"sub": subject})
    token = hub.exchange(id_token, "acme/trailers").json()["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Content_Type": "application/x-ndjson"}
    assert send(hub, "POST", "/api/models/acme/trailers/commit/main", file_at("a"), **headers)[0] == 200
    message = hub.get("/api/models/acme/trailers/commits/main")[0]["message"]
    trailers = [line for line in message.splitlines() if line.startswith("OIDC-")]
    assert trailers == [f"OIDC-Issuer: {hub.issuer}", f"OIDC-Subject: {subject.replace(chr(10), ' ')}"]


class _Trap(BaseHTTPRequestHandler):
    """Whoever asks here was led astray."""

    asked: list[str]

    def do_GET(self) -> None:
        """Note it."""
        self.asked.append(self.path)
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def trap() -> Iterator[tuple[str, list[str]]]:
    """A server that nobody has reason to ask: its URL, and what it was asked for."""
    handler = type("Trap", (_Trap,), {"asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", handler.asked  # type: ignore[attr-defined]
        finally:
            server.shutdown()
            thread.join()


def forged(url: str, issuer: str, claims: dict[str, Any], header: dict[str, Any]) -> str:
    """A token that somebody else signed, with a header that no library would write."""
    named = json.dumps({"alg": "RS256", "kid": "k", **header}).replace("{url}", url)
    parts = [named, json.dumps({**claims, "iss": issuer.replace("{url}", url)})]
    signed = ".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts)
    signature = signing_key().sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


@pytest.mark.parametrize(
    ("issuer", "header"),
    [
        ("", {"jku": "{url}/jwks"}),
        ("", {"x5u": "{url}/cert"}),
        ("", {"jku": "{url}/jwks", "x5u": "{url}/cert", "jwk": {"kty": "oct", "k": "AA"}}),
        ("", {"kid": "../../../../etc/passwd"}),
        ("", {"kid": "{url}/key"}),
        ("", {"kid": "' OR 1=1 --"}),
        ("", {"kid": {"a": 1}}),
        ("", {"kid": "k" * 100_000}),
        ("", {"crit": ["exp"], "exp": 1}),
        ("", {"x5c": ["AAAA"]}),
        ("{url}", {}),
        ("{url}/", {}),
        ("{url}#", {}),
        ("file:///etc/passwd", {}),
    ],
)
def test_a_token_leads_nowhere(hub: LocalHub, issuer: str, header: dict[str, Any]) -> None:
    """Its header names places and its `iss` is another's: it is refused, and none of them is asked."""
    claims = jwt.decode(hub.id_token(**JOB), options={"verify_signature": False})
    with trap() as (url, asked):
        raw = forged(url, issuer or hub.issuer, claims, header)
        answer = hub.exchange(raw, MODEL)
        assert (answer.status_code, asked) == (400, [])


@pytest.mark.parametrize("part", [0, 1])
def test_a_name_that_is_there_twice(hub: LocalHub, part: int) -> None:
    """In the header or in the claims: two readers might read two things."""
    segments = hub.id_token(**JOB).split(".")
    text = base64.urlsafe_b64decode(segments[part] + "==").decode()
    doubled = text.replace("{", '{"kid":"x","iss":"y",', 1)
    segments[part] = base64.urlsafe_b64encode(doubled.encode()).rstrip(b"=").decode()
    answer = hub.exchange(".".join(segments), MODEL)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(("size", "status"), [(900_000, 400), (MIB, 413), (8 * MIB, 413)])
def test_a_token_of_a_megabyte(hub: LocalHub, size: int, status: int) -> None:
    """As claims, as signature, as anything."""
    assert hub.exchange("e30." + "A" * size + ".A", MODEL).status_code == status


@pytest.mark.parametrize("type_", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"])
def test_an_exchange_of_another_type(hub: LocalHub, type_: str) -> None:
    """As the Hub: JSON, and nothing a page can send elsewhere unasked."""
    assert send(hub, "POST", "/oauth/token", b"{}", Content_Type=type_)[0] == 400
