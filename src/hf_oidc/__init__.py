"""Exchange a CI job's OpenID Connect ID token for a short-lived Hugging Face token."""
