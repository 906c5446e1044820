"""Nobody answered, or a server in trouble did: what to check first depends on whose URL it is, and on the way there."""

from __future__ import annotations

import pytest

from hf_oidc.errors import HubUnavailable, IdTokenRequestFailed, LoginError, TlsFailed, Where
from hf_oidc.explain import text
from hf_oidc.explain.entry_point import ACTION, COMMAND, EntryPoint
from hf_oidc.explain.report import diagnose
from tests.factories import HUB

OTHER = "https://hub.nosuch.example"
LOCAL = "http://127.0.0.1:8000"
PROXY = "proxy.acme.example:3128"
BEHIND_A_PROXY = Where("mint", "ci.example", proxy=PROXY, proxy_variable="all_proxy")
CORRECT = "Correct the environment variable `all_proxy` on the machine that runs this job."
HUB_FIRST = "Run the job again later, and check https://status.huggingface.co."
NAMED = f"through `{PROXY}`, the value of the environment variable `all_proxy`."
PROXY_FIRST = f"Check the proxy first: this machine reaches `huggingface.co` {NAMED}"
NETWORK_FIRST = "Check the network of this machine first: it cannot look up the name `huggingface.co`"


def no_answer(url: str = HUB, proxy: str = "", *, unresolved: bool = False) -> HubUnavailable:
    """Nobody answered."""
    host = url.partition("://")[2]
    where = Where("exchange", host, proxy=proxy, proxy_variable="all_proxy" if proxy else "", unresolved=unresolved)
    return HubUnavailable("The Hub did not respond", where)


def in_trouble(url: str = HUB) -> HubUnavailable:
    """Somebody answered with HTTP 502."""
    return HubUnavailable("The Hub reports a server error", Where("exchange", url.partition("://")[2], 502))


def aborted(url: str) -> HubUnavailable:
    """The Hub's own word for an outage: an answer that no other server gives."""
    return HubUnavailable("The Hub aborted the exchange", Where("exchange", url.partition("://")[2], 400))


def from_url(url: str, source: str) -> str:
    """The words that name the URL and where it comes from."""
    return f"Check the Hub's URL first: `{url}` comes from {source}. If it is right,"


@pytest.mark.parametrize(
    ("error", "url", "entry_point", "endpoint", "first"),
    [
        # The URL is the default one: nothing of the user's is wrong.
        (no_answer(), HUB, COMMAND, "", HUB_FIRST),
        (in_trouble(), HUB, COMMAND, "", HUB_FIRST),
        (in_trouble(), "", ACTION, "", HUB_FIRST),
        (in_trouble(), HUB, ACTION, f"{HUB}/", HUB_FIRST),
        (HubUnavailable("The Hub did not respond"), HUB, COMMAND, "", HUB_FIRST),
        # Its name is not known here.
        (no_answer(unresolved=True), HUB, COMMAND, "", NETWORK_FIRST),
        # The URL is the user's.
        (no_answer(OTHER, unresolved=True), OTHER, COMMAND, "", from_url(OTHER, "`--hub-url`")),
        (no_answer(OTHER, unresolved=True), OTHER, ACTION, "", from_url(OTHER, "`hub-url`")),
        (no_answer(OTHER, unresolved=True), OTHER, COMMAND, f" {OTHER}/", from_url(OTHER, "`$HF_ENDPOINT`")),
        (no_answer(OTHER), OTHER, ACTION, "https://HUB.nosuch.example", from_url(OTHER, "`$HF_ENDPOINT`")),
        (no_answer(OTHER), OTHER, COMMAND, "https://elsewhere.example", from_url(OTHER, "`--hub-url`")),
        (in_trouble(OTHER), OTHER, COMMAND, "", from_url(OTHER, "`--hub-url`")),
        (no_answer(LOCAL), LOCAL, COMMAND, "", from_url(LOCAL, "`--hub-url`")),
        # A Hub it is, wherever it is.
        (aborted(OTHER), OTHER, COMMAND, "", HUB_FIRST),
        # A proxy is in between: nothing else was reached.
        (no_answer(proxy=PROXY), HUB, COMMAND, "", PROXY_FIRST),
        (no_answer(proxy=PROXY, unresolved=True), HUB, ACTION, "", PROXY_FIRST),
        (
            no_answer(OTHER, PROXY, unresolved=True),
            OTHER,
            COMMAND,
            "",
            f"Check the proxy first: this machine reaches `hub.nosuch.example` {NAMED}",
        ),
        (
            IdTokenRequestFailed("It gave no answer", BEHIND_A_PROXY, retryable=True),
            HUB,
            COMMAND,
            "",
            f"Check the proxy first: this machine reaches `ci.example` {NAMED}",
        ),
        # It cannot be used at all: no other try will do.
        (IdTokenRequestFailed("It gave no answer", BEHIND_A_PROXY, retryable=False), HUB, ACTION, "", CORRECT),
        (HubUnavailable("No answer", BEHIND_A_PROXY, retryable=False), OTHER, ACTION, "", CORRECT),
        (TlsFailed("The handshake failed", BEHIND_A_PROXY, "plain"), HUB, COMMAND, "", CORRECT),
    ],
)
def test_the_users_own_setting_comes_first(
    error: LoginError, url: str, entry_point: EntryPoint, endpoint: str, first: str
) -> None:
    """With where it comes from. That nothing is to be changed is said of the Hub's own URL alone."""
    error.provider = "github"
    _, message = text.annotation(diagnose(error, None, url, entry_point=entry_point, env={"HF_ENDPOINT": endpoint}))
    following = message.partition("\nNext: ")[2].partition("\n")[0]
    assert following.startswith(first)
    assert ("do not change your publisher" in following.lower()) == (first in {HUB_FIRST, NETWORK_FIRST})
    assert ("status.huggingface.co" in following) == (first == HUB_FIRST)
