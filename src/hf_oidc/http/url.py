"""Which URLs a token may be sent to: `https`, or `http` on this machine; and how a URL is printed.

Parses and judges; opens nothing.
"""

from __future__ import annotations

import ipaddress
import re

from hf_oidc.errors import InsecureUrl, InvalidInput
from hf_oidc.sanitize import AT, sanitize_line
from hf_oidc.secret import MASK

HOST = r"(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?P<port>:\d{1,5})?(?P<path>/[A-Za-z0-9._~!$&'()*+,;=:%/-]*)?"
# Stricter than RFC 3986 on purpose: parsers disagree about backslashes, user information and non-ASCII hosts, and a
# URL that two parsers read differently sends a token to a host that was not checked. A path has no `@`: before it there
# may be a password with a slash.
HTTP_URL = re.compile(rf"(?P<scheme>https?)://{HOST}(?P<query>\?[\x21-\x7e]*)?", re.ASCII)
# In messages, a URL may have another scheme, or none: users write the addresses of proxies like that. A string, not a
# compiled pattern: a login that succeeds does not need it.
READABLE_URL = rf"(?ais)(([a-z][a-z0-9+.-]*:)?//)?{HOST}((?P<more>[?#]).*)?"
UNREADABLE = "an unreadable URL"

# Google's metadata server, by name and by address.
METADATA_SERVERS = frozenset({"metadata.google.internal", "169.254.169.254"})


def base_url(input_name: str, text: str) -> str:
    """`text` without the slash at its end, its host in lower case, if a token may be sent to such a service.

    The case matters: the URL is the ID token's audience, which the Hub compares to the letter. Raises `InvalidInput`
    if it is not such a URL, `InsecureUrl` if it is plain HTTP to another machine.
    """
    match = HTTP_URL.fullmatch(text)
    if match is None or match["query"] is not None or not _has_valid_authority(match) or has_password(text):
        raise InvalidInput(
            input_name,
            f"`{input_name}` is not the URL of a Hub: {shown_url(text)}",
            "https://host, with a port or a path if needed, and no user name, query or fragment",
        )
    require_secure(text, input_name)
    return (text[: match.start("host")] + match["host"].lower() + text[match.end("host") :]).rstrip("/")


def require_secure(url: str, name: str, *, link_local: bool = False) -> None:
    """Raises `InsecureUrl` unless `url` is `https`, or `http` to this machine; `name` says what the URL is for.

    `link_local`: a cloud's metadata server may be meant, which its machines reach without any network in between.
    """
    match = HTTP_URL.fullmatch(url)
    if match is None or not _has_valid_authority(match):
        raise InsecureUrl(name, f"`{name}` is not a URL that a token can be sent to")
    near = is_loopback(match["host"]) or (link_local and match["host"].lower() in METADATA_SERVERS)
    if match["scheme"] == "http" and not near:
        raise InsecureUrl(name, f"`{name}` is plain HTTP to {host_of(url)}: a token would travel in clear")


def is_loopback(host: str) -> bool:
    """Whether `host` (of a URL, an IPv6 address in brackets) is this machine: `localhost`, 127.0.0.0/8 or [::1]."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def shown_url(text: str) -> str:
    """What should be a URL, without user information, query and fragment; or that it cannot be read.

    Parsers find an end of the user information where a password has `/`, `?`, `#` or `@`. So all before the last `@` is
    left out, unread; text that is then not a URL may be the rest of a password.
    """
    before, address = _split(text)
    match = re.fullmatch(READABLE_URL, address)
    if not match:
        return UNREADABLE
    scheme = "".join(re.findall(r"(?i)\Ahttps?://", before))
    user = f"{scheme}{MASK}@" if before else ""
    return sanitize_line(user + (f"{address[: match.start('more') + 1]}…" if match["more"] else address))


def has_password(text: str) -> bool:
    """Whether the part before the last `@` may contain a password, after a user name or a scheme."""
    return re.search(":|//", _split(text)[0]) is not None


def host_of(url: str) -> str:
    """The host of `url`, with its port if it has one, for error messages."""
    if "//" not in url:
        return "an unknown host"
    _, address = _split(url)
    # HTTP_URL is compiled already, READABLE_URL is not.
    match = HTTP_URL.fullmatch(address) or re.fullmatch(READABLE_URL, address)
    return sanitize_line(f"{match['host']}{match['port'] or ''}", 100) if match else UNREADABLE


def _split(text: str) -> tuple[str, str]:
    """What is up to the last `@`, written out or encoded, and what is behind it."""
    user = AT.match(text)
    return (user[0], text[user.end() :]) if user else ("", text)


def _has_valid_authority(url: re.Match[str]) -> bool:
    host, port = url["host"], url["port"]
    if host.startswith("["):
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            return False
    return port is None or 0 < int(port[1:]) < 65536
