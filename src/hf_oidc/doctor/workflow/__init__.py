"""Checks a GitHub workflow file before it is pushed. It reads the file as GitHub reads it."""
