"""Operations of huggingface_hub's Python API, from version 0.14 on. Endpoint and token are in the environment, too."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import huggingface_hub
from huggingface_hub import hf_hub_download, hf_hub_url
from operation_runner import JOB, check, content, folder, offered, run

api: Any = huggingface_hub.HfApi(endpoint=JOB.hub, token=JOB.token)


def upload(data: bytes, path: str, repo: str = JOB.repo, **options: Any) -> None:
    """Upload one file."""
    api.upload_file(path_or_fileobj=data, path_in_repo=path, repo_id=repo, **options)


def read(path: str, repo: str = JOB.repo, **options: Any) -> bytes:
    """Download one file."""
    return Path(hf_hub_download(repo, path, **options)).read_bytes()


def upload_and_compare(data: bytes, path: str) -> None:
    """Upload a file, and download it."""
    upload(data, path)
    check(read(path), data)


def upload_folder() -> None:
    """Some files in one commit."""
    files = {"one.txt": b"one\n", "deep/two.bin": content(50_000)}
    api.upload_folder(folder_path=folder("folder", files), repo_id=JOB.repo, path_in_repo="folder")
    check(read("folder/deep/two.bin"), files["deep/two.bin"])


def delete() -> None:
    """A file that was uploaded before."""
    upload(b"old\n", "old.txt")
    api.delete_file("old.txt", JOB.repo)
    check("old.txt" not in api.list_repo_files(JOB.repo))


def move() -> None:
    """A large file: copy and delete in one commit."""
    copy = offered(huggingface_hub, "CommitOperationCopy")
    upload(content(9_000), "before.bin")
    delete = huggingface_hub.CommitOperationDelete("before.bin")
    api.create_commit(JOB.repo, operations=[copy("before.bin", "after.bin"), delete], commit_message="Move")
    check(read("after.bin"), content(9_000))


def metadata() -> None:
    """HEAD."""
    found = huggingface_hub.get_hf_file_metadata(hf_hub_url(JOB.seeded, "weights.bin"))
    check((found.commit_hash, found.etag, found.size), (JOB.commit, JOB.sha256, JOB.size))


def file_system() -> Any:
    """Files as fsspec sees them."""
    return offered(huggingface_hub, "HfFileSystem")(endpoint=JOB.hub, token=JOB.token)


def part_of_file() -> None:
    """A range, by fsspec."""
    with file_system().open(f"{JOB.seeded}/weights.bin", block_size=1000) as file:
        file.seek(5_000)
        check(file.read(100), content(JOB.size)[5_000:5_100])


def last_commits() -> None:
    """`expand=true`: of a list, and before there was one, of the file system."""
    if not hasattr(api, "list_repo_tree"):
        check(file_system().modified(f"{JOB.seeded}/weights.bin").year > 2000)
        return
    found = {each.path: each.last_commit for each in api.list_repo_tree(JOB.seeded, recursive=True, expand=True)}
    check([found[path]["title"] for path in ("weights.bin", "data/small.txt")], ["First", "Second"])


def token_file() -> None:
    """`HF_TOKEN_PATH`, as `hf-oidc run --keep-fresh` sets it."""
    path = Path(JOB.scratch) / "token-file"
    path.write_text(JOB.token)
    call = f"HfApi().upload_file(path_or_fileobj=b'a', path_in_repo='a.txt', repo_id={JOB.repo!r})"
    env = {name: value for name, value in os.environ.items() if name != "HF_TOKEN"} | {"HF_TOKEN_PATH": str(path)}
    done = subprocess.run(
        [sys.executable, "-c", f"from huggingface_hub import HfApi; {call}"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ValueError(done.stderr)


def paths_info() -> None:
    """One file and one folder."""
    asked = getattr(api, "get_paths_info", None) or offered(api, "list_files_info")
    found = list(asked(JOB.seeded, ["weights.bin"]))
    check([(getattr(each, "path", None) or each.rfilename, each.size) for each in found], [("weights.bin", JOB.size)])


def info() -> None:
    """With the size of each file."""
    found = api.repo_info(JOB.seeded, files_metadata=True)
    check(found.sha, JOB.commit)
    check({each.rfilename: each.size for each in found.siblings}["weights.bin"], JOB.size)


def revision(name: str, expected: str) -> None:
    """A file of this revision."""
    check(read("data/small.txt", JOB.seeded, revision=name), expected.encode())


def history() -> None:
    """The titles of all commits."""
    commits = offered(api, "list_repo_commits")(JOB.seeded)
    check([each.title for each in commits][:2], ["Second", "First"])


def refs() -> None:
    """Branches and tags."""
    found = offered(api, "list_repo_refs")(JOB.seeded)
    check(([each.name for each in found.branches], [each.name for each in found.tags]), (["main"], ["v1"]))


def branch() -> None:
    """Created, and uploaded to."""
    offered(api, "create_branch")(JOB.repo, branch="next")
    upload(b"next\n", "next.txt", revision="next")
    check(read("next.txt", revision="next"), b"next\n")


def snapshot() -> None:
    """All files."""
    found = Path(huggingface_hub.snapshot_download(JOB.seeded))
    check((found / "weights.bin").read_bytes(), content(JOB.size))


def expired() -> None:
    """A token that was valid."""
    late = huggingface_hub.HfApi(endpoint=JOB.expired_hub, token=JOB.expired_token)
    late.upload_file(path_or_fileobj=b"late\n", path_in_repo="late.txt", repo_id=JOB.repo)


run(
    {
        "upload a small file": lambda: upload_and_compare(b"small\n", "small.txt"),
        "upload an LFS file": lambda: upload_and_compare(content(200_000, 2), "model.safetensors"),
        "upload a text file over 10 MiB": lambda: upload_and_compare(b"a line\n" * 1_600_000, "long.txt"),
        "upload a folder": upload_folder,
        "delete a file": delete,
        "move a file": move,
        "download": lambda: check(read("weights.bin", JOB.seeded), content(JOB.size)),
        "read metadata (HEAD)": metadata,
        "read a range": part_of_file,
        "list files": lambda: check(sorted(api.list_repo_files(JOB.seeded)), JOB.files),
        "list with last commits": last_commits,
        "look up paths": paths_info,
        "repository info": info,
        "list refs": refs,
        "list commits": history,
        "revision: tag": lambda: revision("v1", "first\n"),
        "revision: short hash": lambda: revision(JOB.first[:7], "first\n"),
        "revision: HEAD": lambda: revision("HEAD", "second\n"),
        "revision: refs/pr/1": lambda: revision("refs/pr/1", "no such pull request"),
        "download all (snapshot, clone)": snapshot,
        "create a branch": branch,
        "create a tag": lambda: offered(api, "create_tag")(JOB.repo, tag="v9"),
        "create a repository that exists": lambda: api.create_repo(JOB.repo, exist_ok=True),
        "create a repository": lambda: api.create_repo(f"{JOB.repo}-new"),
        "create a pull request": lambda: upload(b"proposed\n", "proposed.txt", create_pr=True),
        "whoami": api.whoami,
        "check for write access": lambda: offered(api, "auth_check")(JOB.repo, write=True),
        "write to another repository": lambda: upload(b"strange\n", "strange.txt", JOB.other),
        "use an expired token": expired,
        "log in by `HF_TOKEN_PATH`": token_file,
        "publish 150 MB": lambda: upload(Path(JOB.big).read_bytes(), "big.safetensors"),
    }
)
