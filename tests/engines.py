"""What a test needs that not every machine has. `.ci/run` sets all of it up, and says so with REQUIRE_ENGINES=1."""

import os
import shutil
from typing import NoReturn

import pytest

# The variable with a name for this test run, which all of its workers have, and no other run on this machine.
TEST_RUN = "HF_OIDC_TEST_RUN"


def missing(what: str) -> NoReturn:
    """Skip the test for want of `what`, or fail it where everything was to be there."""
    if os.environ.get("REQUIRE_ENGINES") == "1":
        pytest.fail(f"{what}, and REQUIRE_ENGINES=1 asks for it", pytrace=False)
    pytest.skip(what)


def has(command: str) -> bool:
    """Whether there is such a command."""
    return shutil.which(command) is not None
