"""Text of others, in every place where it is shown, starts no command of any CI and shows no password.

The places are those of the command line and of the action; each is given the commands of `tests.commands`, and the
URLs below. Both run inside the test process: what they print is the subject.
"""

from __future__ import annotations

import json
from collections.abc import Callable
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
