"""Text of others, in every place where it is shown, starts no command of any CI and shows no password.

The places are those of the command line and of the action; each is given the commands of `tests.commands`, and the
URLs below. Both run inside the test process: what they print is the subject.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from tests.action_process import run_action, scrubbed
from tests.cli_process import hf_oidc
from tests.commands import COMMANDS, commands_of_others
from tests.factories import HUB, id_token
from tests.leaks import PASSWORDS, URL_FORMS, shows_password
from tests.scripted_server import Answer, scripted_server

WORKFLOW = """
on: push
name: {text}
env: {{HF_OIDC_RESOURCE: {text}}}
jobs:
  {text}:
    runs-on: {text}
    environment: {text}
    steps:
      - name: {text}
        uses: org/hf-oidc-action@v1
        with: {{resource: {text}, {text}: x, audience: {text}, timeout: {text}}}
"""
# The other files that the doctor reads: by their path, with the text wherever it can be.
OTHER_FILES = {
    ".gitlab-ci.yml": """
include: {text}
workflow: {{rules: [{{if: {text}}}]}}
{text}:
  environment: {text}
  extends: {text}
  id_tokens: {{HF_ID_TOKEN: {{aud: [{text}, {text}]}}, {text}: {{aud: {text}}}}}
  variables: {{HF_OIDC_RESOURCE: {text}, HF_TOKEN: {text}}}
  only: [{text}]
  timeout: {text}
  script: ['hf-oidc run a/b -- x', {text}, 'hf upload a/b --token $A']
""",
    ".forgejo/workflows/a.yml": WORKFLOW,
    "action.yml": "name: {text}\nruns: {{using: {text}, steps: [run: {text}]}}\n",
    ".circleci/config.yml": "version: {text}\n",
    "Jenkinsfile": "{text}",
    "pod.yml": "apiVersion: {text}\nkind: {text}\n",
    "other.yml": "{text}: {text}\n",
    "not-yaml.yml": "{text}: [\n{text}: !{text} {text}\n",
    ".github/workflows/migrated.yml": """
on: push
jobs:
  publish:
    name: {text}
    runs-on: ubuntu-latest
    steps:
      - name: {text}
        run: hf upload acme/model .
        env: {{HF_TOKEN: "${{{{ secrets.HF_TOKEN }}}}", X: {text}}}
      - name: {text}
        if: {text}
        run: {text}
        env: {{HF_TOKEN: "${{{{ secrets.HF_TOKEN }}}}"}}
""",
}


def claims(text: str) -> str:
    """An ID token that says `text` wherever it can."""
    names = ("sub", "ref", "repository", "workflow", "workflow_ref", "job_workflow_ref", "environment", "project_path")
    return id_token(HUB, **dict.fromkeys(names, text))


def printed(tmp_path: Path, *arguments: str, **env: str) -> str:
    """Both streams of `hf-oidc` with these arguments."""
    folder = tmp_path / "cwd"
    folder.mkdir(exist_ok=True)
    process = hf_oidc(*arguments, env={**scrubbed(), "HOME": str(tmp_path), **env}, cwd=folder)
    return (process.stdout + b"\n" + process.stderr).decode()


def workflow(tmp_path: Path, text: str) -> str:
    """What `doctor` says of a workflow file that says `text` wherever it can."""
    quoted = json.dumps(text, ensure_ascii=True)
    file = tmp_path / "cwd" / f"{text.replace('/', '')}.yml"
    file.parent.mkdir()
    file.write_text(WORKFLOW.format(text=quoted))
    return printed(tmp_path, "doctor", "--workflow", str(file), "--repository", "acme/trainer")


def checked(path: str, tmp_path: Path, text: str, options: Sequence[str] = ()) -> str:
    """What `doctor` says of the file with this path that says `text` wherever it can, in a folder of that name."""
    folder = "".join(text.replace("/", "").split("\0"))
    file = tmp_path / "cwd" / folder / path
    file.parent.mkdir(parents=True)
    file.write_text(OTHER_FILES[path].format(text=json.dumps(text, ensure_ascii=True)), encoding="utf-8")
    (tmp_path / "cwd" / folder / ".git").mkdir()
    (tmp_path / "cwd" / folder / ".git" / "HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")
    for name in ("objects", "refs"):
        (tmp_path / "cwd" / folder / ".git" / name).mkdir()
    url = text.replace("\\", "").replace('"', "").replace("\r", "").replace("\n", "")
    config = f'[core]\n\trepositoryformatversion = 0\n[remote "origin"]\n\turl = "https://git.example.org/{url}/x"\n'
    (tmp_path / "cwd" / folder / ".git" / "config").write_text(config, encoding="utf-8")
    return printed(tmp_path, "doctor", *options, str(file))


def tried(tmp_path: Path, text: str, *arguments: str) -> str:
    """What `doctor --try` says in a job with `text` in its claims, if the Hub refuses with `text`."""
    answer = Answer({"error": "invalid_grant", "error_description": text}, 400, {"x-request-id": "r-1"})
    token = claims(text)
    with scripted_server({"/oauth/token": answer, "/mint": Answer({"value": token})}) as server:
        env = {"GITHUB_ACTIONS": "true", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x", "HF_ENDPOINT": server.url}
        env |= {"ACTIONS_ID_TOKEN_REQUEST_URL": f"{server.url}/mint?x=y", "HF_OIDC_RESOURCE": "acme/model"}
        arguments = ("doctor", "--try", "--audience", HUB, "--expect", f"branch={text}", *arguments)
        return printed(tmp_path, *arguments, **env)


def acted(tmp_path: Path, **inputs: str) -> str:
    """What the action prints."""
    run = run_action(tmp_path, {}, {"resource": "acme/model", **inputs})
    return run.stdout + run.stderr


def refused(tmp_path: Path, text: str, *arguments: str) -> str:
    """What is printed where the Hub refuses with `text`; by the action, unless there are arguments."""
    answer = Answer({"error": "invalid_grant", "error_description": text}, 400)
    with scripted_server({"/oauth/token": answer}) as server:
        if arguments:
            return printed(tmp_path, *arguments, HF_ENDPOINT=server.url, HF_OIDC_ID_TOKEN=id_token(server.url))
        return acted(tmp_path, **{"hub-url": server.url, "audience": HUB, "id-token": claims(text)})


def redirected(tmp_path: Path, location: str) -> str:
    """What is printed where the Hub redirects."""
    with scripted_server({"/oauth/token": Answer(status=307, headers={"Location": location})}) as server:
        return printed(tmp_path, "token", "acme/model", HF_ENDPOINT=server.url, HF_OIDC_ID_TOKEN=id_token(server.url))


PLACES: dict[str, Callable[[Path, str], str]] = {
    "RESOURCE": lambda tmp, text: printed(tmp, "token", text),
    "a variable's name": lambda tmp, text: printed(tmp, "env", f"{text.replace('=', '')}=acme/model"),
    "HF_OIDC_RESOURCE": lambda tmp, text: printed(tmp, "token", HF_OIDC_RESOURCE=text),
    "the command of run": lambda tmp, text: printed(tmp, "run", "acme/model", "--", text),
    "--hub-url": lambda tmp, text: printed(tmp, "token", "acme/model", "--hub-url", text),
    "HF_ENDPOINT": lambda tmp, text: printed(tmp, "token", "acme/model", HF_ENDPOINT=text),
    "--audience": lambda tmp, text: printed(
        tmp, "token", "acme/model", "--audience", text, HF_OIDC_ID_TOKEN=id_token("x")
    ),
    "--id-token-file": lambda tmp, text: printed(tmp, "token", "acme/model", "--id-token-file", text),
    "--ca-bundle": lambda tmp, text: printed(
        tmp, "token", "acme/model", "--ca-bundle", text, HF_OIDC_ID_TOKEN=id_token()
    ),
    "--output": lambda tmp, text: printed(tmp, "env", "acme/model", "--output", f"{text}/x"),
    "--provider": lambda tmp, text: printed(tmp, "token", "acme/model", "--provider", text),
    "--timeout": lambda tmp, text: printed(tmp, "token", "acme/model", "--timeout", text),
    "a command of ours": printed,
    "an option of ours": lambda tmp, text: printed(tmp, "token", f"--{text}"),
    "one argument too many": lambda tmp, text: printed(tmp, "token", "acme/model", text),
    "--expect": lambda tmp, text: printed(tmp, "doctor", "--expect", text),
    "--expect, a name": lambda tmp, text: printed(tmp, "doctor", "--expect", f"{text}=x", HF_OIDC_ID_TOKEN=id_token()),
    "--repository": lambda tmp, text: printed(tmp, "doctor", "--workflow", "x", "--repository", text),
    "--workflow": lambda tmp, text: printed(tmp, "doctor", "--workflow", text),
    "a workflow's file": workflow,
    "claims": lambda tmp, text: printed(tmp, "doctor", HF_OIDC_ID_TOKEN=claims(text)),
    "claims, as JSON": lambda tmp, text: printed(tmp, "doctor", "--json", HF_OIDC_ID_TOKEN=claims(text)),
    "an audience, as JSON": lambda tmp, text: printed(
        tmp, "doctor", "--json", "--audience", text, HF_OIDC_ID_TOKEN=id_token("x")
    ),
    "an audience in an ID token": lambda tmp, text: printed(tmp, "doctor", HF_OIDC_ID_TOKEN=id_token(text)),
    "the Hub's text": lambda tmp, text: refused(tmp, text, "token", "acme/model", "-v"),
    "the input resource": lambda tmp, text: acted(tmp, resource=text),
    "the input hub-url": lambda tmp, text: acted(tmp, **{"hub-url": text}),
    "the input audience": lambda tmp, text: acted(tmp, audience=text, **{"id-token": id_token("x")}),
    "the input timeout": lambda tmp, text: acted(tmp, timeout=text),
    "the input ca-bundle": lambda tmp, text: acted(tmp, **{"ca-bundle": text, "id-token": id_token()}),
    "the Hub's text and claims, in the action": refused,
    "the Hub's text and claims, in a trial": tried,
    "the Hub's text and claims, in a trial, as JSON": lambda tmp, text: tried(tmp, text, "--json"),
    **{path: partial(checked, path) for path in OTHER_FILES},
    **{
        f"{path}, {' '.join(options)}": partial(checked, path, options=options)
        for path in (".gitlab-ci.yml", ".forgejo/workflows/a.yml", ".github/workflows/migrated.yml")
        for options in (("--format", "sarif"), ("--json",), ("--migrate",), ("--migrate", "--json"))
    },
}


@pytest.mark.parametrize("place", PLACES)
def test_no_place_starts_a_command(tmp_path: Path, place: str) -> None:
    """Whatever CI reads the log."""
    for number, command in enumerate(COMMANDS):
        (tmp_path / str(number)).mkdir()
        said = PLACES[place](tmp_path / str(number), command)
        assert said.strip()
        assert commands_of_others(said) == [], command


URL_PLACES: dict[str, Callable[[Path, str], str]] = {
    **{
        place: PLACES[place]
        for place in (
            "--hub-url",
            "HF_ENDPOINT",
            "--audience",
            "the input hub-url",
            "the input audience",
            "an audience, as JSON",
            "RESOURCE",
            "the input resource",
        )
    },
    "ACTIONS_ID_TOKEN_REQUEST_URL": lambda tmp, text: printed(
        tmp,
        *("token", "acme/model", "--timeout", "1"),
        GITHUB_ACTIONS="true",
        ACTIONS_ID_TOKEN_REQUEST_URL=text,
        ACTIONS_ID_TOKEN_REQUEST_TOKEN="x",
    ),
    "a redirect": redirected,
}


@pytest.mark.parametrize("place", URL_PLACES)
@pytest.mark.parametrize("form", URL_FORMS)
def test_no_place_shows_a_password(tmp_path: Path, place: str, form: str) -> None:
    """However the URL is malformed; not even a part of the password. Of a proxy's, test_transport.py tells."""
    for password in PASSWORDS:
        said = URL_PLACES[place](tmp_path, form.format(password))
        assert said.strip()
        assert not shows_password(said)


@pytest.mark.parametrize("path", [".gitlab-ci.yml", ".forgejo/workflows/a.yml", ".github/workflows/migrated.yml"])
@pytest.mark.parametrize("options", [(), ("--json",), ("--format", "sarif"), ("--migrate",)], ids=" ".join)
def test_no_file_shows_a_password(tmp_path: Path, path: str, options: tuple[str, ...]) -> None:
    """Of a URL that the file has in any place, or git's remote."""
    for number, form in enumerate(("https://svc:{}@mirror.corp/hub", "https://{}@mirror.corp")):
        for password in PASSWORDS[:3]:
            folder = tmp_path / f"{number}-{PASSWORDS.index(password)}"
            folder.mkdir()
            said = checked(path, folder, form.format(password), options)
            assert said.strip()
            assert not shows_password(said)


CLAIM_URLS = ("https://svc:{}@issuer.corp/x", "https:svc:{}@issuer.corp", "https://{}@issuer.corp")


@pytest.mark.parametrize("form", CLAIM_URLS)
@pytest.mark.parametrize("claim", ["iss", "oidc.circleci.com/vcs-origin", "scm_repo_url", "aud"])
def test_no_claim_shows_a_password(tmp_path: Path, claim: str, form: str) -> None:
    """In `doctor`, as text and as JSON."""
    for password in PASSWORDS:
        if " " in password:  # of two words
            continue
        token = id_token(**{"aud": HUB, claim: form.format(password)})
        for arguments in (("doctor",), ("doctor", "--json")):
            said = printed(tmp_path, *arguments, HF_OIDC_ID_TOKEN=token)
            assert "issuer.corp" in said
            assert not shows_password(said)


def test_json_is_the_same_to_a_program(tmp_path: Path) -> None:
    """What would be a command in a log is escaped, and what is read is to the letter."""
    text = "##vso[x]::error::y"
    said = printed(tmp_path, "doctor", "--json", "--audience", text, HF_OIDC_ID_TOKEN=id_token(text))
    assert "##vso" not in said
    assert json.loads(said)["audience"] == text


LONG = "acme/shared/.github/workflows/publish.yml@" + "0123456789abcdef" * 2 + "01234567"


def test_a_name_with_hf_in_it_is_shown(tmp_path: Path) -> None:
    """In the diagnosis, the publisher, and the command line to copy."""
    said = refused(tmp_path, "No trusted publisher configured on acme/hf_bert_base", "token", "acme/hf_bert_base")
    assert "`acme/hf_bert_base` has no trusted publisher" in said
    assert "***" not in said
    name = {"HF_OIDC_ID_TOKEN": id_token("sigstore", repository="acme/hf_bert_training", job_workflow_ref=LONG)}
    said = printed(tmp_path, "doctor", "--resource", "acme/hf_bert_base", **name)
    assert "acme/hf_bert_training" in said
    assert LONG in said
    assert "***" not in said


def test_the_line_to_copy_names_the_resource(tmp_path: Path) -> None:
    """`hf-oidc run *** -- …` would be of use to nobody."""
    said = printed(tmp_path, "token", "acme/hf_bert_base", GITLAB_CI="true")
    assert "acme/hf_bert_base -- " in said
