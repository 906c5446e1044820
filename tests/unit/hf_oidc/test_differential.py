"""Two readings of one rule: what the diagnosis predicts is what Local Hub grants, over generated jobs and publishers.

The two share no code. Local Hub decides on really signed tokens.
"""

from __future__ import annotations

import functools
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from hf_oidc.explain.publisher import Suggestion, suggest
from hf_oidc.hub.publisher import differences, fits_preset
from local_hub.hub import publishers
from local_hub.hub.exchange import Granted, Lookups, Request, decide
from local_hub.hub.id_token import parse
from local_hub.hub.resources import parse_resource
from local_hub.issuers.registry import read_job
from tests.factories import HUB

NOW = 1_800_000_000
ISSUER = "http://127.0.0.1:1234/oidc/github"
OTHER_ISSUER = "https://ci.example"
RESOURCE = parse_resource("acme/model")

# Few words, so that publisher and job often agree; and texts of every kind.
BRANCHES = ("main", "Main", "feature/x", "a@refs/heads/b", "refs/heads/main", "v1")
REFS = (*(f"refs/heads/{branch}" for branch in BRANCHES), "refs/tags/v1", "refs/pull/7/merge")
FILES = ("publish.yml", "Publish", "publish.yml@x", ".yml", "release.yaml")
REPOSITORIES = ("acme/trainer", "Acme/trainer", "acme/trainer2")
WORKFLOWS = tuple(f"acme/trainer/.github/workflows/{file}@{ref}" for file in FILES for ref in REFS)
# What Local Hub's issuer takes for no job of GitHub's; a token can claim it all the same.
ODD = (
    "main",
    "refs/heads/",
    "refs/notes/x",
    "publish.yml",
    "a/.github/workflows/publish.yml@refs/heads/main",
    "a/b/.github/workflows/@refs/x",
)
EVENTS = ("push", "pull_request", "pull_request_target", "workflow_dispatch")
WORDS = st.sampled_from((*BRANCHES, *REFS, *FILES, *ODD, *REPOSITORIES, *EVENTS, "true", "false", "7", "1.5", ""))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64) | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)
CLAIMED = ("repository", "ref", "workflow_ref", "workflow", "branch", "environment", "event_name", "ref_protected")
JOBS = st.fixed_dictionaries(
    {"repository": st.sampled_from(REPOSITORIES)},
    optional={
        "ref": st.sampled_from(REFS),
        "workflow_ref": st.sampled_from(WORKFLOWS),
        "workflow": st.sampled_from(FILES),
        "event_name": st.sampled_from(EVENTS),
        "environment": st.sampled_from(("", "production")),
        "claims": st.dictionaries(st.sampled_from(CLAIMED), JSON, max_size=2),
    },
)
# What a publisher says of a field: likely values, or anything that is a text.
SAYS = {
    "repository": st.sampled_from(REPOSITORIES),
    "branch": st.sampled_from(BRANCHES),
    "workflow": st.sampled_from(FILES),
    "ref": st.sampled_from(REFS),
    "workflow_ref": st.sampled_from(WORKFLOWS),
    "event_name": st.sampled_from(EVENTS),
    "environment": st.just("production"),
    "ref_protected": st.sampled_from(("true", "false", "7", "1.5")),
    "made_up": st.text(min_size=1, max_size=5),
}
ANY_TEXT = WORDS.filter(bool) | st.text(min_size=1, max_size=8)
PUBLISHERS = st.lists(st.sampled_from(sorted(SAYS)), min_size=1, max_size=3, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: SAYS[name] | ANY_TEXT for name in names})
)


@functools.cache
def key() -> ec.EllipticCurvePrivateKey:
    """One key for all tokens."""
    return ec.generate_private_key(ec.SECP256R1())


def granted(claims: dict[str, Any], issuer: str, wanted: dict[str, str]) -> bool:
    """Whether Local Hub gives a job with `claims` a token on the word of a publisher."""
    publisher = publishers.checked(publishers.Publisher(RESOURCE, issuer, wanted))
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key().public_key()))
    lookups = Lookups(
        is_locked=lambda _: False,
        exists=lambda _: True,
        publishers=lambda _: [(1, publisher)],
        find_key=lambda _issuer, _kid: public,
        audiences=frozenset({HUB}),
        github_issuers=frozenset({ISSUER}),
    )
    token = jwt.encode(claims, key(), algorithm="ES256", headers={"kid": "k"})
    return isinstance(decide(Request(RESOURCE, parse(token)), lookups, NOW), Granted)


def claims_of_job(description: dict[str, Any], issuer: str) -> dict[str, Any]:
    """The claims that Local Hub's issuer would sign for a job."""
    job = read_job({name: value for name, value in description.items() if value or name == "claims"})
    return job.id_token_claims(issuer, HUB, "jti", NOW)


@pytest.mark.slow
@settings(max_examples=250, deadline=None)
@given(JOBS, PUBLISHERS, st.sampled_from([ISSUER, OTHER_ISSUER]), st.sampled_from([ISSUER, OTHER_ISSUER]))
@example({"repository": "acme/trainer"}, {"repository": "acme/trainer", "branch": "main"}, ISSUER, ISSUER)
@example({"repository": "acme/trainer"}, {"repository": "acme/trainer", "branch": "main"}, ISSUER, OTHER_ISSUER)
@example({"repository": "acme/trainer", "ref": "refs/tags/main"}, {"branch": "main"}, ISSUER, ISSUER)
@example({"repository": "acme/trainer", "claims": {"branch": "main"}}, {"branch": "main"}, OTHER_ISSUER, OTHER_ISSUER)
@example({"repository": "acme/trainer", "claims": {"ref_protected": True}}, {"ref_protected": "true"}, ISSUER, ISSUER)
def test_a_match_is_predicted_exactly_where_local_hub_grants(
    job: dict[str, Any], wanted: dict[str, str], issuer: str, trusted: str
) -> None:
    """No difference is seen, and the issuer is the publisher's: granted. Else refused, for the named fields."""
    claims = claims_of_job(job, issuer)
    preset = fits_preset(claims, ISSUER.removesuffix("/oidc/github"))
    found = differences(wanted, claims, preset=preset)
    hub_grants = granted(claims, trusted, wanted)
    event(f"granted: {hub_grants}")
    assert (not found and issuer == trusted) == hub_grants
    said = publishers.differences(publishers.Publisher(RESOURCE, trusted, wanted), claims, preset=preset)
    assert [difference.name for difference in found] == [line.split(": ")[0] for line in said]


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(JOBS, st.sampled_from([ISSUER, OTHER_ISSUER]))
@example({"repository": "acme/trainer"}, ISSUER)
@example({"repository": "acme/trainer"}, OTHER_ISSUER)
def test_what_is_suggested_is_granted(job: dict[str, Any], issuer: str) -> None:
    """The publisher that a diagnosis suggests, entered as it stands, lets the job in; it is never one that does not."""
    claims = claims_of_job(job, issuer)
    suggestion = suggest(claims, preset=fits_preset(claims, ISSUER.removesuffix("/oidc/github")))
    event(type(suggestion).__name__)
    if isinstance(suggestion, Suggestion):
        wanted = {name: value for name, value in suggestion.entries.items() if name != "issuer"}
        assert granted(claims, suggestion.issuer, wanted)
