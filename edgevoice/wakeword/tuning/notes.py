"""Notes: passes detections, near misses and their outcomes to the log. Quick, and touches no file."""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import LinkOpened, PlaybackStarted, TalkHeld, TurnEnded
from edgevoice.core.notices import Notice, PhaseEntered
from edgevoice.core.orders import OpenLink
from edgevoice.core.ports import Observer
from edgevoice.wakeword.decision import Decision
from edgevoice.wakeword.models.shapes import FRAME, RATE_HZ, Samples
from edgevoice.wakeword.tuning.near_misses import Rise, Rises
from edgevoice.wakeword.tuning.near_misses_log import (
    ConversationOutcome,
    Detection,
    Entry,
    Listening,
    NearMiss,
    NearMissLog,
)

_FRAME_S = FRAME / RATE_HZ

_LISTENING_EVERY_S = 3600.0
"""How often a box that hears nothing logs that: without it, quiet days would not count."""

_BEFORE_PEAK = 20
_AFTER_PEAK = 5
"""Frames of a clip: 2 s, a word's length and a half before the peak of its score."""

_MUTED = bytes(2 * FRAME)

_KEPT_FRAMES = 60
"""A rise may be reported 24 frames after its peak, and a clip begins 19 before it."""


class Notes:
    """Follows the decisions about ``words`` and writes what is relevant to ``log``; ``now`` is the wall clock.

    ``scales`` says for each word whose models score it: others' scores are on another scale. Used only in the
    detector's thread.
    """

    def __init__(
        self,
        words: Sequence[str],
        log: NearMissLog,
        now: Callable[[], datetime],
        *,
        share: float,
        smoothing_frames: int = 1,
        scales: Sequence[str] = (),
    ) -> None:
        self._words = words
        self._log = log
        self._now = now
        self._smoothing_frames = smoothing_frames
        self._scales = scales or ["openwakeword"] * len(words)
        self._rises = Rises(len(words), share)
        self._sound: deque[Samples] = deque(maxlen=_KEPT_FRAMES)
        self._listened_frames = 0

    def begin(self) -> None:
        """Start writing."""
        self._log.begin()

    def end(self) -> None:
        """Log how long the box listened, and stop."""
        self._put_listening()
        self._log.end()

    def take(self, frame: Samples, decision: Decision, heard: int | None, *, is_speaking: bool) -> None:
        """Take a frame and the decision about it."""
        # Zeros are a muted microphone: the box is not listening, and earlier sound must not be kept.
        if frame.tobytes() != _MUTED:
            self._listened_frames += 1
            if self._log.wants_sound:
                self._sound.append(frame)
        else:
            self._sound.clear()
        for rise in self._rises.take(decision, heard, is_speaking=is_speaking):
            self._put(self._entry(rise), self._clip(rise))
        if self._listened_s >= _LISTENING_EVERY_S:
            self._put_listening()

    def _put_listening(self) -> None:
        self._put(Listening(at=_stamp(self._now()), listened_s=self._listened_s))

    def _put(self, entry: Entry, sound: bytes = b"") -> None:
        self._log.put(entry, sound)
        self._listened_frames = 0

    def _entry(self, rise: Rise) -> Entry:
        kind = Detection if rise.is_heard else NearMiss
        return kind(
            at=_stamp(self._now()),
            listened_s=self._listened_s,
            word=self._words[rise.word],
            peak=_rounded(rise.peak),
            held=_rounded(rise.held),
            threshold=_rounded(rise.threshold),
            floor=_rounded(rise.floor),
            is_speaking=rise.is_speaking,
            smoothing_frames=self._smoothing_frames,
            models=self._scales[rise.word],
        )

    @property
    def _listened_s(self) -> float:
        return round(self._listened_frames * _FRAME_S, 2)

    def _clip(self, rise: Rise) -> bytes:
        sound, peak = list(self._sound), len(self._sound) - 1 - rise.peak_age
        if rise.is_heard or peak < 0:
            return b""
        cut = sound[max(0, peak - _BEFORE_PEAK + 1) : peak + _AFTER_PEAK + 1]
        return np.concatenate(cut).astype("<i2").tobytes()


class Outcomes(Observer):
    """An observer that notes the outcome of each wake word that opened a conversation.

    A wake word that got no answer, or was dismissed with the button before a turn had ended, was probably false. Turns
    alone prove little: the pre-roll holds the wake word itself, and the service may take that for one.
    """

    def __init__(self, log: NearMissLog, now: Callable[[], datetime]) -> None:
        self._log = log
        self._now = now
        self._word = ""
        self._turns = self._answers = 0
        self._is_open = self._is_dismissed = False

    def observe(self, notice: Notice, _now: float) -> None:
        """Take a notice."""
        match notice:
            case OpenLink(word=word, resumes=False):
                self._word, self._turns, self._answers = word, 0, 0
                self._is_open = self._is_dismissed = False
            case LinkOpened():
                self._is_open = True
            case TurnEnded():
                self._turns += 1
            case PlaybackStarted():
                self._answers += 1
            case TalkHeld() if not self._turns:
                self._is_dismissed = True
            case PhaseEntered(phase=Phase.IDLE):
                self._conclude()
            case _:
                pass  # says nothing about the wake word

    def _conclude(self) -> None:
        # Without a session no speech could be heard; the button needs no proof.
        if self._word and self._is_open:
            entry = ConversationOutcome(
                at=_stamp(self._now()),
                word=self._word,
                turns=self._turns,
                answers=self._answers,
                is_dismissed=self._is_dismissed,
            )
            self._log.put(entry)
        self._word = ""


def _stamp(moment: datetime) -> str:
    """Return a moment in the log's format, to the millisecond."""
    return moment.isoformat(timespec="milliseconds")


def _rounded(score: float) -> float:
    return round(score, 3)
