"""The providers: each issues ID tokens. `mint.py` obtains one, and `facts.py` says what is known about the provider."""
