"""The embedded service as an opponent in tests: it does what a script says."""
