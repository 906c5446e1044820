"""One running Local Hub for all tests here that leave nothing behind which another could trip over."""

from collections.abc import Iterator

import pytest

from tests.local_hub_process import LocalHub, local_hub


@pytest.fixture(scope="session")
def hub() -> Iterator[LocalHub]:
    """A Local Hub with defaults."""
    with local_hub() as running:
        yield running
