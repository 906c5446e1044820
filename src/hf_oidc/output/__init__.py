"""Where tokens go: one module for each place."""
