"""Fetches an issuer's public keys: first the discovery document, then its `jwks_uri`.

This is the only module that opens connections. It knows no tokens and no publishers.
"""

import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local_hub.loopback import is_loopback_url, is_trustworthy_url

DISCOVERY_PATH = "/.well-known/openid-configuration"
URL_LIMIT = 2048
BODY_LIMIT = 1024 * 1024
CONNECT_AND_READ_SECONDS = 5.0
WHOLE_FETCH_SECONDS = 10.0
CACHE_SECONDS = 300.0


class KeysUnavailable(Exception):
    """The issuer's keys are unavailable; the message tells the operator why."""


KeySet = tuple[Mapping[str, Any], ...]
# Gives the trusted certificates. Reading a machine's takes a tenth of the start, and http needs none.
Trust = Callable[[], ssl.SSLContext]


@dataclass(frozen=True)
class _Cached:
    keys: KeySet
    fetched_at: float


class IssuerKeys:
    """Public keys by issuer, cached for a while, and fetched again for an unknown key id."""

    def __init__(
        self,
        trust: Trust,
        clock: Callable[[], float] = time.monotonic,
        known: Mapping[str, KeySet] | None = None,
    ) -> None:
        """Fetch with these trusted certificates; the clock decides when cached keys are too old.

        `known`: keys of issuers that are never fetched, because this machine cannot reach them.
        """
        self._trust = trust
        self._known = known or {}
        self._clock = clock
        self._cached: dict[str, _Cached] = {}

    def find(self, issuer: str, kid: object) -> Mapping[str, Any] | None:
        """Return the key with this id, or None if the issuer does not publish it."""
        if issuer in self._known:
            return _named(self._known[issuer], kid)
        cached = self._cached.get(issuer)
        if cached and self._clock() - cached.fetched_at < CACHE_SECONDS:
            known = _named(cached.keys, kid)
            if known is not None:
                return known
        # No lock: one slow issuer must not delay the others, and fetching twice is harmless.
        fetched = _Cached(fetch_keys(issuer, self._trust), self._clock())
        self._cached[issuer] = fetched
        return _named(fetched.keys, kid)


def fetch_keys(issuer: str, trust: Trust) -> tuple[Mapping[str, Any], ...]:
    """Fetch the signing keys of an issuer through its discovery document."""
    discovery = _fetch_json(issuer.rstrip("/") + DISCOVERY_PATH, trust)
    # OpenID Connect Discovery 1.0 § 4.3: "The issuer value returned MUST be identical to the Issuer URL that was
    # used as the prefix to /.well-known/openid-configuration".
    if discovery.get("issuer") != issuer:
        raise KeysUnavailable(f"the discovery document belongs to another issuer, {discovery.get('issuer')!r:.200}")
    jwks_uri = discovery.get("jwks_uri")
    if not isinstance(jwks_uri, str) or not _may_follow(issuer, jwks_uri):
        raise KeysUnavailable(
            "the jwks_uri of the discovery document must be https, or on loopback for an issuer on loopback"
        )
    keys = _fetch_json(jwks_uri, trust).get("keys")
    if not isinstance(keys, list):
        raise KeysUnavailable(f"{jwks_uri} has no list of keys")
    return tuple(key for key in keys if isinstance(key, dict) and key.get("use", "sig") == "sig")


def _may_follow(issuer: str, jwks_uri: str) -> bool:
    # The document of a remote issuer must not make Local Hub send requests to this machine (SSRF).
    printable = jwks_uri.isascii() and jwks_uri.isprintable() and " " not in jwks_uri and len(jwks_uri) <= URL_LIMIT
    own = is_loopback_url(issuer) or not is_loopback_url(jwks_uri)
    return printable and own and is_trustworthy_url(jwks_uri.partition("?")[0])


def _named(keys: tuple[Mapping[str, Any], ...], kid: object) -> Mapping[str, Any] | None:
    if kid is None and len(keys) == 1:
        # OpenID Connect Core 1.0 § 10.1: `kid` MUST be there only "if there are multiple keys".
        return keys[0]
    return next((key for key in keys if kid is not None and key.get("kid") == kid), None)


def _fetch_json(url: str, trust: Trust) -> Mapping[str, Any]:
    try:
        document = json.loads(_fetch(url, trust))
    except (ValueError, RecursionError):
        raise KeysUnavailable(f"{url} is not JSON") from None
    if not isinstance(document, dict):
        raise KeysUnavailable(f"{url} is not a JSON object")
    return document


def _fetch(url: str, trust: Trust) -> bytes:
    import httpx  # noqa: PLC0415 - takes a fifth of the start, and most issuers are Local Hub's own

    try:
        verify = False if url.startswith("http://") else trust()  # http has no certificate; all else is verified
    except OSError as error:
        raise KeysUnavailable(f"{url} cannot be verified: {error.strerror}") from None
    deadline = time.monotonic() + WHOLE_FETCH_SECONDS
    body = bytearray()
    try:
        with (
            # A proxy cannot reach the loopback interface of this machine.
            httpx.Client(verify=verify, timeout=CONNECT_AND_READ_SECONDS, trust_env=not is_loopback_url(url)) as client,
            client.stream("GET", url, follow_redirects=False) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise KeysUnavailable(f"{url} answered {answer.status_code}")
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > BODY_LIMIT:
                    raise KeysUnavailable(f"{url} answered more than {BODY_LIMIT} bytes")
                if time.monotonic() > deadline:
                    raise KeysUnavailable(f"{url} took longer than {WHOLE_FETCH_SECONDS:.0f} s")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise KeysUnavailable(f"{url} cannot be fetched: {type(error).__name__}: {error}") from None
    return bytes(body)
