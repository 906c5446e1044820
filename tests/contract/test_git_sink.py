"""git's configuration, as the real git reads it: which token is told for which address, and to nobody else."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from hf_oidc.errors import DeliveryFailed
from hf_oidc.output.git import (
    Credential,
    configuration,
    configuration_for,
    credentials,
    in_file,
    in_variable,
)
from hf_oidc.token_request import from_lines

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
    ("those", "path", "password"),
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
def test_the_token_of_a_repository(tmp_path: Path, those: list[Credential], path: str, password: str) -> None:
    """Each repository gets its own, with `.git` and without, and for git-lfs."""
    assert fill(tmp_path, configuration(HUB, those, {}), path) == password


@pytest.mark.parametrize(
    ("those", "path", "password"),
    [
        ([MODEL], "acme/model", "model-token"),
        ([MODEL], "acme/model.git/info/lfs", "model-token"),
        ([MODEL], "acme/other", ""),
        ([MODEL], "acme/model2", ""),
        ([MODEL], "acme/model.github", ""),
        ([MODEL], "acme/MODEL", ""),
        ([MODEL], "datasets/acme/model", ""),
        ([MODEL], "acme/model/../other", ""),
        ([MODEL], "api/models/acme/model", ""),
        ([MODEL], "", "model-token"),
        ([MODEL, DATA], "datasets/acme/data", "data-token"),
        ([MODEL, DATA], "datasets/acme/model", ""),
        ([READER, MODEL], "acme/other", "reader-token"),
        ([READER, MODEL], "acme/model", "model-token"),
        ([READER, MODEL], "", "reader-token"),
    ],
)
def test_a_path_that_git_names_has_its_own_token_alone(
    tmp_path: Path, those: list[Credential], path: str, password: str
) -> None:
    """A step, or the user, has set `useHttpPath` for the Hub. A user's token reads in all repositories."""
    (tmp_path / ".gitconfig").write_text("[credential]\n\tuseHttpPath = true\n")
    assert fill(tmp_path, configuration(HUB, those, {}), path) == password


def test_a_user_s_token_is_for_every_path_and_a_repository_s_for_its_own() -> None:
    """The user's comes first, whatever the order of the lines; the others keep it, for the first answers for all."""
    asked = from_lines("A=spaces/acme/demo\nB=alice\nC=acme/model", "resource")
    assert credentials(asked, in_variable) == [
        Credential("", in_variable("B")),
        Credential("spaces/acme/demo", in_variable("A")),
        Credential("acme/model", in_variable("C")),
    ]


def test_what_is_asked_for_is_what_git_has(tmp_path: Path) -> None:
    """Each token is in the variable that its line names, or in the file that this variable names; the rest stays."""
    asked = from_lines("MODEL=acme/model\nDATA=datasets/acme/data", "resource")
    before = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "alice"}
    env = before | configuration_for(asked, HUB, before)
    assert [fill(tmp_path, env, each.path) for each in (MODEL, DATA)] == ["model-token", "data-token"]
    assert git(tmp_path, env, "config", "user.name").stdout == "alice\n"
    (tmp_path / "file").write_text("token-of-a-file")
    env = configuration_for(asked, HUB, {}, in_file) | {"MODEL": str(tmp_path / "file")}
    assert fill(tmp_path, env, MODEL.path) == "token-of-a-file"


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


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("acme/model", "true"),
        ("acme/model.git", "true"),
        ("acme/model.git/info/lfs", "true"),
        ("acme/other", ""),
        ("acme/model2", ""),
        ("", ""),
    ],
)
def test_the_path_of_a_repository_is_named_and_no_other(tmp_path: Path, path: str, named: str) -> None:
    """git-lfs asks for a repository where that is set; for the whole Hub, it would keep git-xet from an answer."""
    env = configuration(HUB, [MODEL], {})
    found = git(tmp_path, env, "config", "--get-urlmatch", "credential.useHttpPath", f"{HUB}/{path}").stdout.strip()
    assert found == named


def test_one_repository_of_a_step_answers_where_git_names_none(tmp_path: Path) -> None:
    """The first, and none in its place: another one's token would be refused for reasons that nobody understands."""
    env = configuration(HUB, [MODEL, DATA], {}) | {"MODEL": ""}
    assert (fill(tmp_path, env), fill(tmp_path, env, DATA.path)) == ("", "data-token")


def test_a_step_whose_token_is_gone_is_in_nobody_s_way(tmp_path: Path) -> None:
    """As of one before `run --keep-fresh`, which takes the variable away."""
    env = configuration(HUB, [MODEL], {})
    env |= configuration(HUB, [DATA], env) | {"MODEL": ""}
    assert fill(tmp_path, env) == "data-token"


STORE = "store"
# Which tokens git may have been given, and where `store` was named in between, beside the login before.
IN_BETWEEN = {
    "for all": ("credential.helper", MODEL, DATA, "datasets/acme/data"),
    "for all, the first repository": ("credential.helper", MODEL, DATA, "acme/model"),
    "for all, no repository": ("credential.helper", MODEL, DATA, ""),
    "for all, another repository": ("credential.helper", MODEL, DATA, "acme/other"),
    "for the Hub": (f"credential.{HUB}.helper", MODEL, DATA, "datasets/acme/data"),
    "for the Hub, the first repository": (f"credential.{HUB}.helper", MODEL, DATA, "acme/model"),
    "for the first repository": (f"credential.{HUB}/acme/model.helper", MODEL, DATA, "acme/model"),
    "for the second repository": (f"credential.{HUB}/datasets/acme/data.helper", MODEL, DATA, "datasets/acme/data"),
    "for the second as git-lfs has it": (
        f"credential.{HUB}/datasets/acme/data.git.helper",
        MODEL,
        DATA,
        "datasets/acme/data.git/info/lfs",
    ),
    "the same login again": ("credential.helper", MODEL, MODEL, "acme/model"),
    "a user after a repository": ("credential.helper", MODEL, READER, "acme/gated"),
    "a repository after a user": ("credential.helper", READER, MODEL, "acme/gated"),
    "a repository after a user, the repository": ("credential.helper", READER, MODEL, "acme/model"),
}


def named_in_between(setting: str, first: Credential, second: Credential) -> dict[str, str]:
    """Two logins, and a helper that a step named in between, in the way in which the logins do."""
    env = configuration(HUB, [first], {})
    count = int(env["GIT_CONFIG_COUNT"])
    env |= {f"GIT_CONFIG_KEY_{count}": setting, f"GIT_CONFIG_VALUE_{count}": STORE, "GIT_CONFIG_COUNT": str(count + 1)}
    return env | configuration(HUB, [second], env)


@pytest.mark.parametrize("case", IN_BETWEEN)
def test_a_helper_named_between_two_logins_is_told_no_token(tmp_path: Path, case: str) -> None:
    """`store` would write it down when git says that the password was good."""
    setting, first, second, path = IN_BETWEEN[case]
    env = named_in_between(setting, first, second)
    password = fill(tmp_path, env, path)
    assert password
    good = f"protocol=http\nhost=127.0.0.1:8080\npath={path}\nusername=hf_user\npassword={password}\n\n"
    git(tmp_path, env, "credential", "approve", stdin=good)
    assert not (tmp_path / ".git-credentials").exists()


def test_a_helper_before_the_first_login_is_told_no_token(tmp_path: Path) -> None:
    """`store` for the Hub, configured in the same way."""
    env = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"credential.{HUB}.helper", "GIT_CONFIG_VALUE_0": "store"}
    env |= configuration(HUB, [READER], env)
    good = "protocol=http\nhost=127.0.0.1:8080\npath=acme/gated\nusername=hf_user\npassword=reader-token\n\n"
    git(tmp_path, env, "credential", "approve", stdin=good)
    assert not (tmp_path / ".git-credentials").exists()


@pytest.mark.parametrize(
    "setting", ["credential.helper", f"credential.{HUB}.helper", f"credential.{HUB}/acme/model.helper"]
)
@pytest.mark.parametrize("path", ["acme/model", "acme/other", ""])
def test_a_helper_that_git_c_hands_on_is_told_no_token(tmp_path: Path, setting: str, path: str) -> None:
    """An alias or a hook logs in, and git has the parameters of `git -c` from before, which it reads last of all."""
    env = {"GIT_CONFIG_PARAMETERS": f"'{setting}'='{STORE}' 'user.name'='it'\\''s me'"}
    for _ in range(2):
        env |= configuration(HUB, [MODEL], env)
    good = f"protocol=http\nhost=127.0.0.1:8080\npath={path}\nusername=hf_user\npassword=model-token\n\n"
    git(tmp_path, env, "credential", "approve", stdin=good)
    assert fill(tmp_path, env, path) == "model-token"
    assert not (tmp_path / ".git-credentials").exists()
    assert git(tmp_path, env, "config", "user.name").stdout == "it's me\n"


@pytest.mark.parametrize(
    ("logins", "path", "password"),
    [
        ([[READER, MODEL], [DATA]], "acme/model", "model-token"),
        ([[READER, MODEL], [DATA]], "datasets/acme/data", "data-token"),
        ([[READER, MODEL], [DATA]], "acme/gated", "reader-token"),
        ([[MODEL], [READER]], "acme/model", "model-token"),
        ([[MODEL], [READER]], "", "model-token"),
        ([[MODEL], [DATA], [READER]], "datasets/acme/data", "data-token"),
        ([[MODEL], [DATA], [MODEL]], "acme/model", "model-token"),
        ([[MODEL], [DATA], [MODEL]], "datasets/acme/data", "data-token"),
        ([[MODEL], [Credential("acme/model", in_variable("DATA"))]], "acme/model", "data-token"),
    ],
)
def test_the_logins_of_several_steps(tmp_path: Path, logins: list[list[Credential]], path: str, password: str) -> None:
    """What each step has logged in for stays; for the same repository the last one counts."""
    env: dict[str, str] = {}
    for those in logins:
        env |= configuration(HUB, those, env)
    assert fill(tmp_path, env, path) == password


def test_the_same_login_again_adds_as_much_as_the_first(tmp_path: Path) -> None:
    """A loop of steps does not make the configuration grow faster and faster."""
    counts = []
    env: dict[str, str] = {}
    for _ in range(4):
        env |= configuration(HUB, [MODEL, DATA], env)
        counts.append(int(env["GIT_CONFIG_COUNT"]))
    assert counts == [counts[0] * times for times in (1, 2, 3, 4)]
    assert fill(tmp_path, env, "datasets/acme/data") == "data-token"


def test_what_another_hub_has_stays(tmp_path: Path) -> None:
    """A URL that begins with this one's is another's."""
    env = configuration(HUB, [READER], {})
    env |= configuration(HUB.removesuffix("0"), [MODEL], env)
    assert fill(tmp_path, env, "acme/gated") == "reader-token"
    assert fill(tmp_path, env, "acme/model", "127.0.0.1:808") == "model-token"


@pytest.mark.parametrize(
    "section",
    [
        "credential",
        f'credential "{HUB}"',
        'credential "http://*.*.*.*:8080"',
        f'credential "{HUB}/acme/model"',
        f'credential "{HUB}/acme/model.git"',
        f'credential "{HUB}/acme"',
        'credential "http://hf_user@127.0.0.1:8080"',
    ],
)
@pytest.mark.parametrize("path", ["acme/model", "acme/model.git", "acme/other", ""])
def test_a_token_is_not_stored(tmp_path: Path, section: str, path: str) -> None:
    """git gives a good password to its helpers. Those of its files come before ours, whenever they were added."""
    (tmp_path / ".gitconfig").write_text(f"[{section}]\n\thelper = store\n")
    env = configuration(HUB, [MODEL], {})
    good = f"protocol=http\nhost=127.0.0.1:8080\npath={path}\nusername=hf_user\npassword=model-token\n\n"
    git(tmp_path, env, "credential", "approve", stdin=good)
    assert fill(tmp_path, env, path) == "model-token"
    assert not (tmp_path / ".git-credentials").exists()


# Where a file of git's configuration may be, with the variable that names it, if one does.
CONFIGURATION_FILES = {
    "the system's": ("gitconfig", "GIT_CONFIG_SYSTEM"),
    "the user's": (".gitconfig", ""),
    "the user's second one": (".config/git/config", ""),
    "the one that a variable names": ("elsewhere", "GIT_CONFIG_GLOBAL"),
    "the repository's": ("work/.git/config", ""),
    "the worktree's": ("work/.git/config.worktree", ""),
}


def stored(folder: Path, env: Mapping[str, str], *options: str) -> str:
    """What the helper `store` has written after git has called the token good, started with these options."""
    good = "protocol=http\nhost=127.0.0.1:8080\npath=acme/model\nusername=hf_user\npassword=model-token\n\n"
    git(folder, env, *options, "credential", "approve", stdin=good)
    file = folder / ".git-credentials"
    return file.read_text() if file.exists() else ""


@pytest.mark.parametrize("included", [False, True])
@pytest.mark.parametrize("case", CONFIGURATION_FILES)
def test_a_helper_in_a_configuration_file_gets_no_token(tmp_path: Path, case: str, included: bool) -> None:
    """Whichever file it is, and whenever it was written; without a login, the same helper gets the token."""
    name, variable = CONFIGURATION_FILES[case]
    git(tmp_path, {}, "init", "--quiet", str(tmp_path / "work"))
    git(tmp_path, {}, "-C", str(tmp_path / "work"), "config", "extensions.worktreeConfig", "true")
    (tmp_path / ".config/git").mkdir(parents=True)
    env = configuration(HUB, [MODEL], {}) | ({variable: str(tmp_path / name)} if variable else {})
    setting = (f"credential.{HUB}.helper", "store")
    if included:
        git(tmp_path, {}, "config", "--file", str(tmp_path / "more"), *setting)
        setting = ("include.path", str(tmp_path / "more"))
    git(tmp_path, {}, "config", "--file", str(tmp_path / name), *setting)
    in_work = ("-C", str(tmp_path / "work"))
    assert stored(tmp_path, env, *in_work) == ""
    assert "model-token" in stored(tmp_path, env | {"GIT_CONFIG_COUNT": "0"}, *in_work)


@pytest.mark.parametrize("by", ["GIT_CONFIG_COUNT", "git -c"])
def test_a_helper_added_after_the_last_login_gets_the_token(tmp_path: Path, by: str) -> None:
    """SECURITY.md says so: a step that does this can read the token in its environment as well."""
    env = configuration(HUB, [MODEL], {})
    if by == "git -c":
        assert "model-token" in stored(tmp_path, env, "-c", "credential.helper=store")
    else:
        count = int(env["GIT_CONFIG_COUNT"])
        env |= {f"GIT_CONFIG_KEY_{count}": "credential.helper", f"GIT_CONFIG_VALUE_{count}": "store"}
        assert "model-token" in stored(tmp_path, env | {"GIT_CONFIG_COUNT": str(count + 1)})


def test_no_token_is_in_the_configuration(tmp_path: Path) -> None:
    """It says where a token is, not what it is."""
    listed = git(tmp_path, configuration(HUB, [MODEL, DATA, READER], {}), "config", "--list", "--show-origin").stdout
    assert "credential.http://127.0.0.1:8080/acme/model.helper" in listed
    assert not any(token in listed for token in TOKENS.values())


def test_a_token_that_is_gone_is_no_empty_password(tmp_path: Path) -> None:
    """git then says itself that it has none."""
    assert fill(tmp_path, configuration(HUB, [MODEL], {}) | {"MODEL": ""}, "acme/model") == ""


@pytest.mark.parametrize(
    ("operation", "asked", "env", "answer"),
    [
        ("get", "", TOKENS, "username=hf_user\npassword=model-token\n"),
        ("get", "path=\n", TOKENS, "username=hf_user\npassword=model-token\n"),
        ("get", "path=acme/other\n", TOKENS, ""),
        ("get", "username=a\\\npath=acme/other\n", TOKENS, ""),
        ("get", "", {"MODEL": "*  %s\\n$HOME"}, "username=hf_user\npassword=*  %s\\n$HOME\n"),
        ("get", "", {}, ""),
        ("store", "", TOKENS, ""),
        ("erase", "", TOKENS, ""),
    ],
)
def test_the_helper_for_no_repository(operation: str, asked: str, env: dict[str, str], answer: str) -> None:
    """It answers to `get` alone, where no path is named, in any shell: one may refuse variables that are not set."""
    helper = configuration(HUB, [MODEL], {})["GIT_CONFIG_VALUE_1"].removeprefix("!")
    done = subprocess.run(
        ["sh", "-uc", f"{helper} {operation}"], input=asked, capture_output=True, text=True, env=env, check=True
    )
    assert (done.stdout, done.stderr) == (answer, "")


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
    with pytest.raises(DeliveryFailed, match="GIT_CONFIG_COUNT") as caught:
        configuration(HUB, [MODEL], {"GIT_CONFIG_COUNT": count})
    assert caught.value.recipient == "git"


@pytest.mark.parametrize("count", ["2", "9999"])
def test_settings_that_are_counted_and_not_there(count: str) -> None:
    """git itself says which one it misses; what is added comes behind them all."""
    env = {"GIT_CONFIG_COUNT": count, "GIT_CONFIG_KEY_1": f"credential.{HUB}.helper"}
    added = configuration(HUB, [READER], env)
    assert added[f"GIT_CONFIG_KEY_{count}"] == f"credential.{HUB}.helper"
    assert added["GIT_CONFIG_COUNT"] == str(int(count) + 2)
