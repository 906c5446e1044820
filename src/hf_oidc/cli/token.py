"""`hf-oidc token`: one token, alone on standard output."""

from __future__ import annotations

import os
from typing import Any

import click

from hf_oidc.cli import output
from hf_oidc.cli.options import Settings, logs_in, resource
from hf_oidc.cli.session import explained, tokens

EPILOG = """\b
Examples:
  TOKEN=$(hf-oidc token acme/awesome-model)
  hf-oidc token datasets/acme/corpus | some-tool --token-stdin
"""


@click.command(epilog=EPILOG)
@click.argument("resource_", metavar="RESOURCE", required=False)
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
        output.require(show=show)
        settings = Settings.read(given, env)
        what = resource(resource_, env)
    (granted,) = tokens([what], settings, env)
    click.echo(granted.secret.reveal())
