"""The command line of Local Hub: arguments and exit codes.

Exit codes: 0 stopped by a signal, 1 the demo failed, 2 the arguments or the configuration are invalid.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from local_hub.config import Config, ConfigError, load
from local_hub.faults.tls import TLS_FAULTS
from local_hub.loopback import HOSTS, is_trustworthy_url
from local_hub.server import ServeOptions, serve

LONGEST_LIFETIME = 2_592_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parsed = _parser().parse_args(arguments)
    if parsed.command == "demo":
        from local_hub import demo  # noqa: PLC0415 - takes a third of the start, and the server does not need it

        return demo.main()
    try:
        options = ServeOptions(
            load(parsed.config) if parsed.config else Config(),
            parsed.host,
            parsed.port,
            parsed.data,
            parsed.tls or parsed.tls_fault is not None,
            tuple(parsed.audience),
            parsed.token_lifetime,
            parsed.tls_fault,
            parsed.whoami,
        )
        serve(options)
    except ConfigError as error:
        sys.stderr.write(f"local-hub: {error}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="local-hub",
        description="A local test server that stands in for the Hub and for the OIDC issuers of CIs.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demo", help="run the action against Local Hub, step by step")
    server = commands.add_parser("serve", help="start the server; stop it with Ctrl-C")
    server.add_argument(
        "--config", type=Path, metavar="FILE", help="YAML file: publishers, resources, accounts, jobs, faults, issuers"
    )
    server.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="keep all data in this directory; default: a private one, removed at exit",
    )
    server.add_argument("--host", type=_host, default="127.0.0.1", help="127.0.0.1 (default), ::1 or localhost")
    server.add_argument(
        "--port", type=partial(_number, least=0, most=65_535), default=0, help="0 (default): any free port"
    )
    server.add_argument("--tls", action="store_true", help="serve https, with a temporary certificate authority")
    server.add_argument(
        "--tls-fault", choices=TLS_FAULTS, help="serve https with a fault that every client must reject"
    )
    server.add_argument(
        "--audience",
        type=_audience,
        action="append",
        default=[],
        metavar="URL",
        help="also accept this audience (`aud`) in ID tokens",
    )
    server.add_argument(
        "--token-lifetime",
        type=partial(_number, least=1, most=LONGEST_LIFETIME),
        default=3600,
        metavar="SECONDS",
        help="lifetime of Hub tokens; default: 3600",
    )
    server.add_argument(
        "--whoami",
        action="store_true",
        help="also answer whoami for a repository's token, with the owner's name; what the Hub answers is not known",
    )
    return parser


def _host(value: str) -> str:
    if value not in HOSTS:
        raise argparse.ArgumentTypeError(
            "must be 127.0.0.1, ::1 or localhost: Local Hub gives tokens to everyone who can connect"
        )
    return value


def _audience(value: str) -> str:
    if not is_trustworthy_url(value):
        raise argparse.ArgumentTypeError("must be an https:// URL, or http:// on loopback")
    return value


def _number(value: str, *, least: int, most: int) -> int:
    if not (value.isascii() and value.isdigit() and least <= int(value) <= most):
        raise argparse.ArgumentTypeError(f"must be a whole number from {least} to {most}")
    return int(value)


if __name__ == "__main__":
    sys.exit(main())
