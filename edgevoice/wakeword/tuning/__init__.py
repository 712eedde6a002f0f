"""Tools for tuning wake words: near misses, recordings, evaluation, and proposed thresholds."""
