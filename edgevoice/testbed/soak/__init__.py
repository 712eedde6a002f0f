"""The soak: the daemon as a child, on the virtual card, in dialogues that faults fall into; and a judge of what it did.

Nothing of it is in the daemon: it looks at the box from outside, as systemd and the kernel do.
"""
