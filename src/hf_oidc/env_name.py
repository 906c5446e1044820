"""Names of environment variables that a token may be put into. A value: no environment is read here."""

from __future__ import annotations

import re

from hf_oidc.errors import InvalidInput
from hf_oidc.untrusted_text import shown_input

DEFAULT = "HF_TOKEN"
FORM = r"[A-Za-z_][A-Za-z0-9_]{0,127}"
# A token in one of these would change which programs run, or how: it is never what somebody meant. The runner of
# GitHub refuses NODE_OPTIONS and its own names itself.
FORBIDDEN = (
    r"PATH|PATHEXT|HOME|USER|SHELL|PWD|OLDPWD|TMPDIR|TEMP|TMP|IFS|ENV|BASH_.*|BASHOPTS|SHELLOPTS|PS[0-9]|CDPATH"
    r"|PROMPT_COMMAND|COMSPEC|SYSTEMROOT|LD_.*|DYLD_.*|PYTHON.*|NODE_.*|PERL.*|RUBY.*|JAVA_TOOL_OPTIONS|GIT_.*|SSH_.*"
    r"|GITHUB_.*|RUNNER_.*|ACTIONS_.*|INPUT_.*|.*_PROXY|SSL_CERT_.*|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE"
    r"|HF_ENDPOINT|HF_OIDC_.*|HF_TOKEN_PATH|HF_HOME|EDITOR|PAGER|VISUAL|LANG|LC_.*|CI"
)


def checked(name: str, input_name: str) -> str:
    """`name`, if a token may be put there. Raises `InvalidInput`, which speaks of `input_name`."""
    if not re.fullmatch(FORM, name):
        problem = f"{shown_input(name)!r} is no name of an environment variable"
        raise InvalidInput(input_name, problem, "letters, digits and _, not beginning with a digit, such as HF_TOKEN")
    if re.fullmatch(FORBIDDEN, name, re.IGNORECASE):
        problem = f"A token in `{name}` would change how programs run"
        raise InvalidInput(input_name, problem, "another name, such as HF_TOKEN")
    return name
