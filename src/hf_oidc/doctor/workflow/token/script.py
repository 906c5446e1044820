"""Reads the commands of a `run:` script: words, assignments and here-documents, for sh, PowerShell and cmd.

It does not evaluate conditions, loops or substitutions. It does not know what a command does. It reads each
character once, so that its time is in proportion to the length of the script.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from hf_oidc.doctor.workflow.expressions.syntax import EXPRESSION
from hf_oidc.doctor.workflow.model import Job, Step

Shell = Literal["sh", "powershell", "cmd", "python"]
# What follows is not read. The longest scripts of public workflows have a third of this.
MAX_CHARACTERS = 65_536
MAX_EXPANDED = 20_000  # characters of values in a word
# An expression ends before the next one begins. Otherwise many `${{` without an end would take quadratic time.
# A program that starts another one, with at most one option: `uvx --from huggingface_hub hf auth login`.
RUNNER = r"(?:(?:uvx|(?:uv|pipx|poetry|pdm|hatch|pixi)[ \t]+run)(?:[ \t]+--?[\w-]+(?:[= \t][\w.\[\],=]+)?)?[ \t]+)?"
# GitHub inserts expressions before a shell reads the script, so their quotes and blanks are not the shell's.
PLACEHOLDER = re.compile("\ue000(\\d+)\ue001")
# `{escape}`: the character that makes the next one literal. In cmd, a single quote is an ordinary character.
PIECE = r"""
      (?P<comment>(?<![^\s;&|(])\#[^\n]*)
    | (?P<joined>{escape}\r?\n[ \t]*)
    | (?P<blank>[ \t\r]+)
    | (?P<here>(?<!<)<<-?[ \t]*(?P<quote>['"]?)(?P<mark>[A-Za-z_][\w.-]*)(?P=quote))
    | (?P<redirection>\d?[<>]&[\d-]?|&>>?)
    | (?P<end>\n|;|&&?|\|\|?|[(){end}])
    | {single}
    | "(?P<double>(?:[^"{escape}]|{escape}.)*)"
    | {escape}(?P<escaped>.)
    | (?P<plain>\$\{{[^}}\s$]{{0,200}}\}}|[^\s;&|()'"\\`<>^\#$]+|.)
"""
SINGLE = "'(?P<single>[^']*)'"
PIECES = {
    shell: re.compile(PIECE.format(escape=escape, end=end, single=single), re.VERBOSE | re.DOTALL)
    for shell, escape, end, single in (
        ("sh", r"\\", "`", SINGLE),
        ("powershell", "`", "", SINGLE),
        ("cmd", r"\^", "", "(?P<single>(?!))"),
    )
}
ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<value>.*)", re.DOTALL)
POWERSHELL = re.compile(r"\$env:(?P<name>\w+)(?P<equals>=(?P<value>.*))?", re.DOTALL | re.IGNORECASE)
VARIABLE = re.compile(
    r"\$\{(?P<braces>\w+)\}|\$\{?env:(?P<powershell>\w+)\}?|\$(?P<plain>\w+)|%(?P<cmd>\w+)%", re.IGNORECASE
)
# Words that stand before a command, and programs that start another one after options of their own.
KEYWORDS = {"if", "then", "elif", "else", "do", "while", "until", "!", "{", "time", "exec", "command", "call", "@"}
WRAPPERS = {"sudo", "env", "nohup", "nice", "timeout", "uv", "uvx", "poetry", "pipx", "pipenv", "pdm", "hatch", "pixi"}
WRAPPERS |= {"conda", "mamba", "micromamba", "stdbuf", "retry", "xvfb-run"}
STARTED = re.compile(r"(?:.*[\\/])?(?:hf|huggingface-cli|hf-oidc|git|curl|python[\d.]*|(?:ba|z|da)?sh)(?:\.exe)?")
DECLARES = {"export", "declare", "readonly", "local", "set"}
SHELLS = {"sh", "bash", "zsh", "dash"}


@dataclass(frozen=True)
class Command:
    """A command. `variables`: what it sets. Without `words`, they stay set for the rest of the script.

    `body`: the here-document of its line, which may also be for a command that a pipe connects with it.
    """

    words: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    body: str = ""

    @property
    def name(self) -> str:
        """The program, without its folder and `.exe`."""
        return re.split(r"[\\/]", self.words[0])[-1].removesuffix(".exe") if self.words else ""

    def option(self, *names: str) -> str | None:
        """The value of the first option with one of these names, as `--name value` or `--name=value`."""
        for index, word in enumerate(self.words):
            name, equals, value = word.partition("=")
            if name in names:
                return value if equals else "".join(self.words[index + 1 : index + 2])
        return None


def shell_of(job: Job, step: Step) -> Shell:
    """Returns the kind of shell that reads the script of `step`. On Windows, the default is PowerShell."""
    windows = bool(job.runs_on) and all("windows" in label.lower() for label in job.runs_on)
    name = (step.shell or job.shell or ("pwsh" if windows else "bash")).split(" ")[0].lower()
    kinds: dict[str, Shell] = {"pwsh": "powershell", "powershell": "powershell", "cmd": "cmd", "python": "python"}
    return kinds.get(name, "sh")


@lru_cache(maxsize=256)
def commands(script: str, shell: Shell) -> tuple[Command, ...]:
    """Returns the commands of `script`, in order. Those in `(…)`, in `$(…)` and after `sh -c` count too."""
    expressions: list[str] = []

    def place(match: re.Match[str]) -> str:
        expressions.append(match[0])
        return f"\ue000{len(expressions) - 1}\ue001"

    def restore(text: str) -> str:
        return PLACEHOLDER.sub(lambda match: expressions[int(match[1])], text)

    if shell == "python":
        return (Command(("python",), body=script),)
    text = EXPRESSION.sub(place, re.sub("[\ue000\ue001]", "", script[:MAX_CHARACTERS]))
    found: list[Command] = []
    for words, body in _split(text, shell):
        command = _command([restore(word) for word in words], restore(body))
        inner = command.option("-c", "-lc", "-ec", "-exc", "-euc") if command.name in SHELLS else None
        if inner and inner != script:
            found += [
                Command(each.words, {**command.variables, **each.variables}, each.body)
                for each in commands(inner, "sh")
            ]
        elif command.words or command.variables:
            found.append(command)
    return tuple(found)


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Returns `text` with the variables of a shell replaced, as far as `variables` has them.

    A variable stays if its value would make the text too long: `A=$A$A` doubles it each time.
    """
    left = MAX_EXPANDED

    def value(match: re.Match[str]) -> str:
        nonlocal left
        found = variables.get(match[match.lastgroup or 0], match[0])
        left -= len(found)
        return found if left >= 0 else match[0]

    return VARIABLE.sub(value, text)


def positionals(words: Sequence[str], flags: Container[str] = (), *, valued: Container[str] | None = None) -> list[str]:
    """Returns the words without the options. `valued`: the options with a value; by default all but `flags`."""
    found, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word.startswith("-") and len(word) > 1:
            skip = "=" not in word and (word in valued if valued is not None else word not in flags)
        else:
            found.append(word)
    return found


def _split(text: str, shell: Shell) -> Iterator[tuple[list[str], str]]:
    """Yields the words of each command, and the here-document of its line."""
    pieces, position, mark = PIECES[shell], 0, ""
    # The commands of this line; a word is a list of pieces, because adding to a long text would copy it each time.
    line: list[list[list[str]]] = [[]]
    glued = False  # whether the next piece belongs to the last word
    while piece := pieces.match(text, position):  # the last alternative matches any character
        position, kind = piece.end(), piece.lastgroup or ""
        if kind == "here":
            mark = piece["mark"]
        elif kind == "end" and piece["end"] == "\n":
            end = (
                re.compile(rf"^[ \t]*{re.escape(mark)}[ \t\r]*$", re.MULTILINE).search(text, position) if mark else None
            )
            body = text[position : end.start() if end else None] if mark else ""
            position = end.end() if end else position + len(body)
            yield from ((["".join(word) for word in words], body) for words in line)
            line, mark = [[]], ""
        elif kind == "end":
            if line[-1]:
                line.append([])
        elif kind in {"single", "double", "escaped", "plain"}:
            value = re.sub(r'\\(["\\$`])', r"\1", piece[kind]) if kind == "double" and shell == "sh" else piece[kind]
            if not glued:
                line[-1].append([])
            line[-1][-1].append(value)
        glued = kind in {"single", "double", "escaped", "plain"}
    yield from ((["".join(word) for word in words], "") for words in line)


def _command(words: list[str], body: str) -> Command:
    """Takes assignments, keywords and wrappers off the start of a command."""
    variables: dict[str, str] = {}
    first = 0
    while first < len(words):
        word, wrapped = words[first], 0
        assigned, powershell = ASSIGNMENT.fullmatch(word), POWERSHELL.fullmatch(word)
        if word in WRAPPERS:
            wrapped = next((at for at in range(first + 1, len(words)) if STARTED.fullmatch(words[at])), 0)
        if assigned:
            variables[assigned["name"]] = assigned["value"]
        elif powershell and powershell["equals"]:
            variables[powershell["name"]] = powershell["value"]
        elif powershell and words[first + 1 : first + 2] == ["="]:
            variables[powershell["name"]] = "".join(words[first + 2 : first + 3])
            first += 2
        elif wrapped or (word in DECLARES and any(map(ASSIGNMENT.fullmatch, words[first + 1 :]))):
            # As in `env NAME=value hf …` and `export NAME=value`.
            given = map(ASSIGNMENT.fullmatch, words[first + 1 : wrapped or None])
            variables |= {each["name"]: each["value"] for each in given if each}
            first = wrapped - 1 if wrapped else len(words)
        elif word not in KEYWORDS:
            break
        first += 1
    return Command(tuple(words[first:]), variables, body)
