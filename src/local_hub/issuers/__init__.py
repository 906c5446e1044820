"""The issuers of ID tokens that Local Hub imitates: one short module per provider."""
