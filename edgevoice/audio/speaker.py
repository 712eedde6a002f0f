"""Speaker: the output callback of a stream that never stops, and the buffer that it pulls from."""

import time
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pyaudio

from edgevoice.audio.backchannel import BACKCHANNEL_GAIN
from edgevoice.audio.callback_time import CallbackTime, Timed
from edgevoice.audio.clips import ClipPlayer
from edgevoice.audio.earcons import EarconMixer
from edgevoice.audio.far_end_queue import FarEndQueue
from edgevoice.audio.hardware_mute import AmplifierGate, HardwareMute
from edgevoice.core.announcements import ClipCut, ClipPlayed
from edgevoice.core.facts import PlaybackCut, PlaybackDrained
from edgevoice.core.orders import Earcon
from edgevoice.core.sound.clockfit import ClockFit
from edgevoice.core.sound.rates import FAR_END_HZ

PERIOD = 240
"""Frames per callback: 10 ms at 24 kHz. A cut is silent after at most two and a half of them."""

_SILENCE = bytes(2 * PERIOD)

_DUCKED_GAIN = 10 ** (-15 / 20)
"""Quiet enough that people notice that the box has heard them, and that the canceller hears them.

The answer can still be followed.
"""

_FLUSHED = 4 * PERIOD
"""Frames after a hardware mute until the card has emitted everything that it held: two periods, and a late one."""


class _Gain:
    """How loud the answers are: the volume, and whether they are lowered while somebody may be speaking over them."""

    def __init__(self, volume_percent: int) -> None:
        self.volume_percent = volume_percent
        self.is_ducked = False

    @property
    def volume(self) -> float:
        """The factor of the volume alone."""
        return _factor(self.volume_percent)

    @property
    def duck(self) -> float:
        """The factor by which everything is lowered now."""
        return _DUCKED_GAIN if self.is_ducked else 1.0

    @property
    def of_answers(self) -> float:
        """The factor for the answers now."""
        return self.volume * self.duck


SpeakerFact = PlaybackCut | PlaybackDrained | ClipPlayed | ClipCut
"""What a speaker reports."""


class Speaker(FarEndQueue, Timed):
    """Implements ``ports.FarEnd``.

    ``tell`` is called in PortAudio's thread with what happened to playback, and must return at once. The stream is fed
    zeros between answers: an amplifier that is switched on with every answer swallows its first 12 ms. ``played``
    receives, in the same thread, everything that is handed over, s16 at 24 kHz, as the reference of an echo canceller;
    ``None`` stands for a period of silence. ``amplifier`` is muted together with every cut, and released before the
    next sound. ``clock`` is fitted to the callbacks. ``volume_changed`` is called with the volume in percent whenever
    somebody sets it, in their thread. ``own_earcons`` are sounds of the owner, mono s16 at 24 kHz.
    """

    def __init__(
        self,
        tell: Callable[[SpeakerFact], None],
        *,
        prefill_ms: int,
        volume_percent: int,
        earcon_percent: int,
        ring_percent: int = 100,
        played: Callable[[npt.NDArray[np.int16] | None, int], None] = lambda _samples, _frames: None,
        amplifier: HardwareMute | None = None,
        clock: ClockFit | None = None,
        volume_changed: Callable[[int], None] = lambda _percent: None,
        own_earcons: Mapping[Earcon, npt.NDArray[np.int16]] | None = None,
    ) -> None:
        super().__init__(prefill_ms)
        self._tell = tell
        self._earcon_percent = earcon_percent
        self._earcons = EarconMixer(_factor(earcon_percent), own_earcons)
        self._clips = ClipPlayer(_factor(ring_percent), own_earcons)
        self._gain = _Gain(volume_percent)
        self._volume_changed = volume_changed
        self._playout.set_gain(self._gain.of_answers)
        self._played = played
        self._amplifier = AmplifierGate(amplifier, _FLUSHED)
        self._sound_end = 0
        self._position = 0
        self.timing = CallbackTime(clock or ClockFit(FAR_END_HZ), "output_buffer_dac_time")

    @property
    def underflows(self) -> int:
        """How often the card had nothing to play because it was called too late."""
        return self.timing.xruns

    @property
    def is_silent(self) -> bool:
        """Whether the speaker has nothing to play."""
        mixers = (self._earcons, self._backchannels, self._clips)
        return self._playout.is_idle and all(mixer.is_idle for mixer in mixers)

    @property
    def position(self) -> int:
        """The number of samples handed over so far, silence included."""
        return self._position

    @property
    def volume_percent(self) -> int:
        """How loud answers are, in percent; 0 is silence, and each 10 % sound like about the same step."""
        return self._gain.volume_percent

    @volume_percent.setter
    def volume_percent(self, percent: int) -> None:
        with self._lock:
            self._gain.volume_percent = percent
            self._playout.set_gain(self._gain.of_answers)
        self._volume_changed(percent)

    @property
    def earcon_percent(self) -> int:
        """How loud earcons are, in percent, on the same scale."""
        return self._earcon_percent

    @earcon_percent.setter
    def earcon_percent(self, percent: int) -> None:
        with self._lock:
            self._earcon_percent = percent
            self._earcons.set_gain(_factor(percent))

    def cut(self, *, keeps_rest: bool = False) -> None:
        """Silence the answer with the next period, or at once if the amplifier can be muted.

        With ``keeps_rest`` the answer can be resumed until the rest is dropped.
        """
        unheard: int | None = None
        if self._amplifier.is_there and self._earcons.is_idle and self._clips.is_idle:
            self._amplifier.mute()
            unheard = self._unheard(time.monotonic())
        with self._lock:
            if unheard is not None:
                self._amplifier.hold(self._position)
            self._playout.cut(unheard, keeps_rest=keeps_rest)
            self._backchannels.stop()
            self._gain.is_ducked = False
            self._playout.set_gain(self._gain.of_answers)

    def duck(self) -> None:
        """Lower the answer by 15 dB, within 10 ms."""
        self._duck(is_ducked=True)

    def restore(self) -> None:
        """Bring the answer back to its volume, within 10 ms."""
        self._duck(is_ducked=False)

    def change_volume(self, percent: int) -> None:
        """Change the volume by this many percent, and sound how loud that is; at either end with another sound."""
        wanted = self._gain.volume_percent + percent
        reached = min(100, max(0, wanted))
        self.volume_percent = reached
        self.play_earcon(Earcon.VOLUME if reached == wanted and 0 < reached < 100 else Earcon.VOLUME_END)

    def play_earcon(self, earcon: Earcon) -> None:
        """Mix a short sound over whatever plays."""
        with self._lock:
            self._earcons.play(earcon, self._gain.volume)

    def learn(self, earcon: Earcon, spoken: npt.NDArray[np.int16]) -> None:
        """Speak an earcon from now on instead of sounding it: mono s16 at 24 kHz, full scale."""
        with self._lock:
            self._earcons.learn(earcon, spoken)

    def stop_earcons(self) -> None:
        """Silence the earcons."""
        with self._lock:
            self._earcons.stop()

    def play_ring(self, clip_id: str, gain_db: float) -> None:
        """Sound the alarm earcon and the clip at a ring's volume, ``gain_db`` softer than its full volume."""
        with self._lock:
            self._clips.ring(clip_id, gain_db)

    def play_clip(self, clip_id: str, *, has_chime: bool) -> None:
        """Sound a clip at the volume of the answers, once no earcon sounds."""
        with self._lock:
            self._clips.play(clip_id, has_chime=has_chime)

    def cut_clip(self) -> None:
        """Silence the ring or the clip within 5 ms."""
        with self._lock:
            self._clips.cut()

    def learn_clip(self, clip_id: str, samples: npt.NDArray[np.int16]) -> None:
        """Know a clip by this id until ``forget_clip``: mono s16 at 24 kHz, as loud as an answer at full volume."""
        with self._lock:
            self._clips.learn(clip_id, samples)

    def forget_clip(self, clip_id: str) -> None:
        """Know a clip no longer; if it sounds, it is played to its end."""
        with self._lock:
            self._clips.forget(clip_id)

    def callback(
        self, _pcm: bytes | None, frames: int, times: Mapping[str, float] | None, status: int
    ) -> tuple[bytes, int]:
        """Give PortAudio one period."""
        self.timing.take(times, self._position, is_xrun=bool(status & pyaudio.paOutputUnderflow))
        # A box is silent most of the time: check that before taking the lock and allocating an array.
        # A cut is pulled to its end, muted or not: that is when it is reported.
        if self.is_silent or (not self._playout.is_cutting and self._amplifier.holds(self._position)):
            self._position += frames
            self._played(None, frames)
            return (_SILENCE if frames == PERIOD else bytes(2 * frames)), pyaudio.paContinue
        with self._lock:
            samples, fact = self._playout.pull(frames)
            clip_fact = self._mix_clip(samples)
            if not self._earcons.is_idle:
                self._earcons.mix_into(samples)
            if not self._backchannels.is_idle:
                self._backchannels.mix_into(samples, self._gain.volume * BACKCHANNEL_GAIN)
            if self._playout.sounding:
                self._sound_end = self._position + self._playout.sounding
            self._position += frames
        self._played(samples, frames)
        for each in (fact, clip_fact):
            if each is not None:
                self._tell(each)
        return samples.tobytes(), pyaudio.paContinue

    def _mix_clip(self, samples: npt.NDArray[np.int16]) -> ClipPlayed | ClipCut | None:
        if self._clips.is_idle or not self._earcons.is_idle:
            return None  # an earcon comes first: only the answers are mixed with one
        return self._clips.mix_into(samples, self._gain.of_answers, self._gain.duck)

    def _unheard(self, at_s: float) -> int:
        """Return how many samples of the answer were handed over and had not left the card at ``at_s``."""
        line = self.clock.line
        emitted = line.position_at(at_s) if line is not None else self._position - 2 * PERIOD
        return max(0, round(self._sound_end - emitted))

    def _duck(self, *, is_ducked: bool) -> None:
        with self._lock:
            self._gain.is_ducked = is_ducked
            self._playout.set_gain(self._gain.of_answers)


def _factor(percent: int) -> float:
    """Convert percent to a factor: squared, because loudness is perceived in ratios."""
    return (percent / 100) ** 2
