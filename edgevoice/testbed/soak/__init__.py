"""The soak: the daemon as a child on the virtual card, dialogues with faults in them, and a judge of the result.

None of it is part of the daemon: it observes the box from outside, as systemd and the kernel do.
"""
