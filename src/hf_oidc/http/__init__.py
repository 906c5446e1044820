"""HTTP: messages, URLs, proxies, and the one module that connects."""
