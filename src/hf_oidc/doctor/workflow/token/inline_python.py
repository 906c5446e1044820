"""Finds calls of huggingface_hub in Python code that a workflow holds, by bounded patterns.

It does not run or parse the code. A value is known if it is a literal, a constant or a variable of the environment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice

from hf_oidc.doctor.workflow.token.hub_target import Given, Use, target_of

MAX_CALLS = 100
MAX_ARGUMENTS = 2_000  # characters
UPLOADS = ("upload_folder", "upload_file", "upload_large_folder", "create_commit", "delete_file", "delete_folder")
READS = ("snapshot_download", "hf_hub_download")
# What a token for a single repository cannot do.
BEYOND = {
    "create_repo": "create a repository",
    "duplicate_space": "create a repository",
    "create_tag": "create a tag",
    "whoami": "ask who the user is",
    "restart_space": "restart a Space",
    "pause_space": "pause a Space",
    "set_space_sleep_time": "set the sleep time of a Space",
    "request_space_hardware": "ask for the hardware of a Space",
    "request_space_storage": "ask for the storage of a Space",
    "add_space_secret": "set a secret of a Space",
    "add_space_variable": "set a variable of a Space",
    "delete_repo": "delete a repository",
    "move_repo": "move a repository",
    "update_repo_settings": "change the settings of a repository",
    "update_repo_visibility": "change the settings of a repository",
    "run_job": "run a job",
}
CALL = re.compile(rf"(?<!def )\b(?P<name>{'|'.join((*UPLOADS, *READS, *BEYOND, 'push_to_hub', 'login', 'HfApi'))})\(")
# The arguments up to the parenthesis that closes the call, with one level inside.
ARGUMENTS = re.compile(r"(?:[^()]|\((?:[^()]|\([^()]*\))*\))*")
KEYWORD = re.compile(r"(?<![\w.])(?P<name>repo_id|repo_type|token)\s*=(?!=)\s*")
STRING = re.compile(r"""(?P<quote>["'])(?P<text>[^"'\n]*)(?P=quote)(?=\s*(?:[,)#]|$))""")
NAME = re.compile(r"(?P<name>\w+)(?=\s*(?:[,)#]|$))")
CONSTANT = re.compile(r"^[ \t]*(?P<name>\w+)[ \t]*=[ \t]*(?P<value>[^\s=][^\n]*)$", re.MULTILINE)
ENVIRONMENT = re.compile(r"""(?:os\.)?(?:environ(?:\.get)?[\[(]|getenv\()\s*["'](?P<name>\w+)["']""")
OF_THE_HUB = re.compile(r"huggingface_hub|HfApi|push_to_hub")
UNKNOWN = "$"


def python_uses(code: str, variables: Mapping[str, str]) -> Iterator[Use]:
    """Yields the calls in `code` that use the Hub. `variables`: of its environment."""
    if not OF_THE_HUB.search(code):  # other libraries have an `upload_file`, too
        return
    constants = {each["name"]: each["value"] for each in CONSTANT.finditer(code)}
    token = ""  # what `HfApi(token=…)` or `login(…)` has; the later calls use it
    for call in islice(CALL.finditer(code), MAX_CALLS):
        found = ARGUMENTS.match(code, call.end(), min(len(code), call.end() + MAX_ARGUMENTS))
        arguments, name = found[0] if found else "", call["name"]
        named = {
            each["name"]: _value(arguments, each.end(), constants, variables) for each in KEYWORD.finditer(arguments)
        }
        first = "" if re.match(r"\s*(?:\w+\s*=[^=]|$)", arguments) else _value(arguments, 0, constants, variables)
        given = named.get("token", "")
        if name in {"login", "HfApi"}:
            token = given or (first if name == "login" else "") or token
            continue
        # Models and datasets have a method `push_to_hub`.
        kind = None if name == "push_to_hub" else named.get("repo_type") or "model"
        exists = re.search(r"exist_ok\s*=\s*True", arguments)
        yield Use(
            name,
            "read" if name in {*READS, "whoami"} else "write",
            target_of(named.get("repo_id") or first, kind),
            Given("text", given or token) if given or token else None,
            "" if name == "create_repo" and exists else BEYOND.get(name, ""),
        )


def _value(text: str, position: int, constants: Mapping[str, str], variables: Mapping[str, str]) -> str:
    """The text of the value at `position`; empty for None and True; UNKNOWN if it is not known."""
    start = position + len(text[position:]) - len(text[position:].lstrip())
    name = NAME.match(text, start)
    if name and name["name"] in {"None", "True"}:
        return ""
    if name and name["name"] in constants:
        text, start = constants[name["name"]], 0
    if string := STRING.match(text, start):
        return string["text"]
    variable = ENVIRONMENT.match(text, start)
    return variables.get(variable["name"], f"${variable['name']}") if variable else UNKNOWN
