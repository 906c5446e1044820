"""The repositories that Local Hub holds: real bare git repositories, and the doors to them that the Hub has.

The rest of Local Hub hands out tokens; here they are worth something. Who may do what is decided in `access` alone.
"""
