"""Several logins at the same time, and what failed of them. What becomes of the tokens is not known here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from queue import Empty, SimpleQueue
from typing import TypeAlias, TypeVar

from hf_oidc.errors import LoginError
from hf_oidc.hub.token import HubToken
from hf_oidc.login import Login, log_in
from hf_oidc.token_request import Wanted

AT_ONCE = 8
Outcome: TypeAlias = HubToken | LoginError
Told = TypeVar("Told")


def log_in_all(logins: Sequence[Login]) -> list[Outcome]:
    """For each login, in order, its token or what it failed with; at most `AT_ONCE` at the same time.

    Each comes to its own end, so that whoever mends one does not find the next failing. They should share a `pace`.
    `mask` and `tell` are called by one at a time.
    """
    if len(logins) == 1:
        return [_known(_outcome(logins[0]))]
    todo: SimpleQueue[int] = SimpleQueue()
    outcomes: dict[int, Outcome | Exception] = {}
    lock = threading.Lock()

    def work() -> None:
        while (number := _next(todo)) is not None:
            outcomes[number] = _outcome(_in_turn(logins[number], lock))

    for number in range(len(logins)):
        todo.put(number)
    # Daemons, because an interrupt does not wait for them.
    workers = [threading.Thread(target=work, daemon=True) for _ in range(min(AT_ONCE, len(logins)))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return [_known(outcomes[number]) for number in range(len(logins))]


def group_failures(failures: Iterable[tuple[Wanted, LoginError]]) -> Iterable[tuple[LoginError, list[Wanted]]]:
    """What failed in the same way is told of once, with all that it failed for."""
    groups: dict[tuple[str, str], tuple[LoginError, list[Wanted]]] = {}
    for wanted, error in failures:
        groups.setdefault((error.code, error.what), (error, []))[1].append(wanted)
    return groups.values()


def _next(todo: SimpleQueue[int]) -> int | None:
    try:
        return todo.get_nowait()
    except Empty:
        return None


def _in_turn(login: Login, lock: threading.Lock) -> Login:
    """`login`, whose lines in the log are not torn by another's."""

    def one_at_a_time(tell: Callable[[Told], None]) -> Callable[[Told], None]:
        def told(what: Told) -> None:
            with lock:
                tell(what)

        return told

    return login._replace(mask=one_at_a_time(login.mask), tell=one_at_a_time(login.tell))


def _outcome(login: Login) -> Outcome | Exception:
    try:
        return log_in(login)
    except Exception as error:  # noqa: BLE001 - a bug's, too: it is raised where somebody is told
        return error


def _known(outcome: Outcome | Exception) -> Outcome:
    if isinstance(outcome, (HubToken, LoginError)):
        return outcome
    raise outcome
