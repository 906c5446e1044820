"""Scripted faults: HTTP answers and TLS handshakes that go wrong on purpose, for testing clients."""
