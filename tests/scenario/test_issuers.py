"""A job on each CI, as Local Hub plays it: `hf-oidc` finds the ID token, and a publisher for its claims grants.

`hf-oidc` runs inside the test process; the commands of the CIs that Local Hub plays are processes.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from hf_oidc.providers.facts import all_facts
from hf_oidc.providers.registry import provider_of
from local_hub.config import load
from tests import example_jobs
from tests.cli_process import run_cli
from tests.local_hub_process import ServedHub, local_hub_here

# What a publisher would name, for the job that Local Hub plays, by the CI's own documentation; one claim of it wrong.
DOCUMENTED: Mapping[str, Mapping[str, str]] = {
    "forgejo": {"repository": "acme/training", "ref": "refs/heads/main"},
    "gitlab": {"project_path": "acme/training", "ref_type": "branch", "ref": "main", "ref_protected": "true"},
    "circleci": {
        "oidc.circleci.com/project-id": "efde35d3-cebd-4ca5-8e5c-4bc5dc1dd1f3",
        "oidc.circleci.com/vcs-ref": "refs/heads/main",
    },
    "bitbucket": {"repositoryUuid": "{c0e4d2b1-0000-4000-8000-000000000001}", "branchName": "main"},
    "buildkite": {"organization_slug": "acme", "pipeline_slug": "training", "build_branch": "main"},
    "codefresh": {"account_name": "acme", "pipeline_name": "training/publish", "scm_ref": "main"},
    "jenkins": {"sub": "https://jenkins.acme.example/job/training/job/main/"},
    "terraform": {"terraform_organization_name": "acme", "terraform_workspace_name": "training"},
    "google": {"email": "publish@acme.iam.gserviceaccount.com", "sub": "113774264463038321964"},
    "aws": {"sub": "arn:aws:iam::123456789012:role/publish"},
    "kubernetes": {"sub": "system:serviceaccount:acme:publish"},
}
# For any other, what our own facts say to enter.
PUBLISHERS: Mapping[str, Mapping[str, str]] = {
    name: DOCUMENTED.get(name) or {claim: example_jobs.claims(name)[claim] for claim in all_facts()[name].claims}
    for name in example_jobs.PLAYED
}
# Claims that are no strings, where the CI documents them so.
ODD: Mapping[str, Mapping[str, type]] = {
    "gitlab": {"runner_id": int, "pipeline_id": str, "ref_protected": str},
    "circleci": {"aud": list, "oidc.circleci.com/context-ids": list, "oidc.circleci.com/ssh-rerun": bool},
    "bitbucket": {"aud": list},
    "buildkite": {"build_number": int},
    "jenkins": {"build_number": int},
    "google": {"email_verified": bool, "sub": str},
    "aws": {"https://sts.amazonaws.com/": dict},
    "kubernetes": {"aud": list, "kubernetes.io": dict},
}
FILE = "/var/run/secrets/huggingface.co/serviceaccount/token"
# CircleCI's variables have another audience, unless the project sets it.
WITHOUT_THE_AUDIENCE = {"CIRCLE_OIDC_TOKEN", "CIRCLE_OIDC_TOKEN_V2"}
JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
every = pytest.mark.parametrize("name", PUBLISHERS)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedHub]:
    """A Local Hub with a publisher for each of the CIs."""
    lines = ["publishers:"]
    for name, claims in PUBLISHERS.items():
        lines += [f"  - resource: acme/{name}", f"    issuer: {name}", "    claims:"]
        lines += [f"      {claim!r}: {value!r}" for claim, value in claims.items()]
        lines += [f"  - resource: acme/not-{name}", f"    issuer: {name}", "    claims:"]
        lines += [f"      {claim!r}: 'another'" for claim in claims]
    config = tmp_path_factory.mktemp("hub") / "hub.yaml"
    config.write_text("\n".join(lines))
    with local_hub_here(config=load(config)) as running:
        yield running


def job(hub: ServedHub, name: str, tmp_path: Path, **description: Any) -> tuple[dict[str, str], list[str], list[Path]]:
    """The job's environment, `hf-oidc`'s options there, and the files that hold its ID token."""
    answer = hub.post("/local-hub/jobs", {"ci": name, **description})
    env = {"PATH": os.environ["PATH"], **answer["env"], "HF_ENDPOINT": hub.hub}
    if FILE not in answer.get("files", {}):
        return env, [], []
    # The real path belongs to the machine; here the file is named.
    path = tmp_path / "token"
    path.write_text(answer["files"][FILE])
    return env, ["--id-token-file", str(path)], [path]


def id_token(env: Mapping[str, str], files: list[Path]) -> str:
    """The one that was there before the job began, if any was."""
    tokens = [value for name, value in env.items() if JWT.fullmatch(value) and name not in WITHOUT_THE_AUDIENCE]
    return next(iter(tokens), files[0].read_text() if files else "")


@every
def test_a_publisher_for_its_claims_grants(name: str, hub: ServedHub, tmp_path: Path) -> None:
    """The token is one of Local Hub's, for the resource that was asked for."""
    env, options, files = job(hub, name, tmp_path)
    run = run_cli(
        tmp_path,
        "token",
        f"acme/{name}",
        *options,
        env=env,
        secrets=[id_token(env, files)],
        stdout_may_hold_them=True,
        may_hold_them=files,
    )
    assert (run.exit_code, run.stderr.count("\n")) == (0, 1 + 4 * (name == "forgejo")), run.stderr
    seen = hub.get("/local-hub/introspect", headers={"Authorization": f"Bearer {run.stdout.strip()}"})
    assert (seen["active"], seen["resource"]) == (True, f"acme/{name}")


@every
def test_a_publisher_for_other_claims_refuses(name: str, hub: ServedHub, tmp_path: Path) -> None:
    """Local Hub's log says which claims differ; the client shows which the job has, and a publisher for them."""
    env, options, files = job(hub, name, tmp_path)
    run = run_cli(
        tmp_path,
        "token",
        f"acme/not-{name}",
        "--verbose",
        *options,
        env=env,
        secrets=[id_token(env, files)],
        may_hold_them=files,
    )
    assert (run.exit_code, run.stdout) == (1, "")
    assert "exchange-rejected" in run.stderr
    reason = hub.get("/local-hub/exchanges")[0]["reason"]
    assert all(claim in reason for claim in PUBLISHERS[name])


@pytest.mark.parametrize("name", [name for name in example_jobs.PLAYED if provider_of(name).audience == "chosen"])
def test_asks_for_the_audience_that_it_needs(name: str, hub: ServedHub, tmp_path: Path) -> None:
    """Another audience than the hub's own is minted, and refused by the Hub that it is not for."""
    env, _, _ = job(hub, name, tmp_path)
    run = run_cli(tmp_path, "token", f"acme/{name}", "--audience", "https://other.example", env=env, secrets=[])
    assert run.exit_code == 1
    assert "aud: expected" in hub.get("/local-hub/exchanges")[0]["reason"]


@pytest.mark.parametrize("name", [name for name in example_jobs.PLAYED if provider_of(name).audience == "declared"])
def test_an_audience_that_was_declared_wrongly_is_refused_here(name: str, hub: ServedHub, tmp_path: Path) -> None:
    """The ID token is not sent."""
    env, options, files = job(hub, name, tmp_path, audience="https://other.example")
    before = len(hub.get("/local-hub/exchanges"))
    run = run_cli(
        tmp_path, "token", f"acme/{name}", *options, env=env, secrets=[id_token(env, files)], may_hold_them=files
    )
    assert (run.exit_code, "audience-mismatch" in run.stderr) == (1, True)
    assert len(hub.get("/local-hub/exchanges")) == before


@pytest.mark.parametrize("command", [True, False], ids=["with the command", "without"])
def test_circleci_uses_the_variable_of_a_project_that_set_its_audience(
    command: bool, hub: ServedHub, tmp_path: Path
) -> None:
    """Then the command `circleci` is not needed, which a container of the step does not have."""
    env, _, _ = job(hub, "circleci", tmp_path, audience=hub.hub)
    env["PATH"] = env["PATH"] if command else os.environ["PATH"]
    secret = env["CIRCLE_OIDC_TOKEN_V2"]
    run = run_cli(tmp_path, "token", "acme/circleci", env=env, secrets=[secret], stdout_may_hold_them=True)
    assert run.exit_code == 0, run.stderr


@pytest.mark.parametrize("name", ["circleci", "bitbucket"])
def test_the_default_audience_of_a_ci_is_not_sent_unless_it_is_asked_for(
    name: str, hub: ServedHub, tmp_path: Path
) -> None:
    """The organization's id, the workspace: `--audience` sends such a token, for a Hub that accepts it."""
    default = {
        "circleci": "c9035eb6-6eb2-4c85-8a81-d9ee6a1fa8c2",
        "bitbucket": "ari:cloud:bitbucket::workspace/b1c0e4d2-0000-4000-8000-000000000002",
    }[name]
    env, _, _ = job(hub, name, tmp_path, audience=default)
    env["PATH"] = os.environ["PATH"]
    variable = {"circleci": "CIRCLE_OIDC_TOKEN_V2", "bitbucket": "BITBUCKET_STEP_OIDC_TOKEN"}[name]
    before = len(hub.get("/local-hub/exchanges"))
    for audience, sent in (([], 0), (["--audience", default], 1)):
        run = run_cli(tmp_path, "token", f"acme/{name}", *audience, env=env, secrets=[env[variable]])
        assert run.exit_code == 1
        assert len(hub.get("/local-hub/exchanges")) == before + sent
    assert "aud: expected" in hub.get("/local-hub/exchanges")[0]["reason"]


def test_google_goes_to_iam_where_the_metadata_server_has_none(hub: ServedHub, tmp_path: Path) -> None:
    """As in Cloud Build."""
    env, _, _ = job(hub, "google", tmp_path, **{"cloud-build": True})
    env["CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS"] = hub.hub
    run = run_cli(tmp_path, "token", "acme/google", env=env, secrets=[], stdout_may_hold_them=True)
    assert run.exit_code == 0, run.stderr


@every
def test_claims_are_signed_and_of_the_documented_types(name: str, hub: ServedHub, tmp_path: Path) -> None:
    """Verified by way of the issuer's discovery document, with code that is not Local Hub's."""
    env, _, files = job(hub, name, tmp_path)
    token = id_token(env, files) or minted(hub, name, env)
    issuer = jwt.decode(token, options={"verify_signature": False})["iss"]
    assert issuer.startswith(f"{hub.hub}/oidc/{name}")
    discovery = httpx.get(f"{issuer}/.well-known/openid-configuration", trust_env=False).json()
    assert discovery["issuer"] == issuer
    keys = jwt.PyJWKSet.from_dict(httpx.get(discovery["jwks_uri"], trust_env=False).json())
    claims = jwt.decode(token, keys[jwt.get_unverified_header(token)["kid"]], ["RS256"], audience=hub.hub)
    assert {claim: type(claims[claim]) for claim in ODD.get(name, {})} == ODD.get(name, {})
    assert PUBLISHERS[name].items() <= claims.items()


def minted(hub: ServedHub, name: str, env: Mapping[str, str]) -> str:
    """An ID token by the way that the CI has, without `hf-oidc`."""
    if name == "codefresh":
        headers = {"Authorization": env["CF_OIDC_REQUEST_TOKEN"]}
        return str(hub.get(f"{env['CF_OIDC_REQUEST_URL']}?audience={hub.hub}", headers=headers)["id_token"])
    if name == "forgejo":
        headers = {"Authorization": f"Bearer {env['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
        return str(hub.get(f"{env['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={hub.hub}", headers=headers)["value"])
    if name == "google":
        path = "/computeMetadata/v1/instance/service-accounts/default/identity"
        return hub.request("GET", f"{path}?audience={hub.hub}&format=full", headers={"Metadata-Flavor": "Google"}).text
    asked = json.dumps({"SigningAlgorithm": "RS256", "Audience": [hub.hub]})
    command = {
        "circleci": ["circleci", "run", "oidc", "get", "--claims", f'{{"aud": "{hub.hub}"}}'],
        "buildkite": ["buildkite-agent", "oidc", "request-token", "--audience", hub.hub],
        "aws": [
            "sh",
            "-c",
            f"aws sts get-web-identity-token --cli-input-json '{asked}' | cut -sd'\"' -f4",
        ],
    }[name]
    return subprocess.run(command, env=dict(env), capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    "command",
    [
        ["circleci", "run", "oidc", "put"],
        ["circleci", "run", "oidc", "get", "--claims", "{"],
        ["circleci", "run", "oidc", "get"],
        ["circleci", "run", "oidc", "get", "--claims", "[]"],
        ["circleci", "run", "oidc", "get", "--claims", '{"aud": ["x"]}'],
        ["circleci", "run", "oidc", "get", "--claims", '{"aud": "x", "sub": "y"}'],
        ["circleci", "run", "oidc", "get", "--root-issuer", "--claims", '{"aud": "x"}'],
        ["buildkite-agent", "oidc"],
        ["buildkite-agent", "oidc", "request-token"],
        ["buildkite-agent", "redactor"],
        ["buildkite-agent", "redactor", "add"],
        ["buildkite-agent", "redactor", "add", "--format", "json"],
        ["aws", "sts", "get-web-identity-token", "--audience", "x"],
        ["aws", "sts", "get-web-identity-token", "--signing-algorithm", "RS256"],
        # What version 1 of the real one does: it takes the URL for the place where the audience is to be read.
        ["aws", "sts", "get-web-identity-token", "--audience", "https://x.example", "--signing-algorithm", "RS256"],
        ["aws", "sts", "get-web-identity-token", "--cli-input-json", '{"Audience": ["x"]}'],
        ["aws", "s3", "ls"],
    ],
)
def test_commands_refuse_what_they_do_not_know(command: list[str], hub: ServedHub, tmp_path: Path) -> None:
    """On standard error, with an exit code."""
    env, _, _ = job(hub, {"circleci": "circleci", "buildkite-agent": "buildkite", "aws": "aws"}[command[0]], tmp_path)
    run = subprocess.run(command, env=env, input="", capture_output=True, text=True, check=False)
    assert (run.returncode != 0, run.stdout, bool(run.stderr)) == (True, "", True)


def test_aws_takes_its_arguments_one_by_one_too(hub: ServedHub, tmp_path: Path) -> None:
    """An audience that is no URL."""
    env, _, _ = job(hub, "aws", tmp_path)
    command = ["aws", "sts", "get-web-identity-token", "--audience", "urn:acme", "--signing-algorithm", "RS256"]
    run = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    token = json.loads(run.stdout)["WebIdentityToken"]
    assert jwt.decode(token, options={"verify_signature": False})["aud"] == "urn:acme"


@pytest.mark.parametrize(("form", "text"), [("none", "hf_secret\n"), ("json", '{"A": "hf_secret"}')])
def test_buildkites_agent_takes_what_it_is_to_hide(form: str, text: str, hub: ServedHub, tmp_path: Path) -> None:
    """On standard input, and says nothing of it."""
    env, _, _ = job(hub, "buildkite", tmp_path)
    command = ["buildkite-agent", "redactor", "add", "--format", form]
    run = subprocess.run(command, env=env, input=text, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("description", "told"),
    [
        ({"ci": "travis"}, "job.ci: must be one of github, aws, bitbucket"),
        ({"ci": 7}, "job.ci: must be a non-empty string"),
        ({"ci": "gitlab", "repository": "a/b"}, "job: unknown field repository"),
        ({"ci": "google", "cloud-build": "yes"}, "job.cloud-build: must be true or false"),
        ({"ci": "gitlab", "claims": []}, "job.claims: must be a mapping"),
    ],
)
def test_a_wrong_description_is_refused_by_name(description: dict[str, Any], told: str, hub: ServedHub) -> None:
    """The field, and the right form."""
    answer = hub.request("POST", "/local-hub/jobs", json=description)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(told)


def test_claims_may_be_changed_and_taken_away(hub: ServedHub, tmp_path: Path) -> None:
    """As with GitHub's jobs."""
    env, _, _ = job(hub, "gitlab", tmp_path, claims={"ref": "v1", "ref_type": "tag", "sha": None})
    claims = jwt.decode(env["HF_ID_TOKEN"], options={"verify_signature": False})
    assert (claims["ref"], claims["ref_type"], "sha" in claims) == ("v1", "tag", False)


def test_github_may_be_named(hub: ServedHub) -> None:
    """It is what a job is unless it says otherwise."""
    assert hub.job(ci="github", repository="acme/training")["GITHUB_REPOSITORY"] == "acme/training"
