"""Operations of curl and wget: the requests that the Hub's documentation and its clients have, one command each."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

from operation_runner import JOB, check, content, run

SCRATCH = Path(JOB.scratch)
OUT, BODY = SCRATCH / "out", SCRATCH / "body"
LFS = "application/vnd.git-lfs+json"


class Refused(Exception):
    """The status is not 2xx."""


def curl(method: str, url: str, headers: dict[str, str], body: bool) -> int:
    """Run curl."""
    how = ["--head"] if method == "HEAD" else ["--request", method, "--location"]
    given = [option for name, value in headers.items() for option in ("--header", f"{name}: {value}")]
    sent = ["--data-binary", f"@{BODY}"] if body else []
    answer = ["--output", str(OUT), "--write-out", "%{http_code}"]
    command = ["curl", "--silent", "--show-error", *answer, *how, *given, *sent, url]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def wget(method: str, url: str, headers: dict[str, str], body: bool) -> int:
    """Run wget."""
    given = [f"--header={name}: {value}" for name, value in headers.items()]
    how = [] if method == "GET" else [f"--method={method}"]
    if "Range" in headers:  # wget has an option for a start, and none for an end
        given = [option for option in given if "Range" not in option] + ["--start-pos=5000"]
    sent = [f"--body-file={BODY}"] if body else []
    command = ["wget", "--no-verbose", "--server-response", "--content-on-error", "--tries=1", "-O", str(OUT)]
    done = subprocess.run([*command, *given, *how, *sent, url], capture_output=True, text=True, check=False)
    statuses = re.findall(r"^ *HTTP/1\.1 (\d+)", done.stderr, re.MULTILINE)
    if not statuses:
        raise ValueError(done.stderr)
    if method == "HEAD":
        OUT.write_text(done.stderr)
    return int(statuses[-1])


send = {"curl": curl, "wget": wget}[JOB.name]


def request(
    method: str,
    path: str,
    body: bytes | None = None,
    kind: str = "application/json",
    hub: str = JOB.hub,
    **headers: str,
) -> bytes:
    """Send a request with the token, and return the body of a successful answer."""
    token = headers.pop("token", JOB.token)
    given = {**({"Authorization": f"Bearer {token}"} if token else {}), **headers}
    if body is not None:
        BODY.write_bytes(body)
        given["Content-Type"] = kind
    OUT.unlink(missing_ok=True)
    status = send(method, path if path.startswith("http") else hub + path, given, body is not None)
    got = OUT.read_bytes() if OUT.exists() else b""
    if status >= 300:
        raise Refused(f"HTTP {status}: {got[:300]!r}")
    return got


def ask(path: str, document: Any = None, kind: str = "application/json", **options: Any) -> Any:
    """GET or POST JSON."""
    body = None if document is None else json.dumps(document).encode()
    return json.loads(request("GET" if document is None else "POST", path, body, kind, **options) or b"null")


def commit(*operations: dict[str, Any], repo: str = JOB.repo, **options: Any) -> None:
    """A commit over the API, in lines of JSON."""
    query = options.pop("query", "")
    lines = [{"key": "header", "value": {"summary": "Change", "description": ""}}, *operations]
    body = "\n".join(map(json.dumps, lines)).encode()
    revision = options.pop("revision", "main")
    request("POST", f"/api/models/{repo}/commit/{revision}{query}", body, "application/x-ndjson", **options)


def file(path: str, data: bytes) -> dict[str, Any]:
    """A line of a commit: a file with its content."""
    return {"key": "file", "value": {"path": path, "content": base64.b64encode(data).decode(), "encoding": "base64"}}


def large(path: str, data: bytes) -> dict[str, Any]:
    """A line of a commit: a file that LFS has, or should have."""
    value = {"path": path, "algo": "sha256", "oid": hashlib.sha256(data).hexdigest(), "size": len(data)}
    return {"key": "lfsFile", "value": value}


def read(path: str, repo: str = JOB.repo, revision: str = "main", **headers: Any) -> bytes:
    """A file."""
    return request("GET", f"/{repo}/resolve/{revision}/{path}", **headers)


def upload(path: str, data: bytes, repo: str = JOB.repo, **options: Any) -> None:
    """Ask how, then commit."""
    query, hub, token = options.get("query", ""), options.get("hub", JOB.hub), options.get("token", JOB.token)
    asked = {"files": [{"path": path, "size": len(data), "sample": base64.b64encode(data[:512]).decode()}]}
    ask(f"/api/models/{repo}/preupload/main{query}", asked, hub=hub, token=token)
    commit(file(path, data), repo=repo, **options)


def upload_large(path: str, data: bytes) -> None:
    """By LFS: batch, upload, verify, commit."""
    line = large(path, data)
    described = {"oid": line["value"]["oid"], "size": len(data)}
    batch = {"operation": "upload", "transfers": ["basic"], "objects": [described], "hash_algo": "sha256"}
    (answered,) = ask(f"/{JOB.repo}.git/info/lfs/objects/batch", batch, LFS, Accept=LFS)["objects"]
    actions = answered["actions"]
    request("PUT", actions["upload"]["href"], data, "application/octet-stream", token="")
    if "verify" in actions:
        request(
            "POST",
            actions["verify"]["href"],
            json.dumps(described).encode(),
            LFS,
            **actions["verify"].get("header", {}),
            token="",
        )
    commit(line)


def upload_small() -> None:
    """And read it."""
    upload("small.txt", b"small\n")
    check(read("small.txt"), b"small\n")


def upload_lfs() -> None:
    """And read it."""
    upload_large("model.safetensors", content(200_000, 2))
    check(read("model.safetensors") == content(200_000, 2))


def upload_folder() -> None:
    """Two files in one commit."""
    commit(file("folder/one.txt", b"one\n"), file("folder/deep/two.txt", b"two\n"))
    check(read("folder/deep/two.txt"), b"two\n")


def delete() -> None:
    """A file that was there."""
    commit(file("old.txt", b"old\n"))
    commit({"key": "deletedFile", "value": {"path": "old.txt"}})
    check("old.txt" not in [each["path"] for each in ask(f"/api/models/{JOB.repo}/tree/main")])


def move() -> None:
    """A large file: the same object under another path."""
    upload_large("before.bin", content(9_000))
    commit(large("after.bin", content(9_000)), {"key": "deletedFile", "value": {"path": "before.bin"}})
    check(read("after.bin") == content(9_000))


def metadata() -> None:
    """The headers that huggingface_hub reads."""
    headers = request("HEAD", f"/{JOB.seeded}/resolve/main/weights.bin").decode().lower()
    for expected in (f"x-repo-commit: {JOB.commit}", f"x-linked-size: {JOB.size}", JOB.sha256):
        check(expected in headers)


def seeded_titles() -> list[str]:
    """Of its commits."""
    return [each["title"] for each in ask(f"/api/models/{JOB.seeded}/commits/main")]


def last_commits() -> None:
    """`expand=true`."""
    listed = {each["path"]: each for each in ask(f"/api/models/{JOB.seeded}/tree/main?expand=true&recursive=true")}
    check([listed[path]["lastCommit"]["title"] for path in ("weights.bin", "data/small.txt")], ["First", "Second"])


def branch() -> None:
    """Created, and committed to."""
    ask(f"/api/models/{JOB.repo}/branch/next", {})
    commit(file("next.txt", b"next\n"), revision="next")
    check(read("next.txt", revision="next"), b"next\n")


def revision(name: str, expected: bytes) -> None:
    """A file of this revision."""
    check(read("data/small.txt", JOB.seeded, name), expected)


seeded, mine = f"/api/models/{JOB.seeded}", f"/api/models/{JOB.repo}"
owner, name = JOB.repo.split("/")
run(
    {
        "upload a small file": upload_small,
        "upload an LFS file": upload_lfs,
        "upload a folder": upload_folder,
        "delete a file": delete,
        "move a file": move,
        "download": lambda: check(read("weights.bin", JOB.seeded) == content(JOB.size)),
        "read metadata (HEAD)": metadata,
        "read a range": lambda: check(
            read("weights.bin", JOB.seeded, Range="bytes=5000-5099")[:100], content(JOB.size)[5_000:5_100]
        ),
        "list files": lambda: check(
            sorted(each["path"] for each in ask(f"{seeded}/tree/main?recursive=true") if each["type"] == "file"),
            JOB.files,
        ),
        "list with last commits": last_commits,
        "look up paths": lambda: check(
            [each["size"] for each in ask(f"{seeded}/paths-info/main", {"paths": ["weights.bin"], "expand": True})],
            [JOB.size],
        ),
        "repository info": lambda: check(ask(seeded)["sha"], JOB.commit),
        "list refs": lambda: check([each["name"] for each in ask(f"{seeded}/refs")["tags"]], ["v1"]),
        "list commits": lambda: check(seeded_titles()[:2], ["Second", "First"]),
        "revision: tag": lambda: revision("v1", b"first\n"),
        "revision: short hash": lambda: revision(JOB.first[:7], b"first\n"),
        "revision: HEAD": lambda: revision("HEAD", b"second\n"),
        "revision: refs/pr/1": lambda: revision("refs%2Fpr%2F1", b"no such pull request"),
        "create a branch": branch,
        "create a tag": lambda: ask(f"{mine}/tag/main", {"tag": "v9"}),
        "create a repository": lambda: ask("/api/repos/create", {"organization": owner, "name": f"{name}-new"}),
        "create a repository that exists": lambda: ask("/api/repos/create", {"organization": owner, "name": name}),
        "create a pull request": lambda: upload("proposed.txt", b"proposed\n", query="?create_pr=1"),
        "commit an LFS pointer without its object": lambda: commit(large("missing.bin", b"missing")),
        "whoami": lambda: ask("/api/whoami-v2"),
        "check for write access": lambda: ask(f"{mine}/auth-check/write"),
        "write to another repository": lambda: upload("strange.txt", b"strange\n", JOB.other),
        "use an expired token": lambda: upload(
            "a.txt", b"a\n", JOB.other, hub=JOB.expired_hub, token=JOB.expired_token
        ),
        "publish 150 MB": lambda: upload_large("big.safetensors", Path(JOB.big).read_bytes()),
    }
)
