"""Wake word models: which are there, how they are loaded, and what computes their scores."""
