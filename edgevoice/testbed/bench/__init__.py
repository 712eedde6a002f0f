"""Benchmarks: measured on the virtual card, each with one JSON object on its last line."""
