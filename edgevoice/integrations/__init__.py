"""Integrations: other programs that talk to the box, each a guest that can fail alone."""
