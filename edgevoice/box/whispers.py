"""Whispers: an answer to a whisper is soft, and whispered if the voice can. An observer.

It reads the turn from the microphone's memory, and neither keeps nor sends any of it.
"""

import asyncio
from typing import Final, Protocol

from edgevoice.core.announcements import ClipCut, ClipPlayed
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import PlaybackCut, PlaybackDrained, ResponseStarted, TurnEnded, UserStartedSpeaking
from edgevoice.core.notices import Notice, PhaseEntered
from edgevoice.core.orders import KeepUplink
from edgevoice.core.ports import Observer, Report
from edgevoice.core.sound.rates import NEAR_END_HZ
from edgevoice.core.sound.whisper import SpeechSound, is_whisper
from edgevoice.echo.speech_meter import SpeechMeter

_LOOK_S: Final = 0.5
"""How often the turn is measured while it lasts: the model must know of the whisper before it answers."""

_LEAD: Final = 3 * NEAR_END_HZ // 2
"""Samples before the turn, 1.5 s, that show the room."""

_LATE: Final = NEAR_END_HZ
"""Samples by which the service reports speech late, at most 1 s."""


_ECHO: Final = NEAR_END_HZ // 2
"""Samples for which the room still returns what the box has played, half a second."""


class HeardMemory(Protocol):
    """The microphone's memory, by sample numbers."""

    @property
    def position(self) -> int:
        """The number of samples heard so far."""
        ...

    def read(self, begin: int) -> tuple[int, bytes]:
        """Return mono s16 at 16 kHz from sample ``begin`` on, and its first sample's number."""
        ...


class SoftSpeaker(Protocol):
    """The speaker."""

    def soften(self, *, is_soft: bool) -> None:
        """Speak softer than the volume from now on, or no longer."""
        ...


class VoiceOfSession(Protocol):
    """The open session."""

    def whisper(self, *, is_whispered: bool) -> None:
        """Have its voice whisper from its next answer on, if it can, or no longer."""
        ...


class Whispers(Observer):
    """Decides at the end of each turn whether it was whispered; what the box plays itself is left out."""

    def __init__(self, ears: HeardMemory, mouth: SoftSpeaker, session: VoiceOfSession) -> None:
        self._ears = ears
        self._mouth = mouth
        self._session = session
        self._meter: SpeechMeter | None = None
        self._cursor = 0
        self._quiet_from = 0
        self._voice_db: float | None = None
        self._began = asyncio.Event()

    def observe(self, notice: Notice, now: float) -> None:  # noqa: ARG002 - samples count the time
        """Follow the user's turns."""
        match notice:
            case KeepUplink(at_sample=at_sample):
                self._begin(self._ears.position if at_sample is None else at_sample)
            case UserStartedSpeaking() if self._meter is None:
                self._begin(self._ears.position - _LATE)
            case TurnEnded() | ResponseStarted() if self._meter is not None:
                self._end()
            case PlaybackDrained() | PlaybackCut() | ClipPlayed() | ClipCut():
                self._quiet_from = self._ears.position + _ECHO
            case PhaseEntered(phase=Phase.IDLE):
                self._meter = None
                self._mouth.soften(is_soft=False)
            case _:
                pass

    async def run(self, report: Report) -> None:  # noqa: ARG002 - how somebody speaks is no news
        """Measure each turn while it lasts, forever."""
        while True:
            await self._began.wait()
            await asyncio.sleep(_LOOK_S)
            if self._meter is None:
                self._began.clear()
                continue
            sound = self._measure(self._meter)
            if sound.is_clear:
                self._session.whisper(is_whispered=is_whisper(sound, self._voice_db))

    def _begin(self, at_sample: int) -> None:
        self._meter = SpeechMeter()
        self._cursor = max(self._quiet_from, at_sample - _LEAD)
        self._began.set()

    def _measure(self, meter: SpeechMeter) -> SpeechSound:
        begin, pcm = self._ears.read(self._cursor)
        self._cursor = begin + len(pcm) // 2
        meter.add(pcm)
        return meter.sound()

    def _end(self) -> None:
        if self._meter is None:
            return
        sound, self._meter = self._measure(self._meter), None
        is_whispered = is_whisper(sound, self._voice_db)
        if sound.is_clear and not is_whispered:
            self._voice_db = sound.level_db
        self._mouth.soften(is_soft=is_whispered)
        # The same for both: a whisper at the full volume, or a soft voice that does not whisper, would be neither.
        self._session.whisper(is_whispered=is_whispered)
