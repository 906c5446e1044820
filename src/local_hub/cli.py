"""The command line of Local Hub: arguments and exit codes, and nothing that another module could know.

Exit codes: 0 stopped when told to, 1 the demo did not go as it should, 2 the arguments or the configuration are wrong.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from local_hub import demo
from local_hub.config import Config, ConfigError, load
from local_hub.faults.tls import TLS_FAULTS
from local_hub.loopback import HOSTS, is_trustworthy_url
from local_hub.server import ServeOptions, serve

LONGEST_LIFETIME = 2_592_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; give the exit code."""
    parsed = _parser().parse_args(arguments)
    if parsed.command == "demo":
        return demo.main()
    try:
        serve(_options(parsed))
    except ConfigError as error:
        sys.stderr.write(f"local-hub: {error}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="local-hub",
        description="A stand-in for the Hub's token exchange and for GitHub's OIDC issuer, on loopback.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demo", help="show the action at work, step by step")
    _add_serve_arguments(commands.add_parser("serve", help="serve until told to stop"))
    return parser


def _add_serve_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="YAML: publishers, resources, accounts, jobs, faults"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep everything here; without it, in memory")
    parser.add_argument("--host", type=_host, default="127.0.0.1", help="127.0.0.1 (default), ::1 or localhost")
    parser.add_argument("--port", type=_port, default=0, help="0 (default): any that is free")
    parser.add_argument("--tls", action="store_true", help="serve https, with a throw-away certificate authority")
    parser.add_argument("--tls-fault", choices=TLS_FAULTS, help="serve https that no client may accept")
    parser.add_argument(
        "--audience", type=_audience, action="append", default=[], metavar="URL", help="accept this `aud` as well"
    )
    parser.add_argument(
        "--token-lifetime", type=_lifetime, default=3600, metavar="SECONDS", help="of the Hub's tokens (3600)"
    )


def _options(parsed: argparse.Namespace) -> ServeOptions:
    return ServeOptions(
        load(parsed.config) if parsed.config else Config(),
        parsed.host,
        parsed.port,
        parsed.data,
        parsed.tls or parsed.tls_fault is not None,
        tuple(parsed.audience),
        parsed.token_lifetime,
        parsed.tls_fault,
    )


def _host(value: str) -> str:
    if value not in HOSTS:
        raise argparse.ArgumentTypeError(
            "must be 127.0.0.1, ::1 or localhost: Local Hub hands tokens to anyone it hears"
        )
    return value


def _port(value: str) -> int:
    return _number(value, 0, 65_535)


def _lifetime(value: str) -> int:
    return _number(value, 1, LONGEST_LIFETIME)


def _audience(value: str) -> str:
    if not is_trustworthy_url(value):
        raise argparse.ArgumentTypeError("must be an https:// URL, or http:// on loopback")
    return value


def _number(value: str, least: int, most: int) -> int:
    if not (value.isascii() and value.isdigit() and least <= int(value) <= most):
        raise argparse.ArgumentTypeError(f"must be a whole number from {least} to {most}")
    return int(value)


if __name__ == "__main__":
    sys.exit(main())
