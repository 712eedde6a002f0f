"""The live page: a process of its own between browsers and the control socket. The daemon never loads it."""
