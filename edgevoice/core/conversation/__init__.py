"""The conversation: phases, turns, sessions and every transition between them."""
