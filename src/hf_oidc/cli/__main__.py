"""`python -m hf_oidc.cli` is `hf-oidc`."""

from hf_oidc.__main__ import main

main()
