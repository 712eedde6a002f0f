"""What wake words are tuned by: near misses, recordings, evaluation, and the thresholds proposed."""
