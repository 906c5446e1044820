"""A workflow file on a laptop: text in, findings out. It is read as GitHub reads it, and judged before it is pushed."""
