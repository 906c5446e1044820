"""What the Hub is: its resources, its token exchange, its tokens. Does no I/O."""
