"""Local Hub: a small, honest stand-in for the Hub's token exchange and for GitHub's OIDC issuer, on loopback.

It always verifies signatures, and it never imports `hf_oidc`: an oracle built from the suspect's parts proves nothing.
"""
