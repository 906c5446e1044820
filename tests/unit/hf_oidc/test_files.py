"""Files that hold tokens: what cannot be written is named, and nothing is left behind."""

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hf_oidc.errors import DeliveryFailed
from hf_oidc.output import files
from tests.action_process import scrubbed
from tests.engines import missing

WRITERS = pytest.mark.parametrize("write", [files.replace, files.append])
# What is asked before, with what is done then.
PAIRS = pytest.mark.parametrize(
    ("require", "write"), [(files.require_replaceable, files.replace), (files.require_appendable, files.append)]
)
Require = Callable[[Path], None]
Write = Callable[[Path, str], None]


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


@WRITERS
def test_a_name_that_no_system_has_is_told(write: Write, tmp_path: Path) -> None:
    """Python refuses it before the system does, so there is no reason of the system's."""
    with pytest.raises(DeliveryFailed, match=r"cannot be written: this is not a valid file name\Z"):
        write(tmp_path / "nul\0", "text")


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
    with pytest.raises(DeliveryFailed, match=f"^{re.escape(str(path))} belongs to another user$"):
        write(path, "text")
    assert path.read_text() == "theirs"


def folder(path: Path) -> None:
    """Something that is no file."""
    path.mkdir()


def pipe(path: Path) -> None:
    """Which would keep a writer waiting for a reader."""
    os.mkfifo(path)


def link(path: Path) -> None:
    """To a file of our own."""
    path.with_name("other").write_text("mine")
    path.symlink_to("other")


def dangling(path: Path) -> None:
    """To nothing: whoever made it chose where the file would be."""
    path.symlink_to("nothing")


@PAIRS
@pytest.mark.parametrize(
    ("make", "told"),
    [
        (folder, "is not a file$"),
        (pipe, "is not a file$"),
        (link, "is a symbolic link, and"),
        (dangling, "is a symbolic link, and"),
    ],
)
def test_only_files_are_written(
    require: Require, write: Write, make: Callable[[Path], None], told: str, tmp_path: Path
) -> None:
    """Which is told before as it is then; nothing is written elsewhere."""
    make(tmp_path / "x")
    for attempt in (lambda path: write(path, "text"), require):
        with pytest.raises(DeliveryFailed, match=f"^{re.escape(str(tmp_path / 'x'))} {told}"):
            attempt(tmp_path / "x")
    left = {path.name: path.read_text() for path in tmp_path.iterdir() if path.is_file() and not path.is_symlink()}
    assert left in ({}, {"other": "mine"})


# Below {tmp}: the folders `checkout`, which is the working directory, and `outside`; and links, each to what it names.
LINKS = {
    "checkout/conf": "../outside",
    "checkout/sub/conf": "../../outside",
    "checkout/inside": "sub",
    "checkout/twice": "conf",
    "checkout/circle": "circle",
    "alias": "outside",
    "home": "checkout",
    "into": "checkout/conf",
}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder around a working directory that has come with links, as git makes them."""
    for name in ("checkout/sub/deep", "outside/deep"):
        (tmp_path / name).mkdir(parents=True)
    for name, target in LINKS.items():
        (tmp_path / name).symlink_to(target)
    monkeypatch.chdir(tmp_path / "checkout")
    return tmp_path


@PAIRS
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("conf/hf.env", "leads through conf, a symbolic link"),
        ("./conf/hf.env", "leads through conf, a symbolic link"),
        ("sub/conf/hf.env", "leads through sub/conf, a symbolic link"),
        ("sub/../conf/hf.env", "leads through sub/../conf, a symbolic link"),
        ("conf/deep/hf.env", "leads through conf, a symbolic link"),
        ("inside/hf.env", "leads through inside, a symbolic link"),
        ("inside/conf/hf.env", "leads through inside, a symbolic link"),
        ("twice/hf.env", "leads through twice, a symbolic link"),
        ("../alias/hf.env", r"leads through \.\./alias, a symbolic link"),
        ("../home/sub/hf.env", r"leads through \.\./home, a symbolic link"),
        ("{tmp}/checkout/conf/hf.env", "leads through .*/checkout/conf, a symbolic link"),
        ("{tmp}/home/conf/hf.env", "leads through .*/home/conf, a symbolic link"),
        ("{tmp}/alias/../checkout/conf/hf.env", "leads through .*/checkout/conf, a symbolic link"),
        ("{tmp}/into/hf.env", "leads through .*/checkout/conf, a symbolic link"),
        ("{tmp}/into/deep/hf.env", "leads through .*/checkout/conf, a symbolic link"),
        ("circle/hf.env", "cannot be written: Too many levels of symbolic links"),
    ],
)
def test_a_link_of_the_checkout_is_not_followed(
    require: Require, write: Write, name: str, told: str, checkout: Path
) -> None:
    """Whoever made it chose where the token would be."""
    before = sorted(checkout.rglob("*"))
    path = Path(name.format(tmp=checkout))
    for attempt in (lambda path: write(path, "text"), require):
        with pytest.raises(DeliveryFailed, match=f"^{re.escape(str(path))} {told}"):
            attempt(path)
    assert sorted(checkout.rglob("*")) == before


def test_says_which_links_are_not_followed(checkout: Path) -> None:
    """In a sentence that tells what to do: name a path without one."""
    with pytest.raises(DeliveryFailed) as caught:
        files.replace(checkout / "into/deep/hf.env", "text")
    assert str(caught.value) == (
        f"{checkout}/into/deep/hf.env leads through {checkout}/checkout/conf, a symbolic link, "
        "and a token is not written through one in the working directory or in a relative path"
    )


@PAIRS
@pytest.mark.parametrize(
    "name",
    [
        "hf.env",
        "sub/deep/hf.env",
        "sub/../hf.env",
        "../outside/hf.env",
        "{tmp}/checkout/sub/hf.env",
        "{tmp}/outside/deep/hf.env",
        "{tmp}/alias/hf.env",
        "{tmp}/alias/deep/hf.env",
        "{tmp}/home/hf.env",
        "{tmp}/home/sub/hf.env",
    ],
)
def test_other_links_are_followed(require: Require, write: Write, name: str, checkout: Path) -> None:
    """The machine's, as `/tmp` is on macOS, and its user's own: the checkout can make none there."""
    path = Path(name.format(tmp=checkout))
    require(path)
    write(path, "text")
    assert path.read_text() == "text"


@PAIRS
def test_the_root_is_no_checkout(
    require: Require, write: Write, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container's command may be started there, where every link would be one of the working directory."""
    monkeypatch.chdir("/")
    require(checkout / "alias/hf.env")
    write(checkout / "alias/hf.env", "text")
    assert (checkout / "outside/hf.env").read_text() == "text"


@WRITERS
@pytest.mark.parametrize("before", [0o666, 0o644, 0o640, 0o604, 0o660, 0o777, 0o600, 0o700])
def test_a_file_that_was_there_is_taken_from_others(write: object, before: int, tmp_path: Path) -> None:
    """Before a token is in it. What its owner may do there stays."""
    assert callable(write)
    path = tmp_path / "x"
    path.write_text("old\n")
    path.chmod(before)
    write(path, "text\n")
    assert stat.S_IMODE(path.stat().st_mode) == (before & 0o700 if write is files.append else 0o600)
    assert path.read_text().endswith("text\n")


@WRITERS
def test_the_file_is_private_before_the_token_is_in_it(write: Write, tmp_path: Path) -> None:
    """Otherwise, whoever reads in between reads the token."""
    modes: list[int] = []

    class Token(str):
        __slots__ = ()

        def encode(self, *arguments: str) -> bytes:  # the last step before the writing
            modes.append(stat.S_IMODE(max(tmp_path.iterdir()).stat().st_mode))
            return super().encode(*arguments)

    (tmp_path / "x").touch()
    (tmp_path / "x").chmod(0o644)
    if write is files.replace:  # it writes a new file, whose name begins with a dot
        (tmp_path / "x").unlink()
    write(tmp_path / "x", Token("token"))
    assert (modes, (tmp_path / "x").read_text()) == ([0o600], "token")


def test_a_mode_that_cannot_be_is_told() -> None:
    """Some file systems take a new mode, and keep the old one."""
    open_to_all = os.stat_result((stat.S_IFREG | 0o666, *[0] * 9))
    told = "^x is open to other users, and its file system keeps no permissions$"
    with pytest.raises(DeliveryFailed, match=told), files._explained(Path("x")):
        files._require_private(open_to_all)


@PAIRS
@pytest.mark.parametrize("name", ["x", "there"])
def test_what_can_be_written_is_left_as_it_is_until_then(
    require: Require, write: Write, name: str, tmp_path: Path
) -> None:
    """Asking writes nothing, and makes no file."""
    (tmp_path / "there").write_text("before\n")
    require(tmp_path / name)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"there": "before\n"}
    write(tmp_path / name, "text\n")
    assert (tmp_path / name).read_text().endswith("text\n")


def test_a_file_that_is_added_to_needs_no_room_for_another(tmp_path: Path) -> None:
    """Its name may be so long that no other is beside it; a file that takes its place would be refused."""
    path = tmp_path / ("n" * 250)
    path.write_text("before\n")
    files.require_appendable(path)
    files.append(path, "text\n")
    assert path.read_text() == "before\ntext\n"


@PAIRS
@pytest.mark.parametrize("name", ["none/x", "there/x", "n" * 300, "nul\0"])
def test_where_nothing_can_be_written_is_told_before(require: Require, write: Write, name: str, tmp_path: Path) -> None:
    """In the words in which it would be told then."""
    (tmp_path / "there").write_text("before")
    told = []
    for attempt in (lambda path: write(path, "text"), require):
        with pytest.raises(DeliveryFailed) as caught:
            attempt(tmp_path / name)
        told.append(str(caught.value))
    assert told[0] == told[1]
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


@PAIRS
@pytest.mark.parametrize("name", ["/sys/hf.env", "/sys/kernel/notes"])
@pytest.mark.skipif(not os.path.lexists("/sys/kernel/notes"), reason="only Linux has a folder that root may not change")
def test_what_the_system_does_not_allow_is_told_before(require: Require, write: Write, name: str) -> None:
    """The reason is the system's, for a new file and for one that is there."""
    if os.geteuid() != 0:
        pytest.skip("another user is told that root's files belong to somebody else")
    for attempt in (lambda path: write(path, "text"), require):
        with pytest.raises(
            DeliveryFailed, match=f"{name} cannot be written: (Permission denied|Read-only file system)"
        ):
            attempt(Path(name))


@pytest.mark.parametrize(
    ("before", "after"), [("", "new\n"), ("old\n", "old\nnew\n"), ("old", "old\nnew\n"), ("\n", "\nnew\n")]
)
def test_what_is_added_begins_on_a_line_of_its_own(before: str, after: str, tmp_path: Path) -> None:
    """Else the last line of before, and the first of ours, would be one that is neither."""
    (tmp_path / "x").write_text(before)
    files.append(tmp_path / "x", "new\n")
    assert (tmp_path / "x").read_text() == after


@pytest.mark.process
@pytest.mark.parametrize("before", [None, "old\n"])
def test_a_disk_that_fills_up_leaves_no_half_line(before: str | None, tmp_path: Path) -> None:
    """What was there stays, and nothing is added. A limit on file sizes plays the disk."""
    if shutil.which("prlimit") is None:
        missing("prlimit (util-linux) is not here")
    path = tmp_path / "x"
    if before:
        path.write_text(before)
    code = f"from pathlib import Path; from hf_oidc.output.files import append; append(Path({str(path)!r}), 'x' * 100)"
    command = ["prlimit", "--fsize=50", sys.executable, "-B", "-c", code]
    run = subprocess.run(command, env=scrubbed(), capture_output=True, text=True, check=False)
    assert f"{path} cannot be written: File too large" in run.stderr
    assert path.read_text() == (before or "")


def test_a_write_that_fails_is_taken_back(tmp_path: Path) -> None:
    """The same within one process: text that cannot be encoded fails as late as a disk does."""
    (tmp_path / "x").write_text("old\n")
    for write in (files.append, files.replace):
        with pytest.raises(DeliveryFailed, match="cannot be written"):
            write(tmp_path / "x", "\ud800")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"x": "old\n"}


def test_a_link_that_takes_the_files_place_is_not_followed(tmp_path: Path) -> None:
    """Between the look and the opening: the opening itself refuses."""
    (tmp_path / "x").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic links"), files._opened(tmp_path / "x", files._AT_THE_END | os.O_CREAT):
        pass
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("flags", [files._NEW, files._AT_THE_END | os.O_CREAT])
def test_a_new_file_is_never_open_to_others(flags: int, tmp_path: Path) -> None:
    """Not for a moment: who has opened it by then reads what comes later."""
    before = os.umask(0)
    try:
        with files._opened(tmp_path / "x", flags) as descriptor:
            assert stat.S_IMODE(os.fstat(descriptor).st_mode) == 0o600
    finally:
        os.umask(before)


def test_a_new_file_is_no_file_of_somebody_else(tmp_path: Path) -> None:
    """One that was put where it is to be made is not opened."""
    (tmp_path / "x").write_text("theirs")
    with pytest.raises(FileExistsError), files._opened(tmp_path / "x", files._NEW):
        pass


def test_lines_of_another_writer_stay(tmp_path: Path) -> None:
    """What another step adds at the same time is not written over."""
    with files._opened(tmp_path / "x", files._AT_THE_END | os.O_CREAT) as descriptor:
        (tmp_path / "x").write_text("theirs\n")
        files._write(descriptor, "ours\n")
    assert (tmp_path / "x").read_text() == "theirs\nours\n"


@PAIRS
def test_no_file_stays_open(require: Require, write: Write, tmp_path: Path) -> None:
    """Whether it was written or refused."""
    (tmp_path / "folder").mkdir()
    descriptors = []
    for _ in range(2):
        descriptors.append(os.dup(0))
        os.close(descriptors[-1])
        write(tmp_path / "x", "text\n")
        require(tmp_path / "x")
        with pytest.raises(DeliveryFailed):
            write(tmp_path / "x", "\ud800")
    assert descriptors[0] == descriptors[1]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
@pytest.mark.parametrize(
    ("mode", "safe"), [(0o700, True), (0o755, True), (0o1777, True), (0o1775, True), (0o775, False), (0o702, False)]
)
def test_a_folder_where_others_could_replace_a_file(mode: int, safe: bool, tmp_path: Path) -> None:
    """Whoever can write to it can, unless it has the sticky bit."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder").chmod(mode)
    if safe:
        files.require_guarded_folder(tmp_path / "folder/x")
    else:
        with pytest.raises(DeliveryFailed) as caught:
            files.require_guarded_folder(tmp_path / "folder/x")
        assert str(caught.value) == (
            f"{tmp_path}/folder/x is in a folder where other users can replace it: use a folder that only you can "
            "write to (`chmod go-w`), or a folder of root's with the sticky bit, such as /dev/shm"
        )


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
@pytest.mark.parametrize(("mode", "safe"), [(0o777, False), (0o1777, True), (0o775, True), (0o755, True)])
@pytest.mark.parametrize("through", ["shared/mine/deep", "link/deep", "shared/mine/../mine/deep", "shared/link"])
def test_a_folder_above_where_others_could_replace_folders(mode: int, safe: bool, through: str, tmp_path: Path) -> None:
    """Everybody could put a folder of theirs there, with a file in it; or a link in the place of a link."""
    (tmp_path / "shared/mine/deep").mkdir(parents=True)
    (tmp_path / "private").mkdir()
    (tmp_path / "link").symlink_to("shared/mine")
    (tmp_path / "shared/link").symlink_to("../private")
    (tmp_path / "shared").chmod(mode)
    path = tmp_path / through / "x"
    if safe:
        files.require_guarded_folder(path)
    else:
        with pytest.raises(DeliveryFailed, match=f"is below {tmp_path}/shared, where other users can replace folders"):
            files.require_guarded_folder(path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give a folder away")
def test_the_sticky_bit_of_a_stranger(tmp_path: Path) -> None:
    """The owner of such a folder may replace all files in it."""
    (tmp_path / "theirs/mine").mkdir(parents=True)
    (tmp_path / "theirs").chmod(0o1777)
    os.chown(tmp_path / "theirs", 12345, 12345)
    for path in ("theirs/x", "theirs/mine/x"):
        with pytest.raises(DeliveryFailed, match="where other users can replace"):
            files.require_guarded_folder(tmp_path / path)


def test_what_is_not_utf8_keeps_its_bytes(tmp_path: Path) -> None:
    """Python reads a variable or an argument like that, and it may be a part of what is written."""
    files.replace(tmp_path / "x", os.fsdecode(b"caf\xe9"))
    assert (tmp_path / "x").read_bytes() == b"caf\xe9"


def test_the_folder_of_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Told as what it is."""
    with pytest.raises(DeliveryFailed, match=r"/none/x cannot be written: No such file or directory$"):
        files.require_guarded_folder(tmp_path / "none/x")


def test_a_file_is_removed(tmp_path: Path) -> None:
    """It is no error if it is gone, alone or with its folder."""
    (tmp_path / "x").touch()
    for path in (tmp_path / "x", tmp_path / "x", tmp_path / "none/x"):
        files.remove(path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make", [folder, pipe, link])
def test_what_is_no_file_of_ours_is_not_removed(make: Callable[[Path], None], tmp_path: Path) -> None:
    """Something else has taken its place."""
    make(tmp_path / "x")
    with pytest.raises(DeliveryFailed, match=f"^{re.escape(str(tmp_path))}/x is "):
        files.remove(tmp_path / "x")
    assert os.path.lexists(tmp_path / "x")


def test_a_file_that_cannot_be_removed(tmp_path: Path) -> None:
    """The message says why."""
    with pytest.raises(DeliveryFailed, match=r"n… cannot be removed: File name too long$"):
        files.remove(tmp_path / ("n" * 300))
