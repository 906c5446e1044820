"""What counts as this machine, and which URLs may be fetched.

Pure text. RFC 8252 § 8.3 gives the reason that plain http is good enough on loopback: it never leaves the device.
"""

from urllib.parse import urlsplit

HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})


def is_loopback_url(url: str) -> bool:
    """Say whether the URL's host is this machine."""
    try:
        return urlsplit(url).hostname in HOSTS
    except ValueError:
        return False


def is_trustworthy_url(url: str) -> bool:
    """Say whether the URL is https, or http on loopback, and carries no user, query or fragment."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in HOSTS)
    return bool(parts.hostname) and plain and safe and url.isascii() and url.isprintable() and " " not in url


def is_loopback_authority(host: str) -> bool:
    """Say whether a Host header names this machine; any other name is DNS rebinding."""
    return is_loopback_url(f"//{host}") and "@" not in host
