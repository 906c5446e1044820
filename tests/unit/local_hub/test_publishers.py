"""Which claims are a publisher's own."""

import dataclasses
from typing import Any

import pytest

from local_hub.fields import FieldError
from local_hub.hub.publishers import Publisher, branch_of, claim_text, differences, from_wire, to_wire, workflow_of
from local_hub.hub.resources import parse_resource
from tests.vectors import load

WIRE: dict[str, Any] = {
    "resource": "acme/m",
    "issuerUrl": "https://issuer.example",
    "claims": {"repository": {"kind": "eq", "value": "o/r"}},
    "readOnly": True,
    "scopes": [],
}


def publisher(**claims: str) -> Publisher:
    """A publisher of a model with these claims."""
    return Publisher(parse_resource("acme/m"), "https://issuer.example", claims)


@pytest.mark.parametrize(
    ("ref", "branch"),
    [
        *load("publisher_fields")["branch"],
    ],
)
def test_only_a_branch_is_a_branch(ref: object, branch: str | None) -> None:
    """A tag or a pull request's merge ref never passes for a branch."""
    assert branch_of(ref) == branch


@pytest.mark.parametrize(
    ("workflow_ref", "workflow"),
    [
        *load("publisher_fields")["workflow"],
    ],
)
def test_a_workflow_is_the_file_name_in_workflow_ref(workflow_ref: object, workflow: str | None) -> None:
    """No name of a branch or a file makes one workflow look like another."""
    assert workflow_of(workflow_ref) == workflow


@pytest.mark.parametrize(
    ("value", "text"),
    [("x", "x"), (True, "true"), (False, "false"), (7, "7"), (1.5, "1.5"), (None, None), (["x"], None), ({}, None)],
)
def test_a_claim_is_compared_as_text(value: object, text: str | None) -> None:
    """Booleans and numbers have one text each; lists and objects have none."""
    assert claim_text(value) == text


@pytest.mark.parametrize(
    ("wanted", "claims", "preset", "said"),
    [
        ({"branch": "main"}, {"ref": "refs/heads/main"}, True, []),
        ({"branch": "main"}, {"ref": "refs/tags/v1"}, True, ["branch: expected main, token has refs/tags/v1"]),
        ({"branch": "main"}, {"branch": "main"}, True, ["branch: expected main, token has none"]),
        ({"branch": "main"}, {"branch": "main", "ref": "refs/tags/v1"}, False, []),
        ({"workflow": "p.yml"}, {"workflow_ref": "o/r/.github/workflows/p.yml@refs/heads/x"}, True, []),
        ({"workflow": "Publish"}, {"workflow": "Publish"}, True, ["workflow: expected Publish, token has none"]),
        ({"workflow": "Publish"}, {"workflow": "Publish"}, False, []),
        ({"environment": "prod"}, {}, True, ["environment: expected prod, token has none"]),
        ({"ref_protected": "true"}, {"ref_protected": True}, False, []),
        ({"ref_protected": "false"}, {"ref_protected": True}, False, ["ref_protected: expected false, token has true"]),
        ({"branch": "main"}, {"ref": "refs/heads/dev"}, True, ["branch: expected main, token has dev"]),
        ({"run_id": "7"}, {"run_id": 7}, False, []),
        ({"groups": "x"}, {"groups": ["x"]}, False, ["groups: expected x, token has ['x']"]),
        ({"repository": "o/r"}, {"repository": "O/r"}, True, ["repository: expected o/r, token has O/r"]),
        ({}, {"anything": "x"}, True, ["the publisher has no claims, so it matches nothing"]),
    ],
)
def test_claims_match_exactly(wanted: dict[str, str], claims: dict[str, Any], preset: bool, said: list[str]) -> None:
    """Every wanted claim is equal, or the operator is told which is not; no claims at all match nothing."""
    assert differences(publisher(**wanted), claims, preset=preset) == said


def test_a_long_claim_is_compared_whole_and_shown_in_part() -> None:
    """A claim can have any length, and the reason is stored in the log."""
    long = "x" * 300
    assert differences(publisher(sub=long), {"sub": long}, preset=False) == []
    assert differences(publisher(sub="x"), {"sub": long}, preset=False) == [f"sub: expected x, token has {'x' * 200}"]


def test_the_wire_shape_comes_back_as_it_went_in() -> None:
    """A publisher is written as it was read."""
    assert to_wire(from_wire(WIRE)) == WIRE


def test_what_is_left_out_gives_no_more_than_writing() -> None:
    """A repository's publisher writes unless it says `readOnly`, and nobody has a scope that was not asked for."""
    short = from_wire({name: WIRE[name] for name in ("resource", "issuerUrl", "claims")})
    assert (short.read_only, short.scopes) == (False, ())


def test_a_user_may_have_scopes() -> None:
    """Those that there are, and each as it was written."""
    assert from_wire(WIRE | {"resource": "someone", "readOnly": False, "scopes": ["inference-api"]}).scopes == (
        "inference-api",
    )


NO_TEXT = "must be a non-empty string (in YAML, put quotes around it)"
NO_MAPPING = "must be a mapping of names to values"
NO_URL = "issuer URL: must be an https:// URL, or http:// on loopback, without query or fragment"
USER = {"resource": "someone", "readOnly": False}
NO_RESOURCE = (
    "resource: not a resource; the forms are namespace/name, datasets/…, spaces/…, kernels/… or buckets/… "
    "with namespace/name, or a username"
)
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"claims": {}}, "claims: must have at least one claim, such as repository: owner/name"),
    ({"claims": None}, f"claims: {NO_MAPPING}"),
    ({"claims": {"a": "b"}}, f"claims.a: {NO_MAPPING}"),
    ({"claims": {"a": {"kind": "glob", "value": "*"}}}, "claims.a.kind: must be eq"),
    ({"claims": {"a": {"kind": "eq", "value": ""}}}, f"claims.a.value: {NO_TEXT}"),
    ({"claims": {"a": {"kind": "eq", "value": 1}}}, f"claims.a.value: {NO_TEXT}"),
    (
        {"claims": {"a": {"kind": "eq", "value": "x", "glob": True}}},
        "claims.a: unknown field glob; known fields: kind, value",
    ),
    ({"issuerUrl": "github"}, NO_URL),
    ({"issuerUrl": "http://issuer.example"}, NO_URL),
    ({"issuerUrl": "https://u:p@issuer.example"}, NO_URL),
    ({"issuerUrl": "https://issuer.example/?a=b"}, NO_URL),
    ({"issuerUrl": "file:///etc/passwd"}, NO_URL),
    ({"issuerUrl": None}, f"issuerUrl: {NO_TEXT}"),
    ({"resource": "models/a/b"}, NO_RESOURCE),
    ({"resource": None}, f"resource: {NO_TEXT}"),
    ({"resource": "someone"}, "read-only: applies to repositories only; a user token is always read-only"),
    ({"scopes": ["inference-api"]}, "scopes: apply to users only; a repository token has no scopes"),
    ({"scopes": "inference-api"}, "scopes: must be a list"),
    (USER | {"scopes": ["admin"]}, "scopes: must be among inference-api"),
    (USER | {"scopes": [7]}, f"scopes: {NO_TEXT}"),
    ({"readOnly": "yes"}, "readOnly: must be true or false"),
    (
        {"allowEmpty": True},
        "publisher: unknown field allowEmpty; known fields: resource, issuerUrl, claims, readOnly, scopes",
    ),
]


@pytest.mark.parametrize(("change", "said"), REFUSED)
def test_what_the_hub_would_not_store_is_refused_by_name(change: dict[str, Any], said: str) -> None:
    """Each mistake is one line that names its field and the right form."""
    with pytest.raises(FieldError) as caught:
        from_wire(WIRE | change)
    assert str(caught.value) == said


def test_abilities_follow_kind_and_settings() -> None:
    """Repositories are written unless read-only; users' tokens never write."""
    model = publisher(a="b")
    user = dataclasses.replace(model, resource=parse_resource("someone"), scopes=("inference-api",))
    assert model.abilities() == ["read", "write"]
    assert dataclasses.replace(model, read_only=True).abilities() == ["read"]
    assert user.abilities() == ["read-gated", "inference-api"]
