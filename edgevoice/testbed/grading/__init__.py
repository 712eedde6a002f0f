"""Holding graded conversations: through the library, and on the virtual card."""
