"""The CIs besides GitHub that Local Hub plays: one short module each, of one shape."""
