"""The simulation of a fleet: what docs/development/design.md argues from is what the real policy does."""

from pathlib import Path

import pytest

from benchmarks.fleet import ALLOWED, POLICIES, SITUATIONS, WITHIN_A_SECOND, Outcome, report, simulate

DESIGN = (Path(__file__).parents[2] / "docs" / "development" / "design.md").read_text(encoding="utf-8")
JOBS = WITHIN_A_SECOND.jobs
LIMIT, LONG_LIMIT, OUTAGE, WITHIN_AN_HOUR, WITHIN_A_MINUTE, LONG_WITHIN_A_MINUTE, _ = SITUATIONS


def outcome(policy: str, situation: str) -> Outcome:
    """What becomes of the fleet."""
    fleet, make_hub, timeout = SITUATIONS[situation]
    return simulate(POLICIES[policy], fleet, make_hub(), timeout)


@pytest.mark.slow
def test_the_table_of_the_document_is_the_simulations() -> None:
    """To the last figure: the seed is fixed."""
    assert report() in DESIGN


def test_an_outage_of_half_a_minute_fails_no_job() -> None:
    """All of them log in within the default `timeout`."""
    assert len(outcome("ours", OUTAGE).logged_in) == JOBS


def test_under_a_limit_nothing_is_sent_that_cannot_succeed() -> None:
    """Where the window ends after `timeout`, each job asks once."""
    ours = outcome("ours", LIMIT)
    assert (len(ours.logged_in), len(ours.requests)) == (ALLOWED, JOBS)


def test_reading_the_header_spares_the_hub_without_costing_logins() -> None:
    """As many jobs log in as with any other policy, with a tenth of the requests, and without a second stampede."""
    ours, blind = outcome("ours", LONG_LIMIT), outcome("full jitter, header ignored", LONG_LIMIT)
    assert len(ours.logged_in) == len(blind.logged_in) == JOBS
    assert len(ours.requests) * 10 < len(blind.requests)
    assert ours.peak * 10 < blind.peak


@pytest.mark.slow
@pytest.mark.parametrize(
    ("situation", "jobs"), [(WITHIN_AN_HOUR, 50_000), (WITHIN_A_MINUTE, 25_000), (LONG_WITHIN_A_MINUTE, 50_000)]
)
def test_a_large_fleet_logs_in_if_it_is_spread_or_waits(situation: str, jobs: int) -> None:
    """1,000 jobs of an address stay below the limit within an hour. Within a minute, half of them must wait for it."""
    assert len(outcome("ours", situation).logged_in) == jobs
