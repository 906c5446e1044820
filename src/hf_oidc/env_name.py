"""Which environment variables may hold a token. Reads no environment."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hf_oidc.errors import InvalidInput
from hf_oidc.sanitize import sanitize_line

DEFAULT = "HF_TOKEN"
FORM = r"[A-Za-z_][A-Za-z0-9_]{0,127}"
# A token in one of these variables would change which programs run, or how. Never wanted. GitHub's runner itself
# refuses NODE_OPTIONS and its own names.
FORBIDDEN = (
    r".*PATH|PATHEXT|HOME|USER|SHELL|PWD|OLDPWD|TMPDIR|TEMP|TMP|IFS|ENV|BASH_.*|BASHOPTS|SHELLOPTS|PS[0-9]|E?UID|PPID"
    r"|ZDOTDIR|USERPROFILE|(LOCAL)?APPDATA|WINDIR|SYSTEMDRIVE|XDG_.*|OPENSSL_CONF|GLIBC_TUNABLES|DOCKER_.*|KUBECONFIG"
    r"|LUA_INIT|_?J(AVA|DK)_.*|DOTNET_.*|MAKEFLAGS|CC|CXX|PIP_.*|UV_.*|NPM_CONFIG_.*|GOPROXY|GOFLAGS|LESS(OPEN|CLOSE)"
    r"|PROMPT_COMMAND|COMSPEC|SYSTEMROOT|LD_.*|DYLD_.*|PYTHON.*|NODE_.*|PERL.*|RUBY.*|JAVA_TOOL_OPTIONS|GIT_.*|SSH_.*"
    r"|GITHUB_.*|RUNNER_.*|ACTIONS_.*|INPUT_.*|.*_PROXY|SSL_CERT_.*|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE"
    r"|HF_ENDPOINT|HF_OIDC_.*|HF_HOME|HF_HUB_.*|HF_XET_.*|EDITOR|PAGER|VISUAL|LANG|LC_.*|CI"
)
# With _PATH appended, these name variables in which programs look for files.
SEARCHED = r"GITHUB|NODE|LIBRARY|LD_LIBRARY|C_INCLUDE|CPLUS_INCLUDE|GCONV|PKG_CONFIG|CMAKE_PREFIX|CARGO_HOME|GEM|INFO"


def checked(name: str, input_name: str) -> str:
    """`name`, if this variable may hold a token. Raises `InvalidInput` for the input `input_name`."""
    if not re.fullmatch(FORM, name):
        problem = f"{sanitize_line(name)!r} is not a valid name of an environment variable"
        raise InvalidInput(input_name, problem, "letters, digits and _, without a digit at the start, such as HF_TOKEN")
    if re.fullmatch(FORBIDDEN, name, re.IGNORECASE):
        problem = f"A token in `{name}` would change how programs run"
        raise InvalidInput(input_name, problem, "another name, such as HF_TOKEN")
    return name


def checked_path(name: str, env: Mapping[str, str], input_name: str) -> str:
    """The variable for the path of the file with the token that is called `name`.

    Raises `InvalidInput` if the job, or a program, uses this variable for something else.
    """
    # huggingface_hub reads HF_TOKEN_PATH; the other names follow its example.
    path_name = f"{name}_PATH"
    if name != DEFAULT and (path_name in env or re.fullmatch(SEARCHED, name, re.IGNORECASE)):
        problem = f"`{path_name}` would hold the path of the token's file, but already has another meaning"
        raise InvalidInput(input_name, problem, f"another name than {name}, such as MODEL_TOKEN")
    return path_name
