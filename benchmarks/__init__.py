"""Measurements that anyone can repeat; each prints its table."""
