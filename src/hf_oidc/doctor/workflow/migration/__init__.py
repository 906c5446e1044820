"""Changes a workflow that uses a stored token into one that logs in."""
