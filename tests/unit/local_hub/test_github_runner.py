"""The runner's part of the demo: commands, masks, command files."""

import pytest

from local_hub.github_runner import process_commands, read_command_file


@pytest.mark.parametrize(
    ("lines", "log"),
    [
        (["plain"], ["plain"]),
        (["::add-mask::secret", "a secret here"], ["a *** here"]),
        (["a secret here", "::add-mask::secret"], ["a secret here"]),
        (["::add-mask::ab", "::add-mask::abc", "abc"], ["***"]),
        (["::add-mask::100%25", "100%"], ["***"]),
        (["::error title=Oh::one%0Atwo"], ["Error: one", "two"]),
        (["::warning::careful"], ["Warning: careful"]),
        (["::debug::hidden"], []),
        (["::add-mask::"], []),
    ],
)
def test_commands_are_process_commands_in_their_order(lines: list[str], log: list[str]) -> None:
    """A mask hides what follows it, and nothing before."""
    assert process_commands(lines)[0] == log


def test_command_files_hold_blocks() -> None:
    """Names, and values of more than one line."""
    text = "token<<gha_1\nabc\ngha_1\nlong<<gha_2\none\ntwo=<<three\ngha_2\n"
    assert read_command_file(text) == {"token": "abc", "long": "one\ntwo=<<three"}
