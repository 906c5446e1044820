"""Checks before and without a login: the job, its ID token, and workflow files."""
