"""Garbage collection: a little at a time, and at moments when nobody would hear the gap.

Left to itself it comes at any moment, once in five to ten minutes, and goes through every object that there is: 50,000
for the modules alone, while no thread of ours can feed the card. Until it comes, what the libraries leave behind with
each session lies about, and so do the interpreter's lists of free tuples; both looked like a leak.
"""

import gc

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.notices import Notice, PhaseEntered
from edgevoice.core.ports import Observer


def spare_what_is_there() -> None:
    """Leave everything that exists now out of all later searches, until ``spare_nothing``; when all has been set up."""
    gc.collect()
    gc.freeze()


def spare_nothing() -> None:
    """Let the last search, at the end of the process, find everything: some libraries complain of what is left."""
    gc.unfreeze()


class Collector(Observer):
    """Collects garbage when a conversation is over: a millisecond where most is spared."""

    def observe(self, notice: Notice, _now: float) -> None:
        """Collect where nobody would hear the gap."""
        match notice:
            case PhaseEntered(phase=Phase.IDLE):
                gc.collect()
            case _:
                pass  # somebody is being listened to
