"""Sound as numbers: the playout buffer, the pre-roll, and the fit of a stream's clock."""
