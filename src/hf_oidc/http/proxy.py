"""Which proxy to use for a URL, according to the environment variables. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address, ip_network
from typing import NamedTuple
from urllib.parse import urlsplit

from hf_oidc.http.url import METADATA_SERVERS, is_loopback

# A password may hold an `@`; its `/`, `?` and `#` have to be percent-encoded, or every parser finds another host.
PROXY_URL = r"(?a)(?i:https?)://([^\x00-\x20\x7f/?#]*@)?([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>\d{1,5}))?/?"
PORTS = {"http": 80, "https": 443}


class Proxy(NamedTuple):
    """A proxy, and the `variable` that holds its `url`. The URL may hold a password, so it is not printed."""

    variable: str
    url: str

    def __repr__(self) -> str:
        return f"<Proxy of ${self.variable}>"

    @property
    def problem(self) -> str:
        """Why the proxy cannot be used, in words; empty if it can."""
        if self.url.lower().startswith("socks"):
            return f"`{self.variable}` names a SOCKS proxy, and only http:// and https:// proxies are supported"
        match = re.fullmatch(PROXY_URL, self.url)
        if match is None or int(match["port"] or 1) not in range(1, 65536):
            return f"`{self.variable}` is not the URL of an http:// or https:// proxy"
        return ""


def proxy_for(url: str, env: Mapping[str, str]) -> Proxy | None:
    """The proxy that `env` names for `url`; none if `url` is reached directly.

    Lower-case names win, as in curl. This machine and a metadata server are never reached through a proxy: plain HTTP
    to them is allowed, and a proxy would carry that plain HTTP over the network.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    variable, proxy = _setting(env, f"{parts.scheme}_proxy", "all_proxy")
    if not proxy or is_loopback(host) or host in METADATA_SERVERS:
        return None
    _, exceptions = _setting(env, "no_proxy")
    if is_excepted(host, parts.port or PORTS[parts.scheme], exceptions):
        return None
    # Like curl: without a scheme it is an http:// proxy.
    return Proxy(variable, proxy if "://" in proxy else f"http://{proxy}")


def is_excepted(host: str, port: int, no_proxy: str) -> bool:
    """Whether the list `no_proxy` has `host` (of a URL, an IPv6 address without brackets) at `port`.

    What curl, Go and requests agree on, or one of them reads and no other reads otherwise: names with all below them,
    with or without a dot or `*.` before; addresses and networks (`10.0.0.0/8`); each perhaps with a port; `*` for all.
    A name is not resolved, so a network says nothing of it.
    """
    entries = filter(None, re.split(r"[\s,]+", no_proxy.lower()))
    return any(_has(entry, host.lower().rstrip("."), port) for entry in entries)


def _has(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    name, _, only_port = entry.partition(":")
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        name, only_port = (name, rest[1:]) if rest.startswith(":") else (name + rest, "")
    elif entry.count(":") > 1:  # an IPv6 address
        name, only_port = entry, ""
    if only_port and only_port != str(port):
        return False
    if ":" in host or host.replace(".", "").isdigit():  # an address, of which no part is a name
        with suppress(ValueError):  # the entry is not a network
            return ip_address(host) in ip_network(name, strict=False)
        return False
    name = name.removeprefix("*").strip(".")
    return host == name or host.endswith(f".{name}")


def _setting(env: Mapping[str, str], *names: str) -> tuple[str, str]:
    """The first variable that is set, and its value; both empty if none is. A lower-case name takes precedence."""
    variables = (variable for name in names for variable in (name, name.upper()))
    return next(((variable, env[variable]) for variable in variables if env.get(variable)), ("", ""))
