"""The composition root: builds the adapters, starts them in order, and stops them whatever happens."""
