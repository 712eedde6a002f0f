"""The embedded service as an opponent in tests: it follows a script."""
