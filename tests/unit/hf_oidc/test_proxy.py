"""Which proxy is taken, and what needs none: the environment in, a proxy or none out."""

import pytest

from hf_oidc.http.proxy import Proxy, is_excepted, proxy_for

P = "http://p:1"


@pytest.mark.parametrize(
    ("url", "env", "expected"),
    [
        ("https://hub.example/x", {}, None),
        ("https://hub.example/x", {"HTTPS_PROXY": P}, ("HTTPS_PROXY", P)),
        ("https://hub.example/x", {"https_proxy": P, "HTTPS_PROXY": "http://q:1"}, ("https_proxy", P)),
        ("https://hub.example/x", {"https_proxy": "", "HTTPS_PROXY": P}, ("HTTPS_PROXY", P)),
        ("https://hub.example/x", {"ALL_PROXY": P}, ("ALL_PROXY", P)),
        ("https://hub.example/x", {"all_proxy": P, "ALL_PROXY": "http://q:1"}, ("all_proxy", P)),
        ("https://hub.example/x", {"ALL_PROXY": "socks5://q:1", "HTTPS_PROXY": P}, ("HTTPS_PROXY", P)),
        ("https://hub.example/x", {"HTTP_PROXY": P}, None),
        ("https://hub.example/x", {"HTTPS_PROXY": "proxy.example:3128"}, ("HTTPS_PROXY", "http://proxy.example:3128")),
        ("https://hub.example/x", {"HTTPS_PROXY": "a:b@proxy"}, ("HTTPS_PROXY", "http://a:b@proxy")),
        ("https://hub.example/x", {"HTTPS_PROXY": P, "NO_PROXY": "hub.example"}, None),
        ("https://hub.example/x", {"HTTPS_PROXY": P, "no_proxy": "b", "NO_PROXY": "*"}, ("HTTPS_PROXY", P)),
        ("https://hub.example/x", {"ALL_PROXY": P, "NO_PROXY": "*"}, None),
        ("https://hub.example:8443/x", {"HTTPS_PROXY": P, "no_proxy": "a, hub.example:8443"}, None),
        ("https://hub.example/x", {"HTTPS_PROXY": P, "NO_PROXY": "hub.example:443"}, None),
        ("http://hub.example/x", {"HTTP_PROXY": P, "NO_PROXY": "hub.example:80"}, None),
        ("https://10.1.2.3/x", {"HTTPS_PROXY": P, "NO_PROXY": "10.0.0.0/8"}, None),
        ("https://[2001:db8::1]:8443/x", {"HTTPS_PROXY": P, "NO_PROXY": "2001:db8::/32"}, None),
        ("http://127.0.0.1:1/x", {"HTTP_PROXY": P, "ALL_PROXY": P}, None),
        ("http://localhost:1/x", {"HTTP_PROXY": P}, None),
        ("http://[::1]:1/x", {"HTTP_PROXY": P}, None),
        ("http://metadata.google.internal/x", {"HTTP_PROXY": P}, None),
        ("http://169.254.169.254/x", {"ALL_PROXY": P}, None),
    ],
)
def test_takes_the_proxy_of_the_environment(url: str, env: dict[str, str], expected: tuple[str, str] | None) -> None:
    """As curl does, except that this machine and a metadata server are never reached through one."""
    assert proxy_for(url, env) == (Proxy(*expected) if expected else None)


# Host, port, the list -> whether the host is on it. Each as curl, Go or requests has it, and no two of them differ.
LISTS = [
    ("10.1.2.3", 443, "10.0.0.0/8", True),
    ("10.1.2.3", 443, "10.1.2.200/8", True),
    ("11.1.2.3", 443, "10.0.0.0/8", False),
    ("10.1.2.3", 443, "10.1.2.3", True),
    ("10.1.2.3", 443, "10.1.2.3:443", True),
    ("10.1.2.3", 443, "10.1.2.3:8443", False),
    ("10.1.2.3", 443, "2.3", False),
    ("10.1.2.3", 443, ".2.3", False),
    ("10.1.2.3", 443, "10.0.0.0/99", False),
    ("10.1.2.3", 443, "10.0.0.0/", False),
    ("10.1.2.3", 443, "::/0", False),
    ("10.1.2.3", 443, "0.0.0.0/0", True),
    ("10.hub.example", 443, "10.0.0.0/8", False),
    ("2001:db8::7", 443, "2001:db8::/32", True),
    ("2001:db9::7", 443, "2001:db8::/32", False),
    ("2001:db8::7", 443, "[2001:db8::]/32", True),
    ("2001:db8::7", 443, "2001:DB8:0::7", True),
    ("2001:db8::7", 443, "[2001:db8::7]", True),
    ("2001:db8::7", 443, "[2001:db8::7]:443", True),
    ("2001:db8::7", 443, "[2001:db8::7]:80", False),
    ("2001:db8::7", 443, "[2001:db8::7", True),
    ("::7", 443, "::7", True),
    ("hub.example", 443, "hub.example", True),
    ("hub.example", 443, "HUB.Example.", True),
    ("Hub.example.", 443, "hub.example", True),
    ("hub.example", 443, "example", True),
    ("hub.example", 443, ".example", True),
    ("hub.example", 443, "*.example", True),
    ("hub.example", 443, ".hub.example", True),
    ("hub.example", 443, "ub.example", False),
    ("hub.example", 443, "b.example", False),
    ("hub.example", 443, "a.hub.example", False),
    ("hub.example", 443, "hub.example:443", True),
    ("hub.example", 443, ".example:443", True),
    ("hub.example", 8443, "hub.example:443", False),
    ("hub.example", 8443, "hub.example", True),
    ("hub.example", 443, "*", True),
    ("10.1.2.3", 443, "a.example,*", True),
    ("hub.example", 443, "a.example , hub.example", True),
    ("hub.example", 443, "a.example hub.example", True),
    ("hub.example", 443, "a.example,,\thub.example,", True),
    ("hub.example", 443, "", False),
    ("hub.example", 443, ",.,*.,:,[,]", False),
]


@pytest.mark.parametrize(("host", "port", "no_proxy", "expected"), LISTS)
def test_knows_what_needs_no_proxy(host: str, port: int, no_proxy: str, expected: bool) -> None:
    """NO_PROXY: names, addresses, networks, ports, stars, dots, and lists of them."""
    assert is_excepted(host, port, no_proxy) is expected


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://p", ""),
        ("http://p:3128/", ""),
        ("HTTPS://p.example:3128", ""),
        ("http://P.Example:13128", ""),
        ("http://a:b@p:3128", ""),
        ("http://a:b@c%23d@p:3128", ""),
        ("http://[2001:db8::1]:3128", ""),
        ("http://[2001:DB8::1]", ""),
        ("http://[::ffff:10.0.0.1]:3128", ""),
        ("http://10.0.0.1:3128", ""),
        ("http://my_proxy:3128", ""),
        ("http://my-proxy:8", ""),
        ("http://p:65535", ""),
        ("http://p:65536", "`X_PROXY` is not"),
        ("socks5://p:1080", "`X_PROXY` names a SOCKS proxy"),
        ("SOCKS5H://a:secret@p:1080", "`X_PROXY` names a SOCKS proxy"),
        ("socks4://p", "`X_PROXY` names a SOCKS proxy"),
        ("ftp://p:21", "`X_PROXY` is not the URL of an http:// or https:// proxy"),
        ("http://a:b\x01@p", "`X_PROXY` is not the URL of an http:// or https:// proxy"),
        ("http://a:\x7f@p", "`X_PROXY` is not the URL of an http:// or https:// proxy"),
        ("http://", "`X_PROXY` is not"),
        ("http://p:99999", "`X_PROXY` is not"),
        ("http://p:0", "`X_PROXY` is not"),
        ("http://p:port", "`X_PROXY` is not"),
        ("http://p:003128", "`X_PROXY` is not"),
        ("http://p:\u0663", "`X_PROXY` is not"),
        ("http://a:secret x@p:3128", "`X_PROXY` is not"),
        ("http://a:secret#x@p:3128", "`X_PROXY` is not"),
        ("http://a:secret/x@p:3128", "`X_PROXY` is not"),
        ("http://a:secret?x@p:3128", "`X_PROXY` is not"),
        ("http://secret/x@p:3128", "`X_PROXY` is not"),
        ("http://p p:3128", "`X_PROXY` is not"),
        ("http://[::1", "`X_PROXY` is not"),
        ("http://pröxy:3128", "`X_PROXY` is not"),
    ],
)
def test_says_why_a_proxy_cannot_be_used(url: str, told: str) -> None:
    """Which variable holds it, and nothing of what may be a password."""
    proxy = Proxy("X_PROXY", url)
    assert proxy.problem.startswith(told)
    assert bool(proxy.problem) is bool(told)
    assert "secret" not in proxy.problem + repr(proxy)
