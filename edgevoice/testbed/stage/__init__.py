"""The stage: the whole daemon on the virtual card, for the demo, the benchmarks and the end-to-end tests."""
