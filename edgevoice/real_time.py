"""Real time: lets a thread go before other programs while somebody waits to hear what it does.

Without permission (LimitRTPRIO=) threads stay as they are.
"""

import contextlib
import os
from collections.abc import Iterator
from typing import Final

_PRIORITY: Final = os.sched_param(10)

_KEPT: Final = os.SCHED_RESET_ON_FORK
"""What an urgent thread starts is not urgent. The kernel lets nobody without privileges take this back, so a thread
keeps it when its turn is over.
"""


def hurry(thread: int = 0) -> None:
    """Put a thread of this process, by its native id, above those of other programs; 0 is the calling one."""
    _schedule(thread, os.SCHED_RR, _PRIORITY)


def rest(thread: int = 0) -> None:
    """Make a thread like any other again."""
    _schedule(thread, os.SCHED_OTHER, os.sched_param(0))


@contextlib.contextmanager
def urgently() -> Iterator[None]:
    """Run a few hundred microseconds above other threads, whichever thread this is."""
    if os.sched_getscheduler(0) & ~_KEPT != os.SCHED_OTHER:
        yield
        return
    hurry()
    try:
        yield
    finally:
        rest()


def _schedule(thread: int, policy: int, priority: os.sched_param) -> None:
    with contextlib.suppress(PermissionError, ProcessLookupError):
        os.sched_setscheduler(thread, policy | _KEPT, priority)
