"""The story that every end-to-end test tells: which job asks for a token, and whom the Hub trusts."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.e2e.engines import ROOT
from tests.local_hub_process import LocalHub
from tests.scripted_server import Answer, Recorded, scripted_server

MODEL = "acme/awesome-model"
REPOSITORY = "acme/awesome-model-training"
WORKFLOW = "publish-model.yml"
EXAMPLE = (ROOT / "examples/github" / WORKFLOW).read_text()
PUBLISHER_FIELD = re.compile(r"^#   (Repository|Branch|Workflow) +(\S+)", re.MULTILINE)
JOB = {
    "repository": REPOSITORY,
    "ref": "refs/heads/main",
    "workflow_ref": f"{REPOSITORY}/.github/workflows/{WORKFLOW}@refs/heads/main",
}
MINT_URL = "ACTIONS_ID_TOKEN_REQUEST_URL"
REQUEST_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"


def trust(hub: LocalHub, **changes: str) -> None:
    """Configure the trusted publisher that the example's comment asks for, but for `changes`."""
    claims = {name.lower(): value for name, value in PUBLISHER_FIELD.findall(EXAMPLE)} | changes
    hub.post(
        "/local-hub/publishers",
        {
            "resource": MODEL,
            "issuerUrl": hub.issuer,
            "claims": {name: {"kind": "eq", "value": value} for name, value in claims.items()},
        },
    )


def job_environment(hub: LocalHub) -> dict[str, str]:
    """What the job with `id-token: write` finds in its environment, and where its Hub is."""
    return {**hub.job(**JOB), "HF_ENDPOINT": hub.hub}


def job_identity(hub: LocalHub) -> dict[str, str]:
    """The part of the job's environment that a workflow engine does not make by itself."""
    env = job_environment(hub)
    return {name: env[name] for name in (MINT_URL, REQUEST_TOKEN, "HF_ENDPOINT")}


@contextmanager
def recorded_minting(job: dict[str, str]) -> Iterator[tuple[dict[str, str], list[str]]]:
    """The job's identity with a way-station before the issuer, and a list that grows with each ID token minted."""
    minted: list[str] = []

    def forward(request: Recorded) -> Answer:
        issuer = job[MINT_URL].partition("?")[0]
        query = {name: values[0] for name, values in request.query.items()}
        headers = {"Authorization": request.headers.get("authorization", "")}
        answer = httpx.get(issuer, params=query, headers=headers, trust_env=False)
        minted.append(answer.json().get("value", ""))
        return Answer(answer.content, answer.status_code)

    with scripted_server({"/mint": forward}) as server:
        yield {**job, MINT_URL: f"{server.url}/mint?api-version=2.0"}, minted
