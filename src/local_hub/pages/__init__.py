"""The settings pages: HTML rendered on the server, without scripts and without external resources."""

from local_hub.pages.routes import routes

__all__ = ["routes"]
