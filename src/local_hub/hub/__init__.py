"""What Local Hub plays of the Hub: publishers, the token exchange, tokens, and its log."""
