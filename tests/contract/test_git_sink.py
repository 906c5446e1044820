"""git's configuration, as the real git reads it: which token is told for which address, and to nobody else."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from hf_oidc.errors import DeliveryFailed
from hf_oidc.sinks.git import Credential, configuration, in_file, in_variable

HUB = "http://127.0.0.1:8080"
MODEL = Credential("acme/model", in_variable("MODEL"))
DATA = Credential("datasets/acme/data", in_variable("DATA"))
READER = Credential("", in_variable("READER"))
TOKENS = {"MODEL": "model-token", "DATA": "data-token", "READER": "reader-token"}


def fill(folder: Path, env: Mapping[str, str], path: str = "", host: str = "127.0.0.1:8080") -> str:
    """The password that git finds for an address; empty if it finds none."""
    asked = f"protocol=http\nhost={host}\n{f'path={path}' if path else ''}\n\n"
    done = git(folder, env, "credential", "fill", stdin=asked)
    told = dict(line.split("=", 1) for line in done.stdout.splitlines())
    return told.get("password", "")


def git(folder: Path, env: Mapping[str, str], *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run git with these variables alone, and a home of its own."""
    whole = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_TERMINAL_PROMPT": "0", **TOKENS, **env}
    return subprocess.run(["git", *arguments], input=stdin, capture_output=True, text=True, env=whole, check=False)


@pytest.mark.parametrize(
    ("credentials", "path", "password"),
    [
        ([MODEL], "acme/model", "model-token"),
        ([MODEL], "acme/model.git", "model-token"),
        ([MODEL], "acme/model.git/info/lfs", "model-token"),
        ([MODEL], "", "model-token"),
        ([MODEL], "acme/other", "model-token"),
        ([MODEL, DATA], "acme/model", "model-token"),
        ([MODEL, DATA], "datasets/acme/data", "data-token"),
        ([MODEL, DATA], "datasets/acme/data.git/info/lfs", "data-token"),
        ([MODEL, DATA], "", "model-token"),
        ([READER, MODEL], "acme/model", "model-token"),
        ([READER, MODEL], "acme/gated", "reader-token"),
        ([READER, MODEL], "acme/model2", "reader-token"),
        ([READER], "acme/gated", "reader-token"),
    ],
)
def test_the_token_of_a_repository(tmp_path: Path, credentials: list[Credential], path: str, password: str) -> None:
    """Each repository gets its own, with `.git` and without, and for git-lfs."""
    assert fill(tmp_path, configuration(HUB, credentials, {}), path) == password


@pytest.mark.parametrize("host", ["127.0.0.1:8081", "localhost:8080", "huggingface.co", "github.com"])
def test_another_host_gets_none(tmp_path: Path, host: str) -> None:
    """Whatever the path is."""
    assert fill(tmp_path, configuration(HUB, [READER, MODEL], {}), "acme/model", host) == ""


def test_later_steps_add_to_it(tmp_path: Path) -> None:
    """What was configured before stays, and each step's repository has its token."""
    env: dict[str, str] = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "alice"}
    for credential in (MODEL, DATA):
        env |= configuration(HUB, [credential], env)
    assert [fill(tmp_path, env, each.path) for each in (MODEL, DATA)] == ["model-token", "data-token"]
    assert git(tmp_path, env, "config", "user.name").stdout == "alice\n"


def test_a_step_whose_token_is_gone_is_in_nobody_s_way(tmp_path: Path) -> None:
    """As of one before `run --keep-fresh`, which takes the variable away."""
    env = configuration(HUB, [MODEL], {})
    env |= configuration(HUB, [DATA], env) | {"MODEL": ""}
    assert fill(tmp_path, env) == "data-token"


def test_somebody_else_s_helper_is_not_taken_for_ours(tmp_path: Path) -> None:
    """`store` for the Hub, configured in the same way, would write the token down."""
    env = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"credential.{HUB}.helper", "GIT_CONFIG_VALUE_0": "store"}
    env |= configuration(HUB, [READER], env)
    good = "protocol=http\nhost=127.0.0.1:8080\npath=acme/gated\nusername=hf_user\npassword=reader-token\n\n"
    git(tmp_path, env, "credential", "approve", stdin=good)
    assert not (tmp_path / ".git-credentials").exists()


def test_a_token_is_not_stored(tmp_path: Path) -> None:
    """git hands passwords that were good to the helpers: `store` is not among them here."""
    (tmp_path / ".gitconfig").write_text("[credential]\n\thelper = store\n")
    good = "protocol=http\nhost=127.0.0.1:8080\npath=acme/model\nusername=hf_user\npassword=model-token\n\n"
    git(tmp_path, configuration(HUB, [MODEL], {}), "credential", "approve", stdin=good)
    assert not (tmp_path / ".git-credentials").exists()


def test_no_token_is_in_the_configuration(tmp_path: Path) -> None:
    """It says where a token is, not what it is."""
    listed = git(tmp_path, configuration(HUB, [MODEL, DATA, READER], {}), "config", "--list", "--show-origin").stdout
    assert "credential.http://127.0.0.1:8080/acme/model.helper" in listed
    assert not any(token in listed for token in TOKENS.values())


def test_a_token_that_is_gone_is_no_empty_password(tmp_path: Path) -> None:
    """git then says itself that it has none."""
    assert fill(tmp_path, configuration(HUB, [MODEL], {}) | {"MODEL": ""}, "acme/model") == ""


def test_a_token_in_a_file_is_read_each_time(tmp_path: Path) -> None:
    """The file's name may have blanks, and what is in it may change."""
    file = tmp_path / 'a file\'s "name" $HOME'
    env = configuration(HUB, [Credential("acme/model", in_file("HF_TOKEN_PATH"))], {}) | {"HF_TOKEN_PATH": str(file)}
    for token in ("first", "second"):
        file.write_text(token)
        assert fill(tmp_path, env, "acme/model") == token


@pytest.mark.parametrize("count", ["x", "-1", "1.5", "99999", "\u0661"])
def test_a_count_that_is_none(count: str) -> None:
    """What is there cannot be added to, and is not replaced."""
    with pytest.raises(DeliveryFailed, match="GIT_CONFIG_COUNT"):
        configuration(HUB, [MODEL], {"GIT_CONFIG_COUNT": count})
