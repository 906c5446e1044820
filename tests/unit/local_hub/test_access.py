"""The security model as a function: what must hold whoever asks, for each holder, repository and verb there is."""

from itertools import product

import pytest

from local_hub.records import Declared, IssuedToken
from local_hub.repositories.access import Stranger, Verb, decide
from local_hub.resources import parse_resource

NAMES = ("acme/m", "acme/other", "datasets/acme/m", "kernels/acme/m")


def issued(name: str, *can: str) -> IssuedToken:
    """A token for a resource."""
    return IssuedToken(parse_resource(name), can, "https://issuer.example", "job", 1.0)


WRITERS = [issued(name, "read", "write") for name in NAMES]
READERS = [issued(name, "read") for name in NAMES]
USERS = [issued(name, "read-gated", "inference-api") for name in ("acme", "bob", "eve")]
HOLDERS = [*WRITERS, *READERS, *USERS, *Stranger]
REPOSITORIES = [
    None,
    *(
        Declared(parse_resource(name), private, gated, frozenset({"bob"}))
        for name, private, gated in product(NAMES, (True, False), (True, False))
    ),
]
ALL = list(product(HOLDERS, REPOSITORIES, Verb))


def test_only_its_own_token_writes_a_repository() -> None:
    """One that may write; and nobody administers anything."""
    allowed = [(holder, at) for holder, at, verb in ALL if verb is Verb.WRITE and decide(holder, at, verb) is None]
    assert allowed
    assert all(holder in WRITERS and at is not None and holder.resource == at.resource for holder, at in allowed)
    assert all(decide(holder, at, Verb.ADMINISTER) for holder, at, _ in ALL)


def test_a_private_repository_looks_like_none() -> None:
    """To everyone but its own token, word for word."""
    for holder, at, verb in ALL:
        if at is not None and at.private and not (isinstance(holder, IssuedToken) and holder.resource == at.resource):
            assert decide(holder, at, verb) == decide(holder, None, verb)


def test_a_gate_lets_its_own_through() -> None:
    """Its token, its owner, its readers; all others see that it is there, and no more."""
    for holder in HOLDERS:
        gated = Declared(parse_resource("acme/m"), gated=True, readers=frozenset({"bob"}))
        through = isinstance(holder, IssuedToken) and str(holder.resource) in ("acme/m", "acme", "bob")
        assert (decide(holder, gated, Verb.READ) is None) == through
        assert (decide(holder, gated, Verb.SEE) is None) == (holder is not Stranger.REJECTED)


def test_a_rejected_token_is_good_for_nothing() -> None:
    """Not even for what is public."""
    assert {decide(Stranger.REJECTED, at, verb) for at, verb in product(REPOSITORIES, Verb)} == {
        decide(Stranger.REJECTED, None, Verb.SEE)
    }


@pytest.mark.parametrize("verb", [Verb.SEE, Verb.READ])
def test_anyone_reads_what_is_public(verb: Verb) -> None:
    """With any good token, or none."""
    public = Declared(parse_resource("acme/m"))
    assert all(decide(holder, public, verb) is None for holder in HOLDERS if holder is not Stranger.REJECTED)
