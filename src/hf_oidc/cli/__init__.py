"""The command line `hf-oidc`: one module for each command, and what they share."""
