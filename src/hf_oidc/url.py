"""Which URLs a token may be sent to: `https`, or `http` on this machine. Parses and judges; opens nothing."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from hf_oidc.errors import InsecureUrl, InvalidInput
from hf_oidc.untrusted_text import shown

# Stricter than RFC 3986 on purpose: parsers disagree about backslashes, user information and non-ASCII hosts, and a
# URL that two parsers read differently sends a token to a host that nobody checked.
HTTP_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?P<port>:\d{1,5})?"
    r"(?P<path>/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(?P<query>\?[\x21-\x7e]*)?",
    re.ASCII,
)

# Google's, by name and by address.
METADATA_SERVERS = frozenset({"metadata.google.internal", "169.254.169.254"})


def base_url(input_name: str, text: str) -> str:
    """`text` without the slash at its end, its host in lower case, if a token may be sent to such a service.

    The case matters: the URL is the ID token's audience, which the Hub compares to the letter. Raises `InvalidInput`
    if it is no such URL, `InsecureUrl` if it is plain HTTP to another machine.
    """
    match = HTTP_URL.fullmatch(text)
    if match is None or match["query"] is not None or not _has_valid_port(match["port"]):
        raise InvalidInput(
            input_name,
            f"`{input_name}` is not the URL of a Hub: {_without_password(text)!r}",
            "https://host, with a port or a path if need be; no user name, query or fragment",
        )
    require_secure(text, input_name)
    return (text[: match.start("host")] + match["host"].lower() + text[match.end("host") :]).rstrip("/")


def require_secure(url: str, name: str, *, link_local: bool = False) -> None:
    """Raises `InsecureUrl` unless `url` is `https`, or `http` to this machine; `name` tells whose URL it is.

    `link_local`: a cloud's metadata server may be meant, which its machines reach without any network in between.
    """
    match = HTTP_URL.fullmatch(url)
    if match is None or not _has_valid_port(match["port"]):
        raise InsecureUrl(name, f"`{name}` is not a URL that a token can be sent to")
    near = is_loopback(match["host"]) or (link_local and match["host"].lower() in METADATA_SERVERS)
    if match["scheme"] == "http" and not near:
        raise InsecureUrl(name, f"`{name}` is plain HTTP to {shown(match['host'], 100)}: a token would travel in clear")


def is_loopback(host: str) -> bool:
    """Whether `host` (of a URL, an IPv6 address in brackets) is this machine: `localhost`, 127.0.0.0/8 or [::1]."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def host_of(url: str) -> str:
    """The host of `url`, with its port if one is named, to be shown in errors."""
    match = HTTP_URL.fullmatch(url)
    if match is not None:  # as it is: the colons of an IPv6 address are no workflow command
        return f"{match['host']}{match['port'] or ''}"
    try:
        return shown(urlsplit(url).netloc.rpartition("@")[2], 100) or "unknown host"
    except ValueError:
        return "unknown host"


def _without_password(text: str) -> str:
    return shown(re.sub(r"//.*@", "//***@", text, flags=re.DOTALL), 100)


def _has_valid_port(port: str | None) -> bool:
    return port is None or 0 < int(port[1:]) < 65536
