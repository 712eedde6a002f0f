"""Counts and times of the running box for Prometheus, in a file; loaded only with ``metrics.enabled``."""
