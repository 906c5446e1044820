"""The pages of repositories, which clients print links to, and the requests that no route answers.

Real clients make the links, and a browser without a window follows them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import HfHubHTTPError

from local_hub.unknown_requests import MOST_KINDS
from tests.clients import Clients, good, token_for, trust
from tests.local_hub_process import ServedHub, local_hub_here
from tests.page_reader import Browser, browser

MODEL = "acme/shown"
HOSTILE = "<script>alert(1) \N{RIGHT-TO-LEFT OVERRIDE}.txt"


@pytest.fixture(scope="module")
def hub() -> Iterator[ServedHub]:
    """A Local Hub with repositories of each visibility."""
    with local_hub_here() as running:
        trust(running, MODEL)
        running.post("/local-hub/resources", {"resource": "acme/hidden", "private": True})
        running.post("/local-hub/resources", {"resource": "acme/gated", "gated": True})
        running.post("/local-hub/resources", {"resource": "datasets/acme/corpus"})
        yield running


@pytest.fixture
def user(hub: ServedHub) -> Iterator[Browser]:
    """A reader of the pages."""
    with browser(hub.hub) as opened:
        yield opened


@pytest.fixture
def api(hub: ServedHub) -> HfApi:
    """huggingface_hub, with a token for the model."""
    return HfApi(endpoint=hub.hub, token=token_for(hub, MODEL))


def test_the_link_of_a_commit_leads_to_its_page(api: HfApi, user: Browser, hub: ServedHub) -> None:
    """With the message, the author, and the files that changed; each leads to its content."""
    add = CommitOperationAdd("old.txt", b"old")
    api.create_commit(MODEL, [add], commit_message="before")
    made = api.create_commit(
        MODEL,
        [CommitOperationAdd("folder/new.txt", b"one\n\ttwo\n"), CommitOperationDelete("old.txt")],
        commit_message="Trained <b>again</b>",
        commit_description="For\n\nreasons",
    )
    page = user.get(made.commit_url.removeprefix(hub.hub))
    assert "Trained <b>again</b>" in page.text
    assert "For" in page.text
    assert "[OIDC]" in page.text
    assert ["folder/new.txt", "added"] in page.rows
    assert ["old.txt", "deleted"] in page.rows
    file = user.get(next(link for link in page.links if link.endswith("/folder/new.txt")))
    assert "one two" in file.text
    download = next(link for link in file.links if "/resolve/" in link)
    assert hub.request("GET", download).content == b"one\n\ttwo\n"


def test_the_links_that_hf_prints_lead_to_pages(hub: ServedHub, api: HfApi, user: Browser, tmp_path: Path) -> None:
    """`hf upload` of a file, and of a folder; and the address of the repository."""
    (tmp_path / "a.txt").write_text("shown")
    clients = Clients(hub, tmp_path, str(api.token))
    printed = good(clients.hf("upload", MODEL, "a.txt")) + good(clients.hf("upload", MODEL, ".", "below"))
    links = re.findall(rf"{re.escape(hub.hub)}(/[^\s'\"]+)", printed)
    assert len(links) >= 2
    for link in (
        *links,
        f"/{MODEL}",
        f"/{MODEL}/tree/main/below",
        f"/{MODEL}/commits/main",
        f"/{MODEL}/blob/HEAD/a.txt",
    ):
        answer = user.get(link).answer
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/html")


def test_names_and_contents_stay_text(api: HfApi, user: Browser) -> None:
    """No markup of a file runs, and characters that hide something are spelled out."""
    content = HOSTILE.encode()
    api.create_commit(MODEL, [CommitOperationAdd(HOSTILE, content)], commit_message=HOSTILE)
    commit = api.list_repo_commits(MODEL)[0].commit_id
    tree = user.get(f"/{MODEL}/tree/main")
    address = next(link for link in tree.links if "/blob/main/%3Cscript" in link)
    for page in (tree, user.get(address), user.get(f"/{MODEL}/commit/{commit}"), user.get(f"/{MODEL}/commits/main")):
        assert page.answer.status_code == 200
        assert "U+202E" in page.text
        assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in page.answer.text
        assert not [name for name, _ in page.elements if name == "script"]


@pytest.mark.parametrize(("content", "shown"), [(b"\0", False), (b"x" * 300_000, False), (b"", True), (b"\xff", True)])
def test_what_is_no_text_is_not_shown(api: HfApi, user: Browser, content: bytes, shown: bool) -> None:
    """Nor what is large; both can be downloaded. Text in another encoding is shown as far as it can be read."""
    # A name of its own: a binary file brings a rule for its name to .gitattributes.
    name = f"sample-{content[:1].hex()}"
    api.create_commit(MODEL, [CommitOperationAdd(name, content)], commit_message="sample")
    page = user.get(f"/{MODEL}/blob/main/{name}")
    assert ("is large or binary" not in page.text) == shown
    assert f"/{MODEL}/resolve/main/{name}" in page.links


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/acme/hidden", 404),
        ("/acme/hidden/blob/main/.gitattributes", 404),
        ("/acme/nothing/tree/main", 404),
        ("/acme/gated/tree/main", 200),
        ("/acme/gated/blob/main/.gitattributes", 401),
        ("/datasets/acme/corpus", 200),
        (f"/{MODEL}/tree/nothing", 404),
        (f"/{MODEL}/blob/main/nothing", 404),
        (f"/{MODEL}/commit/{'0' * 40}", 404),
        (f"/{MODEL}/blob/main/..%2f..", 400),
    ],
)
def test_a_page_shows_what_the_caller_may_see(user: Browser, path: str, status: int) -> None:
    """A browser has no token, so it sees what is public; a refusal is a page too."""
    page = user.get(path)
    assert page.answer.status_code == status
    assert "Local Hub" in page.text
    assert ("Access denied" in page.text) == (status == 401)


def test_lists_are_there(hub: ServedHub, api: HfApi) -> None:
    """Repositories by kind and owner, and empty lists of what Local Hub has not."""
    assert MODEL in [model.id for model in api.list_models(author="acme")]
    assert [dataset.id for dataset in api.list_datasets(search="corp")] == ["acme/corpus"]
    assert "acme/hidden" not in [model.id for model in api.list_models()]
    assert not list(api.list_models(author="bob"))
    assert not list(api.get_repo_discussions(MODEL))
    assert not list(api.list_repo_likers(MODEL))
    assert not list(api.list_liked_repos("acme").models)
    assert not list(api.list_collections(owner="acme"))
    assert hub.request("HEAD", "/api/telemetry/datasets/load").status_code == 200
    with pytest.raises(HfHubHTTPError, match="404"):
        api.get_discussion_details(MODEL, 1)


def test_a_pull_request_is_refused_with_a_reason(hub: ServedHub, api: HfApi, tmp_path: Path) -> None:
    """`hf upload --create-pr` and `create_discussion`: 403, and what to do instead."""
    (tmp_path / "a.txt").write_text("a")
    run = Clients(hub, tmp_path, str(api.token)).hf("upload", MODEL, "a.txt", "--create-pr")
    assert run.returncode != 0
    assert "403" in run.stderr
    assert "Push to a branch for review instead" in run.stderr
    with pytest.raises(HfHubHTTPError, match="no pull requests"):
        api.create_pull_request(MODEL, title="x")


def test_whoami_for_a_repository_is_an_option() -> None:
    """`local-hub serve --whoami`: the name is the owner's, for programs that build the name of a repository from it."""
    with local_hub_here(whoami=True) as other:
        trust(other, MODEL)
        api = HfApi(endpoint=other.hub, token=token_for(other, MODEL))
        assert api.whoami()["name"] == "acme"
        assert other.request("GET", "/api/whoami-v2").status_code == 401


def test_requests_without_a_route_are_counted(hub: ServedHub, user: Browser, caplog: pytest.LogCaptureFixture) -> None:
    """By method, path and client; the names of repositories and tokens are left out."""
    token = f"hf_{'a' * 34}"
    for agent in ("unknown/None; hf_hub/2.4.0; python/3.11", "curl/8.5.0", ""):
        for name in ("acme/one", "acme/two"):
            answer = hub.request("GET", f"/api/models/{name}/scan/{token}", headers={"User-Agent": agent})
            assert answer.status_code == 404
    hub.request("PATCH", f"/api/models/{MODEL}/refs")
    hub.request("GET", f"/api/quicksearch?q=x&token={token}")
    hub.request("GET", f"/{token}/x.y/z")
    hub.request("GET", f"/{'x' * 180}{token}")
    seen = hub.get("/local-hub/unknown-requests")
    counted = {(row["method"], row["path"], row["client"]): row["count"] for row in seen}
    assert counted["GET", "/api/models/{repo}/scan", "hf_hub/2.4.0"] == 2
    assert counted["GET", "/api/models/{repo}/scan", "curl/8.5.0"] == 2
    assert counted["GET", "/api/models/{repo}/scan", "unknown"] == 2
    assert any(method == "PATCH" and path == "/api/models/{repo}/refs" for method, path, _ in counted)
    assert any(path == "/api/quicksearch" for _, path, _ in counted)
    assert token[:12] not in str(seen) + caplog.text
    assert caplog.text.count("no route for GET /api/models/{repo}/scan (curl/8.5.0)") == 1
    index = user.get("/")
    assert any(row[:3] == ["GET /api/models/{repo}/scan", "curl/8.5.0", "2"] for row in index.rows)
    assert token not in index.text


def test_the_kinds_of_unknown_requests_are_bounded(hub: ServedHub) -> None:
    """The newest stay."""
    for number in range(MOST_KINDS + 5):
        hub.request("GET", f"/api/number-{number}")
    seen = hub.get("/local-hub/unknown-requests")
    assert len(seen) == MOST_KINDS
    assert seen[0]["path"] == f"/api/number-{MOST_KINDS + 4}"
