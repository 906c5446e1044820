"""The operator API, and what every response has in common."""

import json
import uuid
from typing import Any

import pytest

from tests.local_hub_process import LocalHub, local_hub

PUBLISHER = {
    "resource": "acme/control",
    "issuerUrl": "https://issuer.example",
    "claims": {"repository": {"kind": "eq", "value": "o/r"}},
}


@pytest.mark.process
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/oidc/github/.well-known/jwks", 200),
        ("GET", "/nowhere", 404),
        ("GET", "/oauth/token", 405),
        ("POST", "/oauth/token", 400),
        ("DELETE", "/local-hub/publishers/999999", 404),
    ],
)
def test_each_answer_is_json_with_a_fresh_request_id(hub: LocalHub, method: str, path: str, status: int) -> None:
    """Errors too."""
    answers = [hub.request(method, path) for _ in range(2)]
    assert {answer.status_code for answer in answers} == {status}
    assert len({str(uuid.UUID(answer.headers["x-request-id"])) for answer in answers}) == 2
    assert all(answer.json() for answer in answers)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "10.0.0.1:80", ""]
)
def test_a_host_that_is_not_loopback_is_rejected(hub: LocalHub, host: str) -> None:
    """DNS rebinding sends another name to this address."""
    answer = hub.request("GET", "/local-hub/exchanges", headers={"Host": host})
    assert answer.status_code == 400
    assert "x-request-id" in answer.headers


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "[::1]:80", "127.0.0.1"])
def test_any_loopback_name_is_accepted(hub: LocalHub, host: str) -> None:
    """The port does not matter."""
    assert hub.request("GET", "/local-hub/audit", headers={"Host": host}).status_code == 200


def test_publisher_changes_are_audited(hub: LocalHub) -> None:
    """Add, list, remove: the audit log has both changes, newest first."""
    added = hub.post("/local-hub/publishers", PUBLISHER)
    listed = hub.get("/local-hub/publishers?resource=acme/control")
    removed = hub.request("DELETE", f"/local-hub/publishers/{added['id']}")
    audit = hub.get("/local-hub/audit")[:2]
    assert [entry["id"] for entry in listed] == [added["id"]]
    assert listed[0]["claims"] == PUBLISHER["claims"]
    assert removed.status_code == 204
    assert [(entry["change"], entry["id"]) for entry in audit] == [("removed", added["id"]), ("added", added["id"])]
    assert hub.get("/local-hub/publishers?resource=acme/control") == []


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("/local-hub/publishers", {**PUBLISHER, "claims": {}}, "claims"),
        ("/local-hub/publishers", {**PUBLISHER, "issuerUrl": "http://issuer.example"}, "issuer URL"),
        ("/local-hub/publishers", [], "publisher"),
        ("/local-hub/publishers", None, "Content-Type"),
        ("/local-hub/publishers", {**PUBLISHER, "issuerUrl": "https://\ud800.example"}, "issuerUrl"),
        (
            "/local-hub/publishers",
            {**PUBLISHER, "claims": {"repository": {"kind": "eq", "value": "\ud800"}}},
            "claims.repository.value",
        ),
        ("/local-hub/jobs", {"repository": "o/r", "nonsense": 1}, "nonsense"),
        ("/local-hub/resources", {"resource": "models/a/b"}, "resource"),
        ("/local-hub/accounts/x", {"locked": "yes"}, "locked"),
        ("/local-hub/keys/rotate", {"retired": True}, "retired"),
    ],
)
def test_a_wrong_document_is_refused_by_name(hub: LocalHub, path: str, body: Any, named: str) -> None:
    """400, and a message that names the field."""
    # By hand, for httpx does not write half a surrogate pair, as JSON can: `\\ud800`.
    sent = (
        {"content": json.dumps(body).encode(), "headers": {"Content-Type": "application/json"}}
        if body is not None
        else {}
    )
    answer = hub.request("POST", path, **sent)
    assert answer.status_code == 400
    assert named in answer.json()["message"]


def test_a_web_page_cannot_post_here(hub: LocalHub) -> None:
    """A form's content types are rejected, even with an empty body, which could change something too."""
    for content in (b'{"locked":true}', b""):
        headers = {"Content-Type": "text/plain", "Origin": "https://evil.example"}
        assert hub.request("POST", "/local-hub/accounts/x", content=content, headers=headers).status_code == 400
        assert hub.request("POST", "/local-hub/keys/rotate", content=content, headers=headers).status_code == 400
    assert hub.request("POST", "/local-hub/keys/rotate").status_code == 400
    assert len(hub.get("/oidc/github/.well-known/jwks")["keys"]) == 1


@pytest.mark.parametrize("number", ["0", "9999", "9" * 18, "9" * 30])
def test_a_publisher_that_is_not_there_cannot_be_removed(hub: LocalHub, number: str) -> None:
    """However large its number is."""
    assert hub.request("DELETE", f"/local-hub/publishers/{number}").status_code == 404


def test_the_log_can_hold_any_claim(hub: LocalHub) -> None:
    """Half a surrogate pair in a claim is logged, and the log stays readable."""
    hub.post("/local-hub/publishers", {**PUBLISHER, "resource": "acme/odd", "issuerUrl": hub.issuer})
    job = json.dumps({"repository": "o/r", "claims": {"sub": "\ud800", "repository": "\ud800"}}).encode()
    headers = {"Content-Type": "application/json"}
    env = hub.request("POST", "/local-hub/jobs", content=job, headers=headers).json()["env"]
    minted = hub.request(
        "GET",
        env["ACTIONS_ID_TOKEN_REQUEST_URL"] + f"&audience={hub.hub}",
        headers={"Authorization": f"Bearer {env['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"},
    )
    assert hub.exchange(minted.json()["value"], "acme/odd").status_code == 400
    assert hub.get("/local-hub/exchanges")[0]["reason"].startswith("repository: ")


@pytest.mark.parametrize("authorization", [None, "Bearer nothing", "Basic x", "Bearer"])
def test_an_unknown_token_is_not_active(hub: LocalHub, authorization: str | None) -> None:
    """The answer is 401, and the request is logged."""
    headers = {"Authorization": authorization} if authorization else {}
    answer = hub.request("GET", "/local-hub/introspect", headers=headers)
    assert (answer.status_code, answer.json()) == (401, {"active": False})
    assert hub.get("/local-hub/introspections")[0]["active"] is False


@pytest.mark.process
def test_rotated_keys_stay_until_they_are_retired() -> None:
    """A token signed before a rotation is accepted until its key is retired."""
    with local_hub() as hub:
        wire = {"repository": {"kind": "eq", "value": "o/r"}}
        hub.post("/local-hub/publishers", {"resource": "acme/m", "issuerUrl": hub.issuer, "claims": wire})
        old = hub.id_token(repository="o/r")
        kid = hub.post("/local-hub/keys/rotate")["kid"]
        assert [key["kid"] for key in hub.get("/oidc/github/.well-known/jwks")["keys"]][1:] == [kid]
        assert hub.exchange(old, "acme/m").status_code == 200
        hub.post("/local-hub/keys/rotate", {"retire": True})
        assert len(hub.get("/oidc/github/.well-known/jwks")["keys"]) == 1
        assert hub.exchange(hub.id_token(repository="o/r"), "acme/m").status_code == 200
        assert hub.exchange(old, "acme/m").status_code == 400
