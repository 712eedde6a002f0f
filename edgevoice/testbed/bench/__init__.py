"""Benchmarks on the virtual card; each prints one JSON object on its last line."""
