"""Decides which hosts are this machine, and which URLs are safe to use.

Pure. Plain http is acceptable on loopback, because the request never leaves the device (RFC 8252 § 8.3).
"""

from urllib.parse import urlsplit

HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})


def is_loopback_url(url: str) -> bool:
    """Return whether the URL's host is this machine."""
    try:
        return urlsplit(url).hostname in HOSTS
    except ValueError:
        return False


def is_trustworthy_url(url: str) -> bool:
    """Return whether the URL is https, or http on loopback, and has no user, query or fragment."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in HOSTS)
    return bool(parts.hostname) and plain and safe and url.isascii() and url.isprintable() and " " not in url


def is_loopback_authority(host: str) -> bool:
    """Return whether a Host header names this machine; any other name could be DNS rebinding."""
    return is_loopback_url(f"//{host}") and "@" not in host
