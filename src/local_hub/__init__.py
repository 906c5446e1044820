"""Local Hub: a local test server that stands in for the Hub and for the OIDC issuers of CIs.

It always verifies signatures. It never imports `hf_oidc`: shared code would share its mistakes.
"""
