"""Who may do what with a repository: the whole security model, as one pure function.

A holder, a repository and a verb go in; permission, or the Hub's refusal, comes out. It must not know HTTP, git, the
clock or the store: whether a token has expired was decided by whoever looked it up.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum

from local_hub.hub.records import Declared, IssuedToken


class Verb(Enum):
    """What somebody wants to do."""

    SEE = "see"  # that it is there: info, list of files, refs; of a gated repository too
    READ = "read"  # what is in its files: resolve, clone, fetch, LFS
    WRITE = "write"  # commit, push, LFS upload, branches
    ADMINISTER = "administer"  # create, delete, settings, tags over REST: a person's business


class Stranger(Enum):
    """A caller who is no holder of a good token."""

    ANONYMOUS = "no token"
    REJECTED = "a token that is unknown, or has expired"


Holder = IssuedToken | Stranger


@dataclass(frozen=True)
class Denied:
    """A refusal in the Hub's form: the status, `X-Error-Code` (may be empty) and `X-Error-Message`."""

    status: int
    code: str
    message: str


INVALID_TOKEN = Denied(401, "", "Invalid credentials in Authorization header")
# huggingface_hub takes a 401 of huggingface.co's for this code; of another host it wants to read it.
LOG_IN = Denied(401, "RepoNotFound", "Invalid username or password.")
NO_RIGHT_TO_CREATE = Denied(401, "", "Invalid username or password.")
NOT_FOUND = Denied(404, "RepoNotFound", "Repository not found")
NOT_YOURS = Denied(403, "", "Forbidden: this token may not write to this repository")
READ_ONLY = Denied(403, "", "Forbidden: this token may read this repository, and not write to it")
NOT_FOR_TOKENS = Denied(403, "", "Forbidden: a token of a trusted publisher may not do this")


def decide(holder: Holder, repository: Declared | None, verb: Verb) -> Denied | None:
    """Give the refusal, or None where it is allowed; a repository of None is one that does not exist."""
    if holder is Stranger.REJECTED:
        # Of public repositories too: a job whose token has died should hear of it.
        return INVALID_TOKEN
    if repository is None or not _may_know_of(holder, repository):
        return LOG_IN if holder is Stranger.ANONYMOUS else NOT_FOUND
    if verb in (Verb.SEE, Verb.READ):
        return _reading(holder, repository, verb)
    return _changing(holder, repository, verb)


def decide_creation(holder: Holder) -> Denied:
    """Refuse to create, rename or delete a repository: huggingface_hub knows 401 for a repository's token, 403 else."""
    if holder is Stranger.REJECTED:
        return INVALID_TOKEN
    return NOT_FOR_TOKENS if isinstance(holder, IssuedToken) and holder.resource.kind == "user" else NO_RIGHT_TO_CREATE


def decide_identity(holder: Holder) -> Denied | None:
    """Say whether somebody may ask who they are: a user may, and a repository's token is nobody."""
    if holder is Stranger.REJECTED:
        return INVALID_TOKEN
    return None if isinstance(holder, IssuedToken) and holder.resource.kind == "user" else NO_RIGHT_TO_CREATE


def _may_know_of(holder: Holder, repository: Declared) -> bool:
    return not repository.private or _is_of(holder, repository)


def _is_of(holder: Holder, repository: Declared) -> bool:
    return isinstance(holder, IssuedToken) and holder.resource == repository.resource


def _reading(holder: Holder, repository: Declared, verb: Verb) -> Denied | None:
    passes = _is_of(holder, repository) or not repository.gated or verb is Verb.SEE
    if passes or (isinstance(holder, IssuedToken) and holder.resource.text in _let_through(repository)):
        return None
    name = repository.resource
    if holder is Stranger.ANONYMOUS:
        said = f"Access to {name} is restricted. You must have access to it and be authenticated to access it."
        return Denied(401, "GatedRepo", said)
    return Denied(403, "GatedRepo", f"Access to {name} is restricted and you are not in the authorized list.")


def _let_through(repository: Declared) -> AbstractSet[str]:
    # Names of users have no slash, so no repository's token passes as a user's.
    return {repository.resource.owner, *repository.readers}


def _changing(holder: Holder, repository: Declared, verb: Verb) -> Denied | None:
    if not isinstance(holder, IssuedToken):
        return LOG_IN
    if verb is Verb.ADMINISTER:
        return NOT_FOR_TOKENS
    if not _is_of(holder, repository):
        return NOT_YOURS
    return None if "write" in holder.can else READ_ONLY
