"""The story that every end-to-end test tells: which job asks for a token, and whom the Hub trusts."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.e2e.engines import ROOT
from tests.local_hub_process import LocalHub, ServedHub
from tests.scripted_server import Answer, Recorded, scripted_server

MODEL = "acme/awesome-model"
REPOSITORY = "acme/awesome-model-training"
WORKFLOW = "publish-model.yml"
EXAMPLES = ROOT / "examples/github"
EXAMPLE = (EXAMPLES / WORKFLOW).read_text()
# What the comment at the head of an example asks for.
SETTINGS_PAGE = re.compile(r"https://huggingface\.co/(\S+)/settings -> Trusted Publishers -> add")
SIGNED_IN = re.compile(r"on the Hub, signed in as (\w+)")
PRESET_FIELD = re.compile(r"^#   (Repository|Branch|Workflow) +(\S+)", re.MULTILINE)
ISSUER = re.compile(r"^#   Issuer +(\S+)", re.MULTILINE)
CLAIM = re.compile(r"^#   Claim +(\S+) = (\S+)", re.MULTILINE)
GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
JOB = {
    "repository": REPOSITORY,
    "ref": "refs/heads/main",
    "workflow_ref": f"{REPOSITORY}/.github/workflows/{WORKFLOW}@refs/heads/main",
}
MINT_URL = "ACTIONS_ID_TOKEN_REQUEST_URL"
REQUEST_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"


@dataclass(frozen=True)
class Publisher:
    """What an example asks its reader to configure."""

    resource: str
    issuer: str
    claims: Mapping[str, str]


def publishers(example: str) -> list[Publisher]:
    """Those that the example's first comment asks for: the same on each page that it names."""
    head = example[: example.index("\nname:")]
    preset = {name.lower(): value for name, value in PRESET_FIELD.findall(head)}
    claims, issuers = preset | dict(CLAIM.findall(head)), ISSUER.findall(head)
    issuer = issuers[0] if issuers else GITHUB_ISSUER
    return [Publisher(resource, issuer, claims) for resource in SETTINGS_PAGE.findall(head) + SIGNED_IN.findall(head)]


def trust(hub: ServedHub, example: str = EXAMPLE, **changes: str) -> None:
    """Configure the trusted publishers that the example asks for, but for `changes`. Local Hub's issuer is GitHub's."""
    for publisher in publishers(example):
        configure(hub, publisher, **changes)


def configure(hub: ServedHub, publisher: Publisher, **changes: str) -> None:
    """Have the Hub trust this publisher, but for `changes`."""
    wire: dict[str, Any] = {
        "resource": publisher.resource,
        "issuerUrl": hub.issuer if publisher.issuer == GITHUB_ISSUER else publisher.issuer,
        "claims": {name: {"kind": "eq", "value": value} for name, value in {**publisher.claims, **changes}.items()},
    }
    hub.post("/local-hub/publishers", wire)


def job_environment(hub: LocalHub, job: Mapping[str, Any] = JOB) -> dict[str, str]:
    """What the job with `id-token: write` finds in its environment, and where its Hub is."""
    return {**hub.job(**job), "HF_ENDPOINT": hub.hub}


def job_identity(hub: LocalHub, job: Mapping[str, Any] = JOB) -> dict[str, str]:
    """The part of the job's environment that a workflow engine does not make by itself."""
    env = job_environment(hub, job)
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
