"""ALSA output: feeds a card's ring from a thread of its own, which sleeps for as long as the card needs nothing."""

import os
import select
import threading

import numpy as np
import numpy.typing as npt

from edgevoice.audio.alsa import AlsaError
from edgevoice.audio.callback_threads import CallbackThreads
from edgevoice.audio.card_ring import CardRing
from edgevoice.audio.speaker import Speaker
from edgevoice.core.sound.rates import FAR_END_HZ

_RESTING_S = 0.4
"""How often a silent card is looked at: for its clock, and because an unplug is noticed in no other way."""

_SOON_S = 0.001
"""The shortest sleep: a card's position may move in steps."""


class AlsaOutput:
    """Plays a speaker on a card that can be written again, from opening to ``close``; raises ``RingUnavailable``.

    ``name`` is ALSA's. The thread asks for real time. An error of ours in it goes to ``threads``; a card that is lost
    ends it.
    """

    def __init__(self, name: str, speaker: Speaker, threads: CallbackThreads) -> None:
        self._ring = CardRing(name)
        self._speaker = speaker
        self._threads = threads
        self._woken = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._is_over = False
        self._reach = self._start = speaker.position
        position = speaker.attach(self)
        try:
            self._ring.renumber(position)
        except AlsaError:
            self._is_over = True  # unplugged as it was opened: it counts as lost, like any card that is gone
        self._thread = threading.Thread(target=self._run, name="alsa-output", daemon=True)
        self._thread.start()

    @property
    def depth(self) -> int:
        """For how many samples beyond its reach the card can be written."""
        return self._ring.depth

    @property
    def size(self) -> int:
        """How many samples the card holds, and plays again unless it is given others."""
        return self._ring.size

    @property
    def rests(self) -> bool:
        """Whether the card needs nothing while it is silent."""
        return self._ring.runs_free

    @property
    def is_lost(self) -> bool:
        """Whether the card is gone."""
        return self._is_over

    def reach(self, ahead: int = 0) -> int | None:
        """Return the position ``ahead`` of the first at which the card can still be given other samples now.

        ``None`` if it is lost.
        """
        try:
            self._reach = self._ring.reach()
        except AlsaError:
            self._is_over = True
        return None if self._is_over else self._reach + ahead

    def reach_in_time(self) -> int | None:
        """Return the first position at which it still can be once they have been rendered; ``None`` if it is lost."""
        try:
            return None if self._is_over else self._ring.reach_in_time()
        except AlsaError:
            self._is_over = True
            return None

    def write_in_time(self, samples: npt.NDArray[np.int16], position: int, *, spare: int = 0) -> bool:
        """Write, unless the card has been quicker, to ``spare`` samples: then return false, and leave it as it was."""
        try:
            return self._ring.write_in_time(samples, position, spare=spare)
        except AlsaError:
            self._is_over = True
            return True

    def write(self, samples: npt.NDArray[np.int16], position: int) -> None:
        """Give the card ``samples`` from ``position`` on, in place of everything that it has from there."""
        try:
            self._ring.write(samples, position)
        except AlsaError:
            self._is_over = True

    def emitted(self) -> tuple[int, float]:
        """Return which sample the card emits now, and when that is, in monotonic seconds."""
        return self._ring.emitted()

    def wake(self) -> None:
        """Have the thread look again."""
        os.eventfd_write(self._woken, 1)

    def close(self) -> None:
        """Stop at once; what the card has not emitted is kept for the next."""
        self._is_over = True
        self.wake()
        self._thread.join()
        self._speaker.detach(self._reach)
        self._ring.close()
        os.close(self._woken)

    def _run(self) -> None:
        self._threads.join()
        try:
            while not self._is_over:
                self._sleep(self._speaker.feed(self))
        except AlsaError:
            self._is_over = True
        except Exception as error:  # noqa: BLE001 - nothing can catch it in this thread; it is in `errors`
            self._threads.errors.append(error)

    def _sleep(self, needed: int | None) -> None:
        seconds = _RESTING_S
        if needed is not None:
            seconds = min(_RESTING_S, max(_SOON_S, (needed - self._reach) / FAR_END_HZ))
        ready, _, _ = select.select([self._woken], [], [], seconds)
        if ready:
            os.eventfd_read(self._woken)
