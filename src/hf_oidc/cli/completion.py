"""`hf-oidc completion`: what makes a shell complete the commands and options of `hf-oidc`."""

from __future__ import annotations

import click

EPILOG = """\b
Examples:
  eval "$(hf-oidc completion bash)"                              # in ~/.bashrc
  eval "$(hf-oidc completion zsh)"                               # in ~/.zshrc
  hf-oidc completion fish > ~/.config/fish/completions/hf-oidc.fish
"""


@click.command(epilog=EPILOG, short_help="Print what makes a shell complete all of this.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"], case_sensitive=False))
@click.pass_context
def completion(context: click.Context, /, *, shell: str) -> None:
    """Print the script that completes hf-oidc in SHELL."""
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - of use to nobody else

    # Click's own, which asks this program what may follow.
    maker = get_completion_class(shell)
    assert maker is not None  # noqa: S101 - click has all three
    click.echo(maker(context.find_root().command, {}, "hf-oidc", "_HF_OIDC_COMPLETE").source())
