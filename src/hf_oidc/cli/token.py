"""`hf-oidc token`: prints one token, and nothing else, on standard output."""

from __future__ import annotations

import os
from typing import Any

import click

from hf_oidc.cli import streams
from hf_oidc.cli.failures import explained
from hf_oidc.cli.options import LoginCommand, Settings, logs_in, resource
from hf_oidc.cli.session import Session
from hf_oidc.token_request import DEFAULT_NAME, TokenRequest

EPILOG = """\b
Examples:
  hf-oidc token acme/awesome-model | some-tool --token-stdin
  TOKEN=$(hf-oidc token datasets/acme/corpus) || exit
  hf-oidc token acme/awesome-model --id-token-file /run/secrets/id-token

"""


@click.command(cls=LoginCommand, epilog=EPILOG, short_help="Print a token on standard output.")
@click.argument("resources", metavar="[RESOURCE]", nargs=-1)
@click.option("--show", is_flag=True, help="Print the token even if standard output is a terminal.")
@logs_in
def token(*, resources: tuple[str, ...], show: bool, **given: Any) -> None:
    """Print a token for RESOURCE or, without an argument, for $HF_OIDC_RESOURCE.

    RESOURCE is namespace/name for a model; datasets/namespace/name, spaces/…, kernels/… or buckets/… for other
    repositories; or a user name, to read the gated repositories that this user may read.

    Only the token goes to standard output; everything else goes to standard error. Prefer `hf-oidc run` where you
    can: it gives the token to one command only.
    """
    env = dict(os.environ)
    with explained():
        settings = Settings.read(given, env)
        requests = [TokenRequest(DEFAULT_NAME, resource(resources, env))]
        streams.require(show=show)
    with explained(requests, settings):
        session = Session.open(settings, env)
    (granted,) = session.log_in(requests)
    click.echo(granted.token.secret.reveal())
