"""Tests, benchmarks and demonstrates the box on a virtual sound card. The daemon never imports it."""
