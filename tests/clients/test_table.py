"""The table of clients: its size, its Markdown in docs/local-hub.md, and what the recorder keeps of a request."""

from __future__ import annotations

import os
import re

import pytest

from tests.clients.recorder import body_names, template
from tests.clients.table import BIG, CLIENTS, NOT_OFFERED, markdown
from tests.e2e.engines import ROOT

DOCUMENT = ROOT / "docs/local-hub.md"
FOLDER = ROOT / "tests/clients"


def test_the_document_has_the_table() -> None:
    """UPDATE_GOLDEN=1 renews it."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, begin, rest = text.partition("<!-- clients: from tests/clients/table.py -->\n")
    _, end, after = rest.partition("<!-- clients: end -->\n")
    renewed = f"{before}{begin}\n{markdown()}\n{end}{after}"
    if os.environ.get("UPDATE_GOLDEN"):
        DOCUMENT.write_text(renewed, encoding="utf-8")
    assert DOCUMENT.read_text(encoding="utf-8") == renewed


def test_there_are_many_clients_and_operations() -> None:
    """At least sixteen clients or versions that offer twenty operations each."""
    offered = [sum(end != NOT_OFFERED for end in client.expected().values()) for client in CLIENTS]
    assert sum(number >= 20 for number in offered) >= 16
    assert len({client.id for client in CLIENTS}) == len(CLIENTS)


def test_each_client_is_locked_and_on_record() -> None:
    """Nothing is left of a client that is gone."""
    environments = {client.environment for client in CLIENTS} - {""}
    locks = {path.stem for path in FOLDER.glob("environments/*.in")}
    locks |= {path.parent.name for path in FOLDER.glob("environments/*/package-lock.json")}
    assert environments == locks
    (few,) = re.findall(r"^few=\((.*)\)$", (ROOT / ".ci/clients").read_text(encoding="utf-8"), re.MULTILINE)
    assert {client.environment for client in CLIENTS if client.few} - {""} == set(few.split())
    assert {path.stem for path in FOLDER.glob("sent/*")} == {client.id for client in CLIENTS if client.version}
    assert {path.name for path in FOLDER.glob("scripts/*")} - {"operation_runner.py", "__pycache__"} == {
        client.script for client in CLIENTS
    }


def test_each_script_has_the_operations_of_its_clients() -> None:
    """By name."""
    for client in CLIENTS:
        script = (FOLDER / "scripts" / client.script).read_text(encoding="utf-8")
        assert [name for name in client.operations if not re.search(rf"\b{re.escape(name)}(?!\w)", script)] == []
    assert all(BIG not in client.operations or client.script != "transformers_push.py" for client in CLIENTS)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/models/acme/a/tree/main/data/x", "/api/models/{repo}/tree/{revision}/{path}"),
        ("/api/datasets/acme/a", "/api/datasets/{repo}"),
        ("/datasets/acme/a.git/info/refs", "/datasets/{repo}.git/info/refs"),
        ("/acme/a/resolve/refs%2Fpr%2F1/x/y.txt", "/{repo}/resolve/{revision}/{path}"),
        ("/acme/a.git/info/lfs/objects/" + "0" * 64 + "/verify", "/{repo}.git/info/lfs/objects/{oid}/verify"),
        (
            "/acme/a.git/info/xet/0123/v1/xorbs/default/" + "f" * 64,
            "/{repo}.git/info/xet/{session}/v1/xorbs/default/{hash}",
        ),
        ("/api/whoami-v2", "/api/whoami-v2"),
    ],
)
def test_a_path_becomes_a_template(path: str, expected: str) -> None:
    """Of the Hub's routes."""
    assert template(path) == expected


@pytest.mark.parametrize(
    ("media_type", "body", "expected"),
    [
        (
            "application/json",
            b'{"files": [{"path": "a", "size": 1}], "token": "hf_x"}',
            {"files.path", "files.size", "token"},
        ),
        ("application/x-ndjson", b'{"key": "file", "value": {"path": "a"}}\n{"key": "x"', {"file.path"}),
        ("application/x-www-form-urlencoded", b"paths=a&paths=b&expand=", {"paths", "expand"}),
        ("application/octet-stream", b"{}", set()),
        ("application/json", b"{}", set()),
        ("application/json", b"\xff", set()),
    ],
)
def test_a_body_leaves_its_names(media_type: str, body: bytes, expected: set[str]) -> None:
    """And no value."""
    assert body_names(media_type, body) == expected
