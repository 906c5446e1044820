"""Operations of the library datasets."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from datasets import Dataset, load_dataset
from huggingface_hub import HfApi, hf_hub_download
from operation_runner import JOB, check, content, run

ROWS: dict[str, list[Any]] = {"text": ["one", "two", "three"], "label": [1, 2, 3]}


def push(rows: dict[str, list[Any]] = ROWS, repo: str = JOB.repo, **options: Any) -> None:
    """As people do."""
    Dataset.from_dict(rows).push_to_hub(repo, **options)


def load(**options: Any) -> dict[str, list[Any]]:
    """All rows, from the Hub and not from the cache."""
    # In a new cache: older versions load from the cache if the Hub has nothing.
    cache = tempfile.mkdtemp(dir=JOB.scratch)
    loaded: Any = load_dataset(JOB.repo, split="train", cache_dir=cache, **options)
    return dict(loaded.to_dict())


def compare(**options: Any) -> None:
    """Load what was pushed."""
    check(load(**options), ROWS)


def push_and_load() -> None:
    """Rows, with a second configuration beside them."""
    push()
    push({"text": ["four"]}, config_name="other")
    compare(name="default")


def push_again() -> None:
    """The same configuration with other rows, then the first ones."""
    push({"text": ["zero"], "label": [0]})
    push()
    compare(name="default")


def upload_folder() -> None:
    """The way round where push_to_hub asks for a new repository first."""
    file = Path(JOB.scratch) / "folder/data/train-00000-of-00001.parquet"
    file.parent.mkdir(parents=True)
    Dataset.from_dict(ROWS).to_parquet(file)
    HfApi().upload_folder(folder_path=file.parents[1], repo_id=JOB.repo, repo_type="dataset")
    compare()


def stream() -> None:
    """Without a download."""
    found: Any = load_dataset(JOB.repo, split="train", streaming=True)
    check([row["text"] for row in found], ROWS["text"])


def big() -> None:
    """150 MB in one column; one Parquet file comes back with the same digest."""
    rows = {"data": [content(50_000_000, seed) for seed in (1, 2, 3)]}
    push(rows, config_name="big")
    loaded: Any = load_dataset(JOB.repo, "big", split="train")
    check([row == sent for row, sent in zip(loaded["data"], rows["data"], strict=True)], [True] * 3)


def short_hash() -> str:
    """Of the newest commit."""
    return str(HfApi().dataset_info(JOB.repo).sha)[:7]


run(
    {
        "push_to_hub": push_and_load,
        "push_to_hub again": push_again,
        "upload_folder instead of push_to_hub": upload_folder,
        "load": compare,
        "load as a stream": stream,
        "download": lambda: hf_hub_download(JOB.repo, "data/train-00000-of-00001.parquet", repo_type="dataset"),
        "revision: short hash": lambda: compare(revision=short_hash()),
        "revision: HEAD": lambda: compare(revision="HEAD"),
        "revision: refs/pr/1": lambda: compare(revision="refs/pr/1"),
        "create a repository": lambda: push(repo=f"{JOB.repo}-new"),
        "create a pull request": lambda: push(create_pr=True),
        "write to another repository": lambda: push(repo=JOB.other),
        "use an expired token": lambda: push(token=JOB.expired_token),
        "publish 150 MB": big,
    }
)
