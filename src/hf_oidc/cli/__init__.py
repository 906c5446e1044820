"""The command line `hf-oidc`: one module for each command, and what they share."""

from hf_oidc import deferred_imports

# Here, before a command imports it: without the modules that no login uses.
with deferred_imports.imports():
    import click  # noqa: F401
