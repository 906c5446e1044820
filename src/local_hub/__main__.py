"""The installed command `local-hub`, and `python -m local_hub`.

Local Hub needs packages that the action does not. If one is missing, this module says what to install.
"""

import sys


def main() -> int:
    """Run the command line and return its exit code."""
    try:
        from local_hub import cli  # noqa: PLC0415 - its dependencies may be missing
    except ModuleNotFoundError as error:
        install = "pip install 'hf-oidc-action[local-hub]' (in a checkout: pip install '.[local-hub]')"
        sys.stderr.write(f"local-hub: the package {error.name} is missing; run {install}\n")
        return 2
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
