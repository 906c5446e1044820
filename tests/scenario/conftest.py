"""What several stories begin with."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli_stage import PLAIN, Stage
from tests.factories import id_token
from tests.scripted_server import Answer, Recorded, scripted_server


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A Hub that grants a plain token for acme/model, and refuses the rest."""
    tokens = {"acme/model": PLAIN}

    def exchange(request: Recorded) -> Answer:
        resource = json.loads(request.body)["resource"]
        if resource not in tokens:
            return Answer({"error": "invalid_grant", "error_description": "No trusted publisher configured"}, 400)
        return Answer({"access_token": tokens[resource], "token_type": "bearer", "expires_in": 3600})

    with scripted_server({"/oauth/token": exchange}) as server:
        yield Stage(tmp_path, server, id_token(server.url), tokens)
