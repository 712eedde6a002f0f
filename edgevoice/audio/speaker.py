"""Speaker: implements the far end, for PortAudio's callback and for a card whose ring can be written again."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from edgevoice.audio import portaudio
from edgevoice.audio.callback_time import CallbackTime, Timed
from edgevoice.audio.far_end_mixer import FarEndMixer, Gain, SpeakerFact
from edgevoice.audio.far_end_queue import FarEndQueue
from edgevoice.audio.hardware_mute import AmplifierGate, HardwareMute
from edgevoice.audio.ring import AtTheConverter, FarEndListener, NobodyListens, Ring
from edgevoice.audio.ring_writer import RingWriter
from edgevoice.core.orders import Earcon
from edgevoice.core.sound.clockfit import ClockFit
from edgevoice.core.sound.rates import FAR_END_HZ
from edgevoice.real_time import urgently

PERIOD = 240
"""Frames per callback of PortAudio: 10 ms at 24 kHz. A cut is silent after at most two and a half of them."""

_SILENCE = bytes(2 * PERIOD)

_Samples = npt.NDArray[np.int16]

_FLUSHED = 4 * PERIOD
"""Frames after a hardware mute until the card has emitted everything that it held: two periods, and a late one.

On a ring nearly all of that is replaced by silence, so it is more than enough there.
"""

_AMPLIFIER_LEAD = FAR_END_HZ * 10 // 1000
"""Frames, 10 ms, that an amplifier takes to open; on a ring the next sound would come in 4 ms."""


class Speaker(FarEndQueue, Timed):
    """Implements ``ports.FarEnd``.

    ``tell`` is called in the thread of the output with what happened to playback, and must return at once. PortAudio's
    stream is fed zeros between answers: an amplifier that is switched on with every answer swallows its first 12 ms.
    ``reference`` receives everything that is handed over. ``amplifier`` is muted together with every cut, and released
    before the next sound. ``clock`` is fitted to the stream. ``volume_changed`` is called with the volume in percent
    whenever somebody sets it, in their thread. ``own_earcons`` are sounds of the owner, mono s16 at 24 kHz.

    With a `Ring`, whatever changes what is about to sound takes back what the card has not emitted, and renders it
    again with the change: a cut, a lowered voice and the first sound after silence do not wait for the buffer.
    """

    def __init__(
        self,
        tell: Callable[[SpeakerFact], None],
        *,
        prefill_ms: int,
        volume_percent: int,
        earcon_percent: int,
        ring_percent: int = 100,
        reference: FarEndListener | None = None,
        amplifier: HardwareMute | None = None,
        clock: ClockFit | None = None,
        volume_changed: Callable[[int], None] = lambda _percent: None,
        own_earcons: Mapping[Earcon, npt.NDArray[np.int16]] | None = None,
    ) -> None:
        super().__init__(prefill_ms)
        self._tell = tell
        self._gain = Gain(volume_percent, earcon_percent, ring_percent)
        self._volume_changed = volume_changed
        self._playout.set_gain(self._gain.of_answers)
        self._reference = NobodyListens() if reference is None else AtTheConverter(reference, lambda: self._gain.card)
        self._amplifier = AmplifierGate(amplifier, _FLUSHED)
        self._mixer = FarEndMixer(
            self._playout,
            self._backchannels,
            self._gain,
            self._amplifier,
            own_earcons=own_earcons,
        )
        self._earcons, self._clips = self._mixer.earcons, self._mixer.clips
        self.timing = CallbackTime(clock or ClockFit(FAR_END_HZ), "output_buffer_dac_time")
        self._writer = RingWriter(self._mixer, self._reference, self.timing)

    @property
    def underflows(self) -> int:
        """How often the card had nothing to play because it was called too late."""
        return self.timing.xruns

    @property
    def backend(self) -> str:
        """What plays now: "alsa" or "portaudio"."""
        return "portaudio" if self._writer.ring is None else "alsa"

    @property
    def is_silent(self) -> bool:
        """Whether the speaker has nothing to play."""
        return self._mixer.is_silent

    @property
    def position(self) -> int:
        """The number of samples handed over so far, silence included."""
        return self._mixer.position

    @property
    def volume_percent(self) -> int:
        """How loud answers are, in percent; 0 is silence, and each 10 % sound like about the same step."""
        return self._gain.volume_percent

    @volume_percent.setter
    def volume_percent(self, percent: int) -> None:
        with self._changing():
            self._gain.volume_percent = percent
            self._playout.set_gain(self._gain.of_answers)
        self._gain.wake_card()
        self._volume_changed(percent)

    def limit_volume(self, percent: int) -> None:
        """Play answers no louder than this many percent, whatever their volume."""
        with self._changing():
            self._gain.limit_percent = percent
            self._playout.set_gain(self._gain.of_answers)
        self._gain.wake_card()

    def soften(self, *, is_soft: bool) -> None:
        """Speak by 12 dB softer than the volume from now on, or as loud as that again."""
        if is_soft is not self._gain.is_soft:
            with self._changing():
                self._gain.is_soft = is_soft
                self._playout.set_gain(self._gain.of_answers)

    @property
    def needed_gain(self) -> float:
        """The largest gain, 0 to 1, of what may sound now, of the card's control and the samples together."""
        with self._lock:
            return max(self._gain.needed, self._clips.needed)

    def take_card_gain(self, gain: float, wake: Callable[[], None] | None) -> None:
        """Leave this factor of each gain to the card's own control; ``wake`` is called when more may be needed."""
        with self._changing():
            self._earcons.scale(self._gain.card / gain)
            self._gain.leave_to_card(gain, wake)
            self._playout.set_gain(self._gain.of_answers)
        with self._lock:  # apart: it takes a millisecond
            self._earcons.set_gain(self._gain.of_earcons)

    @property
    def earcon_percent(self) -> int:
        """How loud earcons are, in percent, on the same scale; set it, and rings go up or down with them."""
        return self._gain.earcon_percent

    @earcon_percent.setter
    def earcon_percent(self, percent: int) -> None:
        with self._lock:
            self._gain.earcon_percent = percent
            self._earcons.set_gain(self._gain.of_earcons)
            self._clips.set_ring_gain(self._gain.full_ring)
        self._gain.wake_card()

    def cut(self, *, keeps_rest: bool = False) -> None:
        """Silence the answer as soon as the card allows, or at once if the amplifier can be muted.

        With ``keeps_rest`` the answer can be resumed until the rest is dropped.
        """
        at_s: float | None = None
        if self._amplifier.is_there and self._earcons.is_idle and self._clips.is_idle:
            self._amplifier.mute()
            at_s = time.monotonic()
        with self._changing(is_cut=at_s is None) as faded:
            unheard = None
            if at_s is not None:
                unheard = self._unheard(at_s)
                self._amplifier.hold(self._mixer.position)
            self._playout.cut(unheard, keeps_rest=keeps_rest, faded=faded)
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
        with self._changing():
            self._earcons.play(earcon, self._gain.volume)

    def learn(self, earcon: Earcon, spoken: npt.NDArray[np.int16]) -> None:
        """Speak an earcon from now on instead of sounding it: mono s16 at 24 kHz, full scale."""
        with self._lock:
            self._earcons.learn(earcon, spoken)

    def stop_earcons(self) -> None:
        """Silence the earcons."""
        with self._changing():
            self._earcons.stop()

    def play_ring(self, clip_id: str, gain_db: float) -> None:
        """Sound the alarm earcon and the clip at a ring's volume, ``gain_db`` softer than its full volume."""
        with self._changing():
            self._clips.ring(clip_id, gain_db)
        self._gain.wake_card()

    def play_clip(self, clip_id: str, *, has_chime: bool) -> None:
        """Sound a clip at the volume of the answers, once no earcon sounds."""
        with self._changing():
            self._clips.play(clip_id, has_chime=has_chime)

    def cut_clip(self) -> None:
        """Silence the ring or the clip within 3 ms."""
        with self._changing():
            self._clips.cut()

    def learn_clip(self, clip_id: str, samples: npt.NDArray[np.int16]) -> None:
        """Know a clip by this id until ``forget_clip``: mono s16 at 24 kHz, as loud as an answer at full volume."""
        with self._lock:
            self._clips.learn(clip_id, samples)

    def forget_clip(self, clip_id: str) -> None:
        """Know a clip no longer; if it sounds, it is played to its end."""
        with self._lock:
            self._clips.forget(clip_id)

    # --- PortAudio ---------------------------------------------------------------------------------------------------

    def callback(
        self, _pcm: bytes | None, frames: int, times: Mapping[str, float] | None, status: int
    ) -> tuple[bytes, int]:
        """Give PortAudio one period."""
        self.timing.take(times, self._mixer.position, is_xrun=bool(status & portaudio.OUTPUT_UNDERFLOW))
        if self._mixer.is_silent:  # without the lock: a box is silent most of the time
            self._mixer.skip(self._mixer.position + frames)
            self._reference.played(None, frames)
            return (_SILENCE if frames == PERIOD else bytes(2 * frames)), portaudio.CONTINUE
        with self._lock:
            samples, due = self._mixer.render(frames)
        self._reference.played(samples, frames)
        for each in due:
            self._tell(each.fact)
        return (bytes(2 * frames) if samples is None else samples.tobytes()), portaudio.CONTINUE

    # --- a ring ------------------------------------------------------------------------------------------------------

    def attach(self, ring: Ring) -> int:
        """Play on this ring until ``detach``; return the position of the first sample that it is to be given."""
        with self._lock:
            self._amplifier.lead = _AMPLIFIER_LEAD
            return self._writer.attach(ring)

    def detach(self, position: int) -> None:
        """Play on no ring: it is lost, and has emitted nothing from ``position`` on; the rest is kept for the next."""
        with self._lock:
            self._amplifier.lead = 0
            facts = self._writer.detach(position)
        for fact in facts:
            self._tell(fact)

    def feed(self, ring: Ring) -> int | None:
        """Fill the ring; return the position at which more is needed, ``None`` while it can be left to itself."""
        with self._lock:
            needed, facts = self._writer.feed(ring)
        for fact in facts:
            self._tell(fact)
        return needed

    @contextmanager
    def _changing(self, *, is_more: bool = False, is_cut: bool = False) -> Iterator[_Samples | None]:
        if is_more or self._writer.ring is None:
            with self._lock:
                if self._writer.ring is None or (is_more and self._playout.continues):
                    yield None
                    return
        # Between the card's position and the writing nothing may come: the card would emit what is to be replaced. And
        # the lock is released first: whoever waits for it does not wait for a thread without priority.
        with urgently(), self._lock, self._writer.changing(is_cut=is_cut) as faded:
            yield faded

    def _unheard(self, at_s: float) -> int:
        """Return how many samples of the answer were handed over and had not left the card at ``at_s``."""
        line = self.clock.line
        emitted = line.position_at(at_s) if line is not None else self._mixer.position - 2 * PERIOD
        return max(0, round(self._mixer.sound_end - emitted))

    def _duck(self, *, is_ducked: bool) -> None:
        with self._changing():
            self._gain.is_ducked = is_ducked
            self._playout.set_gain(self._gain.of_answers)
