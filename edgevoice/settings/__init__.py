"""The settings: their schema, where they are read, what they may hold, and what a running box takes over."""
