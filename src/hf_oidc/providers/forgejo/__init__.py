"""Forgejo Actions."""
