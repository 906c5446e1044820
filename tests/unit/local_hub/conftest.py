"""One running Local Hub, shared by all tests here that do not disturb each other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local_hub_process import LocalHub, local_hub

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def hub() -> Iterator[LocalHub]:
    """A Local Hub with default options."""
    with local_hub() as running:
        yield running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that uses the running Local Hub starts a process."""
    for item in items:
        if "hub" in getattr(item, "fixturenames", ()) and item.path.parent == HERE:
            item.add_marker(pytest.mark.process)
