"""The security model as a function: what must hold whoever asks, for each principal, repository and verb there is."""

from itertools import product

import pytest

from local_hub.hub.resources import Declared, parse_resource
from local_hub.hub.tokens import IssuedToken
from local_hub.repositories.access import (
    Denied,
    Principal,
    Unauthenticated,
    Verb,
    decide,
    decide_creation,
    decide_identity,
)

NAMES = ("acme/m", "acme/other", "datasets/acme/m", "kernels/acme/m")


def issued(name: str, *can: str) -> IssuedToken:
    """A token for a resource."""
    return IssuedToken(parse_resource(name), can, "https://issuer.example", "job", 1.0)


WRITERS = [issued(name, "read", "write") for name in NAMES]
READERS = [issued(name, "read") for name in NAMES]
USERS = [issued(name, "read-gated", "inference-api") for name in ("acme", "bob", "eve")]
PRINCIPALS = [*WRITERS, *READERS, *USERS, *Unauthenticated]
REPOSITORIES = [
    None,
    *(
        Declared(parse_resource(name), private, gated, frozenset({"bob"}))
        for name, private, gated in product(NAMES, (True, False), (True, False))
    ),
]
ALL = list(product(PRINCIPALS, REPOSITORIES, Verb))


def test_only_its_own_token_writes_a_repository() -> None:
    """One that may write; and nobody administers anything."""
    allowed = [(who, at) for who, at, verb in ALL if verb is Verb.WRITE and decide(who, at, verb) is None]
    assert allowed
    assert all(who in WRITERS and at is not None and who.resource == at.resource for who, at in allowed)
    assert all(decide(principal, at, Verb.ADMINISTER) for principal, at, _ in ALL)


def test_a_private_repository_looks_like_none() -> None:
    """To everyone but its own token, word for word."""
    for who, at, verb in ALL:
        if at is not None and at.private and not (isinstance(who, IssuedToken) and who.resource == at.resource):
            assert decide(who, at, verb) == decide(who, None, verb)


def test_a_gate_lets_its_own_through() -> None:
    """Its token, its owner, its readers; all others see that it is there, and no more."""
    for principal in PRINCIPALS:
        gated = Declared(parse_resource("acme/m"), gated=True, readers=frozenset({"bob"}))
        through = isinstance(principal, IssuedToken) and str(principal.resource) in ("acme/m", "acme", "bob")
        assert (decide(principal, gated, Verb.READ) is None) == through
        assert (decide(principal, gated, Verb.SEE) is None) == (principal is not Unauthenticated.REJECTED)


def test_a_rejected_token_is_good_for_nothing() -> None:
    """Not even for what is public."""
    assert {decide(Unauthenticated.REJECTED, at, verb) for at, verb in product(REPOSITORIES, Verb)} == {
        decide(Unauthenticated.REJECTED, None, Verb.SEE)
    }


@pytest.mark.parametrize("verb", [Verb.SEE, Verb.READ])
def test_anyone_reads_what_is_public(verb: Verb) -> None:
    """With any good token, or none."""
    public = Declared(parse_resource("acme/m"))
    assert all(decide(who, public, verb) is None for who in PRINCIPALS if who is not Unauthenticated.REJECTED)


# What a caller is told: status, `X-Error-Code`, `X-Error-Message`.
Told = tuple[int, str, str]
INVALID_TOKEN = (401, "", "Invalid credentials in Authorization header")
LOG_IN = (401, "RepoNotFound", "Invalid username or password.")
NO_RIGHT = (401, "", "Invalid username or password.")
NOT_FOUND = (404, "RepoNotFound", "Repository not found")
NOT_YOURS = (403, "", "Forbidden: this token may not write to this repository")
READ_ONLY = (403, "", "Forbidden: this token may read this repository but not write to it")
NOT_FOR_TOKENS = (403, "", "Forbidden: a trusted publisher's token may not do this")
GATED = "Access to acme/m is restricted"
GATED_TO_ALL = (401, "GatedRepo", f"{GATED}. You must have access to it and be authenticated to access it.")
GATED_TO_YOU = (403, "GatedRepo", f"{GATED} and you are not in the authorized list.")

PRINCIPAL: dict[str, Principal] = {
    "nobody": Unauthenticated.ANONYMOUS,
    "a rejected token": Unauthenticated.REJECTED,
    "its writer": issued("acme/m", "read", "write"),
    "its reader": issued("acme/m", "read"),
    "a token that may do nothing": issued("acme/m"),
    "another's writer": issued("acme/other", "read", "write"),
    "the dataset's writer": issued("datasets/acme/m", "read", "write"),
    "its owner": issued("acme", "read-gated"),
    "a reader by name": issued("bob", "read-gated"),
    "another user": issued("eve", "read-gated", "inference-api"),
}
ANSWERS: dict[str, dict[str, tuple[Told | None, Told | None, Told | None, Told | None]]] = {
    # Who asks: what SEE, READ, WRITE and ADMINISTER are answered.
    "public": {
        "nobody": (None, None, LOG_IN, LOG_IN),
        "a rejected token": (INVALID_TOKEN,) * 4,
        "its writer": (None, None, None, NOT_FOR_TOKENS),
        "its reader": (None, None, READ_ONLY, NOT_FOR_TOKENS),
        "a token that may do nothing": (None, None, READ_ONLY, NOT_FOR_TOKENS),
        "another's writer": (None, None, NOT_YOURS, NOT_FOR_TOKENS),
        "the dataset's writer": (None, None, NOT_YOURS, NOT_FOR_TOKENS),
        "its owner": (None, None, NOT_YOURS, NOT_FOR_TOKENS),
        "a reader by name": (None, None, NOT_YOURS, NOT_FOR_TOKENS),
        "another user": (None, None, NOT_YOURS, NOT_FOR_TOKENS),
    },
    "gated": {
        "nobody": (None, GATED_TO_ALL, LOG_IN, LOG_IN),
        "a rejected token": (INVALID_TOKEN,) * 4,
        "its writer": (None, None, None, NOT_FOR_TOKENS),
        "its reader": (None, None, READ_ONLY, NOT_FOR_TOKENS),
        "a token that may do nothing": (None, None, READ_ONLY, NOT_FOR_TOKENS),
        "another's writer": (None, GATED_TO_YOU, NOT_YOURS, NOT_FOR_TOKENS),
        "the dataset's writer": (None, GATED_TO_YOU, NOT_YOURS, NOT_FOR_TOKENS),
        "its owner": (None, None, NOT_YOURS, NOT_FOR_TOKENS),
        "a reader by name": (None, None, NOT_YOURS, NOT_FOR_TOKENS),
        "another user": (None, GATED_TO_YOU, NOT_YOURS, NOT_FOR_TOKENS),
    },
    "private": {
        "nobody": (LOG_IN,) * 4,
        "a rejected token": (INVALID_TOKEN,) * 4,
        "its writer": (None, None, None, NOT_FOR_TOKENS),
        "its reader": (None, None, READ_ONLY, NOT_FOR_TOKENS),
        "a token that may do nothing": (None, None, READ_ONLY, NOT_FOR_TOKENS),
        "another's writer": (NOT_FOUND,) * 4,
        "the dataset's writer": (NOT_FOUND,) * 4,
        "its owner": (NOT_FOUND,) * 4,
        "a reader by name": (NOT_FOUND,) * 4,
        "another user": (NOT_FOUND,) * 4,
    },
    "not there": {
        name: ((LOG_IN,) * 4 if name == "nobody" else (INVALID_TOKEN,) * 4 if "rejected" in name else (NOT_FOUND,) * 4)
        for name in PRINCIPAL
    },
}
STATE = {
    "public": Declared(parse_resource("acme/m"), readers=frozenset({"bob"})),
    "gated": Declared(parse_resource("acme/m"), gated=True, readers=frozenset({"bob"})),
    "private": Declared(parse_resource("acme/m"), private=True, gated=True, readers=frozenset({"bob"})),
    "not there": None,
}


def told(denied: Denied | None) -> Told | None:
    """What of a refusal reaches the caller."""
    return None if denied is None else (denied.status, denied.code, denied.message)


@pytest.mark.parametrize("name", PRINCIPAL)
@pytest.mark.parametrize("state", STATE)
def test_each_caller_is_told_what_the_table_says(state: str, name: str) -> None:
    """For each state of a repository and each verb: allowed, or this very refusal."""
    verbs = (Verb.SEE, Verb.READ, Verb.WRITE, Verb.ADMINISTER)
    assert tuple(told(decide(PRINCIPAL[name], STATE[state], verb)) for verb in verbs) == ANSWERS[state][name]


@pytest.mark.parametrize("name", PRINCIPAL)
@pytest.mark.parametrize("state", STATE)
def test_no_token_opens_a_pull_request_or_passes_the_check_for_writing(state: str, name: str) -> None:
    """Refused as an administrator's act is; who sees the repository gets the reported answer, or a reason."""
    refusal = ANSWERS[state][name][3]
    principal = PRINCIPAL[name]
    if refusal == NOT_FOR_TOKENS and isinstance(principal, IssuedToken):
        checked = NOT_FOR_TOKENS if principal.resource.kind == "user" else LOG_IN
        assert told(decide(principal, STATE[state], Verb.CHECK_WRITE)) == checked
        status, _, message = told(decide(principal, STATE[state], Verb.PROPOSE)) or (0, "", "")
        assert (status, message.partition(".")[0]) == (403, "Forbidden: Authorization error")
    else:
        assert told(decide(principal, STATE[state], Verb.CHECK_WRITE)) == refusal
        assert told(decide(principal, STATE[state], Verb.PROPOSE)) == refusal


def test_whoami_for_repositories_is_a_choice_of_the_operator() -> None:
    """It lets in the tokens of repositories, and nobody without a token."""
    for principal in PRINCIPALS:
        denied = told(decide_identity(principal, repositories=True))
        assert (denied is None) == isinstance(principal, IssuedToken)


CREATES_AND_IDENTIFIES: dict[str, tuple[Told | None, Told | None]] = {
    "nobody": (NO_RIGHT, NO_RIGHT),
    "a rejected token": (INVALID_TOKEN, INVALID_TOKEN),
    "its writer": (NO_RIGHT, NO_RIGHT),
    "its reader": (NO_RIGHT, NO_RIGHT),
    "a token that may do nothing": (NO_RIGHT, NO_RIGHT),
    "another's writer": (NO_RIGHT, NO_RIGHT),
    "the dataset's writer": (NO_RIGHT, NO_RIGHT),
    "its owner": (NOT_FOR_TOKENS, None),
    "a reader by name": (NOT_FOR_TOKENS, None),
    "another user": (NOT_FOR_TOKENS, None),
}


@pytest.mark.parametrize("name", PRINCIPAL)
def test_nobody_creates_and_only_users_are_somebody(name: str) -> None:
    """A repository is created by no token, and a rejected one hears that it was rejected; `whoami` answers users."""
    principal = PRINCIPAL[name]
    assert (told(decide_creation(principal)), told(decide_identity(principal))) == CREATES_AND_IDENTIFIES[name]
