"""The steps that log in to the Hub, their inputs, and the rights of their jobs."""
