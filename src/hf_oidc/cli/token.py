"""`hf-oidc token`: one token, alone on standard output."""

from __future__ import annotations

import os
from typing import Any

import click

from hf_oidc import env_name
from hf_oidc.cli import output
from hf_oidc.cli.options import BY_CI, Settings, logs_in, resource
from hf_oidc.cli.session import World, explained, preparing, tokens
from hf_oidc.wanted import Wanted

EPILOG = """\b
Examples:
  hf-oidc token acme/awesome-model | some-tool --token-stdin
  TOKEN=$(hf-oidc token datasets/acme/corpus) || exit
  hf-oidc token acme/awesome-model --id-token-file /run/secrets/id-token

"""


@click.command(epilog=EPILOG + BY_CI, short_help="Print a token, alone on standard output.")
@click.argument("resources", metavar="[RESOURCE]", nargs=-1)
@click.option("--show", is_flag=True, help="Print the token even if standard output is a terminal.")
@logs_in
def token(*, resources: tuple[str, ...], show: bool, **given: Any) -> None:
    """Print a token for RESOURCE, which is $HF_OIDC_RESOURCE unless given.

    RESOURCE is namespace/name for a model, datasets/namespace/name, spaces/…, kernels/… or buckets/… for the others, or
    a user name for that user's gated reads.

    The token is alone on standard output; everything else goes to standard error. Most jobs are better served by
    `hf-oidc run`, which shows the token to one command only.
    """
    env = dict(os.environ)
    with explained():
        settings = Settings.read(given, env)
        what = Wanted(env_name.DEFAULT, resource(resources, env))
        output.require(show=show)
    with preparing([what], settings):
        world = World.of(settings, env)
    (granted,) = tokens([what], settings, world)
    click.echo(granted.secret.reveal())
