"""What a job does with tokens of the Hub, and with which."""
