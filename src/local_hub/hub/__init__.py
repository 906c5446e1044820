"""The Hub's side of Local Hub: publishers, the token exchange, tokens, and the log."""
