"""A program in place of a sound card: it supplies what the user says, and takes what is to be heard. No I/O."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from edgevoice.agent.mailbox import Mailbox
from edgevoice.audio.backchannel import BACKCHANNEL_GAIN
from edgevoice.audio.far_end_queue import FarEndQueue
from edgevoice.audio.uplink import Uplink
from edgevoice.core.facts import PlaybackCut, PlaybackDrained
from edgevoice.core.orders import Earcon
from edgevoice.core.ports import FarEnd, NearEnd
from edgevoice.core.sound.fade import FADE
from edgevoice.core.sound.preroll import PreRoll
from edgevoice.core.sound.rates import FAR_END_HZ
from edgevoice.core.sound.whole_samples import WholeSamples
from edgevoice.errors import AudioUnavailable

_HELD_S = 20
"""Seconds of what the program has sent that are kept: longer than dialling may take."""


_TICK_S = 0.02
_TICK = round(FAR_END_HZ * _TICK_S)
"""How often, and how much, is taken for a program that plays the pieces itself."""


@dataclass(frozen=True, slots=True)
class OpenSound:
    """Both ends of an agent's sound, and the tasks that must run beside the conversation for them."""

    near_end: NearEnd
    far_end: FarEnd
    run: Coroutine[Any, Any, None] | None = None


class Sound(Protocol):
    """How an agent hears the user and is heard."""

    @property
    def hears_itself(self) -> bool:
        """Whether the answer is sent back to the service as input."""
        ...

    @property
    def is_exact(self) -> bool:
        """Whether how much was heard is counted, not estimated."""
        ...

    def open(
        self, mailbox: Mailbox, send: Callable[[bytes], None], lost: Callable[[AudioUnavailable], None]
    ) -> OpenSound:
        """Return both ends, in the loop.

        ``send`` takes mono s16 at 24 kHz for the service; ``lost`` takes the error when a device is lost, before that
        is reported to ``mailbox``.
        """
        ...


class ProgramSound:
    """``Sound`` that a program sends and takes; ``rate_hz`` is the rate at which it sends."""

    hears_itself = False

    def __init__(self, rate_hz: int, *, is_pulled: bool) -> None:
        self._rate_hz = rate_hz
        self.is_exact = is_pulled
        self._microphone: ProgramMicrophone | None = None
        self._speaker: ProgramSpeaker | None = None
        self._uplink: Uplink | None = None

    def open(
        self,
        mailbox: Mailbox,
        send: Callable[[bytes], None],
        lost: Callable[[AudioUnavailable], None],  # noqa: ARG002 - a program has no device to lose
    ) -> OpenSound:
        """Return both ends; a cut is reported at once, the end of playback from any thread."""
        self._microphone = ProgramMicrophone(self._rate_hz)
        self._speaker = ProgramSpeaker(mailbox.post, mailbox.report)
        self._uplink = Uplink(self._microphone, 0, send, rate_hz=self._rate_hz)
        run = None if self.is_exact else play_by_the_clock(self._speaker)
        return OpenSound(self._uplink, self._speaker, run)

    def send(self, pcm: bytes) -> None:
        """Take what the user says: mono s16, in pieces of any length."""
        if self._microphone is not None and self._uplink is not None:
            self._microphone.write(pcm)
            self._uplink.pump()

    def read(self, frames: int) -> bytes:
        """Return exactly ``frames`` samples to be heard next, mono s16 at 24 kHz; from any thread."""
        if not self.is_exact:
            raise RuntimeError('this Agent plays by the clock; read() needs Agent(playback="pull")')
        return self._speaker.read(frames) if self._speaker is not None else bytes(2 * frames)


class ProgramMicrophone:
    """What the program sends, every sample numbered from the first; mono s16 at ``rate_hz``."""

    def __init__(self, rate_hz: int) -> None:
        self._ring = PreRoll(_HELD_S * rate_hz)
        self._joined = WholeSamples()
        self._is_muted = False

    @property
    def position(self) -> int:
        """The number of samples sent so far."""
        return self._ring.end

    def write(self, pcm: bytes) -> None:
        """Take what the user says; a piece may end in the middle of a sample."""
        samples = self._joined.take(pcm)
        self._ring.write(bytes(len(samples)) if self._is_muted else samples)

    def read(self, begin: int) -> tuple[int, bytes]:
        """Return what was sent from sample ``begin`` on, and its first sample's number, later if some was too old."""
        begin = max(begin, self._ring.start)
        return begin, self._ring.read(begin, self._ring.end)

    def mute(self) -> None:
        """Replace all that is sent with zeros from now on, and clear what was sent."""
        self._is_muted = True
        self._ring.clear()

    def unmute(self) -> None:
        """Accept what is sent again."""
        self._is_muted = False


class ProgramSpeaker(FarEndQueue):
    """``ports.FarEnd`` for a program that takes the sound when it needs it: any thread may call ``read``.

    ``drained`` is called in that thread when there is no more. ``cut_off`` receives what was heard of an answer that is
    cut, in the loop's thread and at once, however rarely the program reads: the 3 ms of the fade come next, and count
    as heard.
    """

    def __init__(
        self,
        drained: Callable[[PlaybackCut | PlaybackDrained], None],
        cut_off: Callable[[PlaybackCut | PlaybackDrained], None],
        *,
        prefill_ms: int = 0,
    ) -> None:
        super().__init__(prefill_ms)
        self._drained = drained
        self._cut_off = cut_off
        self._fade = b""

    def read(self, frames: int) -> bytes:
        """Return exactly the next ``frames`` samples to play: mono s16 at 24 kHz; silence if there is nothing."""
        with self._lock:
            head, self._fade = self._fade[: 2 * frames], self._fade[2 * frames :]
            samples, fact = self._playout.pull(frames - len(head) // 2)
            if not self._backchannels.is_idle:
                self._backchannels.mix_into(samples, BACKCHANNEL_GAIN)
        if fact is not None:
            self._drained(fact)
        return head + samples.tobytes()

    def cut(self, *, keeps_rest: bool = False) -> None:
        """Silence the answer; what was heard of it is reported before this returns."""
        with self._lock:
            self._playout.cut(keeps_rest=keeps_rest)
            fade, fact = self._playout.pull(FADE)
            self._fade += fade[: self._playout.sounding].tobytes()
            self._backchannels.stop()
        if fact is not None:
            self._cut_off(fact)

    def duck(self) -> None:
        """Do nothing: a program has its own volume."""

    def restore(self) -> None:
        """Do nothing: the answer was not lowered."""

    def change_volume(self, percent: int) -> None:
        """Do nothing: the program has a volume of its own."""

    def play_earcon(self, earcon: Earcon) -> None:
        """Do nothing: a program shows its state by the events, without the box's own sounds."""

    def stop_earcons(self) -> None:
        """Do nothing: the box's own sounds are not played."""

    def play_ring(self, clip_id: str, gain_db: float) -> None:
        """Do nothing: nothing rings in a program."""

    def play_clip(self, clip_id: str, *, has_chime: bool) -> None:
        """Do nothing: a program announces nothing."""

    def cut_clip(self) -> None:
        """Do nothing: there is no clip."""


async def play_by_the_clock(speaker: ProgramSpeaker) -> None:
    """Take the sound at the pace at which it is heard, for a program that plays the pieces itself; runs forever.

    The position corresponds to what such a program has played if it plays each piece as soon as it arrives.
    """
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        due += _TICK_S
        await asyncio.sleep(max(0.0, due - loop.time()))
        speaker.read(_TICK)
