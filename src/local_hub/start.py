"""The command `local-hub` as it is installed: without what only Local Hub needs, it says so and ends."""

import sys


def main() -> int:
    """Run the command line; give the exit code."""
    try:
        from local_hub import cli  # noqa: PLC0415 - what it imports may not be here
    except ModuleNotFoundError as error:
        needed = "pip install 'hf-oidc-action[local-hub]' (in a checkout: pip install '.[local-hub]')"
        sys.stderr.write(f"local-hub: {error.name} is needed, which the action itself does without: {needed}\n")
        return 2
    return cli.main()
