"""Local Hub's settings pages in a real Chromium: the way from a refusal to a grant, by mouse and by keyboard alone.

Each page on the way is checked with axe, in light and dark, narrow and wide; the browser's console stays empty. With
PAGES_SCREENSHOTS=DIR, pictures of them are left there to be looked at.
"""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tests.e2e.engines import ROOT
from tests.e2e.story import JOB, MODEL, REPOSITORY, WORKFLOW
from tests.engines import missing
from tests.local_hub_process import LocalHub, local_hub

AXE = ROOT / ".ci/axe/node_modules/axe-core/axe.min.js"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SETTINGS = f"/{MODEL}/settings"
# The rules of axe for each color scheme: all, or those with one of these tags.
SCHEMES: Mapping[Literal["light", "dark"], tuple[str, ...]] = {"light": (), "dark": ("cat.color",)}
STYLE = ROOT / "src/local_hub/pages/static/style.css"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The machine's own browser."""
    path = next(filter(None, map(shutil.which, CHROMIUM)), None) or missing("Chromium is not installed")
    if not AXE.is_file():
        missing("axe-core is not installed: npm ci --prefix .ci/axe")
    # No sandbox: root has none. The pages are ours.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    """A Local Hub that trusts nobody yet."""
    with local_hub() as running:
        yield running


def opened(chromium: Browser, hub: LocalHub) -> tuple[Page, list[str]]:
    """A window on the pages, and a list that grows with whatever the console complains of."""
    context = chromium.new_context(
        base_url=hub.hub, color_scheme="light", viewport=ViewportSize(width=1280, height=800)
    )
    page, complaints = context.new_page(), list[str]()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page, complaints


def exchange(hub: LocalHub, **changes: str) -> int:
    """Ask for a token as the example's job would; the status."""
    return hub.exchange(hub.id_token(**{**JOB, **changes}), MODEL).status_code


def serious(page: Page, *tags: str) -> list[str]:
    """What axe finds that is serious or critical: by all of its rules, or by those with one of the `tags`."""
    # The policy forbids scripts in the page; this one comes through the browser's own door.
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    options = {"resultTypes": ["violations"], **({"runOnly": list(tags)} if tags else {})}
    found = page.evaluate("async options => (await axe.run(options)).violations", options)
    return [
        f"{violation['id']}: {node['html']} {node['failureSummary']}"
        for violation in found
        if violation["impact"] in {"serious", "critical"}
        for node in violation["nodes"]
    ]


def test_from_a_refusal_to_a_grant(chromium: Browser, hub: LocalHub) -> None:
    """Add a publisher from a preset, see why a job is refused, mend the publisher, see it used and written down."""
    page, complaints = opened(chromium, hub)
    page.goto("/")
    page.get_by_label("Open the settings of").fill(MODEL)
    page.get_by_role("button", name="Open").click()
    page.get_by_role("link", name="Add a publisher").click()
    page.get_by_role("link", name="GitHub Actions").click()
    page.get_by_label("repository").fill(REPOSITORY)
    page.get_by_label("branch").fill("release")
    page.get_by_label("workflow").fill(WORKFLOW)
    page.get_by_role("button", name="Add publisher").click()
    expect(page.get_by_role("status")).to_have_text("✓ The publisher was added.")
    expect(page.get_by_role("article")).to_contain_text("never")

    assert exchange(hub) == 400
    page.reload()
    page.get_by_role("link", name="branch: expected release, token has main").click()
    row = page.get_by_role("row", name="branch")
    expect(row.get_by_role("cell")).to_have_text(["release", "main", "✗ differs"])

    page.get_by_role("link", name="Edit publisher 1").click()
    page.get_by_label("branch").fill("main")
    page.get_by_role("button", name="Save").last.click()
    expect(page.get_by_role("status")).to_have_text("✓ The publisher was changed.")
    assert exchange(hub) == 200
    page.goto(SETTINGS)
    expect(page.get_by_role("article")).not_to_contain_text("never")
    expect(page.get_by_text("Changed publisher 1")).to_be_visible()
    expect(page.get_by_text("claim branch: release → became main")).to_be_visible()
    expect(page.get_by_role("link", name="Matched publisher 1")).to_be_visible()
    assert complaints == []


def focused(page: Page, tag: str, text: str) -> None:
    """Press Tab until the element with this text has the focus, which must be seen."""
    for _ in range(60):
        page.keyboard.press("Tab")
        found = page.evaluate(
            """() => { const e = document.activeElement, s = getComputedStyle(e);
            return [e.localName, e.innerText || e.labels?.[0]?.innerText || "", s.outlineStyle !== "none"] }"""
        )
        if found[0] == tag and text in found[1]:
            assert found[2], f"the focus on {text} cannot be seen"
            return
    pytest.fail(f"Tab never comes to {tag} {text}")


def test_everything_is_done_with_the_keyboard_alone(chromium: Browser, hub: LocalHub) -> None:
    """Add, mend from a refused token's claims, and remove; no mouse."""
    page, complaints = opened(chromium, hub)
    page.goto(SETTINGS)
    focused(page, "a", "Skip to content")
    focused(page, "a", "Add a publisher")
    page.keyboard.press("Enter")
    page.wait_for_url("**/new")
    for label, text in {"repository": REPOSITORY, "workflow": "other.yml"}.items():
        focused(page, "input", label)
        page.keyboard.type(text)
    focused(page, "input", "Read-only")
    page.keyboard.press("Space")
    focused(page, "button", "Add publisher")
    page.keyboard.press("Enter")
    expect(page.get_by_role("article")).to_contain_text("read-only")

    assert exchange(hub) == 400
    page.reload()
    focused(page, "a", "workflow: expected other.yml")
    page.keyboard.press("Enter")
    page.wait_for_url("**/exchanges/*")
    focused(page, "a", "Add a publisher from this token's claims")
    page.keyboard.press("Enter")
    page.wait_for_url("**/new?exchange=*")
    focused(page, "input", "workflow")
    page.keyboard.press("Enter")  # a form is sent from any of its fields
    expect(page.get_by_role("article")).to_have_count(2)
    assert exchange(hub) == 200

    focused(page, "summary", "Remove")
    page.keyboard.press("Enter")
    focused(page, "button", "Remove publisher 1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("article")).to_have_count(1)
    assert complaints == []


def test_a_mistake_is_brought_before_the_reader(chromium: Browser, hub: LocalHub) -> None:
    """The summary of what is wrong has the focus, and leads to each field."""
    page, _ = opened(chromium, hub)
    page.goto(f"{SETTINGS}/publishers/new")
    page.get_by_label("Issuer").fill("http://ci.example")
    page.get_by_label("repository").fill(REPOSITORY)
    page.get_by_role("button", name="Add publisher").click()
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_role("link", name="The issuer must be").click()
    expect(page.get_by_label("Issuer")).to_be_focused()
    assert serious(page) == []


def committed(hub: LocalHub) -> str:
    """Commit files with names and lines that try a page; the commit's id."""
    token = hub.exchange(hub.id_token(**JOB), MODEL).json()["access_token"]
    api = HfApi(endpoint=hub.hub, token=token)
    names = ("a.py", f"{'long' * 60}.txt", "folder/b\N{RIGHT-TO-LEFT OVERRIDE}.txt")
    add = [CommitOperationAdd(name, b"def f():\n\treturn 1" + b"0" * 3000) for name in names]
    description = "A long message.\n\n" + "x" * 3000
    return api.create_commit(MODEL, add, commit_message="x" * 200, commit_description=description).oid


def test_the_pages_are_for_everyone(chromium: Browser, hub: LocalHub) -> None:
    """axe finds nothing serious or critical, nothing runs over the edge, and the console stays empty."""
    page, complaints = opened(chromium, hub)
    for path in (SETTINGS, "/"):
        check(page, path, "empty-")
    claims = {
        name: {"kind": "eq", "value": value} for name, value in {"repository": REPOSITORY, "branch": "main"}.items()
    }
    publisher = {"issuerUrl": hub.issuer, "claims": claims}
    hub.post("/local-hub/publishers", {"resource": MODEL, **publisher})
    hub.post("/local-hub/publishers", {"resource": "acme", **publisher, "scopes": ["inference-api"]})
    assert (exchange(hub), exchange(hub, ref="refs/tags/v1")) == (200, 400)
    hostile = {"evil\N{RIGHT-TO-LEFT OVERRIDE}": "<script>alert(1)</script>", "long": "x" * 5000, "none": ""}
    hub.exchange(hub.id_token(repository=REPOSITORY, claims=hostile), "acme/unknown")
    hub.request("GET", "/api/models/acme/unknown/scan")
    commit = committed(hub)
    page.goto("/")
    exchanges = page.locator("a.reason").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    forms = ("new", "new?preset=circleci", "1", f"new?exchange={exchanges[1].rpartition('/')[2]}")
    for path in (
        "/",
        SETTINGS,
        "/acme/settings",
        "/settings/authentication",
        *exchanges,
        *[f"{SETTINGS}/publishers/{form}" for form in forms],
        *[f"/{MODEL}{part}" for part in ("", "/commits/main", f"/commit/{commit}", "/blob/main/a.py")],
    ):
        check(page, path)
    assert complaints == []


def check(page: Page, path: str, state: str = "") -> None:
    """Open a page, and check each of its looks; leave pictures of them where they are wanted.

    The dark one has other colors and nothing else, as a test below says: only axe's rules about these are left there.
    """
    page.goto(path)
    for width in (1280, 360):
        page.set_viewport_size(ViewportSize(width=width, height=800))
        for scheme, tags in SCHEMES.items():
            page.emulate_media(color_scheme=scheme)
            if folder := os.environ.get("PAGES_SCREENSHOTS"):
                name = path.strip("/").replace("/", "-").replace("?", "-") or "index"
                page.screenshot(path=Path(folder) / f"{name}-{state}{scheme}-{width}.png", full_page=True)
            assert serious(page, *tags) == [], (path, scheme, width)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (path, width)


def test_the_dark_look_has_other_colors_and_nothing_else() -> None:
    """Its part of the style sheet sets colors, each of which the light look has too, and nothing else."""
    style = STYLE.read_text(encoding="utf-8")
    assert style.count("prefers-color-scheme") == 1
    light, dark = style.split("@media (prefers-color-scheme: dark) {\n  :root {\n")
    colors = dark.partition("  }\n}\n")[0].splitlines()
    names = [found[1] for line in colors if (found := re.fullmatch(r"    (--[\w-]+): #[0-9a-f]{6};", line))]
    assert len(names) == len(colors) == len(set(names)) > 10
    assert set(names) == set(re.findall(r"^  (--[\w-]+): #", light, re.MULTILINE))
