"""Garbage collection: a little at a time, and at moments when nobody would hear the gap.

By default a full collection runs at any moment, every five to ten minutes, and visits every object: 50,000 for the
modules alone, while no thread of ours can feed the card. Until then, what the libraries leave behind after each session
stays in memory, and so do the interpreter's lists of free tuples; both looked like a leak.
"""

import gc

from edgevoice import code_pages, heap
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.notices import Notice, PhaseEntered
from edgevoice.core.ports import Observer


def spare_what_is_there() -> None:
    """Exclude all current objects from later collections, until ``spare_nothing``; call it after the setup.

    What the setup has freed goes back to the system, and so does the code that only the setup has run. Collections are
    enabled, which the start may have disabled.
    """
    gc.collect()
    gc.freeze()
    gc.enable()
    heap.trim()
    code_pages.give_back()


def spare_nothing() -> None:
    """Let the last collection, at exit, visit everything: some libraries complain about leftovers."""
    gc.unfreeze()


class Collector(Observer):
    """Collects garbage when a conversation is over: a millisecond where most is spared."""

    def observe(self, notice: Notice, _now: float) -> None:
        """Collect where nobody would hear the gap."""
        match notice:
            case PhaseEntered(phase=Phase.IDLE):
                gc.collect()
            case _:
                pass  # the box is listening to somebody
