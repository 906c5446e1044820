"""The ID token is read, not verified, and refused early where the Hub could only refuse it."""

import base64
import json
from datetime import datetime, timedelta, timezone

import jwt
import pytest

from hf_oidc.errors import AudienceMismatch, IdTokenExpired, IdTokenMalformed
from hf_oidc.id_token import IdToken, expiry_of, is_jwt
from hf_oidc.secret import Secret
from tests.factories import HUB, id_token

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=timezone.utc)


def read(text: str) -> IdToken:
    """The token of a text."""
    return IdToken.read(Secret(text))


def part(document: object) -> str:
    """A part of a JWT, from anything."""
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


HEADER = part({"alg": "RS256"})
ID_TOKEN = id_token()
TWO_ALGORITHMS = b'{"alg": "RS256", "alg": "none"}'
NO_JWT = {
    "empty": "",
    "a word of every log": "true",
    "a number": "1",
    "a name of three parts": "token.actions.example",
    "a token of the Hub's": "hf_jwt_0123456789abcdef",
    "two parts": ID_TOKEN.rpartition(".")[0],
    "no claims": f"{HEADER}..x",
    "four parts": f"{ID_TOKEN}.x",
    "several lines": ID_TOKEN.replace(".", ".\n"),
    "a line break at its end": f"{ID_TOKEN}\n",
    "spaces": ID_TOKEN.replace(".", " . "),
    "letters of no base64url": f"{HEADER}.{part({})}.a+b/c",
    "letters beyond ASCII": f"{HEADER}.{part({})}.\u00e9",
    "a header that is no base64": f"eyJ.{part({})}.x",
    "a header that is no JSON": f"{part(b'alg: RS256')}.{part({})}.x",
    "a header that is a list": f"{part(['alg'])}.{part({})}.x",
    "a header without an algorithm": f"{part({})}.{part({})}.x",
    "a header that is nested too deeply": f"{part(b'[' * 100_000)}.e30.x",
    "a header with a duplicate name": f"{part(TWO_ALGORITHMS)}.{part({})}.x",
}


@pytest.mark.parametrize("name", NO_JWT)
def test_what_cannot_be_a_jwt_is_refused(name: str) -> None:
    """It is not masked, so it must not be sent either."""
    assert not is_jwt(Secret(NO_JWT[name]))
    with pytest.raises(IdTokenMalformed):
        read(NO_JWT[name])


@pytest.mark.parametrize(
    "token", [ID_TOKEN, id_token(None, exp=None), f"{HEADER}.{part(['claims'])}.x", f"{HEADER}.e30."]
)
def test_what_may_be_a_jwt_is_one(token: str) -> None:
    """Whatever it claims: it is masked, for another service may take it."""
    assert is_jwt(Secret(token))


def test_reads_claims_without_a_key() -> None:
    """The claims are those that the token makes of itself."""
    assert read(id_token(repository="acme/trainer")).unverified_claims["repository"] == "acme/trainer"


def test_reads_every_character_of_base64url() -> None:
    """RFC 4648 § 5: `-` and `_` too, in each of the three parts."""
    header, claims = part(b'{"alg":"RS256","x":"~~~???>>>"}'), part(b'{"x":"~~~???>>>","aud":"a","exp":1900000000}')
    token = f"{header}.{claims}.-_-_"
    assert all(sign in each for each in token.split(".") for sign in "-_")
    assert read(token).unverified_audience == ("a",)


@pytest.mark.parametrize("audience", [HUB, [HUB], ["other", HUB]])
def test_accepts_an_audience_as_text_or_list(audience: object) -> None:
    """RFC 7519 § 4.1.3 has both forms."""
    read(id_token(audience)).check(HUB, datetime.now(timezone.utc))


@pytest.mark.parametrize("audience", ["https://huggingface.co/", "https://HuggingFace.co", "sigstore", ["a", "b"], ""])
def test_refuses_another_audience(audience: object) -> None:
    """A token for another service is not for the Hub's eyes; audiences are compared to the letter."""
    with pytest.raises(AudienceMismatch) as caught:
        read(id_token(audience)).check(HUB, datetime.now(timezone.utc))
    assert caught.value.expected == HUB


def test_says_which_audiences_it_found() -> None:
    """All of them: one of them shows which service the token was meant for."""
    with pytest.raises(AudienceMismatch) as caught:
        read(id_token(["sigstore", "vault"])).check(HUB, NOW)
    assert str(caught.value) == f"The ID token is for sigstore, vault, not for {HUB}"


@pytest.mark.parametrize(("age", "expired"), [(-1, False), (0, False), (59, False), (60, True), (3600, True)])
def test_refuses_an_expired_token_but_forgives_a_minute_of_clock_skew(age: int, expired: bool) -> None:
    """`exp` seconds ago; both times are in the error, for one of the clocks may be wrong."""
    token = read(id_token(exp=int((NOW - timedelta(seconds=age)).timestamp())))
    if not expired:
        token.check(HUB, NOW)
        return
    with pytest.raises(
        IdTokenExpired, match=r"at 2026-11-22T1.:..:..Z; this machine's clock says 2026-11-22T12:00:00Z"
    ):
        token.check(HUB, NOW)


def test_accepts_the_last_second_that_there_is() -> None:
    """31 December 9999: nothing is added to it."""
    read(id_token(exp=253402300799)).check(HUB, NOW)


def test_accepts_fractions_of_a_second() -> None:
    """RFC 7519 § 2: a NumericDate may be non-integer."""
    assert read(id_token(exp=1_900_000_000.5)).unverified_expiry.microsecond == 500_000


@pytest.mark.parametrize("exp", [None, "1900000000", True, [], {}, 1e17, 1e300, -1e300, 10**40, 10**400, 253402300800])
def test_refuses_a_token_without_a_time_in_exp(exp: object) -> None:
    """What never expires, or expires at no time there is, is no ID token."""
    claims = {"aud": HUB} | ({} if exp is None else {"exp": exp})
    with pytest.raises(IdTokenMalformed, match="`exp`"):
        read(f"{part({'alg': 'RS256'})}.{part(claims)}.c2ln")


@pytest.mark.parametrize("constant", [b"NaN", b"Infinity"])
def test_refuses_an_exp_that_is_no_number(constant: bytes) -> None:
    """Python's json would read these."""
    claims = b'{"aud": "x", "exp": %s}' % constant
    with pytest.raises(IdTokenMalformed):
        read(f"{part({'alg': 'RS256'})}.{part(claims)}.c2ln")


@pytest.mark.parametrize("aud", [None, 1, [], [1], {"a": 1}, [["x"]]])
def test_refuses_a_token_without_an_audience(aud: object) -> None:
    """`aud` is a string or a list of strings."""
    with pytest.raises(IdTokenMalformed, match="`aud`"):
        read(f"{part({'alg': 'RS256'})}.{part({'exp': 1_900_000_000, 'aud': aud})}.c2ln")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "...",
        "eyJhbGciOiJSUzI1NiJ9..",
        "ghp_0123456789",
        "é.é.é",
        f"{part({'alg': 'RS256'})}.{part([])}.c2ln",
        f"{part({'alg': 'RS256'})}.{part('text')}.c2ln",
        f"{part({'alg': 'RS256'})}.{part(b'not json')}.c2ln",
        f"{part({'alg': 'RS256'})}.{part(b'[' * 40_000)}.c2ln",
        f"{part([])}.{part({'exp': 1, 'aud': HUB})}.c2ln",
        f"{part({'alg': 'RS256'})}.{part({'aud': HUB, 'pad': 'x' * 70_000})}.c2ln",
        "{}",
    ],
)
def test_refuses_what_is_not_a_jwt(text: str) -> None:
    """Whatever was supplied in its place is an error that does not repeat it."""
    with pytest.raises(IdTokenMalformed) as caught:
        read(text)
    assert caught.value.__context__ is None
    assert len(text) < 3 or text not in str(caught.value)


PLAIN_CLAIMS = b'{"aud": "a", "exp": 1900000000}'
PLAIN_HEADER = b'{"alg": "RS256"}'


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        (PLAIN_HEADER, b'{"aud": "a", "aud": "b", "exp": 1900000000}'),
        (PLAIN_HEADER, b'{"aud": "a", "a\\u0075d": "b", "exp": 1900000000}'),
        (PLAIN_HEADER, b'{"aud": "a", "exp": 1900000000, "exp": 1900000001}'),
        (PLAIN_HEADER, b'{"aud": "a", "exp": 1900000000, "x": {"y": 1, "y": 2}}'),
        (PLAIN_HEADER, b'{"aud": "a", "exp": 1900000000, "x": [{"y": 1, "y": 2}]}'),
        (b'{"alg": "RS256", "alg": "none"}', PLAIN_CLAIMS),
        (b'{"alg": "RS256", "kid": "a", "kid": "b"}', PLAIN_CLAIMS),
        (b'{"alg": "RS256", "x": NaN}', PLAIN_CLAIMS),
        (PLAIN_HEADER, b'{"aud": "a", "exp": 1900000000, "x": -Infinity}'),
        (PLAIN_HEADER, b"\xef\xbb\xbf" + PLAIN_CLAIMS),
        (PLAIN_HEADER, PLAIN_CLAIMS.decode().encode("utf-16")),
        (PLAIN_HEADER.decode().encode("utf-32"), PLAIN_CLAIMS),
        (PLAIN_HEADER, b'{"aud": "a", "exp": 1900000000, "x": "\xff"}'),
        (PLAIN_HEADER, b'{"aud": "a", "exp": 1900000000, "x": ' + b"9" * 5000 + b"}"),
    ],
)
def test_refuses_what_two_readers_could_read_differently(header: bytes, claims: bytes) -> None:
    """RFC 7519 § 4: names are unique, or only the last is read. Whom a token is for must not depend on the reader."""
    read(f"{part(PLAIN_HEADER)}.{part(PLAIN_CLAIMS)}.c2ln")
    with pytest.raises(IdTokenMalformed) as caught:
        read(f"{part(header)}.{part(claims)}.c2ln")
    assert caught.value.__context__ is None


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("odd", ["!", "+", "/", "=", " ", "\n", "."])
def test_refuses_what_base64url_does_not_have(place: int, odd: str) -> None:
    """RFC 7515 § 2: a lenient decoder drops it, and reads a token that nobody else does."""
    parts = [part(PLAIN_HEADER), part(PLAIN_CLAIMS), "c2ln"]
    parts[place] = f"{parts[place][:2]}{odd}{parts[place][2:]}"
    with pytest.raises(IdTokenMalformed):
        read(".".join(parts))


def test_leaves_the_algorithm_to_the_hub() -> None:
    """Reading needs no algorithm; judging one is for whoever verifies."""
    token = jwt.encode({"exp": 1_900_000_000, "aud": HUB}, "", algorithm="none")
    assert read(token).unverified_audience == (HUB,)


def test_does_not_print_its_claims() -> None:
    """Claims are not secret, yet nobody asked for them."""
    assert repr(read(id_token())) == "<IdToken>"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{HEADER}.{part({'aud': HUB, 'pad': 'x' * 70_000})}.c2ln", "The ID token is not a JWT: too long"),
        (
            "é.é.é",
            "The ID token is not a JWT: it should be three parts of base64url, the first two JSON objects",
        ),
        (
            f"{HEADER}.{part({'exp': 1_900_000_000})}.c2ln",
            "The ID token has no audience: `aud` is neither a string nor a list of strings",
        ),
        (f"{HEADER}.{part({'aud': HUB})}.c2ln", "The ID token has no expiry: `exp` is not a time"),
    ],
)
def test_says_what_is_wrong_with_it(text: str, told: str) -> None:
    """In words that do not depend on what it holds."""
    with pytest.raises(IdTokenMalformed) as caught:
        read(text)
    assert str(caught.value) == told


@pytest.mark.parametrize("longer", [0, 1])
def test_a_token_may_be_as_long_as_the_limit(longer: int) -> None:
    """One that is longer by a character is refused."""
    claims = part({"aud": HUB, "exp": 1_900_000_000})
    token = f"{HEADER}.{claims}.{'A' * (65_536 + longer - len(f'{HEADER}.{claims}.'))}"
    if not longer:
        assert read(token).unverified_audience == (HUB,)
        return
    with pytest.raises(IdTokenMalformed, match="too long"):
        read(token)


def test_keeps_the_token_as_it_was_given() -> None:
    """The Hub verifies a signature over these very characters."""
    assert read(ID_TOKEN).secret.reveal() == ID_TOKEN


@pytest.mark.parametrize(
    ("token", "expiry"),
    [
        (id_token(exp=int(NOW.timestamp())), NOW),
        (f"{HEADER}.{part({'exp': int(NOW.timestamp())})}.c2ln", NOW),
        (f"{HEADER}.{part({'aud': HUB})}.c2ln", None),
        ("a-secret-of-another-kind", None),
    ],
)
def test_tells_when_a_token_expires_if_it_says_so(token: str, expiry: datetime | None) -> None:
    """Whatever else it claims or leaves out: it may be one that is exchanged for an ID token."""
    assert expiry_of(Secret(token)) == expiry
