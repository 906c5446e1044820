"""Explains failures: from an error's facts to the words for a person. It neither fetches nor delivers."""
