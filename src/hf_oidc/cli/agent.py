"""`hf-oidc agent`: keeps token files fresh until a signal stops it, for steps and containers that it does not start.

It is `hf-oidc run --keep-fresh` without a command: `cli.renewer` renews the tokens of both. This module decides where
the files are, when they are ready, and when they go.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shlex
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from hf_oidc.cli import streams
from hf_oidc.cli.failures import explained
from hf_oidc.cli.options import LoginCommand, Settings, logs_in, token_requests
from hf_oidc.errors import DeliveryFailed, InvalidInput
from hf_oidc.output import files
from hf_oidc.sanitize import sanitize, sanitize_line
from hf_oidc.secret import Secret
from hf_oidc.token_request import TokenRequest, path_from_argument, paths_from_arguments

EPILOG = """\b
Examples:
  # in a script (on GitHub: a step with background: true instead)
  folder=$(mktemp -d)                        # no other user can write to it
  hf-oidc agent acme/awesome-model --token-file "$folder/token" --ready-file "$folder/ready" &
  timeout 90 sh -c 'until [ -e "$0/ready" ]; do sleep 1; done' "$folder"
  . "$folder/ready"                          # sets HF_TOKEN_PATH, and git
  hf upload acme/awesome-model ./model .
  kill $!; wait                              # removes both files
  # several resources
  hf-oidc agent MODEL=acme/model DATA=datasets/acme/corpus \\
    --token-file MODEL="$folder/model" --token-file DATA="$folder/data"

"""
# SIGBREAK: Windows, Ctrl+Break.
STOPPING = {
    getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGBREAK") if hasattr(signal, name)
}
POLL = 1.0  # seconds
TOKEN, READY = "--token-file", "--ready-file"


@click.command(
    cls=LoginCommand,
    epilog=EPILOG,
    options_metavar="[OPTIONS]",
    short_help="Keep a token file fresh until it is stopped.",
)
@click.argument("resources", metavar="[NAME=]RESOURCE…", nargs=-1)
@click.option(
    TOKEN,
    "token_files",
    metavar="[NAME=]PATH",
    multiple=True,
    help="Where the token is. With several resources, give each NAME a file.",
)
@click.option(
    READY,
    metavar="PATH",
    help="Shell lines that let huggingface_hub and git use the tokens. Exists while the tokens are in place and valid.",
)
@click.option(
    "--on-expiry",
    type=click.Choice(["warn", "stop"], case_sensitive=False),
    default="warn",
    show_default=True,
    help="What to do when a token expires and cannot be renewed.",
)
@logs_in
def agent(
    *,
    resources: tuple[str, ...],
    token_files: tuple[str, ...],
    ready_file: str | None,
    on_expiry: str,
    **given: Any,
) -> None:
    """Write the token of each RESOURCE to a file, for this user's other programs, and renew it until stopped.

    Without RESOURCE, the token is for $HF_OIDC_RESOURCE.

    It runs in the foreground. Stop it with SIGTERM, SIGINT, SIGHUP or SIGQUIT: it then removes the files, and the exit
    code is 0. It is 1 if a login at the start failed, if a file cannot be written or removed, or if a token expired
    with --on-expiry stop; 2 if the arguments are wrong; and 128 plus the number of a signal that came before the
    tokens were there.
    """
    env = dict(os.environ)
    with explained():
        settings = Settings.read(given, env)
        requests = token_requests(resources, env)
        paths = paths_from_arguments(token_files, [request.name for request in requests], TOKEN)
        ready = path_from_argument(ready_file, READY) if ready_file is not None else None
        task = Task(requests, paths, ready, stop_on_expiry=on_expiry == "stop")
        read = (given["id_token_file"], given["ca_bundle"], env.get("HF_OIDC_ID_TOKEN_FILE"))
        task.require([Path(each) for each in read if each])
    raise click.exceptions.Exit(task.run(settings, env))


class Task(NamedTuple):
    """What the agent does. `paths`: the token file of each request, by name. `ready`: the file that says they exist."""

    requests: Sequence[TokenRequest]
    paths: Mapping[str, Path]
    ready: Path | None
    stop_on_expiry: bool

    def require(self, inputs: Sequence[Path]) -> None:
        """Call before the login. Raises the `LoginError` that is known then. Removes an old ready file.

        `inputs`: the files that the login reads.
        """
        paths = [*self.paths.values(), *([self.ready] if self.ready else ())]
        try:
            places = [(os.path.realpath(path.parent), path.name) for path in (*paths, *inputs)]
        except FileNotFoundError:
            raise InvalidInput(TOKEN, "The working directory was removed", "absolute paths") from None
        if any(places.count(place) > 1 for place in places[: len(paths)]):
            raise InvalidInput(TOKEN, "Two files have the same path", "a different path for each")
        named = [(self._option(name), path) for name, path in self.paths.items()]
        for option, path in [*named, *([(READY, self.ready)] if self.ready else ())]:
            with _named(option):
                files.require_guarded_folder(path)
                files.require_replaceable(path)
            if files.is_in_checkout(path.parent):
                what = f"`{option}`: {sanitize_line(str(path))} is in the working directory. Do not publish it."
                streams.tell(f"hf-oidc: Warning: {what}")
        if self.ready and self.ready.exists():  # an agent that was killed has left it
            with self.ready.open("rb") as file:
                if not b"unset ".startswith(file.read(6)):
                    what = f"`{READY}`: {sanitize_line(str(self.ready))} exists, and is not a ready file"
                    raise InvalidInput(READY, what, "the path of a new file")
            _remove(READY, self.ready)

    def run(self, settings: Settings, env: Mapping[str, str]) -> int:
        """Keeps the files fresh until a signal comes. The exit code. Raises `click.exceptions.Exit` if that fails."""
        from hf_oidc.cli.renewer import FirstTokens, OnExpiry, Renewer  # noqa: PLC0415 - only a run needs them

        first = FirstTokens.log_in(self.requests, settings, env)
        stopped = _stopping()
        paths = {first.path_variables[name]: str(path.absolute()) for name, path in self.paths.items()}
        ready = ReadyFile(self.ready, _shell(first.hidden, {**paths, **first.git}))

        def write(request: TokenRequest, secret: Secret) -> None:
            _replace(self._option(request.name), self.paths[request.name], secret.reveal())
            ready.renewed(request)

        on_expiry = OnExpiry("Trying again", ready.expired)
        if self.stop_on_expiry:
            on_expiry = OnExpiry("The agent stops", lambda _request: stopped.put(1))
        renewer = Renewer(first.session.renew, write, on_expiry)
        # At the end, in reverse order: the ready file, the renewals, the tokens.
        with explained(), contextlib.ExitStack() as at_the_end:
            for request, token in first.granted:
                path = self.paths[request.name]
                _replace(self._option(request.name), path, token.secret.reveal())
                at_the_end.callback(_remove, self._option(request.name), path)
            renewer.start(first.lifetimes)
            at_the_end.callback(renewer.end)
            at_the_end.callback(ready.end)
            ready.renewed(first.granted[0].request)
            has = f"The file of `{READY}` has them, and those for git." if self.ready else "For git, use --ready-file."
            # A path that `sanitize` would change is useless in the log.
            shown = {
                variable: text if sanitize(text) == text else f"PATH of {self._option(name)}"
                for name, (variable, text) in zip(self.paths, paths.items(), strict=True)
            }
            lines = "".join(f"\n  {line}" for line in _shell(first.hidden, shown))
            first.session.say(f"Ready, and renewing. Programs that use the tokens need these lines. {has}{lines}")
            code = None
            while code is None:
                # Windows runs the handler of a signal only between two calls.
                with contextlib.suppress(queue.Empty):
                    code = stopped.get(timeout=POLL)
            for number in STOPPING:  # a second one would end the process with its number
                signal.signal(number, signal.SIG_IGN)
        return code

    def _option(self, name: str) -> str:
        """How a message names the file. Not by its path, which may look like a token and is then not shown."""
        return TOKEN if len(self.paths) == 1 else f"{TOKEN} {name}"


class ReadyFile:
    """The file that exists while all tokens are in place and valid. Without a `path`, there is none."""

    def __init__(self, path: Path | None, lines: Sequence[str]) -> None:
        self._path, self._text = path, "".join(f"{line}\n" for line in lines)
        self._expired: set[TokenRequest] = set()
        self._ended = False
        # Held while the file is created or removed.
        self._lock = threading.Lock()

    def renewed(self, request: TokenRequest) -> None:
        """Creates the file if now no token has expired. Raises `DeliveryFailed` if it cannot."""
        with self._lock:
            self._expired.discard(request)
            if self._path and not (self._expired or self._ended or os.path.lexists(self._path)):
                _replace(READY, self._path, self._text)

    def expired(self, request: TokenRequest) -> None:
        """Removes the file, because a token expired before it was renewed. Reports it if it cannot."""
        with self._lock:
            self._expired.add(request)
            if self._path and not self._ended:
                with contextlib.suppress(click.exceptions.Exit):
                    _remove(READY, self._path)

    def end(self) -> None:
        """Removes the file for good. Raises `click.exceptions.Exit` if it cannot."""
        with self._lock:
            self._ended = True
            if self._path:
                _remove(READY, self._path)


def _replace(option: str, path: Path, text: str) -> None:
    with _named(option):
        files.require_guarded_folder(path)  # the folder may be another one now
        files.replace(path, text)


def _remove(option: str, path: Path) -> None:
    with explained(), _named(option):  # each by itself: one that fails must not hide another one
        files.remove(path)


@contextlib.contextmanager
def _named(option: str) -> Iterator[None]:
    try:
        yield
    except DeliveryFailed as error:
        raise DeliveryFailed(f"`{option}`: {error.what}") from None


def _stopping() -> queue.SimpleQueue[int]:
    """A queue of exit codes. A signal that stops the agent puts 0 into it."""
    # A handler may interrupt any line. `put` of this queue is reentrant, and `Event.set` is not.
    stopped: queue.SimpleQueue[int] = queue.SimpleQueue()
    if sys.platform != "win32":  # pragma: no branch - a program inherits the blocked signals of its parent
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    for number in STOPPING:
        # nohup ignores SIGHUP, and a shell ignores SIGINT for what it starts with `&`.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: stopped.put(0))
    return stopped


def _shell(hidden: Sequence[str], variables: Mapping[str, str]) -> list[str]:
    """Lines for sh, bash and zsh."""
    return [f"unset {' '.join(hidden)}", *(f"export {name}={shlex.quote(value)}" for name, value in variables.items())]
