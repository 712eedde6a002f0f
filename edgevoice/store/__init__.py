"""Where the box keeps files, and how it writes them: whole, private, and without leftovers."""
