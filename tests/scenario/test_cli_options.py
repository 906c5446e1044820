"""What every command of `hf-oidc` is told in the same way: arguments, options, variables, help.

`hf-oidc` runs inside the test process, except where the test is about what a new interpreter imports.
"""

import json
import re
import subprocess
import sys

import pytest

from hf_oidc.providers.detection import NAMES
from hf_oidc.providers.registry import provider_of
from tests.cli_stage import PLAIN, Stage
from tests.factories import id_token


def test_the_resource_may_be_in_the_environment(stage: Stage) -> None:
    """HF_OIDC_RESOURCE, as huggingface_hub has it."""
    env = {"HF_OIDC_ID_TOKEN": stage.id_token, "HF_OIDC_RESOURCE": " acme/model "}
    assert stage.run("token", env=env, stdout_may_hold_them=True).stdout == f"{PLAIN}\n"
    assert json.loads(stage.server.requests[-1].body)["resource"] == "acme/model"


@pytest.mark.parametrize("command", [["token"], ["env"], ["run", "--", "true"]])
def test_a_missing_resource_is_named(command: list[str], stage: Stage) -> None:
    """Exit code 2, and nothing was sent."""
    run = stage.run(*command)
    assert run.exit_code == 2
    assert "RESOURCE is missing: it says what the token is for" in run.stderr
    assert stage.server.requests == []


def test_the_id_token_may_be_in_a_file(stage: Stage) -> None:
    """--id-token-file, or HF_OIDC_ID_TOKEN_FILE; it goes before HF_OIDC_ID_TOKEN."""
    path = stage.tmp_path / "id-token"
    path.write_text(f"\n{stage.id_token}\n")
    for arguments, env in (
        (("--id-token-file", str(path)), {"HF_OIDC_ID_TOKEN": "eyJ"}),
        ((), {"HF_OIDC_ID_TOKEN_FILE": str(path)}),
    ):
        run = stage.run("token", "acme/model", *arguments, env=env, stdout_may_hold_them=True, may_hold_them=[path])
        assert run.stdout == f"{PLAIN}\n"


GITLAB = ["--provider", "gitlab"]


# Options, environment, and whose ID token is used.
SOURCES: list[tuple[list[str], dict[str, str], str]] = [
    (["--id-token-file", "{typed}"], {"HF_OIDC_ID_TOKEN_FILE": "{other}"}, "typed"),
    (["--id-token-file", "{typed}", *GITLAB], {"HF_OIDC_ID_TOKEN_FILE": "{other}"}, "typed"),
    (["--id-token-file", "{typed}", *GITLAB], {"HF_OIDC_ID_TOKEN": "ambient"}, "typed"),
    (GITLAB, {"HF_OIDC_ID_TOKEN_FILE": "{other}"}, "gitlab"),
    (GITLAB, {"HF_OIDC_ID_TOKEN_FILE": "/nowhere"}, "gitlab"),
    (GITLAB, {"HF_OIDC_ID_TOKEN": "ambient"}, "gitlab"),
    (GITLAB, {"HF_OIDC_ID_TOKEN_FILE": "{other}", "HF_OIDC_ID_TOKEN": "ambient"}, "gitlab"),
    ([], {"HF_OIDC_ID_TOKEN_FILE": "{typed}", "HF_OIDC_ID_TOKEN": "ambient"}, "typed"),
    ([], {"HF_OIDC_ID_TOKEN_FILE": ""}, "gitlab"),
]
COMMANDS = [["token", "acme/model"], ["env", "acme/model"], ["doctor"]]


@pytest.mark.parametrize(
    ("command", "source"),
    [
        *((command, source) for command in COMMANDS for source in SOURCES),
        # A process each: one of each result, and the one of two variables. The options are those of `token` and `env`.
        *((["run", "acme/model"], SOURCES[number]) for number in (1, 6, 7)),
    ],
)
def test_what_a_person_typed_goes_before_the_environment(
    command: list[str], source: tuple[list[str], dict[str, str], str], stage: Stage
) -> None:
    """In every command; `$HF_OIDC_ID_TOKEN_FILE` is of the environment, too."""
    options, ambient, expected = source
    tokens = {name: id_token(stage.server.url, repository=name) for name in ("typed", "other", "ambient", "gitlab")}
    files = {name: stage.tmp_path / name for name in ("typed", "other")}
    for name, path in files.items():
        path.write_text(tokens[name])
    texts = {name: str(path) for name, path in files.items()}
    env = {"GITLAB_CI": "true", "HF_ID_TOKEN": tokens["gitlab"]}
    env |= {name: tokens.get(value, value.format_map(texts)) for name, value in ambient.items()}
    arguments = [*command, *(option.format_map(texts) for option in options)]
    arguments += ["--json"] if command == ["doctor"] else ["--", "true"] if command[0] == "run" else []
    run = stage.run(*arguments, env=env, stdout_may_hold_them=True, may_hold_them=files.values())
    if command == ["doctor"]:
        used = json.loads(run.stdout)["claims"]["repository"]
    else:
        sent = json.loads(stage.server.requests[-1].body)["subject_token"]
        used = next(name for name, token in tokens.items() if token == sent)
    assert used == expected


def test_the_id_token_may_come_on_standard_input(stage: Stage) -> None:
    """A single hyphen, as elsewhere."""
    run = stage.run(
        "token", "acme/model", "--id-token-file", "-", env={}, stdin=stage.id_token, stdout_may_hold_them=True
    )
    assert run.stdout == f"{PLAIN}\n"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("absent", None, "cannot be read: No such file or directory"),
        ("empty", b" \n", "is empty"),
        ("binary", b"\xff\xfe", "cannot be read: it is not text"),
        (".", None, "cannot be read: Is a directory"),
    ],
)
def test_a_file_without_an_id_token_is_named(name: str, content: bytes | None, told: str, stage: Stage) -> None:
    """Exit code 2."""
    path = stage.tmp_path / name
    if content is not None:
        path.write_bytes(content)
    run = stage.run("token", "acme/model", "--id-token-file", str(path), env={})
    assert run.exit_code == 2
    assert told in run.stderr


def test_an_id_token_is_no_path(stage: Stage) -> None:
    """It is not said that there is no file of that name, and it is not repeated."""
    run = stage.run("token", "acme/model", "--id-token-file", stage.id_token, env={})
    assert run.exit_code == 2
    assert "`--id-token-file` is the ID token itself, and not the path of a file" in run.stderr


def test_a_file_that_a_variable_names_is_told_by_the_variable(stage: Stage) -> None:
    """Nobody typed an option here."""
    run = stage.run("token", "acme/model", env={"HF_OIDC_ID_TOKEN_FILE": "/nowhere"})
    assert run.exit_code == 2
    assert "`HF_OIDC_ID_TOKEN_FILE`: /nowhere cannot be read" in run.stderr
    assert "--id-token-file" not in run.stderr


@pytest.mark.parametrize("command", [["token"], ["env"], ["run", "--", "true"], ["doctor"]])
def test_a_resource_that_a_variable_names_is_told_by_the_variable(command: list[str], stage: Stage) -> None:
    """Nobody typed an argument here."""
    run = stage.run(*command, env={"HF_OIDC_RESOURCE": "https://huggingface.co/acme/model"})
    assert run.exit_code == 2
    assert "`HF_OIDC_RESOURCE` is not in a form that the Hub accepts" in run.stderr
    assert "Did you mean `acme/model`?" in run.stderr


@pytest.mark.parametrize("arguments", [["token", "acme/a", "acme/b"], ["token", "acme/a,acme/b"]])
def test_who_wants_several_tokens_is_told_of_the_commands_that_give_them(arguments: list[str], stage: Stage) -> None:
    """`token` prints one."""
    run = stage.run(*arguments)
    assert run.exit_code == 2
    assert "`RESOURCE` names several resources at once" in run.stderr
    assert "`hf-oidc run` and `hf-oidc env` take several" in run.stderr


def test_a_bundle_is_called_as_the_user_calls_it(stage: Stage) -> None:
    """With its hyphens, and without a word of the action's container."""
    run = stage.run("token", "acme/model", "--ca-bundle", "nowhere.pem")
    assert run.exit_code == 2
    assert "`--ca-bundle` does not exist here: 'nowhere.pem'" in run.stderr
    assert "container" not in run.stderr


def test_an_empty_standard_input_is_named(stage: Stage) -> None:
    """By its name, and not as a hyphen."""
    run = stage.run("token", "acme/model", "--id-token-file", "-", env={})
    assert run.exit_code == 2
    assert "standard input is empty" in run.stderr


def test_the_provider_can_be_named(stage: Stage) -> None:
    """Where two are detected."""
    env = {"GITLAB_CI": "true", "CIRCLECI": "true", "HF_ID_TOKEN": stage.id_token}
    run = stage.run("token", "acme/model", env=env)
    assert run.exit_code == 1
    assert "ambiguous-provider" in run.stderr
    assert stage.run("token", "acme/model", "--provider", "gitlab", env=env, stdout_may_hold_them=True).exit_code == 0


@pytest.mark.parametrize("name", ["gitlab", "GitLab", "GITLAB", "gitLab"])
def test_a_providers_name_may_be_in_any_case(name: str, stage: Stage) -> None:
    """As its makers write it, or as the shell's history has it."""
    env = {"HF_ID_TOKEN": stage.id_token}
    assert stage.run("token", "acme/model", "--provider", name, env=env, stdout_may_hold_them=True).exit_code == 0


def test_a_provider_that_cannot_work_is_refused_by_name(stage: Stage) -> None:
    """Not as an unknown option value: the message says why, and what to do instead."""
    run = stage.run("token", "acme/model", "--provider", "Azure", env={})
    assert run.exit_code == 1
    assert "audience-mismatch" in run.stderr
    assert "The ID tokens of Azure Pipelines are for api://AzureADTokenExchange" in run.stderr
    assert "--id-token-file" in run.stderr


def test_only_providers_that_can_work_are_offered(stage: Stage) -> None:
    """In the help, and for a name that is unknown."""
    for run in (stage.run("token", "--help"), stage.run("token", "acme/model", "--provider", "jenkinz")):
        said = run.stdout + run.stderr
        assert "kubernetes" in said
        assert not {"azure", "semaphore", "spacelift", "supplied"} & set(re.findall(r"\w+", said))


def test_the_help_says_what_a_job_of_each_provider_needs(stage: Stage) -> None:
    """Every provider that can work is in it, with a line of its file or among those that need nothing."""
    needs = stage.run("run", "--help").stdout.partition("What a job needs")[2]
    able = {name for name in NAMES if provider_of(name).audience != "fixed"} - {"supplied"}
    assert able <= set(re.findall(r"\w+", needs))
    assert "  github      permissions: {id-token: write}" in needs


def test_other_names_may_be_in_any_case(stage: Stage) -> None:
    """A format, a shell."""
    assert stage.run("env", "acme/model", "--format", "JSON", stdout_may_hold_them=True).exit_code == 0
    assert stage.run("completion", "Bash").exit_code == 0


@pytest.mark.parametrize(
    ("word", "suggested"),
    [
        ("login", "`hf-oidc run RESOURCE -- COMMAND` runs COMMAND with a token, `hf-oidc token RESOURCE` prints one."),
        ("Login", "`hf-oidc run RESOURCE -- COMMAND` runs COMMAND with a token"),
        ("logn", "`hf-oidc run RESOURCE -- COMMAND` runs COMMAND with a token"),
        ("auth", "`hf-oidc token RESOURCE` prints one"),
        ("tokn", "Did you mean `hf-oidc token`?"),
        ("TOKEN", "Did you mean `hf-oidc token`?"),
        ("rnu", "Did you mean `hf-oidc run`?"),
        ("exec", "Did you mean `hf-oidc run`?"),
        ("help", "Did you mean `hf-oidc --help`?"),
        ("export", "Did you mean `hf-oidc env`?"),
        ("check", "Did you mean `hf-oidc doctor`?"),
        ("acme/model", "The command comes first: `hf-oidc run acme/model -- COMMAND`."),
        ("xyzzy", "No such command 'xyzzy'."),
    ],
)
def test_a_command_that_is_not_there_suggests_the_one_that_was_meant(word: str, suggested: str, stage: Stage) -> None:
    """Exit code 2; a word like nothing else is named alone."""
    run = stage.run(word)
    assert run.exit_code == 2
    assert f"No such command {word!r}." in run.stderr
    assert suggested in run.stderr
    assert run.stderr.rstrip().endswith(("prints one.", "?", "COMMAND`.", "'xyzzy'."))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--provider", "travis"],
        ["--timeout", "0"],
        ["--timeout", "x"],
        ["--audience", "a b"],
        ["--hub-url", "ftp://x"],
        ["--hub-url", "http://hub.example"],
        ["--ca-bundle", "/nowhere.pem"],
        ["--nonsense"],
    ],
)
def test_wrong_options_are_named(arguments: list[str], stage: Stage) -> None:
    """Exit code 2, the option's name, and nothing is sent."""
    run = stage.run("token", "acme/model", *arguments)
    assert run.exit_code == 2
    assert arguments[0].strip("-") in run.stderr.replace("_", "-")
    assert stage.server.requests == []


@pytest.mark.parametrize("command", ["token", "env", "run", "doctor"])
def test_each_command_explains_itself(command: str, stage: Stage) -> None:
    """With an example of its use."""
    run = stage.run(command, "--help")
    assert run.exit_code == 0
    assert f"hf-oidc {command}" in run.stdout.split("\n", 1)[1]


IMPORTED = """
import sys
from hf_oidc.cli.app import cli
cli(sys.argv[1:], standalone_mode=False)
print(*sorted(sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (
            ["--version"],
            {"requests", "jwt", "hf_oidc.cli.token", "hf_oidc.providers.registry", "click.shell_completion"},
        ),
        (["completion", "bash"], {"requests", "jwt", "hf_oidc.cli.token", "hf_oidc.providers.registry"}),
        (["token", "--help"], {"yaml", "hf_oidc.cli.doctor", "hf_oidc.cli.env", "actions_toolkit", "hf_oidc.output"}),
        (["run", "--help"], {"yaml", "hf_oidc.cli.doctor", "hf_oidc.cli.env", "actions_toolkit", "hf_oidc.output"}),
    ],
)
def test_a_command_imports_what_it_needs(arguments: list[str], missing: set[str], stage: Stage) -> None:
    """And nothing of what the others do."""
    argv = [sys.executable, "-I", "-c", IMPORTED, *arguments]
    run = subprocess.run(argv, env=stage.world(), capture_output=True, text=True, check=True)
    assert set(run.stderr.split()) & missing == set()


def test_every_command_has_a_line_of_its_own(stage: Stage) -> None:
    """Whole: none is cut."""
    told = stage.run("--help").stdout
    assert "..." not in told.split("Commands:")[1]
    assert "No such command" in stage.run("tokn").stderr
