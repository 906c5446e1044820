"""Local Hub's settings pages over real HTTP: what they show, what their forms do, and what they refuse."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_hub.hub.store import Store
from tests.factories import id_token
from tests.local_hub_process import ServedHub, local_hub_here
from tests.page_reader import Browser, Page, browser

MODEL = "acme/awesome-model"
TRAINING = "acme/awesome-model-training"
NEW = f"/{MODEL}/settings/publishers/new"
RESOURCES = (MODEL, "datasets/acme/d", "spaces/acme/s", "kernels/acme/k", "buckets/acme/b", "acme")
OVERRIDE = "\N{RIGHT-TO-LEFT OVERRIDE}"


@pytest.fixture
def hub() -> Iterator[ServedHub]:
    """A Local Hub that knows nothing yet."""
    with local_hub_here() as running:
        yield running


@pytest.fixture
def user(hub: ServedHub) -> Iterator[Browser]:
    """Somebody who looks at its pages."""
    with browser(hub.hub) as opened:
        yield opened


@pytest.fixture(scope="module")
def empty_hub() -> Iterator[ServedHub]:
    """A Local Hub that knows nothing, for tests that leave it so."""
    with local_hub_here() as running:
        yield running


@pytest.fixture
def reader(empty_hub: ServedHub) -> Iterator[Browser]:
    """Somebody who looks at the pages of `empty_hub`."""
    with browser(empty_hub.hub) as opened:
        yield opened


@pytest.fixture(scope="module")
def trusting_hub() -> Iterator[ServedHub]:
    """A Local Hub with one publisher, for forms that it refuses."""
    with local_hub_here() as running:
        trust(running)
        yield running


@pytest.fixture(scope="module")
def hostile_hub() -> Iterator[ServedHub]:
    """A Local Hub for all hostile texts; each comes to a repository of its own."""
    with local_hub_here() as running:
        yield running


def trust(hub: ServedHub, resource: str = MODEL, **claims: str) -> int:
    """Add a publisher by the API; its number."""
    wire = {name: {"kind": "eq", "value": value} for name, value in ({"repository": TRAINING} | claims).items()}
    number: int = hub.post("/local-hub/publishers", {"resource": resource, "issuerUrl": hub.issuer, "claims": wire})[
        "id"
    ]
    return number


def last_exchange(hub: ServedHub, user: Browser) -> Page:
    """The page of the exchange that the index lists first."""
    path = next(link for link in user.get("/").links if link.startswith("/local-hub/exchanges/"))
    assert hub.get("/local-hub/exchanges")
    return user.get(path)


def refused_tag(hub: ServedHub) -> None:
    """Refuse a job that runs for a tag."""
    trust(hub, branch="main", workflow="publish.yml")
    assert hub.exchange(hub.id_token(repository=TRAINING, ref="refs/tags/v1"), MODEL).status_code == 400


def test_the_index_leads_to_the_settings_of_what_is_known(hub: ServedHub, user: Browser) -> None:
    """Repositories and accounts, with how many publishers they have."""
    trust(hub)
    hub.post("/local-hub/resources", {"resource": "datasets/acme/corpus"})
    index = user.get("/")
    assert {f"/{MODEL}/settings", "/datasets/acme/corpus/settings"} <= set(index.links)
    assert [MODEL, "model", "1", "never"] in index.rows


def test_the_index_of_nothing_says_what_to_do(reader: Browser) -> None:
    """An empty state is no empty page."""
    assert "Nothing yet. Open the settings of a resource above" in reader.get("/").text


@pytest.mark.parametrize("resource", RESOURCES)
def test_every_kind_of_resource_has_settings(reader: Browser, resource: str) -> None:
    """At the address that it has on the Hub; known or not."""
    page = reader.get(f"/local-hub/settings?resource={resource}")
    assert page.answer.url.path == f"/{resource}/settings"
    assert page.answer.status_code == 200
    assert f"Local Hub does not know {resource} yet." in page.text


@pytest.mark.parametrize("name", ["acme/a--b", "a..b", "models/acme/x", "datasets/acme", "x.git", "a/b c", "é"])
def test_what_is_no_resource_has_no_settings(reader: Browser, name: str) -> None:
    """Neither by its address nor by the index's field, which says why."""
    asked = reader.client.get("/local-hub/settings", params={"resource": name})
    assert asked.status_code == 400
    assert 'aria-invalid="true"' in asked.text
    assert reader.client.get(f"/{name}/settings").status_code == 404


def test_the_hubs_address_of_ones_own_access_asks_whose(hub: ServedHub, user: Browser) -> None:
    """Messages send their readers to `…/settings/authentication#ci-cd-access`, and here nobody is signed in."""
    trust(hub, "bob")
    trust(hub)
    page = user.get("/settings/authentication")
    assert page.answer.status_code == 200
    assert ("h1", {"id": "ci-cd-access"}) in page.elements
    assert [link for link in page.links if link.endswith("/settings")] == ["/bob/settings"]
    form = page.form("/settings")
    asked = user.client.get(form.action, params=dict(form.changed(resource="carol")), follow_redirects=False)
    assert asked.headers["location"] == "/carol/settings"


PRESETS = {
    "github": {"repository": TRAINING, "branch": "main", "workflow": "publish.yml"},
    "gitlab": {"project_path": "acme/training", "ref_type": "branch", "ref": "main"},
    "circleci": {"oidc.circleci.com/project-id": "p", "oidc.circleci.com/vcs-ref": "refs/heads/main"},
    "bitbucket": {"repositoryUuid": "{c0e4}", "branchName": "main"},
    "any": {"sub": "job", "email": "ci@acme.example"},
}


@pytest.mark.parametrize("preset", PRESETS)
def test_a_publisher_is_added_from_a_preset(hub: ServedHub, user: Browser, preset: str) -> None:
    """The form has the CI's claims and this Local Hub's issuer; what is sent is what the API then lists."""
    form = user.get(f"{NEW}?preset={preset}").form("/publishers")
    offered = [value for name, value in form.fields if name == "claim" and value]
    assert offered == [name for name in offered if name in PRESETS[preset] or "vcs-origin" in name]
    fields = [(name, "https://ci.example" if name == "issuer" and not value else value) for name, value in form.fields]
    issuer = dict(fields)["issuer"]
    form.fields = fields
    page = user.send(form.action, form.with_claims(PRESETS[preset]))
    assert page.answer.url.path == f"/{MODEL}/settings"
    assert [answer.status_code for answer in page.answer.history] == [303]
    assert "The publisher was added." in page.text
    (listed,) = hub.get("/local-hub/publishers")
    assert listed["issuerUrl"] == issuer
    assert {name: claim["value"] for name, claim in listed["claims"].items()} == PRESETS[preset]


def test_the_issuer_of_a_preset_is_the_one_that_local_hub_plays(hub: ServedHub, user: Browser) -> None:
    """A job that is registered here then has a token of it."""
    form = user.get(NEW).form("/publishers")
    user.send(form.action, form.with_claims({"repository": TRAINING}))
    assert hub.exchange(hub.id_token(repository=TRAINING), MODEL).status_code == 200


WRONG = {
    "no issuer": ({"issuer": ""}, {"sub": "x"}, "Enter the URL of the issuer."),
    "plain http": ({"issuer": "http://ci.example"}, {"sub": "x"}, "The issuer must be an https:// URL"),
    "no claim": ({"issuer": "https://ci.example"}, {}, "Add at least one claim."),
    "no value": ({"issuer": "https://ci.example"}, {"sub": ""}, "Add at least one claim."),
    "a name alone": ({"issuer": "https://ci.example"}, {"email": ""}, "The claim email needs a value."),
    "a value alone": ({"issuer": "https://ci.example"}, {"": "x"}, "This claim needs a name."),
    "too long": ({"issuer": "https://ci.example"}, {"sub": "x" * 1001}, "at most 200 characters, the value 1000"),
    "a scope for a model": (
        {"issuer": "https://ci.example", "inference_api": "on"},
        {"sub": "x"},
        "scopes: apply to users only",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_form_comes_back_with_what_is_wrong(empty_hub: ServedHub, reader: Browser, case: str) -> None:
    """Nothing is stored, and what was typed is still there."""
    changes, claims, message = WRONG[case]
    form = reader.get(f"{NEW}?preset=any").form("/publishers")
    form.fields = form.changed(**changes)
    page = reader.send(form.action, form.with_claims(claims))
    assert page.answer.status_code == 422
    assert message in page.text
    assert dict(page.form("/publishers").fields)["issuer"] == changes["issuer"]
    assert empty_hub.get("/local-hub/publishers") == []


def test_every_mistake_is_told_at_once(reader: Browser) -> None:
    """With a link to each field, and the preset's needed claim among them."""
    form = reader.get(NEW).form("/publishers")
    page = reader.send(form.action, form.changed(issuer="ftp://x"))
    assert "Enter a value for repository." in page.text
    assert {"#issuer", "#value-1"} <= set(page.links)
    invalid = [known["id"] for _, known in page.elements if known.get("aria-invalid")]
    assert invalid == ["issuer", "value-1"]


def test_a_claim_is_given_once(reader: Browser) -> None:
    """The second would silently win."""
    form = reader.get(NEW).form("/publishers")
    twice = [*form.with_claims({"repository": "a/b"}), ("claim", "repository"), ("value", "c/d")]
    assert "The claim repository appears twice." in reader.send(form.action, twice).text


def test_the_same_publisher_is_not_added_twice(hub: ServedHub, user: Browser) -> None:
    """It would only confuse."""
    trust(hub)
    form = user.get(NEW).form("/publishers")
    page = user.send(form.action, form.with_claims({"repository": TRAINING}))
    assert "An identical publisher already exists." in page.text


def test_more_claims_gives_room_and_keeps_what_was_typed(empty_hub: ServedHub, reader: Browser) -> None:
    """Without a script."""
    form = reader.get(NEW).form("/publishers")
    fields = [*form.with_claims({"repository": TRAINING, "environment": "release"}), ("do", "more")]
    again = reader.send(form.action, fields).form("/publishers")
    values = [value for name, value in again.fields if name == "value"]
    assert values == [TRAINING, "", "", "release", "", "", "", ""]
    assert empty_hub.get("/local-hub/publishers") == []


def test_a_publisher_is_changed_and_the_log_says_how(hub: ServedHub, user: Browser) -> None:
    """Its number and its last use stay."""
    number = trust(hub, branch="main")
    hub.exchange(hub.id_token(repository=TRAINING), MODEL)
    (before,) = hub.get("/local-hub/publishers")
    form = user.get(f"/{MODEL}/settings/publishers/{number}").form(f"/{number}")
    assert ("value", "main") in form.fields
    page = user.send(form.action, [*form.with_claims({"repository": TRAINING, "branch": "dev"}), ("read-only", "on")])
    assert "The publisher was changed." in page.text
    assert f"Changed publisher {number}" in page.text
    assert "claim branch: main → became dev" in page.text
    assert "access: none → became read-only" in page.text
    (after,) = hub.get("/local-hub/publishers")
    assert (after["id"], after["lastUsed"], after["readOnly"]) == (number, before["lastUsed"], True)
    assert hub.exchange(hub.id_token(repository=TRAINING), MODEL).status_code == 400


def test_a_publisher_that_stays_the_same_is_no_entry(hub: ServedHub, user: Browser) -> None:
    """The audit log has changes only."""
    number = trust(hub)
    form = user.get(f"/{MODEL}/settings/publishers/{number}").form(f"/{number}")
    assert "Nothing was changed" in user.send(form.action, form.fields).text
    assert len(hub.get("/local-hub/audit")) == 1


def test_a_publisher_without_the_needed_claim_can_be_edited(hub: ServedHub, user: Browser) -> None:
    """The API takes publishers that the preset does not make."""
    wire = {"sub": {"kind": "eq", "value": "x"}}
    hub.post("/local-hub/publishers", {"resource": MODEL, "issuerUrl": hub.issuer, "claims": wire})
    form = user.get(f"/{MODEL}/settings/publishers/1").form("/1")
    page = user.send(form.action, [*form.fields, ("read-only", "on")])
    assert "The publisher was changed." in page.text


def test_a_publisher_is_removed(hub: ServedHub, user: Browser) -> None:
    """It gives no token from then on, and the log keeps what it was."""
    number = trust(hub)
    form = user.get(f"/{MODEL}/settings").form("/remove")
    page = user.send(form.action, form.fields)
    assert "The publisher was removed." in page.text
    assert f"Removed publisher {number}" in page.text
    assert hub.exchange(hub.id_token(repository=TRAINING), MODEL).status_code == 400


def test_a_publisher_belongs_to_its_resource(hub: ServedHub, user: Browser) -> None:
    """The page of another resource neither shows, nor changes, nor removes it."""
    number = trust(hub)
    form = user.get(f"/{MODEL}/settings").form("/remove")
    other = f"/acme/other/settings/publishers/{number}"
    assert user.get(other).answer.status_code == 404
    assert user.send(other, form.fields).answer.status_code == 404
    assert user.send(f"{other}/remove", form.fields).answer.status_code == 404
    assert len(hub.get("/local-hub/publishers")) == 1


def test_an_account_opts_in_to_inference(hub: ServedHub, user: Browser) -> None:
    """CI/CD access, as the Hub calls it, and what its token can do."""
    form = user.get("/acme/settings/publishers/new").form("/publishers")
    assert "read-only" not in user.get("/acme/settings/publishers/new").answer.text
    page = user.send(form.action, [*form.with_claims({"repository": TRAINING}), ("inference-api", "on")])
    assert "CI/CD access" in page.text
    assert "reads gated repositories inference-api" in page.text
    token = hub.exchange(hub.id_token(repository=TRAINING), "acme").json()["access_token"]
    seen = hub.get("/local-hub/introspect", headers={"Authorization": f"Bearer {token}"})
    assert seen["can"] == ["read-gated", "inference-api"]


def test_a_locked_account_is_told(hub: ServedHub, user: Browser) -> None:
    """On its own page and on those of its repositories."""
    hub.post("/local-hub/accounts/acme", {"locked": True})
    assert "The account acme is locked." in user.get(f"/{MODEL}/settings").text
    assert "Locked account acme" in user.get("/acme/settings").text


def test_a_refusal_shows_its_true_reason_field_by_field(hub: ServedHub, user: Browser) -> None:
    """What the Hub does not show: which field, what was wanted, what came; in words, not by colour alone."""
    refused_tag(hub)
    assert "branch: expected main, token has refs/tags/v1" in user.get(f"/{MODEL}/settings").text
    page = last_exchange(hub, user)
    assert "The job got only invalid_grant" in page.text
    assert page.rows == [
        ["Field", "Publisher requires", "Token has", "Result"],
        ["issuer", hub.issuer, hub.issuer, "✓ matches"],
        ["repository", TRAINING, TRAINING, "✓ matches"],
        ["branch", "main", "refs/tags/v1", "✗ differs"],
        ["workflow", "publish.yml", "publish.yml", "✓ matches"],
    ]
    assert "ref refs/tags/v1" in page.text
    assert "Not verified" not in page.text


def test_what_a_publisher_wanted_is_kept_when_it_changes(hub: ServedHub, user: Browser) -> None:
    """The log speaks of the time of the exchange."""
    refused_tag(hub)
    hub.request("DELETE", "/local-hub/publishers/1")
    page = last_exchange(hub, user)
    assert ["branch", "main", "refs/tags/v1", "✗ differs"] in page.rows
    assert "removed since" in page.text


def test_the_publisher_that_is_nearest_comes_first(hub: ServedHub, user: Browser) -> None:
    """Its difference is most likely the mistake."""
    trust(hub, repository="acme/elsewhere", branch="dev")
    trust(hub, branch="dev")
    hub.exchange(hub.id_token(repository=TRAINING), MODEL)
    page = last_exchange(hub, user)
    assert page.text.index("Publisher 2 one field differs") < page.text.index("Publisher 1 2 fields differ")


def test_claims_of_a_forged_token_are_called_unverified(hub: ServedHub, user: Browser) -> None:
    """Nobody should trust what they say."""
    trust(hub)
    hub.exchange(id_token(hub.hub, iss=hub.issuer), MODEL)
    page = last_exchange(hub, user)
    assert "kid: " in page.text
    assert "Not verified." in page.text


def test_a_grant_is_shown_with_its_publisher(hub: ServedHub, user: Browser) -> None:
    """And sets `last used` on the settings page."""
    trust(hub)
    assert "Last used never" in user.get(f"/{MODEL}/settings").text
    hub.exchange(hub.id_token(repository=TRAINING), MODEL)
    assert "A token was issued because publisher 1 matches." in last_exchange(hub, user).text
    assert re.search(r"Last used \d+ \w+ 20\d\d, \d\d:\d\d:\d\d UTC", user.get(f"/{MODEL}/settings").text)


def test_a_publisher_is_added_from_the_claims_of_a_refused_token(hub: ServedHub, user: Browser) -> None:
    """The form that is filled in makes a publisher that this very job fits."""
    trust(hub, repository="acme/elsewhere")
    token = hub.id_token(repository=TRAINING)
    hub.exchange(token, MODEL)
    page = last_exchange(hub, user)
    (path,) = (link for link in page.links if "?exchange=" in link)
    form = user.get(path).form("/publishers")
    assert [value for name, value in form.fields if name == "value" and value] == [TRAINING, "main", "publish.yml"]
    user.send(form.action, form.fields)
    assert hub.exchange(token, MODEL).status_code == 200


@pytest.mark.parametrize("ci", ["gitlab", "circleci", "bitbucket", "buildkite"])
def test_a_filled_in_form_fits_other_cis_too(hub: ServedHub, user: Browser, ci: str) -> None:
    """By the preset's claims, or `sub` where there is no preset."""
    variable = {"gitlab": "HF_ID_TOKEN", "bitbucket": "BITBUCKET_STEP_OIDC_TOKEN"}.get(ci)
    env = hub.job(ci=ci)
    if variable is None:
        url = next(value for value in env.values() if "/idtoken" in value)
        secrets = [value for value in env.values() if re.fullmatch(r"[\w-]{43}", value)]
        header = {"Authorization": f"Bearer {secrets[0]}"}
        token = hub.get(f"{url}?audience={hub.hub}", headers=header)["value"]
    else:
        token = env[variable]
    trust(hub)
    hub.exchange(token, MODEL)
    path = next(link for link in last_exchange(hub, user).links if "?exchange=" in link)
    form = user.get(path).form("/publishers")
    user.send(form.action, form.fields)
    assert hub.exchange(token, MODEL).status_code == 200


def test_a_claim_that_the_token_lacks_is_left_empty_and_told(hub: ServedHub, user: Browser) -> None:
    """A tag has no branch; a publisher without one trusts every branch."""
    refused_tag(hub)
    path = next(link for link in last_exchange(hub, user).links if "?exchange=" in link)
    assert "This token does not have this claim. An empty claim is not checked." in user.get(path).text


FORGED: dict[str, dict[str, Any]] = {
    "no form token": {"form_token": ""},
    "another's form token": {"form_token": "0" * 64},
    "a form token that is not ASCII": {"form_token": "é"},
    "no cookie": {"cookies": {}},
    "another session": {"cookies": {"local-hub-session": "x" * 43}},
    "a cookie of another form": {"cookies": {"local-hub-session": "x"}},
    "no origin": {"headers": {"Origin": None}},
    "an opaque origin": {"headers": {"Origin": "null"}},
    "another host": {"headers": {"Origin": "https://evil.example"}},
    "another port of this machine": {"headers": {"Origin": "http://127.0.0.1:1"}},
    "another scheme": {"headers": {"Origin": "https:"}},
    "another site": {"headers": {"Sec-Fetch-Site": "cross-site"}},
    "the same site, but another origin": {"headers": {"Sec-Fetch-Site": "same-site"}},
}


@pytest.mark.parametrize("case", FORGED)
def test_a_form_from_elsewhere_changes_nothing(trusting_hub: ServedHub, case: str) -> None:
    """Whatever it is that gives it away, and whatever it would do."""
    forgery = FORGED[case]
    with browser(trusting_hub.hub) as user:
        form = user.get(NEW).form("/publishers")
        form.fields = form.changed(**{name: value for name, value in forgery.items() if name == "form_token"})
        if "cookies" in forgery:
            user.client.cookies = forgery["cookies"]
        fields = form.with_claims({"repository": "evil/evil"})
        for ending in ("publishers", "publishers/1", "publishers/1/remove"):
            page = user.send(f"/{MODEL}/settings/{ending}", fields, forgery.get("headers"))
            assert page.answer.status_code == 403
            assert "Nothing was changed" in page.text
    assert len(trusting_hub.get("/local-hub/audit")) == 1


def test_a_browser_that_knows_no_fetch_metadata_can_send_forms(user: Browser) -> None:
    """Its Origin is enough."""
    form = user.get(NEW).form("/publishers")
    page = user.send(form.action, form.with_claims({"repository": "a/b"}), {"Sec-Fetch-Site": None})
    assert "The publisher was added." in page.text


def test_two_tabs_share_a_session(user: Browser) -> None:
    """A page that is opened later does not spoil the form of an earlier one."""
    form = user.get(NEW).form("/publishers")
    user.get("/")
    assert user.send(form.action, form.with_claims({"repository": "a/b"})).answer.status_code == 200


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"{}", "application/json", 415),
        (b"claim=x", "text/plain", 415),
        (b"claim=%ff", "application/x-www-form-urlencoded", 400),
        (b"\xff", "application/x-www-form-urlencoded", 400),
        (b"&".join([b"a=b"] * 500), "application/x-www-form-urlencoded", 400),
        (b"a" * (1024 * 1024 + 1), "application/x-www-form-urlencoded", 413),
    ],
)
def test_what_is_no_form_is_refused(empty_hub: ServedHub, content: bytes, media_type: str, status: int) -> None:
    """Bounded, decoded strictly, and of the one type."""
    headers = {"Content-Type": media_type, "Origin": empty_hub.hub}
    path = f"/{MODEL}/settings/publishers"
    assert empty_hub.request("POST", path, content=content, headers=headers).status_code == status


def test_a_claim_without_a_value_field_is_no_form_of_ours(reader: Browser) -> None:
    """Names and values must not slip against each other."""
    form = reader.get(NEW).form("/publishers")
    assert reader.send(form.action, [*form.fields, ("claim", "x")]).answer.status_code == 400


HOSTILE = {
    "markup": ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    "an attribute's end": ('"><img src=x onerror=alert(1)>', '"><img src=x onerror=alert(1)>'),
    "a template": ("{{ 7*7 }}{% raw %}", "{{ 7*7 }}{% raw %}"),
    "an override": (f"ma{OVERRIDE}in", "maU+202Ein"),
    "an isolate": ("\N{LEFT-TO-RIGHT ISOLATE}x", "U+2066x"),
    "no width": ("a\N{ZERO WIDTH SPACE}b", "aU+200Bb"),
    "controls": ("a\x00\x1b[31m\r\nb", "aU+0000U+001B[31mU+000DU+000Ab"),
    "another space": ("a\N{NO-BREAK SPACE}b", "aU+00A0b"),
    "spaces at the ends": (" a b ", "U+0020a bU+0020"),
    "nothing but spaces": ("  ", "U+0020U+0020"),
    "a line separator": ("a\N{LINE SEPARATOR}b", "aU+2028b"),
    "private use": ("\ue000", "U+E000"),
    "too long": ("x" * 5000, "x" * 300 + "…cut here"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_text_is_shown_and_does_nothing(hostile_hub: ServedHub, case: str) -> None:
    """As a claim's value and name, as a resource, and in a publisher: no element of its own, and nothing hidden."""
    hostile, shown = HOSTILE[case]
    hub, resource = hostile_hub, f"acme/{uuid.uuid4()}"
    trust(hub, resource, evil=hostile)
    claims = {"evil": "another", hostile: hostile, "sub": hostile}
    hub.exchange(hub.id_token(repository=TRAINING, claims=claims), resource)
    hub.exchange("no", hostile)
    with browser(hub.hub) as user:
        settings = user.get(f"/{resource}/settings")
        (exchange,) = (user.get(path) for path in settings.links if "/exchanges/" in path)
        others = [user.get(path) for path in settings.links if "/publishers/" in path]
        pages = [settings, exchange, *others, last_exchange(hub, user), user.get("/")]
    for page in pages:
        tags = [tag for tag, _ in page.elements]
        assert not SCRIPTING & set(tags)
        assert tags.count("img") == 1  # the brand's
        assert not any(name.startswith("on") or name == "style" for _, known in page.elements for name in known)
        assert all(link.startswith(("/", "#")) for link in page.links)
        assert not re.search("[\x00\x1b\u200b\u202e\u2028\u2066]", re.sub('value="[^"]*"', "", page.answer.text))
    # The text of a page runs spaces together, as this comparison does.
    assert all(" ".join(shown.split()) in page.text for page in (settings, exchange))


SCRIPTING = {"script", "style", "iframe", "object", "embed", "base", "svg", "math", "template", "b"}


def test_every_answer_keeps_itself_to_itself(hub: ServedHub, user: Browser) -> None:
    """No script, no frame, nothing from elsewhere, nothing kept; an error and a stylesheet too."""
    trust(hub)
    index = user.get("/")
    paths = ["/", f"/{MODEL}/settings", NEW, "/local-hub/exchanges/99999", "/a--b/settings"]
    for path in [*paths, *[link for link in index.links if "/local-hub/pages/" in link]]:
        headers = user.client.get(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "script-src" not in policy
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"


def test_the_session_is_for_this_site_and_no_script() -> None:
    """Over TLS it never travels without."""
    with local_hub_here(tls=True) as hub, browser(hub.hub, hub.ca) as user:
        cookie = user.get("/").answer.headers["set-cookie"]
        assert {"HttpOnly", "SameSite=strict", "Secure"} <= set(cookie.split("; "))
        form = user.get(NEW).form("/publishers")
        assert user.send(form.action, form.with_claims({"repository": "a/b"})).answer.status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", ""])
def test_a_name_that_is_not_loopback_gets_no_page(empty_hub: ServedHub, host: str) -> None:
    """DNS rebinding."""
    assert empty_hub.request("GET", "/", headers={"Host": host}).status_code == 400


def test_no_page_shows_a_token(hub: ServedHub, user: Browser) -> None:
    """Neither one that was issued, nor one that was sent, in the wrong field either."""
    trust(hub)
    id_token_sent = hub.id_token(repository=TRAINING)
    issued = hub.exchange(id_token_sent, MODEL).json()["access_token"]
    classic = "hf_" + "aB3" * 12
    for secret in (id_token_sent, issued, classic):
        hub.exchange("no", secret)
        hub.exchange(hub.id_token(repository=TRAINING, claims={"oops": f"x {secret}", "sub": secret}), "acme/x")
    index = user.get("/")
    pages = [index, user.get(f"/{MODEL}/settings")]
    pages += [user.get(link) for link in index.links if "/exchanges/" in link]
    shown = "".join(page.answer.text for page in pages) + str(hub.get("/local-hub/exchanges"))
    assert "(token removed)" in shown
    assert not any(secret in shown for secret in (id_token_sent, issued, classic))
    assert not any(secret[:40] in shown for secret in (id_token_sent, issued))


def test_a_log_of_an_earlier_version_is_shown(tmp_path: Path) -> None:
    """It knew neither claims nor comparisons."""
    entry = {"at": "2026-01-02T03:04:05Z", "request_id": "r", "resource": MODEL, "issuer": None, "subject": None}
    refusal = {"jti": None, "outcome": "refused", "error": "invalid_grant", "reason": "old", "publisher_id": None}
    store = Store(tmp_path)
    store.append("exchanges", {**entry, **refusal})
    store.close()
    with local_hub_here(data=tmp_path) as hub, browser(hub.hub) as user:
        page = last_exchange(hub, user)
        assert "old" in page.text
        assert "2 Jan 2026, 03:04:05 UTC" in page.text


@pytest.mark.parametrize(
    "path", ["/local-hub/exchanges/0", "/local-hub/exchanges/" + "9" * 18, f"{NEW}?exchange=0", f"{NEW}?exchange=x²"]
)
def test_what_is_not_there_is_told_on_a_page(reader: Browser, path: str) -> None:
    """With a way back."""
    page = reader.get(path)
    assert page.answer.status_code == 404
    assert "/" in page.links


@pytest.mark.parametrize("path", ["/local-hub/exchanges/" + "9" * 5000, f"/{MODEL}/settings/publishers/" + "9" * 5000])
def test_a_number_beyond_all_bounds_is_nobodys(empty_hub: ServedHub, path: str) -> None:
    """It is not even read."""
    assert empty_hub.request("GET", path).status_code == 404
