"""`hf-oidc token`: one token, alone on standard output."""

from __future__ import annotations

import os
from typing import Any

import click

from hf_oidc import env_name
from hf_oidc.cli import streams
from hf_oidc.cli.options import LoginCommand, Settings, logs_in, resource
from hf_oidc.cli.session import World, explained, preparing, tokens
from hf_oidc.token_request import TokenRequest

EPILOG = """\b
Examples:
  hf-oidc token acme/awesome-model | some-tool --token-stdin
  TOKEN=$(hf-oidc token datasets/acme/corpus) || exit
  hf-oidc token acme/awesome-model --id-token-file /run/secrets/id-token

"""


@click.command(cls=LoginCommand, epilog=EPILOG, short_help="Print a token, alone on standard output.")
@click.argument("resource_", metavar="[RESOURCE]", required=False)
@click.option("--show", is_flag=True, help="Print the token even if standard output is a terminal.")
@logs_in
def token(*, resource_: str | None, show: bool, **given: Any) -> None:
    """Print a token for RESOURCE, which is $HF_OIDC_RESOURCE unless given.

    RESOURCE is namespace/name for a model, datasets/namespace/name, spaces/…, kernels/… or buckets/… for the others, or
    a user name for that user's gated reads.

    The token is alone on standard output; everything else goes to standard error. Most jobs are better served by
    `hf-oidc run`, which shows the token to one command only.
    """
    env = dict(os.environ)
    with explained():
        settings = Settings.read(given, env)
        what = TokenRequest(env_name.DEFAULT, resource(resource_, env))
        streams.require(show=show)
    with preparing([what], settings):
        world = World.of(settings, env)
    (granted,) = tokens([what], settings, world)
    click.echo(granted.secret.reveal())
