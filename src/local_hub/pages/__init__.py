"""The settings pages: HTML rendered on the server, without scripts and without external resources."""

from local_hub.pages.repository import repository_pages
from local_hub.pages.routes import Site, routes

__all__ = ["Site", "repository_pages", "routes"]
