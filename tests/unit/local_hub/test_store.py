"""What is remembered, and for how long."""

import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from local_hub.hub.log import rfc3339
from local_hub.hub.publishers import Publisher
from local_hub.hub.resources import parse_resource
from local_hub.hub.store import FILE_NAME, Store
from local_hub.hub.tokens import IssuedToken

MODEL = parse_resource("acme/m")
KNOWN = IssuedToken(MODEL, ("read",), "https://issuer.example", "job", 1000.0)
PUBLISHER = Publisher(MODEL, "https://issuer.example", {"a": "b"})


@pytest.fixture
def store() -> Iterator[Store]:
    """A store in memory."""
    with closing(Store()) as opened:
        yield opened


@pytest.mark.parametrize(("now", "active"), [(0.0, True), (999.9, True), (1000.0, False), (2000.0, False)])
def test_a_token_lives_until_it_expires(store: Store, now: float, active: bool) -> None:
    """`expires_at` itself is too late."""
    store.issue("hf_jwt_x", KNOWN, 1, 0.0)
    assert store.find_token("hf_jwt_x", now) == (KNOWN if active else None)


def test_a_publisher_knows_when_it_was_last_used(store: Store) -> None:
    """An exchange updates it."""
    number = store.add_publisher(PUBLISHER, 0.0)
    assert store.listed_publishers(None)[0]["lastUsed"] is None
    store.issue("hf_jwt_x", KNOWN, number, 5.0)
    assert store.listed_publishers("acme/m")[0]["lastUsed"] == rfc3339(5.0) == "1970-01-01T00:00:05Z"


def test_a_token_is_not_in_the_file(tmp_path: Path) -> None:
    """Only its digest is, and nobody else may read the file."""
    with closing(Store(tmp_path)) as store:
        store.issue("hf_jwt_secret", KNOWN, 1, 0.0)
        for path in tmp_path.iterdir():
            assert b"hf_jwt_secret" not in path.read_bytes()
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (tmp_path / FILE_NAME).is_file()


def test_a_file_is_read_again(tmp_path: Path) -> None:
    """Publishers, tokens, locks and logs outlive the process."""
    with closing(Store(tmp_path)) as store:
        store.add_publisher(PUBLISHER, 0.0)
        store.lock_account("mallory", locked=True, now=0.0)
        store.issue("hf_jwt_x", KNOWN, 1, 0.0)
    with closing(Store(tmp_path)) as store:
        assert store.publishers("acme/m") == [(1, PUBLISHER)]
        assert store.is_locked("mallory")
        assert store.find_token("hf_jwt_x", 1.0) == KNOWN
        assert [entry["change"] for entry in store.log("audit")] == ["locked", "added"]
