"""The control socket: programs of this machine that ask the box for something, or watch it."""
