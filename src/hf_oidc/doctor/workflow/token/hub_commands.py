"""Finds commands that use the Hub: `hf` and its older names, git, curl, and Python code in the script.

It follows what a script sets for its later commands: variables, and a token that `hf auth login` stores. `git_commands`
follows git. It knows no workflow. A script in another file is not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hf_oidc.doctor.workflow.token.git_commands import Git
from hf_oidc.doctor.workflow.token.hub_target import HUB_URL, Given, Right, Use, target_of, target_of_url
from hf_oidc.doctor.workflow.token.inline_python import python_uses
from hf_oidc.doctor.workflow.token.script import SHELLS, Command, expand, positionals
from hf_oidc.doctor.workflow.token.script import commands as commands_in

# As huggingface_hub reads them; the first that is set counts.
TOKEN_VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
RESOURCE_VARIABLE = "HF_OIDC_RESOURCE"
# The command that stores a token for later ones.
STORES_TOKEN = r"(?:hf\s+auth|hf|huggingface-cli)\s+login\b"
# Options without a value. Of any other option, the next word is its value.
FLAGS = {"-q", "-y", "-h", "--yes", "--quiet", "--json", "--private", "--no-private", "--public", "--protected"}
FLAGS |= {"--create-pr", "--no-create-pr", "--exist-ok", "--no-exist-ok", "--force-download", "--dry-run", "--force"}
FLAGS |= {"--resume-download", "--no-truncate", "--no-bars", "--no-report", "--add-to-git-credential", "--delete"}
FLAGS |= {"--git", "--keep-fresh", "--export-token", "--verbose", "--show"}
# What a token for a single repository cannot do, by the start of the command. FACTS: huggingface_hub#4290, #4972.
BEYOND = (
    (r"repos? create|buckets create|repos duplicate", "create a repository"),
    (r"repos? tag (?!list|ls)|tag ", "create a tag"),
    (r"repos? (delete|move)\b|buckets (delete|move)\b", "delete or move a repository"),
    (r"(repos|buckets|spaces) settings", "change the settings of a repository"),
    (r"spaces (restart|pause|dev-mode|secrets|variables|volumes|hardware)", "restart or configure a Space"),
    (r"(auth )?whoami", "ask who the user is"),
    (r"(jobs|endpoints|inference-endpoints|webhooks|collections|discussions|sandbox) ", "act for a user"),
)
BEYOND_OF_API = (
    (r"/api/whoami", "ask who the user is"),
    (r"/api/repos/create", "create a repository"),
    (r"/api/[^?]*/tag/", "create a tag"),
    (r"/api/spaces/[^?]*/(restart|pause|sleeptime|hardware|secrets|variables)", "restart or configure a Space"),
)


@dataclass
class Shell:
    """What commands see: variables, what git has set up, and the token that `hf auth login` stored.

    `given`: what a command of `hf-oidc env` in the script has put into the variables.
    """

    variables: dict[str, str]
    git: Git = field(default_factory=Git)
    saved: str = ""
    given: Given | None = None


def uses_in(commands: Sequence[Command], shell: Shell) -> Iterator[Use]:
    """Yields the uses of the Hub in `commands`, and notes in `shell` what is left for later steps."""
    own: dict[str, str] = {}  # the variables that the script sets
    for at, command in enumerate(commands):
        variables = {name: expand(value, shell.variables) for name, value in command.variables.items()}
        if not command.words:
            own |= variables
            shell.variables |= variables
            continue
        set_here = {**own, **variables}
        given = next((Given("text", set_here[name]) for name in TOKEN_VARIABLES if name in set_here), shell.given)
        if RESOURCE_VARIABLE in set_here:  # it takes precedence in huggingface_hub
            given = Given("exchange", set_here[RESOURCE_VARIABLE])
        for use in _of_command(command, {**shell.variables, **variables}, shell):
            yield replace(use, given=use.given or given, saved=shell.saved, at=at)


def _of_command(command: Command, variables: Mapping[str, str], shell: Shell) -> Iterator[Use]:
    words = tuple(expand(word, variables) for word in command.words)
    command = Command(words, body=command.body)
    if command.name in {"hf", "huggingface-cli"}:
        yield from _of_hf(command, shell)
    elif command.name in {"cd", "pushd"} and len(words) > 1:
        shell.git.enter(words[1])
    elif command.name == "git":
        yield from shell.git.uses(command)
    elif command.name == "curl":
        text = " ".join(words)
        url, header = HUB_URL.search(text), re.search(r"Authorization: *Bearer +(?P<token>\S+|\$\{\{[^}]*\}\})", text)
        if url and header:
            beyond = next((what for pattern, what in BEYOND_OF_API if re.search(pattern, url[0])), "")
            sends = command.option("-X", "--request") in {"POST", "PUT", "DELETE"}
            right: Right = "write" if sends or command.option("-T", "--upload-file") else "read"
            yield Use("curl", right, target_of_url(url[0]), Given("text", header["token"]), beyond)
    elif command.name == "hf-oidc":
        yield from _of_hf_oidc(command, variables, shell)
    elif command.name.startswith("python"):
        yield from python_uses(command.body or command.option("-c") or "", variables)


def _of_hf(command: Command, shell: Shell) -> Iterator[Use]:
    words = positionals(command.words[1:], FLAGS)
    start, token = " ".join(words[:3]) + " ", command.option("--token")
    if re.match(r"(auth )?login ", start):
        shell.saved = token or "$"
        return
    given = Given("text", token) if token else None
    kind = command.option("--type", "--repo-type") or ("space" if words[:1] == ["spaces"] else "model")
    for pattern, beyond in BEYOND:
        if re.match(pattern, start):
            exists = beyond == "create a repository" and "--exist-ok" in command.words
            named = target_of(words[2 if words[0] != "tag" else 1], kind) if len(words) > 2 else None
            what = f"{command.name} {' '.join(words[:2])}"
            yield Use(what, "write", named, given, "" if exists else beyond)
            return
    what = f"{command.name} {words[0]}" if words else ""
    if words and words[0] in {"upload", "upload-large-folder", "download"}:
        right: Right = "read" if words[0] == "download" else "write"
        yield Use(what, right, target_of(words[1], kind) if len(words) > 1 else None, given)
    elif words[:1] in (["cp"], ["sync"]) or words[:2] in (["buckets", "cp"], ["buckets", "sync"]):
        writes = words[-1].startswith("hf://")
        yield Use(what, "write" if writes else "read", target_of_url(words[-1 if writes else -2]), given)


def _of_hf_oidc(command: Command, variables: Mapping[str, str], shell: Shell) -> Iterator[Use]:
    split = command.words.index("--") if "--" in command.words else len(command.words)
    words, inside = positionals(command.words[1:split], FLAGS), command.words[split + 1 :]
    given = Given("login", "\n".join(words[1:]) or variables.get(RESOURCE_VARIABLE, "$"))
    if words[:1] == ["env"] and command.option("--format") not in {"github", "dotenv", "json", "circleci"}:
        shell.given = given
    if words[:1] == ["run"] and inside:
        inner = Command(inside)
        script = inner.option("-c", "-lc", "-ec") if inner.name in SHELLS else None
        for each in commands_in(script, "sh") if script else (inner,):
            # A login inside of a login is not followed: there could be many.
            if each.name != "hf-oidc":
                yield from (replace(use, given=use.given or given) for use in _of_command(each, variables, shell))
