"""Semaphore."""
