"""Finds what a job's script does with the Hub: logins by `hf-oidc`, other uses, and tokens that are stored.

It reads shell commands as far as words and quotes go, and runs nothing. Values with `$` are the shell's.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice

from hf_oidc.doctor.workflow.login.step import WITH_VALUE

MAX_LINE = 4_000  # characters of a command that are read
# A single command: no other one on its line, and no variable, in the name of the repository.
UPLOAD = re.compile(r"(?:hf|huggingface-cli) upload(?:-large-folder)? (?P<name>[\w.-]+/[\w.-]+)(?: [^;&|<>`$()]*)?")
MAX_LOGINS = 20  # of a job
CONTINUED = re.compile(r"\\\n\s*")
LOGIN = re.compile(r"(?<![\w-])hf-oidc(?:\.exe)?\s+(?=(?:run|agent|env|token)\b)")
USES_HUB = re.compile(
    r"(?:^|[\s;&|(])(?:hf|huggingface-cli) +[a-z]|HF_TOKEN|HUGGING_?FACE_?(?:HUB_)?TOKEN|huggingface_hub(?!\])\b|"
    r"push_to_hub|https://[^\s/]*@?huggingface\.co/"
)
INSTALLS = re.compile(r"(?:^|[\s;&|(])(?:uv )?(?:pip3?|pipx|poetry|conda) (?:install|add|sync)\b")
# A variable that is put into HF_TOKEN or passed as a token, and is none that a login set.
STORED = re.compile(
    r"(?:\bHF_TOKEN=|--token[= ])[\"']?\$\{?(?P<variable>(?!HF_TOKEN\b|HF_OIDC|HF_ID_TOKEN\b)\w+)|"
    r"https://[^\s/@]*\$\{?(?P<in_url>(?!HF_TOKEN\b)\w+)\}?@(?:huggingface|hf)\.co/"
)
# What is likely to take longer than five minutes.
LONG = re.compile(
    r"(?:^|[\s;&|(])(?:python[\d.]*\s+(?:-m\s+(?!pip|venv|build)\S+|\S+\.py)|torchrun|accelerate launch|deepspeed|"
    r"make\b|cmake|bazel|cargo (?:build|test)|docker build|pytest|tox|nox|papermill|dvc repro|"
    r"sleep [3-9]\d\d|sleep \d{4,})"
)


@dataclass(frozen=True)
class Login:
    """A command that logs in. `resources`: as written. `options`: with their values. `before`: what runs earlier."""

    command: str
    resources: tuple[str, ...]
    options: dict[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()

    def option(self, name: str) -> str:
        """The value of an option, or an empty string."""
        return self.options.get(name, "")


def commands(script: Iterable[str]) -> list[str]:
    """Returns the commands of a script, one per line; comments are left out."""
    lines = (line.strip()[:MAX_LINE] for text in script for line in CONTINUED.sub(" ", text).splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def logins(lines: list[str]) -> Iterator[Login]:
    """Yields the logins by `hf-oidc` in these commands."""
    found = ((number, match) for number, line in enumerate(lines) for match in LOGIN.finditer(line))
    for number, match in islice(found, MAX_LOGINS):
        yield _login(match.string[match.end() :], tuple(lines[:number]))


def uses_hub(lines: Iterable[str]) -> bool:
    """Whether a command uses the Hub, and does not only install a client."""
    return any(USES_HUB.search(line) and not INSTALLS.search(line) for line in lines)


def stored_tokens(lines: Iterable[str]) -> Iterator[str]:
    """Yields the variables that commands use as a token."""
    for line in lines:
        for match in STORED.finditer(line):
            yield match["variable"] or match["in_url"]


def upload(lines: Iterable[str]) -> tuple[str, str]:
    """Returns the resource and the text of the first upload that names its repository, or those of an example."""
    found = next((match for line in lines if (match := UPLOAD.fullmatch(line.strip()))), None)
    if not found:
        return "namespace/name", "hf upload namespace/name ./model ."
    kind = re.search(r"--(?:repo-)?type[= ](dataset|space|kernel)\b", found[0])
    return f"{kind[1]}s/{found['name']}" if kind else found["name"], found[0]


def takes_long(lines: Iterable[str]) -> str:
    """Returns the first command that may take longer than the ID token lives, or an empty string."""
    return next((line for line in lines if LONG.search(line) and not INSTALLS.search(line)), "")


def _login(text: str, before: tuple[str, ...]) -> Login:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = "#"
    command, words, options, last = "", list[str](), dict[str, str](), ""
    with suppress(ValueError):  # a quote that is not closed: what is before it counts
        for word in lexer:
            if word == "--" or set(word) <= set(";&|<>()`"):
                break
            name, equals, value = word.partition("=")
            if last:
                options[last], last = word, ""
            elif word.startswith("-"):
                options[name] = value
                last = name if name in WITH_VALUE and not equals else ""
            elif command:
                words.append(word)
            else:
                command = word
    return Login(command, tuple(words), options, before)
