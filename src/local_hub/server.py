"""From settings to a server that answers: bind, build, announce, serve, clean up.

The socket is bound before anything is built, so that port 0 gives a base URL in time. Signals end it with exit code 0.
"""

import contextlib
import json
import os
import signal
import socket
import sqlite3
import ssl
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import trustme
import uvicorn
from starlette.types import ASGIApp

from local_hub.app import make_app
from local_hub.config import Config, ConfigError, with_issuer
from local_hub.data_folder import InUse, hold
from local_hub.faults.connection import OpenHandedProtocol
from local_hub.faults.script import Script
from local_hub.faults.tls import TLS_1_1, handshake_only, server_context
from local_hub.hub.issuer_keys import IssuerKeys
from local_hub.hub.service import Hub, Settings
from local_hub.hub.store import FILE_NAME, Store
from local_hub.issuer import Issuer
from local_hub.issuers.http import CiIssuers, CiJob
from local_hub.issuers.registry import CIS
from local_hub.jobs import RegisteredJob
from local_hub.repositories.git_commands import NoGit, check_git
from local_hub.repositories.router import RepositoryRouter

GRACE_SECONDS = 3
CA_FILE = "ca.pem"


@dataclass(frozen=True)
class ServeOptions:
    """What the command line asked for."""

    config: Config
    host: str = "127.0.0.1"
    port: int = 0
    data: Path | None = None
    tls: bool = False
    audiences: tuple[str, ...] = ()
    token_lifetime: int = 3600
    tls_fault: str | None = None


class _AnnouncingServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn's own would raise the signal again afterwards, and the exit code would tell of a failure.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.handle_exit)
        yield


def serve(options: ServeOptions) -> None:
    """Serve until a signal comes."""
    _check_git()
    with contextlib.ExitStack() as cleanup:
        listener = cleanup.enter_context(_bound(options.host, options.port))
        directory = _working_directory(options.data, cleanup)
        # Before anything is changed there: it may be another's, who is at work.
        cleanup.enter_context(_held(directory))
        authority = trustme.CA() if options.tls else None
        ca_path = _published_ca(authority, directory)
        base_url = _base_url(listener, options)
        store = cleanup.enter_context(contextlib.closing(_opened_store(options.data)))
        issuer = Issuer(base_url)
        others = CiIssuers(base_url, directory / "bin")
        hub = _hub(base_url, issuer, store, _trust(ca_path), options)
        jobs = _apply(options.config, store, issuer, others)
        ready = {"hub": base_url, "issuer": issuer.url, "ca": ca_path, "pid": os.getpid(), "jobs": jobs}
        router = _repository_router(store, directory, base_url)
        script = Script({path: list(names) for path, names in options.config.faults.items()})
        context = server_context(authority, options.tls_fault) if authority else None
        config = _uvicorn_config(make_app(hub, issuer, others, script, router), context, options.tls_fault)
        _AnnouncingServer(config, lambda: _announce(ready)).run(sockets=[listener])


def _check_git() -> None:
    try:
        check_git()
    except NoGit as error:
        raise ConfigError(str(error)) from None


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if host == "::1" else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigError(f"--port {port}: cannot be bound on {host}: {error.strerror}") from None
    return listener


def _base_url(listener: socket.socket, options: ServeOptions) -> str:
    scheme = "https" if options.tls else "http"
    host = f"[{options.host}]" if ":" in options.host else options.host
    return f"{scheme}://{host}:{listener.getsockname()[1]}"


def _working_directory(data: Path | None, cleanup: contextlib.ExitStack) -> Path:
    if data is None:
        return Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="local-hub-")))
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--data {data}: must be a directory that can be written: {error.strerror}") from None
    return data.absolute()  # git is started elsewhere


def _held(directory: Path) -> IO[bytes]:
    try:
        return hold(directory)
    except OSError as error:
        raise ConfigError(f"--data {directory}: must be a directory that can be written: {error.strerror}") from None
    except InUse:
        raise ConfigError(f"--data {directory}: another Local Hub uses it; give each its own") from None


def _opened_store(data: Path | None) -> Store:
    try:
        return Store(data)
    except (OSError, sqlite3.Error) as error:
        raise ConfigError(f"--data {data}: must hold no {FILE_NAME}, or one that Local Hub wrote: {error}") from None


def _repository_router(store: Store, directory: Path, base_url: str) -> RepositoryRouter:
    try:
        return RepositoryRouter(store, directory, base_url)
    except OSError as error:
        raise ConfigError(f"--data {directory}: repositories cannot be held there: {error.strerror}") from None


def _published_ca(authority: trustme.CA | None, directory: Path) -> str | None:
    if authority is None:
        return None
    path = directory / CA_FILE
    try:
        # What lies there is replaced, not written through: it may be a link that somebody else put there.
        path.unlink(missing_ok=True)
        with path.open("xb") as file:
            file.write(authority.cert_pem.bytes())
    except OSError as error:
        raise ConfigError(f"--data {directory}: {CA_FILE} cannot be written there: {error.strerror}") from None
    return str(path.absolute())


def _trust(ca_path: str | None) -> ssl.SSLContext:
    trust = ssl.create_default_context()
    if ca_path:
        trust.load_verify_locations(ca_path)
    return trust


def _hub(base_url: str, issuer: Issuer, store: Store, trust: ssl.SSLContext, options: ServeOptions) -> Hub:
    settings = Settings(frozenset({base_url, *options.audiences}), options.token_lifetime, issuer.url)
    return Hub(store, IssuerKeys(trust, known=options.config.key_sets), settings)


def _apply(config: Config, store: Store, issuer: Issuer, others: CiIssuers) -> dict[str, dict[str, str]]:
    """Bring the store to what the configuration says; what is there already is not added twice."""
    for declared in config.resources:
        store.set_up(declared)
    own = {"github": issuer.url} | {ci.name: others.url(ci) for ci in CIS}
    for publisher in (with_issuer(publisher, own) for publisher in config.publishers):
        if not store.has_publisher(publisher):
            store.add_publisher(publisher, time.time())
    for account in config.locked:
        store.lock_account(account, locked=True, now=time.time())
    return {name: _environment(job, issuer, others) for name, job in config.jobs.items()}


def _environment(job: RegisteredJob | CiJob, issuer: Issuer, others: CiIssuers) -> dict[str, str]:
    return others.register(job)[1] if isinstance(job, CiJob) else issuer.register(job)[1]


def _uvicorn_config(app: ASGIApp, context: ssl.SSLContext | None, tls_fault: str | None) -> uvicorn.Config:
    bare = handshake_only(context) if context and tls_fault == TLS_1_1 else None
    return uvicorn.Config(
        app,
        http=bare or OpenHandedProtocol,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_context_factory=(lambda *_: context) if context and not bare else None,
    )


def _announce(ready: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
