"""Operations of transformers, without torch: a configuration and a tokenizer. And of the library tokenizers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from huggingface_hub import HfApi
from operation_runner import JOB, check, run
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

TRANSFORMERS = JOB.name == "transformers"
FOLDER = Path(JOB.scratch) / "folder"
if TRANSFORMERS:
    from transformers import AutoTokenizer, BertConfig, PreTrainedTokenizerFast


def tokenizer() -> Tokenizer:
    """One that knows two words."""
    made = Tokenizer(WordLevel({"[UNK]": 0, "hello": 1, "hub": 2}, unk_token="[UNK]"))
    made.pre_tokenizer = Whitespace()
    return made


def fast() -> Any:
    """The same, as transformers has it."""
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer(), unk_token="[UNK]")


def load(**options: Any) -> None:
    """The tokenizer, from the Hub."""
    if TRANSFORMERS:
        check(AutoTokenizer.from_pretrained(JOB.repo, **options)("hub hello")["input_ids"], [2, 1])
        check(BertConfig.from_pretrained(JOB.repo, **options).hidden_size, 24)
    else:
        check(Tokenizer.from_pretrained(JOB.repo, **options).encode("hub hello").ids, [2, 1])


def push(repo: str = JOB.repo, **options: Any) -> None:
    """As people do."""
    config().push_to_hub(repo, **options)
    fast().push_to_hub(repo, **options)


def config() -> Any:
    """A small one."""
    return BertConfig(hidden_size=24, num_attention_heads=2, num_hidden_layers=1)


def push_and_load() -> None:
    """A configuration and a tokenizer."""
    push()
    load()


def upload_folder() -> None:
    """The way round where push_to_hub asks for a new repository first."""
    FOLDER.mkdir()
    if TRANSFORMERS:
        config().save_pretrained(FOLDER)
        fast().save_pretrained(FOLDER)
    else:
        tokenizer().save(str(FOLDER / "tokenizer.json"))
    HfApi().upload_folder(folder_path=FOLDER, repo_id=JOB.repo)
    load()


def short_hash() -> str:
    """Of the newest commit."""
    return str(HfApi().model_info(JOB.repo).sha)[:7]


run(
    {
        "push_to_hub": push_and_load,
        "push_to_hub again": push_and_load,
        "upload_folder instead of push_to_hub": upload_folder,
        "load": load,
        "revision: short hash": lambda: load(revision=short_hash()),
        "revision: HEAD": lambda: load(revision="HEAD"),
        "revision: refs/pr/1": lambda: load(revision="refs/pr/1"),
        "create a repository": lambda: push(f"{JOB.repo}-new"),
        "create a pull request": lambda: push(create_pr=True),
        "write to another repository": lambda: push(JOB.other),
        "use an expired token": lambda: push(token=JOB.expired_token),
    }
)
