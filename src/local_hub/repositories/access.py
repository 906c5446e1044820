"""Who may do what with a repository: the whole security model as one pure function.

Input: a principal, a repository and a verb. Output: permission, or the Hub's refusal. It knows no HTTP, git, clock or
store: the token lookup has already rejected expired tokens.
"""

from dataclasses import dataclass
from enum import Enum

from local_hub.hub.resources import Declared
from local_hub.hub.tokens import IssuedToken


class Verb(Enum):
    """What the caller wants to do."""

    SEE = "see"  # info, file lists, refs; of a gated repository too
    READ = "read"  # file contents: resolve, clone, fetch, LFS
    WRITE = "write"  # commit, push, LFS upload, branches
    PROPOSE = "propose"  # open a pull request or a discussion
    CHECK_WRITE = "check write"  # ask whether the token may write
    ADMINISTER = "administer"  # create, delete, settings, tags over REST: only people may


class Unauthenticated(Enum):
    """A caller without a valid token."""

    ANONYMOUS = "no token"
    REJECTED = "an unknown or expired token"


Principal = IssuedToken | Unauthenticated


@dataclass(frozen=True)
class Denied:
    """A refusal in the Hub's form: the status, `X-Error-Code` (may be empty) and `X-Error-Message`."""

    status: int
    code: str
    message: str


INVALID_TOKEN = Denied(401, "", "Invalid credentials in Authorization header")
# huggingface_hub infers this code from a 401 of huggingface.co, but expects the header from any other host.
LOG_IN = Denied(401, "RepoNotFound", "Invalid username or password.")
NOT_A_USER = Denied(401, "", "Invalid username or password.")
NOT_FOUND = Denied(404, "RepoNotFound", "Repository not found")
NOT_YOURS = Denied(403, "", "Forbidden: this token may not write to this repository")
READ_ONLY = Denied(403, "", "Forbidden: this token may read this repository but not write to it")
NO_PULL_REQUESTS = Denied(
    403,
    "",
    "Forbidden: Authorization error. Local Hub has no pull requests, and whether the Hub lets this token open one is "
    "not known. Push to a branch for review instead",
)
NOT_FOR_TOKENS = Denied(403, "", "Forbidden: a trusted publisher's token may not do this")


def decide(principal: Principal, repository: Declared | None, verb: Verb) -> Denied | None:
    """Return the refusal, or None if it is allowed. A repository of None does not exist."""
    if principal is Unauthenticated.REJECTED:
        # For public repositories too: a job must notice that its token has expired.
        return INVALID_TOKEN
    if repository is None or (repository.private and not _is_of(principal, repository)):
        return LOG_IN if principal is Unauthenticated.ANONYMOUS else NOT_FOUND
    if verb in (Verb.SEE, Verb.READ):
        return _reading(principal, repository, verb)
    return _changing(principal, repository, verb)


def decide_creation(principal: Principal) -> Denied:
    """Refuse to create, rename or delete a repository: huggingface_hub expects 401 for a repository token, else 403."""
    if principal is Unauthenticated.REJECTED:
        return INVALID_TOKEN
    return NOT_FOR_TOKENS if isinstance(principal, IssuedToken) and principal.resource.kind == "user" else NOT_A_USER


def decide_identity(principal: Principal, *, repositories: bool = False) -> Denied | None:
    """Decide whether `whoami` is allowed: for users' tokens, and with `repositories` for those of repositories too.

    A repository's token belongs to no user. What the Hub answers to it is not known.
    """
    if principal is Unauthenticated.REJECTED:
        return INVALID_TOKEN
    if isinstance(principal, IssuedToken) and (repositories or principal.resource.kind == "user"):
        return None
    return NOT_A_USER


def _is_of(principal: Principal, repository: Declared) -> bool:
    return isinstance(principal, IssuedToken) and principal.resource == repository.resource


def _reading(principal: Principal, repository: Declared, verb: Verb) -> Denied | None:
    if _is_of(principal, repository) or not repository.gated or verb is Verb.SEE:
        return None
    # User names have no slash, so a repository token never matches a user here.
    readers = {repository.resource.owner, *repository.readers}
    if isinstance(principal, IssuedToken) and principal.resource.text in readers:
        return None
    name = repository.resource
    if principal is Unauthenticated.ANONYMOUS:
        message = f"Access to {name} is restricted. You must have access to it and be authenticated to access it."
        return Denied(401, "GatedRepo", message)
    return Denied(403, "GatedRepo", f"Access to {name} is restricted and you are not in the authorized list.")


def _changing(principal: Principal, repository: Declared, verb: Verb) -> Denied | None:
    if not isinstance(principal, IssuedToken):
        return LOG_IN
    if verb is Verb.PROPOSE:
        return NO_PULL_REQUESTS
    if verb is Verb.CHECK_WRITE and principal.resource.kind != "user":
        # 401, as one project reports of the Hub.
        return LOG_IN
    if verb in (Verb.CHECK_WRITE, Verb.ADMINISTER):
        return NOT_FOR_TOKENS
    if not _is_of(principal, repository):
        return NOT_YOURS
    return None if "write" in principal.can else READ_ONLY
