"""The entry point `hf-oidc`, which is also `python -m hf_oidc`."""

from __future__ import annotations

from hf_oidc import entry_point


def main() -> None:
    """Runs the command line and ends the process."""
    entry_point.skip_unneeded_work()
    from hf_oidc.cli import app  # noqa: PLC0415 - not before the line above

    entry_point.end(app.main())


if __name__ == "__main__":
    main()
