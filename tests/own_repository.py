"""A repository of Local Hub that is a test's own. Commits are written as lines, where a client would tidy them up."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import httpx

from tests.clients import Clients, good, token_for, trust
from tests.local_hub_process import ServedHub


class Own:
    """A repository that is the test's own, and its token."""

    def __init__(self, hub: ServedHub, home: Path, name: str) -> None:
        """Let the job of these tests write it."""
        self.hub, self.name = hub, name
        trust(hub, name)
        self.clients = Clients(hub, home, token_for(hub, name))

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask the API for something below this repository's own place."""
        headers = {"Authorization": f"Bearer {self.clients.token}", **options.pop("headers", {})}
        return self.hub.request(method, f"/api/models/{self.name}{path}", headers=headers, **options)

    def commit(self, *operations: tuple[str, dict[str, Any]], branch: str = "main", **header: str) -> httpx.Response:
        """Commit these operations."""
        lines = [("header", {"summary": "x", **header}), *operations]
        body = "".join(json.dumps({"key": key, "value": value}) + "\n" for key, value in lines)
        headers = {"Content-Type": "application/x-ndjson"}
        return self.request("POST", f"/commit/{branch}", content=body, headers=headers)

    def large_file(self, path: str, content: bytes = b"\0 large") -> tuple[str, dict[str, Any]]:
        """Upload a file to LFS, and return the operation that commits it."""
        wanted = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}
        asked = {"operation": "upload", "transfers": ["basic"], "objects": [wanted]}
        headers = {"Authorization": f"Bearer {self.clients.token}", "Content-Type": "application/vnd.git-lfs+json"}
        answer = self.hub.request("POST", f"/{self.name}.git/info/lfs/objects/batch", json=asked, headers=headers)
        actions = answer.raise_for_status().json()["objects"][0].get("actions", {})
        if actions:
            self.hub.request("PUT", actions["upload"]["href"].removeprefix(self.hub.hub), content=content)
        return "lfsFile", {"path": path, "algo": "sha256", **wanted}

    def head(self) -> str:
        """Where main stands."""
        return str(self.request("GET", "").raise_for_status().json()["sha"])

    def clone(self) -> None:
        """Clone it to the folder `work`."""
        good(self.clients.git("clone", "--quiet", self.clients.url(self.name), "work"))

    def work(self, *arguments: str, **env: str) -> str:
        """Run git in the clone."""
        return good(self.clients.git("-C", "work", *arguments, **env)).strip()

    def push_file(self, name: bytes, content: bytes, **env: str) -> None:
        """Commit a file in the clone, and push it to main."""
        (self.clients.home / "work" / os.fsdecode(name)).write_bytes(content)
        self.work("add", "--all", "--force")
        self.work("commit", "--quiet", "--message", "x", **env)
        self.work("push", "--quiet", "origin", "main")


def file(path: str, content: bytes = b"x") -> tuple[str, dict[str, Any]]:
    """The operation that writes a file."""
    return "file", {"path": path, "content": base64.b64encode(content).decode(), "encoding": "base64"}
