"""Files that hold tokens: what cannot be written is named, and nothing is left behind."""

import os
import stat
from pathlib import Path

import pytest

from hf_oidc.errors import DeliveryFailed
from hf_oidc.sinks import files

WRITERS = pytest.mark.parametrize("write", [files.replace, files.append])


@WRITERS
def test_a_new_file_is_its_owners_alone(write: object, tmp_path: Path) -> None:
    """Whatever the umask."""
    assert callable(write)
    before = os.umask(0)
    try:
        write(tmp_path / "x", "text")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o600
    assert (tmp_path / "x").read_text() == "text"


@WRITERS
@pytest.mark.parametrize("name", ["n" * 300, "n" * 250 + "/x", "none/x", "nul\0"])
def test_a_name_that_cannot_be_is_told(write: object, name: str, tmp_path: Path) -> None:
    """In one line."""
    assert callable(write)
    with pytest.raises(DeliveryFailed, match="cannot be written"):
        write(tmp_path / name, "text")
    assert list(tmp_path.iterdir()) == []


def test_a_name_with_no_room_for_another_is_told(tmp_path: Path) -> None:
    """The file that takes its place would have a longer one."""
    with pytest.raises(DeliveryFailed, match="cannot be written: File name too long"):
        files.replace(tmp_path / ("n" * 250), "text")


@WRITERS
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_somebody_elses_file_is_left_alone(write: object, tmp_path: Path) -> None:
    """Who owns it can read it."""
    assert callable(write)
    path = tmp_path / "x"
    path.write_text("theirs")
    os.chown(path, 12345, 12345)
    with pytest.raises(DeliveryFailed, match="belongs to somebody else"):
        write(path, "text")
    assert path.read_text() == "theirs"
