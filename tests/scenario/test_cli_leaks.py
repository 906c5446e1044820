"""No command leaks on any CI."""

import os

import pytest

from tests.cli_stage import PLAIN, Stage
from tests.contract.provider_table import ROWS, executable
from tests.leaks import leaks
from tests.scripted_server import scripted_server


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.source not in {"none", "file"}])
@pytest.mark.parametrize(
    "command", [("token", "acme/model"), ("env", "acme/model"), ("run", "acme/model", "--", "true")]
)
def test_no_command_leaks_on_any_ci(name: str, command: tuple[str, ...], stage: Stage) -> None:
    """The ID token and the Hub's are nowhere but where they were asked for; a runner of GitHub's kind masks both."""
    row = ROWS[name]
    folder = stage.tmp_path / "ci"
    folder.mkdir()
    allowed = []
    if row.command:
        allowed = [executable(folder, row.command, stdout=row.prints(stage.id_token)).with_name(f"{row.command}.out")]
    with scripted_server({row.path: row.answer(stage.id_token)}) as ci:
        env = {**row.here(ci.url, stage.id_token), "PATH": f"{folder}:{os.environ['PATH']}"}
        run = stage.run(*command, env=env, stdout_may_hold_them=command[0] != "run", may_hold_them=allowed)
    assert (run.exit_code, leaks([stage.id_token], {"stdout": run.stdout.encode()})) == (0, [])
    assert run.masks == ([stage.id_token, PLAIN] if name in {"github", "forgejo"} else [])
