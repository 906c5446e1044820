"""The command line's door: one module a command."""
