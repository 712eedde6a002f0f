"""A box in a simulated room, faster than real time: both callbacks, in order, around the real echo stage.

The speaker's callback runs 20 ms before its samples are emitted, the microphone's when its last sample is captured;
their timestamps are late at random, as with a scheduler. A duck or a cut takes effect with the next callback of the
speaker, as in the daemon.
"""

import time
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np

from edgevoice.core.facts import (
    NearSpeechBegan,
    NearSpeechConfirmed,
    NearSpeechEnded,
    NearSpeechFaded,
    PlaybackDrained,
    RoomMeasured,
)
from edgevoice.core.sound.clockfit import ClockFit
from edgevoice.core.sound.fade import FADE
from edgevoice.core.sound.playout import Playout
from edgevoice.core.sound.rates import FAR_END_HZ, NEAR_END_HZ
from edgevoice.echo.canceller import BLOCK, Samples
from edgevoice.echo.stage import NearSpeechFact
from edgevoice.echo.tiers import Tier, build
from edgevoice.echo.voice import Models
from edgevoice.testbed.stage.room import LiveRoom, Room, Sound
from edgevoice.wakeword.kernel.sound_models import KernelEvents
from edgevoice.wakeword.models.silero import load_voice
from edgevoice.wakeword.opening import open_event_model, open_sound_model

DUCKED = 10 ** (-15 / 20)

_PERIOD = 240
_OUTPUT_LATENCY_S = 0.020
_CAPTURE_PERIOD = 480
_GAIN_STEP = 1 / 240
_LATE_S = 0.0005
"""How late a callback's timestamp is on average, exponentially distributed: a loaded machine's scheduler."""

_DEVICE_CANCELS_DB = 40.0
"""What a device that cancels the echo itself leaves of it."""


@cache
def _events() -> KernelEvents | None:
    """Return the event model, which all boxes share: it remembers nothing. Without its package the log says so."""
    return open_event_model()


@dataclass(frozen=True, slots=True)
class SceneEvent:
    """Something that was reported, or done; ``at_s`` is when it was reported, or when the room could hear it."""

    what: str
    at_s: float


@dataclass(slots=True)
class _Speaker:
    playout: Playout = field(default_factory=lambda: Playout(60))
    position: int = 0
    origin_s: float = 0.0
    rate_hz: float = FAR_END_HZ
    is_playing: bool = False
    wish: str = ""

    def emitted_s(self, position: float) -> float:
        return self.origin_s + position / self.rate_hz


@dataclass(slots=True)
class _Loopback:
    """What the speaker was given and the loopback has not delivered yet; ``position`` is its first sample."""

    position: int = 0
    held: Samples = field(default_factory=lambda: np.zeros(0, np.int16))


class SimulatedBox:
    """One box in one room: say something, and let time pass in blocks of 20 ms.

    With ``reacts`` the voice is lowered, raised and cut when local speech is reported; without, reports change nothing.
    ``idle_s`` is how long both clocks have been watched before. ``cpu_s`` is the stage's process time so far.
    ``music``, mono s16 at 24 kHz, is what another program plays on the same speaker, again and again; with
    ``captures`` a loopback holds both, and is the echo stage's reference.
    """

    def __init__(
        self,
        tier: Tier,
        room: Room,
        *,
        seed: int,
        idle_s: float = 60.0,
        reacts: bool = True,
        delay_s: float = 0.0,
        music: Samples | None = None,
        captures: bool = False,
    ) -> None:
        self.changes: list[SceneEvent] = []
        self.cpu_s = 0.0
        self._reacts = reacts
        self._near, self._far = ClockFit(NEAR_END_HZ), ClockFit(FAR_END_HZ)
        self._path = build(
            tier,
            self._near,
            self._far,
            self._tell,
            delay_s=delay_s,
            has_mix=captures,
            models=Models(load_voice, open_sound_model, _events),
        )
        self._music = music
        self._loopback = _Loopback()
        self._chance = np.random.default_rng(seed)
        if tier is Tier.HARDWARE:
            room = replace(room, path=room.path * 10 ** (-_DEVICE_CANCELS_DB / 20))
        self._room = LiveRoom(room, far_hz=FAR_END_HZ, seed=seed)
        self._speaker = _Speaker(rate_hz=FAR_END_HZ * (1 + room.drift_ppm * 1e-6))
        self._position = 0
        self._watch_clocks(idle_s)

    @property
    def now_s(self) -> float:
        """The time of the next near-end sample, in seconds since the first."""
        return self._position / NEAR_END_HZ

    @property
    def is_speaking(self) -> bool:
        """Whether something is left to say."""
        return self._speaker.is_playing

    def say(self, far: Samples) -> None:
        """Say ``far``, mono s16 at 24 kHz."""
        self._speaker.playout.push("answer", 0, far.tobytes())
        self._speaker.playout.finish()
        self._speaker.playout.set_gain(1.0)
        self._speaker.is_playing = True
        self.changes.append(SceneEvent("answering", self.now_s))

    def clear(self, sound: Samples) -> Samples:
        """Return the newest samples of the stage's output as the wake word's models hear them."""
        postfilter = self._path.postfilter if self._path is not None else None
        return sound if postfilter is None else postfilter.clear(sound, self._position)

    def hush(self) -> None:
        """Stop speaking, as when the button is pressed."""
        if self._speaker.is_playing:
            self._speaker.wish = "cut"

    def hear(self, near: Sound | None = None) -> bytes:
        """Advance by 20 ms with ``near`` in the room, too; return the stage's output for the microphone."""
        end_s = self.now_s + BLOCK / NEAR_END_HZ
        speaker = self._speaker
        while speaker.emitted_s(speaker.position) - _OUTPUT_LATENCY_S <= end_s:
            self._hand_over()
        self._capture(end_s)
        heard = self._room.hear(BLOCK, near).tobytes()
        self._near.take(self._position, self.now_s + self._late_s())
        self._position += BLOCK
        if self._path is None:
            return heard
        begun = time.process_time()
        cancelled = self._path.stage.take(heard, self._position - BLOCK)
        self.cpu_s += time.process_time() - begun
        return cancelled

    def _watch_clocks(self, idle_s: float) -> None:
        """Run the callbacks in silence: the stage sees their timestamps, and no sound."""
        blocks = round(idle_s * NEAR_END_HZ / BLOCK)
        for number in range(blocks):
            self._near.take(number * BLOCK, number * BLOCK / NEAR_END_HZ + self._late_s())
        self._position = blocks * BLOCK
        speaker = self._speaker
        periods = int(self.now_s * speaker.rate_hz / _PERIOD)
        # The room's time begins now, with the speaker's next sample.
        speaker.origin_s = self.now_s - periods * _PERIOD / speaker.rate_hz
        for number in range(periods):
            self._far.take(number * _PERIOD, speaker.emitted_s(number * _PERIOD) + self._late_s())
        speaker.position = periods * _PERIOD
        self._loopback.position = speaker.position // _CAPTURE_PERIOD * _CAPTURE_PERIOD
        if self._path is not None:
            self._path.reference.played(None, speaker.position)
        if self._path is not None and self._path.mix is not None:
            for number in range(0, self._loopback.position, _CAPTURE_PERIOD):
                self._path.mix.clock.take(number, speaker.emitted_s(number) + self._late_s())
            self._path.mix.captured.played(None, self._loopback.position)
            self._path.mix.open()
        self._loopback.held = np.zeros(speaker.position - self._loopback.position, np.int16)

    def _hand_over(self) -> None:
        """Run the speaker's callback."""
        speaker = self._speaker
        begin_s = speaker.emitted_s(speaker.position)
        self._obey(begin_s)
        samples, fact = speaker.playout.pull(_PERIOD)
        speaker.is_playing = speaker.is_playing and not isinstance(fact, PlaybackDrained)
        self._far.take(speaker.position, begin_s + self._late_s())
        if self._path is not None:
            self._path.reference.played(samples if samples.any() else None, _PERIOD)
        if self._music is not None:
            piece = self._music.take(range(speaker.position, speaker.position + _PERIOD), mode="wrap")
            samples = np.clip(samples.astype(np.int32) + piece, -32_768, 32_767).astype(np.int16)
        self._room.play(samples)
        self._loopback.held = np.concatenate([self._loopback.held, samples])
        speaker.position += _PERIOD

    def _capture(self, end_s: float) -> None:
        """Run the loopback's thread for each period that is complete by now."""
        loopback, path = self._loopback, self._path
        while (done_s := self._speaker.emitted_s(loopback.position + _CAPTURE_PERIOD)) <= end_s:
            samples, loopback.held = loopback.held[:_CAPTURE_PERIOD], loopback.held[_CAPTURE_PERIOD:]
            loopback.position += _CAPTURE_PERIOD
            if path is not None and path.mix is not None:
                path.mix.clock.take(loopback.position, done_s + self._late_s())
                path.mix.captured.played(samples if samples.any() else None, _CAPTURE_PERIOD)

    def _obey(self, begin_s: float) -> None:
        speaker = self._speaker
        match speaker.wish:
            case "duck":
                speaker.playout.set_gain(DUCKED)
                self.changes.append(SceneEvent("ducked", begin_s + (1 - DUCKED) / _GAIN_STEP / FAR_END_HZ))
            case "restore":
                speaker.playout.set_gain(1.0)
                self.changes.append(SceneEvent("restored", begin_s + (1 - DUCKED) / _GAIN_STEP / FAR_END_HZ))
            case "cut":
                speaker.playout.cut()
                speaker.is_playing = False
                self.changes.append(SceneEvent("silent", begin_s + FADE / FAR_END_HZ))
            case _:
                pass
        speaker.wish = ""

    def _tell(self, fact: NearSpeechFact) -> None:
        if isinstance(fact, NearSpeechEnded | RoomMeasured):
            return
        what = {NearSpeechBegan: "began", NearSpeechConfirmed: "confirmed", NearSpeechFaded: "faded"}[type(fact)]
        self.changes.append(SceneEvent(what, self.now_s))
        if self._reacts and self._speaker.is_playing:
            self._speaker.wish = {"began": "duck", "confirmed": "cut", "faded": "restore"}[what]

    def _late_s(self) -> float:
        return float(self._chance.exponential(_LATE_S))
