"""GitHub Actions' expression language, evaluated with values of which some are not known."""
