"""The settings pages: HTML over the store, rendered here, without scripts and without anything from elsewhere."""

from local_hub.pages.routes import routes

__all__ = ["routes"]
