"""Where the box keeps files, and how it writes them: atomically, privately, and without leftovers."""
