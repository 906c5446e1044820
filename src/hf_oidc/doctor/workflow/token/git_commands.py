"""Finds what git commands do with the Hub, and follows remotes and clones from one command to the next.

Its input is words in which shell variables are already replaced. It knows no shell, no step and no login.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hf_oidc.doctor.workflow.token.hub_target import HUB_URL, Given, Right, Use, target_of_url
from hf_oidc.doctor.workflow.token.script import Command, positionals

# Options that take a value: those of all commands, and those of one.
VALUED = {"-C", "-c", "-o", "-b", "-j", "--push-option", "--depth", "--branch", "--origin", "--filter", "--reference"}
VALUED |= {"--git-dir", "--work-tree", "--jobs", "--deepen", "--shallow-since", "--shallow-exclude", "--server-option"}
VALUED_BY = {
    "remote": {"-t", "-m"},
    "subtree": {"-P", "--prefix", "-m", "--message"},
    "pull": {"-s", "-X", "--strategy", "--strategy-option"},
}
READS = {"clone", "pull", "fetch", "ls-remote"}
URL_SETTING = re.compile(r"remote\.(?P<name>.+)\.(?P<key>url|pushurl)", re.IGNORECASE)
MAX_REMOTES = 20  # that are read for `git fetch --all`


@dataclass
class Git:
    """The settings that git commands make for later ones.

    `remotes`: the URL of each remote. `push_urls`: those that only `git push` uses. `clones`: the URL of each folder
    that git has cloned. `origin`: the URL that the working directory is a clone of, if any.
    """

    remotes: dict[str, str] = field(default_factory=dict)
    push_urls: dict[str, str] = field(default_factory=dict)
    clones: dict[str, str] = field(default_factory=dict)
    origin: str = ""

    def enter(self, folder: str) -> None:
        """Records that the working directory is now `folder`."""
        self.origin = self.clones.get(folder_of(folder), self.origin)

    def uses(self, command: Command) -> Iterator[Use]:
        """Yields the uses of the Hub in a git command."""
        # `git lfs push` and `git subtree push` name a remote as `git push` does.
        written = [word for word in command.words[1:] if word != "lfs"]
        name = next(iter(positionals(written, valued=VALUED)), "")
        words = positionals(written, valued=VALUED | VALUED_BY.get(name, set()))
        name, *words = words[1:] if words[:1] == ["subtree"] and len(words) > 1 else words or [""]
        if name == "remote":
            yield from self._of_remote(command, words)
        elif name == "config" and len(words) > 1:
            if setting := URL_SETTING.fullmatch(words[-2]):
                (self.remotes if setting["key"].lower() == "url" else self.push_urls)[setting["name"]] = words[-1]
        elif name == "clone" and words:
            folder = folder_of(words[-1] if len(words) > 1 else words[0])
            self.clones[folder] = words[0]
            if not folder:
                self.origin = words[0]
            if remote := command.option("-o", "--origin"):
                self.remotes[remote] = words[0]
            yield from _of_url("clone", words[0])
        elif name == "fetch" and "--all" in command.words:
            yield from self._of_remotes(self.remotes)
        elif name in READS or name == "push":
            named = command.option("--repo") or next(iter(words), "origin")
            origin = self.clones.get(folder_of(command.option("-C") or ""), self.origin)
            url = self.remotes.get(named) or (origin if named == "origin" else named)
            yield from _of_url(name, self.push_urls.get(named, url) if name == "push" else url)

    def _of_remote(self, command: Command, words: Sequence[str]) -> Iterator[Use]:
        action, *words = words or [""]
        if action in {"add", "set-url"} and len(words) > 1:
            urls = self.push_urls if action == "set-url" and "--push" in command.words else self.remotes
            urls[words[0]] = words[1]
            if action == "add" and {"-f", "--fetch"} & {*command.words}:
                yield from self._of_remotes(words[:1])
        elif action in {"rename", "remove", "rm"} and words:
            for urls in (self.remotes, self.push_urls):
                url = urls.pop(words[0], "")
                if url and action == "rename" and len(words) > 1:
                    urls[words[1]] = url
        elif action == "update":
            yield from self._of_remotes(words or self.remotes)

    def _of_remotes(self, names: Sequence[str] | dict[str, str]) -> Iterator[Use]:
        for name in [*names][:MAX_REMOTES]:
            yield from _of_url("fetch", self.remotes.get(name, ""))


def _of_url(name: str, url: str) -> Iterator[Use]:
    if match := HUB_URL.match(url):
        user, _, password = (match["user"] or "").partition(":")
        given = Given("text", password or user) if match["user"] else Given("git")
        right: Right = "write" if name == "push" else "read"
        yield Use(f"git {name}", right, target_of_url(url), given)


def folder_of(path: str) -> str:
    """The last part of a path or URL: a script may write the folders before it, or not. `.` has none."""
    return re.split(r"[\\/]", path.rstrip("/\\"))[-1].removesuffix(".git").removeprefix(".")
