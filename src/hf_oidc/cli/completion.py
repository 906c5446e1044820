"""`hf-oidc completion`: prints the script that lets a shell complete commands and options."""

from __future__ import annotations

import click

EPILOG = """\b
Examples:
  eval "$(hf-oidc completion bash)"                              # in ~/.bashrc
  eval "$(hf-oidc completion zsh)"                               # in ~/.zshrc
  hf-oidc completion fish > ~/.config/fish/completions/hf-oidc.fish
"""


@click.command(epilog=EPILOG, short_help="Print the completion script for a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"], case_sensitive=False))
@click.pass_context
def completion(context: click.Context, /, *, shell: str) -> None:
    """Print the script that lets SHELL complete hf-oidc commands and options."""
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - no other command needs it

    # Click's script, which runs this program to find the candidates.
    maker = get_completion_class(shell)
    assert maker is not None  # noqa: S101 - click has all three
    click.echo(maker(context.find_root().command, {}, "hf-oidc", "_HF_OIDC_COMPLETE").source())
