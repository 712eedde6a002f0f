"""Examining a box: facts are probed, then judged; every finding that is not fine comes with a remedy."""
