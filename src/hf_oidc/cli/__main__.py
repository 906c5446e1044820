"""`python -m hf_oidc.cli` is `hf-oidc`."""

from hf_oidc.cli.app import main

main()
