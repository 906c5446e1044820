"""The folder of token files: for its owner alone, whole at each moment, gone at the end."""

import os
import stat
import tempfile
import threading
from pathlib import Path

import pytest

from hf_oidc.errors import DeliveryFailed
from hf_oidc.output.token_folder import IN_MEMORY, put, token_folder
from hf_oidc.secret import Secret


def mode(path: Path) -> int:
    """The permissions of a file or folder."""
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_its_owners_alone_and_gone_at_the_end(tmp_path: Path) -> None:
    """0700 and 0600, in the place that the user has in memory."""
    with token_folder({"XDG_RUNTIME_DIR": str(tmp_path)}) as folder:
        put(folder / "HF_TOKEN", Secret("hf_jwt_first"))
        assert folder.parent == tmp_path
        assert folder.name.startswith("hf-oidc-")
        assert (mode(folder), mode(folder / "HF_TOKEN")) == (0o700, 0o600)
        assert (folder / "HF_TOKEN").read_text() == "hf_jwt_first"
    assert list(tmp_path.iterdir()) == []


def test_it_is_gone_after_an_interrupt(tmp_path: Path) -> None:
    """Whatever ends the command."""

    def work() -> None:
        with token_folder({"XDG_RUNTIME_DIR": str(tmp_path)}) as folder:
            put(folder / "HF_TOKEN", Secret("hf_jwt_first"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["", "relative/folder", ".", "/does/not/exist", __file__])
def test_a_place_that_is_none_is_not_used(place: str, tmp_path: Path) -> None:
    """There is another."""
    with token_folder({"XDG_RUNTIME_DIR": place}, str(tmp_path)) as folder:
        assert folder.parent == tmp_path
        assert mode(folder) == 0o700


def test_a_folder_that_the_command_has_deleted_is_no_failure(tmp_path: Path) -> None:
    """Its tokens are gone, as they would be anyway."""
    with token_folder({"XDG_RUNTIME_DIR": str(tmp_path)}) as folder:
        folder.rmdir()
    assert list(tmp_path.iterdir()) == []


def test_memory_comes_before_a_disk(tmp_path: Path) -> None:
    """The user's own, then the machine's, then the runner's folder, and Python's choice for want of all."""
    places = [str(tmp_path / name) for name in ("user", "machine", "runner")]
    for place in places:
        Path(place).mkdir()
    env = {"XDG_RUNTIME_DIR": places[0], "RUNNER_TEMP": places[2]}
    for expected in [*places, tempfile.gettempdir()]:
        with token_folder(env, places[1]) as folder:
            assert str(folder.parent) == expected
        if expected in places:
            Path(expected).rmdir()


def test_a_variable_that_is_not_set_names_no_place(tmp_path: Path) -> None:
    """As on a runner of another system, where there is neither a user's folder nor one in memory."""
    with token_folder({"RUNNER_TEMP": str(tmp_path)}, "") as folder:
        assert folder.parent == tmp_path
    with token_folder({}, "") as folder:
        assert str(folder.parent) == tempfile.gettempdir()


def test_a_place_where_no_folder_can_be_made() -> None:
    """Told as what it is."""
    with (
        pytest.raises(DeliveryFailed, match=r"^The folder for the token file cannot be created: [A-Z]") as caught,
        token_folder({"XDG_RUNTIME_DIR": "/proc"}),
    ):
        raise AssertionError("there is none")  # pragma: no cover
    assert caught.value.recipient == "token-folder"


@pytest.mark.skipif(not os.access(IN_MEMORY, os.W_OK | os.X_OK), reason="Linux alone has such a folder")
def test_memory_comes_before_the_runners_disk(tmp_path: Path) -> None:
    """RUNNER_TEMP is on a disk, and used where the system has no folder in memory."""
    with token_folder({"RUNNER_TEMP": str(tmp_path)}) as folder:
        assert folder.parent == Path(IN_MEMORY)


def test_each_token_is_a_new_file_in_a_new_folder(tmp_path: Path) -> None:
    """Whoever has opened the file before does not see the next token in it."""
    env = {"XDG_RUNTIME_DIR": str(tmp_path)}
    with token_folder(env) as folder, token_folder(env) as another:
        assert folder != another
        put(folder / "HF_TOKEN", Secret("hf_jwt_first"))
        with (folder / "HF_TOKEN").open() as opened:
            put(folder / "HF_TOKEN", Secret("hf_jwt_second"))
            assert opened.read() == "hf_jwt_first"
        assert (folder / "HF_TOKEN").read_text() == "hf_jwt_second"


def test_what_the_command_has_put_there_is_not_written_through(tmp_path: Path) -> None:
    """Links and pipes of any name; the token is a new file each time."""
    with token_folder({"XDG_RUNTIME_DIR": str(tmp_path)}) as folder:
        (tmp_path / "elsewhere").write_text("kept")
        os.mkfifo(folder / "HF_TOKEN.new")
        (folder / "HF_TOKEN").symlink_to(tmp_path / "elsewhere")
        put(folder / "HF_TOKEN", Secret("hf_jwt_first"))
        assert (folder / "HF_TOKEN").read_text() == "hf_jwt_first"
        assert not (folder / "HF_TOKEN").is_symlink()
    assert (tmp_path / "elsewhere").read_text() == "kept"


@pytest.mark.parametrize("place", [".", "sub", "sub/deep", "../alias", "../alias/sub", "sub/../sub"])
def test_the_working_directory_is_no_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """It is the checkout, and may be published with all that is in it."""
    (tmp_path / "checkout/sub/deep").mkdir(parents=True)
    (tmp_path / "alias").symlink_to("checkout")
    monkeypatch.chdir(tmp_path / "checkout")
    env = {"XDG_RUNTIME_DIR": str(tmp_path / "checkout" / place)}
    told = "^The token file would be in the working directory. Set XDG_RUNTIME_DIR to a folder elsewhere$"
    with pytest.raises(DeliveryFailed, match=told) as caught, token_folder(env):
        raise AssertionError("there is none")  # pragma: no cover
    assert caught.value.recipient == "token-folder"
    assert not list(tmp_path.rglob("hf-oidc-*"))


def test_a_place_beside_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that begins with the checkout's is not in it, as Jenkins has it; and the root is no checkout."""
    for name in ("checkout", "checkout@tmp"):
        (tmp_path / name).mkdir()
    for working_directory in (tmp_path / "checkout", "/"):
        monkeypatch.chdir(working_directory)
        with token_folder({"XDG_RUNTIME_DIR": str(tmp_path / "checkout@tmp")}) as folder:
            assert folder.parent == tmp_path / "checkout@tmp"


def test_a_reader_sees_one_token_or_the_next(tmp_path: Path) -> None:
    """Never none, never half of one."""
    tokens = {letter * 20_000 for letter in "abcd"}
    with token_folder({"XDG_RUNTIME_DIR": str(tmp_path)}) as folder:
        file = folder / "HF_TOKEN"
        put(file, Secret("a" * 20_000))
        seen: set[str] = set()
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                seen.add(file.read_text())

        reader = threading.Thread(target=read)
        reader.start()
        for _ in range(200):
            for token in sorted(tokens):
                put(file, Secret(token))
        done.set()
        reader.join()
    assert seen <= tokens


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    """Told as what it is, without the token."""
    with pytest.raises(DeliveryFailed, match="No such file") as caught:
        put(tmp_path / "gone" / "HF_TOKEN", Secret("hf_jwt_first"))
    assert caught.value.__context__ is None
    assert caught.value.recipient == "token-folder"


def test_a_token_that_cannot_be_put_is_nowhere(tmp_path: Path) -> None:
    """Not under the name either that it had until then."""
    (tmp_path / "HF_TOKEN").mkdir()
    with pytest.raises(DeliveryFailed, match="Is a directory"):
        put(tmp_path / "HF_TOKEN", Secret("hf_jwt_first"))
    assert [path.name for path in tmp_path.iterdir()] == ["HF_TOKEN"]


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="only Linux has a folder in memory for all")
def test_without_a_folder_of_the_user_it_is_in_memory() -> None:
    """A token is not written to a disk that somebody may keep."""
    with token_folder({}) as folder:
        assert folder.parent == Path("/dev/shm")
