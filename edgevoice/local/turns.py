"""Turns: voiced and unvoiced frames in, starts, pauses and ends out. Pure; time is counted in audio, not by a clock."""

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto

FRAME_MS = 20
# 60 ms of voice within 100 ms: shorter than a syllable, longer than a click.
_ONSET_WINDOW_FRAMES = 5
_ONSET_VOICED_FRAMES = 3
# A television never pauses; its turn must end all the same.
LONGEST_TURN_MS = 30_000


class TurnEvent(Enum):
    """The event at a frame."""

    STARTED = auto()
    PAUSED = auto()
    ENDED = auto()


@dataclass(frozen=True, slots=True)
class EndpointingDelays:
    """How long a silence may last.

    After ``pause_ms`` the listener is asked once per pause whether the turn is complete; after ``limit_ms`` the turn
    ends without asking. If both are equal, it ends without asking.
    """

    pause_ms: int
    limit_ms: int


class TurnDetector:
    """Follow one speaker's turns, frame by frame (20 ms each).

    ``onset_frame`` is the first voiced frame of the latest turn and ``voiced_until_frame`` the one after its last
    voiced frame, both counted from the detector's first frame.
    """

    def __init__(self, patience: EndpointingDelays) -> None:
        self._patience = patience
        self._window: deque[bool] = deque(maxlen=_ONSET_WINDOW_FRAMES)
        self._frames = 0
        self.is_speaking = False
        self.onset_frame = 0
        self.voiced_until_frame = 0

    @property
    def silent_ms(self) -> int:
        """How long the current turn has been silent."""
        return (self._frames - self.voiced_until_frame) * FRAME_MS

    def frame(self, *, is_voiced: bool) -> TurnEvent | None:
        """Take the next frame and return its event."""
        self._frames += 1
        self._window.append(is_voiced)
        # A single voiced frame is a click: it neither begins a turn nor prolongs one.
        if is_voiced and sum(self._window) >= _ONSET_VOICED_FRAMES:
            self.voiced_until_frame = self._frames
            if not self.is_speaking:
                self.is_speaking = True
                self.onset_frame = self._frames - len(self._window) + self._window.index(is_voiced)
                return TurnEvent.STARTED
        return self._after_silence() if self.is_speaking else None

    def end(self) -> None:
        """End the turn: the listener found it complete, or the client ended it."""
        self.is_speaking = False
        self._window.clear()

    def _after_silence(self) -> TurnEvent | None:
        silent_ms = self.silent_ms
        if silent_ms >= self._patience.limit_ms or (self._frames - self.onset_frame) * FRAME_MS >= LONGEST_TURN_MS:
            self.end()
            return TurnEvent.ENDED
        if self._patience.pause_ms <= silent_ms < self._patience.pause_ms + FRAME_MS:
            return TurnEvent.PAUSED
        return None
