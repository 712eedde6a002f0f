"""The settings: their schema, where they are read, what they may contain, and what a running box applies."""
