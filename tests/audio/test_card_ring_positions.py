"""A card's ring and the speaker on it, on a converter that moves on between any two calls of ALSA."""

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgevoice.audio import card_ring
from edgevoice.audio.alsa import PcmState
from edgevoice.audio.alsa_output import AlsaOutput
from edgevoice.audio.callback_threads import CallbackThreads
from edgevoice.audio.card_ring import MARGIN, CardRing, RingUnavailable
from edgevoice.audio.far_end_mixer import SpeakerFact
from edgevoice.audio.ring import Ring
from edgevoice.audio.speaker import Speaker
from edgevoice.core.facts import PlaybackCut
from edgevoice.core.orders import Earcon
from edgevoice.doctor.streams import PlayedAudio
from tests.audio.fake_pcm import FakePcm
from tests.audio.fake_ring import MS, level

MOST_STEP = 6
"""Frames, a quarter of a millisecond at 24 kHz, that the converter takes at most before each call of ALSA."""

LATE_BY = 12
"""Samples by which what a doubled card emits is late."""


class WokenRing(CardRing):
    """A ring whose owner is the test."""

    is_woken = False

    @property
    def rests(self) -> bool:
        return self.runs_free

    def wake(self) -> None:
        self.is_woken = True


class Box:
    """A speaker on such a card."""

    def __init__(self, patch: pytest.MonkeyPatch, rate_hz: int, buffer: int | None = None) -> None:
        self.pcm = FakePcm(rate_hz, buffer)
        self.per = rate_hz // 24_000
        patch.setattr(card_ring, "Pcm", lambda _name: self.pcm)
        patch.setattr("edgevoice.audio.card_ring.time.sleep", lambda seconds: self.pcm.emit(round(seconds * rate_hz)))
        self.ring = WokenRing("card")
        patch.undo()
        self.facts: list[SpeakerFact] = []
        self.reference = PlayedAudio()
        self.speaker = Speaker(
            self.facts.append, prefill_ms=0, volume_percent=100, earcon_percent=100, reference=self.reference
        )
        self.ring.renumber(self.speaker.attach(self.ring))
        self._before = len(self.pcm.tape) + self.per * (MARGIN - self.ring.reach())
        self._needed = self.speaker.feed(self.ring)

    @property
    def tape(self) -> npt.NDArray[np.int16]:
        """What the card emitted, by the speaker's positions."""
        return self.pcm.tape[self._before :: self.per][LATE_BY * (self.per - 1) :]

    @property
    def is_emitted(self) -> bool:
        """Whether the echo canceller was given exactly what the card emitted."""
        rendered, tape = np.concatenate([np.zeros(0, np.int16), *self.reference.pieces]), self.tape
        return bool((rendered[: len(tape)] == tape[: len(rendered)]).all())

    def hear(self, samples: int) -> None:
        for at in range(0, samples, MS):
            converter = (len(self.pcm.tape) - self._before) // self.per
            if self.ring.is_woken or (self._needed is not None and self._needed <= converter + MARGIN):
                self.ring.is_woken = False
                self._needed = self.speaker.feed(self.ring)
            self.pcm.emit(self.per * min(MS, samples - at))


def act(box: Box, name: str, count: int) -> None:
    speaker = box.speaker
    match name:
        case "hear":
            box.hear(count)
        case "play":
            speaker.play("item", 0, np.full(count, 30_000, "<i2").tobytes())
        case "backchannel":
            speaker.play_backchannel(f"{count}", level(80, 9000))
        case "cut" | "keep":
            speaker.cut(keeps_rest=name == "keep")
        case "resume":
            speaker.resume()
        case "finish":
            speaker.finish()
        case "earcon":
            speaker.play_earcon(Earcon.VOLUME)
        case "duck":
            speaker.duck()
        case _:
            speaker.volume_percent = count % 100


COUNTED = st.tuples(st.sampled_from(["hear", "hear", "play", "play", "volume", "backchannel"]), st.integers(1, 1500))
SOON = st.tuples(st.just("hear"), st.integers(1, 100))
AT_ONCE = st.tuples(st.sampled_from(["cut", "keep", "resume", "finish", "earcon", "duck"]), st.just(0))


@pytest.mark.parametrize("rate_hz", [24_000, 48_000])
@given(operations=st.lists(st.one_of(COUNTED, SOON, AT_ONCE), max_size=15), steps=st.lists(st.integers(0, MOST_STEP)))
@settings(max_examples=25, deadline=None)
def test_however_the_converter_moves_the_echo_canceller_gets_what_it_emits(
    rate_hz: int, operations: list[tuple[str, int]], steps: list[int]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        box = Box(patch, rate_hz)
    for name, count in operations:
        box.pcm.moves(itertools.cycle(steps) if steps and name != "hear" else ())
        act(box, name, count)
        box.pcm.moves(())
    box.hear(60 * MS)

    assert box.is_emitted
    assert (box.pcm.short, box.pcm.late) == (0, 0)


@pytest.mark.parametrize("buffer", [960, 1920, 24_000])
def test_a_cut_is_exact_whatever_the_ring_holds(buffer: int, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box(monkeypatch, 24_000, buffer)
    box.hear(1200 * MS)
    box.speaker.play("item", 0, level(3000))
    box.hear(1500 * MS)
    box.pcm.moves(itertools.repeat(5))
    box.speaker.cut()
    box.pcm.moves(())
    box.hear(1200 * MS)

    (cut,) = box.facts
    assert isinstance(cut, PlaybackCut)
    assert cut.items[0].heard_ms * MS == np.count_nonzero(box.tape)
    assert box.is_emitted
    assert (box.pcm.short, box.pcm.late) == (0, 0)


def test_a_ring_too_short_for_a_first_sound_is_left_to_portaudio(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RingUnavailable, match=r'"card" cannot be written again: .*holds 10 ms .* 40 are needed'):
        Box(monkeypatch, 48_000, 512)


def test_a_card_that_is_unplugged_as_it_is_opened_counts_as_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    pcm = FakePcm(24_000)

    def unplug(_speaker: Speaker, _ring: Ring) -> int:
        pcm.state = PcmState.DISCONNECTED
        return 0

    with monkeypatch.context() as patch:
        patch.setattr(card_ring, "Pcm", lambda _name: pcm)
        patch.setattr("edgevoice.audio.card_ring.time.sleep", lambda seconds: pcm.emit(round(seconds * 24_000)))
        patch.setattr(Speaker, "attach", unplug)
        speaker = Speaker(lambda _fact: None, prefill_ms=0, volume_percent=100, earcon_percent=100)
        output = AlsaOutput("card", speaker, CallbackThreads())

    assert output.is_lost
    output.close()
