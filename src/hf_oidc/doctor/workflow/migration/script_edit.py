"""Takes stored secrets out of the script of a step (`run:`), as edits of its text.

The lines of the file, which are indented, get the same edits as the value of the script. What is not understood stays
as it is; the caller then sees that the secret is still there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hf_oidc.doctor.workflow.migration.text_edit import Edit
from hf_oidc.doctor.workflow.token.script import RUNNER

VARIABLE = "HF_TOKEN"
# A line that goes on: `\` in sh, a backtick in PowerShell, `^` in cmd.
GOES_ON = r"[\\`^]\r?\n"
END = r"[ \t]*(?:\r?\n|\Z)"
# Where a command starts: in a line, or after another command.
START = r"(?P<lead>^[ \t]*|&&[ \t]*|;[ \t]*|\([ \t]*)"
# `hf auth login` stores the token for later commands, and asks the Hub who it belongs to: a repository's token fails.
LOGIN = (
    rf"{START}{RUNNER}(?:hf[ \t]+auth[ \t]+login|huggingface-cli[ \t]+login)\b(?:[^\n\\`^&|;]|{GOES_ON})*"
    rf"(?:&&[ \t]*|;[ \t]*|{END})"
)
OF_THE_HUB = re.compile(r"(?:^|[\s;&|(\"'])(?:hf|huggingface-cli)(?:\.exe)?\s")
LINE_THAT_GOES_ON = re.compile(r"[\\`^][ \t]*\r?$")


@dataclass(frozen=True)
class ScriptSecrets:
    """What to take out of scripts: the secrets `names`. `reference`: how the shell reads HF_TOKEN."""

    names: frozenset[str]
    reference: str = f"${VARIABLE}"

    def expression(self) -> str:
        """A pattern for an expression that has one of the secrets, and nothing else but a fallback."""
        names = "|".join(map(re.escape, sorted(self.names)))
        return rf"\$\{{\{{\s{{0,9}}secrets(?:\.|\[\s{{0,9}}')(?:{names})(?![\w-])[^{{}}\n]{{0,99}}\}}\}}"

    def are_in(self, text: str) -> bool:
        """Whether `text` has one of the secrets."""
        return re.search(self.expression(), text, re.IGNORECASE) is not None

    def is_all_of(self, text: str) -> bool:
        """Whether `text` is one of the secrets, and nothing else."""
        return re.fullmatch(self.expression(), text.strip(), re.IGNORECASE) is not None

    def replaced_by(self, token: str) -> Callable[[str], list[Edit]]:
        """Returns a function that finds the secrets in a value, to put `token` in their place."""
        pattern = re.compile(self.expression(), re.IGNORECASE)
        return lambda text: [Edit(match.start(), match.end(), token) for match in pattern.finditer(text)]

    def find(self, text: str) -> list[Edit]:
        """Returns what to replace in a script, in order."""
        found: list[Edit] = []
        for edit in (*self._whole(text), *self._parts(text)):
            if all(edit.end <= other.start or other.end <= edit.start for other in found):
                found.append(edit)
        return sorted(found, key=lambda edit: edit.start)

    @staticmethod
    def passes_on(text: str) -> bool:
        """Whether a script hands the token to later steps: it stores it, or writes it to GITHUB_ENV."""
        return "GITHUB_ENV" in text or re.search(LOGIN, text, re.MULTILINE) is not None

    def _whole(self, text: str) -> Iterator[Edit]:
        """Commands that only pass the secret on."""
        secret = rf"([\"']?){self.expression()}\2"
        assigned = rf"{START}(?:export[ \t]+|set[ \t]+|\$env:)?{VARIABLE}[ \t]*=[ \t]*{secret}(?:[ \t]*(?:&&|;))?"
        file = r"[\"']?\$\{?(?:env:)?GITHUB_ENV\}?[\"']?"
        to_later_steps = rf"{START}echo[ \t]+([\"']?){VARIABLE}={self.expression()}\2[ \t]*>>[ \t]*{file}"
        for pattern in (LOGIN, rf"{assigned}(?:{END}|[ \t]+)", rf"{to_later_steps}{END}"):
            for match in re.finditer(pattern, text, re.MULTILINE | re.IGNORECASE):
                start, end = match.start(), match.end()
                if text[end - 1 : end] != "\n" and end != len(text):  # another command follows on the line
                    start += len(match["lead"])
                elif match["lead"].strip():  # the last command of its line: the line's end stays
                    start = len(text[:start].rstrip(" \t"))
                    end = len(text[:end].rstrip("\r\n"))
                elif not match[0].endswith("\n") and text[start - 1 : start] == "\n":
                    start -= 2 if text[start - 2 : start] == "\r\n" else 1  # the line before becomes the last one
                yield Edit(start, end)

    def _parts(self, text: str) -> Iterator[Edit]:
        """The secret in a URL and as an option; elsewhere, the variable takes its place."""
        secret = self.expression()
        user = r"(?:[^\s/@\"'{}]|\$\{\{[^{}\n]{0,99}\}\}){0,99}?"
        for match in re.finditer(rf"(?<=://){user}{secret}@(?=huggingface\.co|hf\.co)", text, re.IGNORECASE):
            yield Edit(match.start(), match.end())
        option = rf"(?:[ \t]{{0,80}}{GOES_ON})?\s{{1,80}}--token(?:=|[ \t]+)([\"']?){secret}\1(?=\s|$)"
        for match in re.finditer(option, text, re.IGNORECASE):
            # The command starts in an earlier line if that goes on. A folded block of the file (`>`) joins its lines.
            lines = text[max(match.start() - 4000, 0) : match.start()].split("\n")
            first = 0 if text.startswith(">") else len(lines) - 1
            while first and (LINE_THAT_GOES_ON.search(lines[first - 1]) or lines[first].lstrip().startswith("-")):
                first -= 1
            if OF_THE_HUB.search(re.split(r"&&|\|\|?|;", "\n".join(lines[first:]))[-1]):
                yield Edit(match.start(), match.end())
        if "<<" in text:  # a here-document may take the variable's name as it is
            return
        for match in re.finditer(secret, text, re.IGNORECASE):
            line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
            if self.reference and line.count("'") % 2 == 0 and not re.match(r"\w", text[match.end() : match.end() + 1]):
                yield Edit(match.start(), match.end(), self.reference)
