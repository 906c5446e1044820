"""The exchange as a function: whom it grants a token, and what it says, and to whom, of each that it refuses."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from local_hub.hub.exchange import Granted, Lookups, Refused, Request, decide, malformed, read_request
from local_hub.hub.id_token import parse
from local_hub.hub.issuer_keys import KeysUnavailable
from local_hub.hub.publishers import Publisher
from local_hub.hub.resources import parse_resource
from tests.factories import HUB

NOW = 1_800_000_000
ISSUER, OTHER, GITHUB, SILENT = (f"https://{name}.example" for name in ("issuer", "other", "github", "silent"))
RESOURCE = "acme/m"
NOT_ACCEPTED = "The ID token is not accepted for this resource"


def publisher(resource: str, issuer: str, **claims: str) -> Publisher:
    """Whoever `issuer` says has these claims may have a token for `resource`."""
    return Publisher(parse_resource(resource), issuer, claims)


PUBLISHERS: Mapping[str, list[tuple[int, Publisher]]] = {
    RESOURCE: [(1, publisher(RESOURCE, ISSUER, team="blue"))],
    "acme/many": [
        (2, publisher("acme/many", OTHER, team="red")),
        (3, publisher("acme/many", ISSUER, team="blue", env="prod")),
        (4, publisher("acme/many", ISSUER, team="green")),
    ],
    "acme/github": [(5, publisher("acme/github", GITHUB, branch="main"))],
    "acme/not-github": [(6, publisher("acme/not-github", ISSUER, branch="main"))],
    "acme/silent": [(7, publisher("acme/silent", SILENT, team="blue"))],
    "mallory/m": [(8, publisher("mallory/m", ISSUER, team="blue"))],
}


# Each issuer has one, and names it `k`.
KEYS = {issuer: ec.generate_private_key(ec.SECP256R1()) for issuer in (ISSUER, OTHER, GITHUB)}


def published_key(issuer: str, kid: object) -> dict[str, Any] | None:
    """What the issuer publishes under this name."""
    if issuer == SILENT:
        raise KeysUnavailable("no answer")
    public: dict[str, Any] = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(KEYS[issuer].public_key()))
    return public if kid == "k" else None


LOOKUPS = Lookups(
    is_locked=lambda owner: owner == "mallory",
    exists=lambda resource: resource == "acme/bare",
    publishers=lambda resource: PUBLISHERS.get(resource, ()),
    find_key=published_key,
    audiences=frozenset({HUB, "http://127.0.0.1:1"}),
    github_issuers=frozenset({GITHUB}),
)


def request(
    claims: Mapping[str, Any], header: Mapping[str, Any], *, resource: str = RESOURCE, signer: str = ISSUER
) -> Request:
    """A request with a token that `signer` has signed, whatever its claims and its header say."""
    claimed = {"iss": ISSUER, "aud": HUB, "exp": NOW + 300, "team": "blue", **claims}
    parts = {"alg": "ES256", "kid": "k", **header}, {name: each for name, each in claimed.items() if each is not ...}
    # By hand, for PyJWT does not sign every header. JSON knows no infinity, but 1e999 is read as one.
    texts = [json.dumps(part).replace("Infinity", "1e999").encode() for part in parts]
    signed = b".".join(map(jwt.utils.base64url_encode, texts))
    signature = jwt.get_algorithm_by_name("ES256").sign(signed, KEYS[signer])
    token = b".".join([signed, jwt.utils.base64url_encode(signature)]).decode()
    return Request(parse_resource(resource), parse(token))


def decided(
    claims: Mapping[str, Any] | None = None, header: Mapping[str, Any] | None = None, **more: str
) -> Granted | Refused:
    """What is decided of such a request; a claim of `...` is left out."""
    return decide(request(claims or {}, header or {}, **more), LOOKUPS, NOW)


def test_the_publisher_that_fits_is_the_one_granted() -> None:
    """A token is issued on the word of that publisher, with its rights, and not on that of the one before it."""
    asked = request({"team": "green"}, {}, resource="acme/many")
    assert decide(asked, LOOKUPS, NOW) == Granted(4, PUBLISHERS["acme/many"][2][1], asked)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW + 1},
        {"exp": NOW + 0.5},
        {"exp": 10**400},
        {"nbf": NOW, "iat": NOW},
        {"nbf": None, "iat": None},
        {"aud": [HUB]},
        {"aud": [None, 7, ["x"], "https://else.example", HUB]},
        {"aud": "http://127.0.0.1:1"},
    ],
)
def test_a_claim_at_its_limit_is_accepted(claims: dict[str, Any]) -> None:
    """The second in which a token begins is its own; one audience of a list is enough."""
    assert isinstance(decided(claims), Granted)


class Case(NamedTuple):
    """A token that is refused: what it claims, and the operator's reason."""

    reason: str
    claims: Mapping[str, Any] = {}
    header: Mapping[str, Any] = {}
    resource: str = RESOURCE
    signer: str = ISSUER


# What is refused before the signature is known to be good: the claims are only the client's.
UNVERIFIED = {
    "a locked account": Case("the account mallory is locked", resource="mallory/m"),
    "an issuer that is not trusted": Case(f"iss: no publisher of acme/m has the issuer {OTHER!r}", {"iss": OTHER}),
    "no issuer": Case("iss: no publisher of acme/m has the issuer None", {"iss": ...}),
    "an issuer that is a list": Case(f"iss: no publisher of acme/m has the issuer {[ISSUER]!r}", {"iss": [ISSUER]}),
    "no algorithm": Case("alg: must be one of RS256, ES256, ES384, token has 'none'", header={"alg": "none"}),
    "a shared secret": Case("alg: must be one of RS256, ES256, ES384, token has 'HS256'", header={"alg": "HS256"}),
    "an extension": Case("crit: the token requires extensions that Local Hub does not support", header={"crit": ["x"]}),
    "a key that is not published": Case(f"kid: {ISSUER} publishes no key with the id 'x'", header={"kid": "x"}),
    "no key": Case(f"kid: {ISSUER} publishes no key with the id None", header={"kid": None}),
    "keys that cannot be had": Case("keys: no answer", {"iss": SILENT}, resource="acme/silent"),
    "another issuer's key": Case("signature: does not verify with the issuer's key", signer=OTHER),
}
# The token is its issuer's, and is not accepted all the same.
AUD = f"aud: expected http://127.0.0.1:1 or {HUB}, token has"
EXP = "the token has expired, or has no valid exp"
NBF = "the token is not valid yet"
IAT = "the token was issued in the future"
GENUINE = {
    "another audience": Case(f"{AUD} 'https://else.example'", {"aud": "https://else.example"}),
    "an audience with a slash": Case(f"{AUD} '{HUB}/'", {"aud": f"{HUB}/"}),
    "no audience": Case(f"{AUD} None", {"aud": ...}),
    "an empty list of audiences": Case(f"{AUD} []", {"aud": []}),
    "an object for an audience": Case(f"{AUD} {{'{HUB}': '{HUB}'}}", {"aud": {HUB: HUB}}),
    "a list within a list": Case(f"{AUD} [['{HUB}']]", {"aud": [[HUB]]}),
    "expired in this second": Case(f"exp: {NOW}, now is {NOW}: {EXP}", {"exp": NOW}),
    "never expires": Case(f"exp: None, now is {NOW}: {EXP}", {"exp": ...}),
    "expires at infinity": Case(f"exp: inf, now is {NOW}: {EXP}", {"exp": float("inf")}),
    "expires at a text": Case(f"exp: '{NOW + 1}', now is {NOW}: {EXP}", {"exp": f"{NOW + 1}"}),
    "expires at true": Case(f"exp: True, now is {NOW}: {EXP}", {"exp": True}),
    "begins in a second": Case(f"nbf: {NOW + 1}, now is {NOW}: {NBF}", {"nbf": NOW + 1}),
    "begins at a text": Case(f"nbf: '0', now is {NOW}: {NBF}", {"nbf": "0"}),
    "begins at true": Case(f"nbf: True, now is {NOW}: {NBF}", {"nbf": True}),
    "issued in a second": Case(f"iat: {NOW + 1}, now is {NOW}: {IAT}", {"iat": NOW + 1}),
    "issued at a text": Case(f"iat: '0', now is {NOW}: {IAT}", {"iat": "0"}),
    "issued at minus infinity": Case(f"iat: -inf, now is {NOW}: {IAT}", {"iat": float("-inf")}),
    "another claim": Case("team: expected blue, token has red", {"team": "red"}),
    "another issuer's publisher": Case(
        "publisher 3: team: expected blue, token has red; env: expected prod, token has none"
        " | publisher 4: team: expected green, token has red",
        {"team": "red"},
        resource="acme/many",
    ),
    "a branch that GitHub does not name": Case(
        "branch: expected main, token has none", {"iss": GITHUB, "branch": "main"}, {}, "acme/github", GITHUB
    ),
    "GitHub's ref, of another issuer": Case(
        "branch: expected main, token has none", {"ref": "refs/heads/main"}, resource="acme/not-github"
    ),
}


@pytest.mark.parametrize("name", [*UNVERIFIED, *GENUINE])
def test_a_refusal_tells_the_operator_why_and_the_client_nothing(name: str) -> None:
    """One sentence for all; claims count as their issuer's only once the signature is known to be good."""
    case, authentic = (UNVERIFIED | GENUINE)[name], name in GENUINE
    found = decided(case.claims, case.header, resource=case.resource, signer=case.signer)
    assert found == Refused("invalid_grant", NOT_ACCEPTED, case.reason, authentic=authentic)


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        ("acme/bare", "publishers: acme/bare has none"),
        ("acme/absent", "resource: acme/absent does not exist"),
    ],
)
def test_whether_a_resource_exists_is_the_operators_to_know(resource: str, reason: str) -> None:
    """The client is told the Hub's own text, of a resource that is there and of one that is not."""
    told = f"No trusted publisher configured on {resource}"
    assert decided(resource=resource) == Refused("invalid_grant", told, reason)


@pytest.mark.parametrize("oversized", [{"iss": "x" * 10_000}, {"aud": "x" * 10_000}, {"exp": "x" * 10_000}])
def test_a_reason_is_bounded(oversized: dict[str, Any]) -> None:
    """Whatever the token claims, a line of the log stays one."""
    found = decided(oversized)
    assert isinstance(found, Refused)
    assert len(found.reason) < 400


FORM = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
    "subject_token": "e30.e30.",
    "resource": RESOURCE,
}


def test_a_well_formed_request_is_read() -> None:
    """The parameters of RFC 8693 § 2.1; more of them do no harm."""
    assert read_request(FORM | {"scope": "write"}) == Request(parse_resource(RESOURCE), parse("e30.e30."))


@pytest.mark.parametrize("name", FORM)
@pytest.mark.parametrize("value", [None, "", 7, ["a"], {}])
def test_a_parameter_that_is_missing_is_named(name: str, value: object) -> None:
    """To the client too: who makes the request has to know what is wrong with it."""
    assert read_request(FORM | {name: value}) == malformed(f"{name} must be a non-empty string")


@pytest.mark.parametrize(
    ("body", "error", "told"),
    [
        ([], "invalid_request", "The request body must be a JSON object"),
        (
            FORM | {"grant_type": "authorization_code"},
            "unsupported_grant_type",
            "grant_type must be urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        (
            FORM | {"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"},
            "invalid_request",
            "subject_token_type must be urn:ietf:params:oauth:token-type:id_token",
        ),
        (FORM | {"subject_token": "not a token"}, "invalid_request", "subject_token is not a JWT"),
        (
            FORM | {"resource": "acme/m\n"},
            "invalid_request",
            "resource: each part must have 1 to 96 letters, digits, '-', '_' and '.'",
        ),
    ],
)
def test_a_malformed_request_is_told_what_is_wrong(body: object, error: str, told: str) -> None:
    """The client hears what the operator does, for nothing of it is a secret."""
    assert read_request(body) == Refused(error, told, told)
