"""Wake word models: which are available, how they are loaded, and how their scores are computed."""
