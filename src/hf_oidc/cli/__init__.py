"""The command line's entry_point: one module a command."""
