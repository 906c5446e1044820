"""Starts and stops the server: bind, build, announce, serve, clean up.

The bind comes first, because port 0 gives a base URL only then. SIGTERM and SIGINT end it with exit code 0.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.types import ASGIApp

from local_hub.app import make_app
from local_hub.config import Config, ConfigError, with_issuer
from local_hub.data_folder import open_data_folder
from local_hub.faults.connection import ConnectionProtocol
from local_hub.faults.script import Script
from local_hub.faults.tls import TLS_1_1, handshake_only, server_context
from local_hub.hub.issuer_keys import IssuerKeys
from local_hub.hub.service import Hub, Settings
from local_hub.hub.store import FILE_NAME, Store
from local_hub.issuers import github
from local_hub.issuers.registry import ISSUERS
from local_hub.issuers.running import RunningIssuers
from local_hub.repositories.git_commands import NoGit, check_git
from local_hub.repositories.router import RepositoryRouter

if TYPE_CHECKING:
    import trustme

GRACE_SECONDS = 3
CA_FILE = "ca.pem"


@dataclass(frozen=True)
class ServeOptions:
    """The options of `local-hub serve`."""

    config: Config
    host: str = "127.0.0.1"
    port: int = 0
    data: Path | None = None
    tls: bool = False
    audiences: tuple[str, ...] = ()
    token_lifetime: int = 3600
    tls_fault: str | None = None
    whoami: bool = False


class _AnnouncingServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn's version raises the signal again afterwards, so the exit code would mean failure. Only the main
        # thread can get signals.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self.handle_exit)
        yield

    def stop(self) -> None:
        """Stop serving. Any thread may call it."""
        self.should_exit = True


# Gets the ready line, as data, and a function that stops the server.
Announce = Callable[[Mapping[str, Any], Callable[[], None]], None]
# Puts something in front of the application, which then sees each request first.
Around = Callable[[ASGIApp], ASGIApp]


def print_ready_line(ready: Mapping[str, Any], _stop: Callable[[], None]) -> None:
    """Announce the server on standard output, as one line of JSON."""
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()


def serve(options: ServeOptions, announce: Announce = print_ready_line, around: Around = lambda app: app) -> None:
    """Serve until a signal arrives, or until somebody calls the function that `announce` got. Raises `ConfigError`."""
    try:
        check_git()
    except NoGit as error:
        raise ConfigError(str(error)) from None
    with contextlib.ExitStack() as cleanup:
        listener = cleanup.enter_context(_bound(options.host, options.port))
        directory = options.data or Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="local-hub-")))
        # Lock before any change: another Local Hub may be using the folder.
        directory = cleanup.enter_context(open_data_folder(directory))
        authority = None
        if options.tls:
            import trustme  # noqa: PLC0415 - takes longer to load than most of Local Hub

            authority = trustme.CA()
        ca_path = _publish_ca(authority, directory) if authority else None
        host = f"[{options.host}]" if ":" in options.host else options.host
        base_url = f"{'https' if options.tls else 'http'}://{host}:{listener.getsockname()[1]}"
        with _invalid_data(options.data, f"{FILE_NAME} must not exist, or be a database of Local Hub"):
            store = cleanup.enter_context(contextlib.closing(Store(options.data)))
        with _invalid_data(options.data, "cannot create the repositories"):
            router = RepositoryRouter(store, directory, base_url, whoami=options.whoami)
        running = RunningIssuers(base_url, directory / "bin")
        github_url = running.url(github.ISSUER)

        @cache
        def trust() -> ssl.SSLContext:
            context = ssl.create_default_context()
            if ca_path:
                context.load_verify_locations(ca_path)
            return context

        settings = Settings(frozenset({base_url, *options.audiences}), options.token_lifetime, github_url)
        hub = Hub(store, IssuerKeys(trust, known=options.config.key_sets), settings)
        jobs = _apply(options.config, store, running)
        ready = {"hub": base_url, "issuer": github_url, "ca": ca_path, "pid": os.getpid(), "jobs": jobs}
        script = Script({path: list(names) for path, names in options.config.faults.items()})
        context = server_context(authority, options.tls_fault) if authority else None
        config = _uvicorn_config(around(make_app(hub, running, script, router)), context, options.tls_fault)
        server = _AnnouncingServer(config, lambda: announce(ready, server.stop))
        server.run(sockets=[listener])


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if host == "::1" else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigError(f"--port {port}: cannot bind on {host}: {error.strerror}") from None
    return listener


def _publish_ca(authority: trustme.CA, directory: Path) -> str:
    path = directory / CA_FILE
    with _invalid_data(directory, f"cannot write {CA_FILE}"):
        # Replace the file instead of writing to it: it could be a link that someone else put there.
        path.unlink(missing_ok=True)
        with path.open("xb") as file:
            file.write(authority.cert_pem.bytes())
    return str(path.absolute())


@contextlib.contextmanager
def _invalid_data(directory: Path | None, problem: str) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(f"--data {directory}: {problem}: {reason}") from None


def _apply(config: Config, store: Store, running: RunningIssuers) -> dict[str, dict[str, str]]:
    """Add what the configuration names to the store, unless it is there already; register its jobs."""
    for declared in config.resources:
        store.declare(declared)
    urls = running.urls(ISSUERS)
    for publisher in (with_issuer(publisher, urls) for publisher in config.publishers):
        if not store.has_publisher(publisher):
            store.add_publisher(publisher, time.time())
    for account in config.locked:
        store.lock_account(account, locked=True, now=time.time())
    return {name: running.register(job).environment for name, job in config.jobs.items()}


def _uvicorn_config(app: ASGIApp, context: ssl.SSLContext | None, tls_fault: str | None) -> uvicorn.Config:
    bare = handshake_only(context) if context and tls_fault == TLS_1_1 else None
    return uvicorn.Config(
        app,
        http=bare or ConnectionProtocol,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_context_factory=(lambda *_: context) if context and not bare else None,
    )
