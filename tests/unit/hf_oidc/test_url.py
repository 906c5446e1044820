"""Which URLs a token may be sent to."""

import pytest

from hf_oidc.errors import InsecureUrl, InvalidInput
from hf_oidc.http.url import base_url, has_password, host_of, is_loopback, require_secure, shown_url


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://huggingface.co", "https://huggingface.co"),
        ("https://huggingface.co/", "https://huggingface.co"),
        ("https://hub.example:8443/hf/", "https://hub.example:8443/hf"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("https://HuggingFace.CO/Hf", "https://huggingface.co/Hf"),
        ("https://hub.example/X/", "https://hub.example/X"),
        ("https://hub.example:18443", "https://hub.example:18443"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://[2001:DB8::c0]", "https://[2001:db8::c0]"),
        (
            "https://hub.example/A.b_c~d!e$f&g'h(i)j*k+l,m;n=o:p%20/r-0",
            "https://hub.example/A.b_c~d!e$f&g'h(i)j*k+l,m;n=o:p%20/r-0",
        ),
    ],
)
def test_accepts_https_and_this_machine(text: str, expected: str) -> None:
    """https anywhere, http on loopback; the slash at the end goes."""
    assert base_url("hub-url", text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "http://huggingface.co",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://127.1",
        "http://0x7f000001",
        "http://2130706433",
        "http://0.0.0.0",
        "http://10.0.0.1",
        "http://[::ffff:10.0.0.1]",
        "http://[::]",
        "http://X127.0.0.1",
    ],
)
def test_refuses_plain_http_to_other_machines(text: str) -> None:
    """What is not surely this machine is another one."""
    with pytest.raises(InsecureUrl, match=r"^`hub-url` is plain HTTP to ") as caught:
        base_url("hub-url", text)
    assert caught.value.input_name == "hub-url"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "huggingface.co",
        "ftp://huggingface.co",
        "file:///etc/passwd",
        "HTTPS://huggingface.co",
        "https://",
        "https:///path",
        "https://user:password@huggingface.co",
        "https://huggingface.co@evil.example",
        "https://huggingface.co/x@evil.example",
        "https://svc:12345/x%40hub.example",
        "https://huggingface.co\\@evil.example",
        "https://huggingface.co/?x=1",
        "https://huggingface.co/#x",
        "https://huggingface.co:0",
        "https://huggingface.co:65536",
        "https://huggingface.co:",
        "https://huggingface.co:80:80",
        "https://hugging face.co",
        "https://huggingface.co/\n",
        "https://huggingface.co\nevil.example",
        "https://hugg\u0131ngface.co",
        "https://hub.example/ü",
        "https://hub.example/a b",
        "https://hub.example/\\evil.example",
        "https://hub.example:000443",
        "https://hub.example:\u0664\u0664\u0663",
        "https://my_hub.example",
        "https://[::g]",
        "https://[::1",
        "https://[:::]",
        "https://[1.2.3.4]",
        "\thttps://huggingface.co",
    ],
)
def test_refuses_what_parsers_may_read_differently(text: str) -> None:
    """A URL of no plain form is an error that names the input and the right form."""
    with pytest.raises(InvalidInput, match="`hub-url`") as caught:
        base_url("hub-url", text)
    assert caught.value.expected.startswith("https://host,")
    assert caught.value.input_name == "hub-url"


def test_repeats_no_password() -> None:
    """A URL with user information is refused without it."""
    with pytest.raises(InvalidInput) as caught:
        base_url("hub-url", "https://user:pass@word@hub.example")
    assert "https://***@hub.example" in caught.value.what
    assert "pass" not in caught.value.what


@pytest.mark.parametrize(
    "url",
    [
        "https://pipelines.example/x/idtoken/1/2?api-version=2.0&audience=https%3A%2F%2Fhuggingface.co",
        "https://run-actions.example:443//idtoken?api-version=2.0",
        "http://127.0.0.1:1/idtoken?a=b",
        "https://pipelines.example/idtoken?a=!~",
    ],
)
def test_a_call_may_have_a_query(url: str) -> None:
    """GitHub's token URL always has one."""
    require_secure(url, "ACTIONS_ID_TOKEN_REQUEST_URL")


@pytest.mark.parametrize(
    "url",
    [
        "http://pipelines.example/idtoken?api-version=2.0",
        "https://evil.example\\@pipelines.example/?a",
        "https://a@b/?a",
        "https://pipelines.example:99999/?a",
        "https://pipelines.example/x@evil.example",
        "https://pipelines.example/#a",
        "https://pipelines.example/?a b",
        "https://pipelines.example/?a\x7f",
        "https://pipelines.example/?ü",
        "https://pipelines.example/?a=\r\nHost: evil",
    ],
)
def test_no_call_goes_to_a_url_that_is_unclear_or_in_clear(url: str) -> None:
    """The check before each call is the same for URLs that the CI gave."""
    with pytest.raises(InsecureUrl, match=r"^`ACTIONS_ID_TOKEN_REQUEST_URL` ") as caught:
        require_secure(url, "ACTIONS_ID_TOKEN_REQUEST_URL")
    assert caught.value.input_name == "ACTIONS_ID_TOKEN_REQUEST_URL"


@pytest.mark.parametrize("host", ["metadata.google.internal", "Metadata.Google.Internal", "169.254.169.254"])
def test_plain_http_to_a_metadata_server_is_for_those_who_mean_one(host: str) -> None:
    """No network is in between; yet a Hub is never there."""
    url = f"http://{host}/computeMetadata/v1/x?audience=y"
    require_secure(url, "metadata", link_local=True)
    with pytest.raises(InsecureUrl):
        require_secure(url, "hub-url")


@pytest.mark.parametrize("host", ["169.254.169.253", "10.0.0.1", "evil.metadata.google.internal", "hub.example"])
def test_who_means_a_metadata_server_reaches_no_other_machine(host: str) -> None:
    """In clear."""
    with pytest.raises(InsecureUrl, match="is plain HTTP to"):
        require_secure(f"http://{host}/x", "metadata", link_local=True)


@pytest.mark.parametrize("host", ["metadata.google.internal", "Metadata.Google.Internal", "169.254.169.254"])
def test_plain_http_goes_to_googles_metadata_server(host: str) -> None:
    """If the call is meant for it; for any other call, it is another machine."""
    require_secure(f"http://{host}/x?a=b", "GCE_METADATA_HOST", link_local=True)
    with pytest.raises(InsecureUrl):
        require_secure(f"http://{host}/x?a=b", "hub-url")


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.253", "metadata.google.internal.example", "google.internal"])
def test_plain_http_goes_to_no_other_metadata_server(host: str) -> None:
    """A call that is meant for one may be led elsewhere, by GCE_METADATA_HOST."""
    with pytest.raises(InsecureUrl, match="plain HTTP"):
        require_secure(f"http://{host}/x", "GCE_METADATA_HOST", link_local=True)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://huggingface.co/oauth/token", "huggingface.co"),
        ("https://hub.example:8443/x", "hub.example:8443"),
        ("https://user:password@hub.example/x", "hub.example"),
        ("http://[::1]:8000/x", "[::1]:8000"),
        ("//evil.example/x", "evil.example"),
        ("https://svc:pw/a?b#c@hub.example:8443/x", "hub.example:8443"),
        ("https://svc:12345/x@hub.example", "hub.example"),
        ("https://svc:12345/x%40hub.example", "hub.example"),
        ("https://::error::x/", "an unreadable URL"),
        ("https://##vso[x]/", "an unreadable URL"),
        ("https://svc:Winter#x", "an unreadable URL"),
        ("//eyJhbGciOiJub25lIn0.e30.x/", "***"),
        ("/relative", "an unknown host"),
        ("https://[::1", "an unreadable URL"),
        ("", "an unknown host"),
    ],
)
def test_errors_show_the_host_and_no_password(url: str, host: str) -> None:
    """Of a URL, an error shows where it leads and nothing else."""
    assert host_of(url) == host


@pytest.mark.parametrize(("length", "seen"), [(100, "h" * 100), (101, "h" * 99 + "…")])
def test_a_long_host_is_cut(length: int, seen: str) -> None:
    """An error says more than where a URL leads."""
    assert host_of(f"https://{'h' * length}/x") == seen


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("https://hub.example:8443/hf", "https://hub.example:8443/hf"),
        ("hub.example", "hub.example"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("socks5h://proxy:1080", "socks5h://proxy:1080"),
        ("git+http-x.y://proxy", "git+http-x.y://proxy"),
        ("5socks://proxy", "an unreadable URL"),
        ("https://hub.example/?sig=x", "https://hub.example/?…"),
        ("https://hub.example#x?y", "https://hub.example#…"),
        ("https://hub.example/?x\ny", "https://hub.example/?…"),
        ("SOCKS5H://proxy:1080", "SOCKS5H://proxy:1080"),
        ("https://hub.example:\u0664", "an unreadable URL"),
        ("https://svc:pw@hub.example/hf", "https://***@hub.example/hf"),
        ("HTTP://svc:pw@hub.example", "HTTP://***@hub.example"),
        ("https://svc:p@s/s?w#d@hub.example", "https://***@hub.example"),
        ("https:svc:pw@hub.example", "***@hub.example"),
        ("svc:pw@hub.example", "***@hub.example"),
        ("svc://pw@hub.example", "***@hub.example"),
        ("svc:https://pw@hub.example", "***@hub.example"),
        ("http://svc:12345/x@proxy:3128", "http://***@proxy:3128"),
        ("https://hub.example/hf_jwt_abcdefgh", "***"),
        ("http://svc:Winter#x", "an unreadable URL"),
        ("svc:Winter", "an unreadable URL"),
        ("https://svc:pw%40hub.example", "https://***@hub.example"),
        ("https://svc:12345/x%40hub.example", "https://***@hub.example"),
        ("https://svc:pw@", "an unreadable URL"),
        ("https://svc:pw@two words", "an unreadable URL"),
        ("https://svc:pw\n@hub.example", "https://***@hub.example"),
        ("https://hub.example\\@evil", "https://***@evil"),
        ("https://hub\\.example", "an unreadable URL"),
        ("##vso[x]", "an unreadable URL"),
        ("", "an unreadable URL"),
    ],
)
def test_a_url_is_shown_without_user_information(text: str, seen: str) -> None:
    """All before the last `@` goes, unread; what is no URL then is not shown."""
    assert shown_url(text) == seen


@pytest.mark.parametrize(
    ("text", "may_have"),
    [
        ("https://svc:pw@hub.example", True),
        ("https://token@hub.example", True),
        ("svc:pw@hub.example", True),
        ("https:svc@hub.example", True),
        ("//token@hub.example", True),
        ("svc:pw%40hub.example", True),
        ("https://hub.example:8443", False),
        ("me@hub.example", False),
        ("me@hub.example:8443", False),
        ("sigstore", False),
    ],
)
def test_a_password_may_be_before_the_last_at_sign(text: str, may_have: bool) -> None:
    """Behind a colon: the user name's, or the scheme's."""
    assert has_password(text) is may_have


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "::1"])
def test_loopback(host: str) -> None:
    """The names and addresses of this machine."""
    assert is_loopback(host)
