"""Codefresh."""
