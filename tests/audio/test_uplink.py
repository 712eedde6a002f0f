"""The gate to the wire: which samples leave the box, and each of them only once."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edgevoice.audio.microphone import PERIOD, Microphone
from edgevoice.audio.uplink import Uplink
from edgevoice.audio.upsampler import Upsampler
from edgevoice.core.notices import UplinkSent
from edgevoice.core.sound.rates import NEAR_END_HZ

LEAST, MOST = NEAR_END_HZ * 40 // 1000, NEAR_END_HZ // 10
PREROLL = NEAR_END_HZ // 2
HELD_BACK = 25
"""The most that the resampler keeps for itself, in samples: 1 ms at 24 kHz."""

Samples = npt.NDArray[np.int16]

_NUMBERS = np.arange(30 * NEAR_END_HZ)
_SPEECH: Samples = np.rint(8000 * np.sin(_NUMBERS / 9) + 8000 * np.sin(_NUMBERS / 50_001)).astype("<i2")


def speech(first: int, end: int) -> Samples:
    """Return samples that encode their own position, smooth enough to survive a resampler."""
    assert end <= len(_SPEECH)
    return _SPEECH[first:end]


@dataclass
class Wire:
    """A microphone that hears speech, the uplink behind it, and everything that was sent."""

    preroll: int = PREROLL
    sent: list[UplinkSent] = field(default_factory=list)
    pcm: list[Samples] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.microphone = Microphone(lambda _frame, _end: None, lambda: None)
        self.answers = False
        self.uplink = Uplink(
            self.microphone, self.preroll, self._take, self.sent.append, is_over_an_answer=lambda: self.answers
        )

    @property
    def now(self) -> int:
        return self.microphone.position

    @property
    def numbers(self) -> list[tuple[int, int]]:
        """Return the sent audio as ranges of samples, with adjacent ranges merged."""
        ranges: list[tuple[int, int]] = []
        for chunk in self.sent:
            begin, end = chunk.first_sample, chunk.first_sample + chunk.samples
            if ranges and ranges[-1][1] == begin:
                ranges[-1] = (ranges[-1][0], end)
            else:
                ranges.append((begin, end))
        return ranges

    def hear(self, periods: int, *, pumps: bool = True) -> None:
        for _ in range(periods):
            pcm = speech(self.now, self.now + PERIOD).tobytes()
            self.microphone.callback(pcm, PERIOD, {}, 0)
            if pumps:
                self.uplink.pump()

    def _take(self, pcm: bytes) -> None:
        self.pcm.append(np.frombuffer(pcm, dtype="<i2"))

    def assert_carried(self, expected: Samples) -> None:
        """Assert that the wire holds ``expected`` at 24 kHz; the resampler may still hold back its last bit."""
        carried = np.concatenate([*self.pcm, np.zeros(0, np.int16)])
        wanted = Upsampler().resample_chunk(expected)
        assert len(expected) * 3 / 2 - len(carried) <= HELD_BACK
        assert np.array_equal(carried, wanted)


@pytest.fixture
def wire() -> Wire:
    return Wire()


def test_a_closed_uplink_sends_nothing(wire: Wire) -> None:
    wire.hear(100)

    assert wire.sent == []
    assert not wire.uplink.is_live


def test_speech_from_before_and_during_dialling_is_sent_before_live_speech(wire: Wire) -> None:
    wire.hear(100)
    wire.uplink.keep(wire.now)
    began = wire.now - PREROLL
    wire.hear(75)
    assert wire.sent == []

    wire.uplink.open()
    assert wire.numbers == [(began, wire.now)]
    wire.hear(50)

    assert wire.numbers == [(began, wire.now)]
    wire.assert_carried(speech(began, wire.now))


def test_the_preroll_begins_with_the_first_sample_when_the_box_has_just_started(wire: Wire) -> None:
    wire.hear(5)
    wire.uplink.keep(wire.now)
    wire.uplink.open()

    assert wire.numbers == [(0, wire.now)]


def test_a_backlog_of_seconds_is_sent_in_chunks_of_100_ms(wire: Wire) -> None:
    wire.hear(100)
    wire.uplink.keep(wire.now)
    wire.hear(40)
    wire.uplink.open()

    sizes = [chunk.samples for chunk in wire.sent]
    assert sizes[:-1] == [MOST] * (len(sizes) - 1)
    assert 0 < sizes[-1] <= MOST


def test_while_an_answer_sounds_the_service_hears_20_ms_after_it_was_said(wire: Wire) -> None:
    wire.uplink.open()
    wire.answers = True
    wire.hear(50)

    assert [chunk.samples for chunk in wire.sent] == [LEAST // 2] * 50
    wire.assert_carried(speech(0, wire.now))


def test_live_audio_is_sent_in_chunks_of_40_ms(wire: Wire) -> None:
    wire.uplink.open()
    wire.hear(50)

    assert [chunk.samples for chunk in wire.sent] == [LEAST] * 25


def test_after_a_stalled_loop_it_catches_up_in_order(wire: Wire) -> None:
    wire.uplink.open()
    wire.hear(37, pumps=False)
    wire.uplink.pump()
    wire.hear(4)

    assert wire.numbers == [(0, wire.now)]
    wire.assert_carried(speech(0, wire.now))


def test_a_silenced_uplink_sends_zeros_of_the_same_length(wire: Wire) -> None:
    wire.uplink.open()
    wire.hear(10)
    wire.uplink.silence()
    silent_from = wire.now
    wire.hear(20)

    assert wire.numbers == [(0, wire.now)]
    wire.assert_carried(np.concatenate([speech(0, silent_from), np.zeros(wire.now - silent_from, np.int16)]))


@pytest.mark.parametrize("periods", [1, 2, 7, 40])
def test_audio_from_before_the_uplink_was_silenced_is_sent_unchanged(wire: Wire, periods: int) -> None:
    wire.uplink.open()
    wire.hear(periods, pumps=False)
    heard = wire.now
    wire.uplink.silence()
    wire.hear(4)

    wire.assert_carried(np.concatenate([speech(0, heard), np.zeros(wire.now - heard, np.int16)]))


@pytest.mark.parametrize("periods", [1, 2, 7, 40])
def test_audio_from_a_silenced_period_is_not_sent_afterwards(wire: Wire, periods: int) -> None:
    wire.uplink.open()
    wire.uplink.silence()
    wire.hear(periods, pumps=False)  # a loop that is busy when the answer ends
    silent_until = wire.now
    wire.uplink.open()
    wire.hear(10)

    wire.assert_carried(np.concatenate([np.zeros(silent_until, np.int16), speech(silent_until, wire.now)]))


def test_an_interruption_sends_speech_since_the_wake_word_began_and_nothing_twice(wire: Wire) -> None:
    wire.hear(10)
    wire.uplink.keep(wire.now)
    wire.uplink.open()
    wire.hear(20)
    wire.uplink.silence()
    silent_from = wire.now
    wire.hear(50)  # "hey jarvis, stop": zeros on the wire
    interrupted_at = wire.now
    wire.uplink.keep(interrupted_at)
    wire.uplink.open()
    wire.hear(4)

    assert wire.numbers == [(0, interrupted_at), (interrupted_at - PREROLL, wire.now)]
    assert interrupted_at - PREROLL > silent_from
    wire.assert_carried(
        np.concatenate(
            [
                speech(0, silent_from),
                np.zeros(interrupted_at - silent_from, np.int16),
                speech(interrupted_at - PREROLL, wire.now),
            ]
        )
    )


def test_an_interruption_soon_after_live_speech_starts_where_that_ended(wire: Wire) -> None:
    wire.uplink.open()
    wire.hear(20)
    wire.uplink.silence()
    silent_from = wire.now
    wire.hear(5)
    wire.uplink.keep(wire.now)
    wire.uplink.open()

    assert wire.numbers[-1] == (silent_from, wire.now)


def test_an_interruption_of_a_live_uplink_leaves_no_gap_even_without_a_preroll() -> None:
    wire = Wire(preroll=0)
    wire.uplink.open()
    wire.hear(9, pumps=False)
    wire.uplink.keep(wire.now)
    wire.uplink.open()
    wire.hear(4)

    assert wire.numbers == [(0, wire.now)]


def test_the_next_session_gets_no_audio_of_the_last_one(wire: Wire) -> None:
    wire.uplink.open()
    wire.hear(50)
    wire.uplink.close()
    wire.microphone.mute()
    wire.hear(50)
    wire.sent.clear()
    wire.pcm.clear()

    wire.uplink.open()
    wire.hear(20)

    assert wire.numbers == [(100 * PERIOD, wire.now)]
    loudest = int(np.abs(np.concatenate(wire.pcm)).max())
    assert loudest <= 1, "the resampler still held the end of the last session; its dither alone is 1"


def test_a_new_session_may_send_a_preroll_already_sent_to_the_last_one(wire: Wire) -> None:
    wire.uplink.open()
    wire.hear(50)
    wire.uplink.close()
    wire.sent.clear()
    wire.uplink.keep(wire.now)
    wire.uplink.open()

    assert wire.numbers == [(wire.now - PREROLL, wire.now)]


def test_muting_discards_held_audio_without_counting_it_as_lost(wire: Wire) -> None:
    wire.hear(50)
    wire.uplink.keep(wire.now)
    wire.hear(10)
    wire.uplink.mute()
    muted_at = wire.now
    wire.hear(10)
    wire.uplink.open()
    wire.uplink.unmute()
    wire.hear(10)

    assert wire.numbers == [(muted_at, wire.now)]
    assert wire.uplink.lost == 0
    wire.assert_carried(np.concatenate([np.zeros(10 * PERIOD, np.int16), speech(wire.now - 10 * PERIOD, wire.now)]))


def test_samples_that_overran_the_buffer_are_counted_as_lost(wire: Wire) -> None:
    wire.uplink.keep(0)
    wire.hear(21 * NEAR_END_HZ // PERIOD)
    wire.uplink.open()

    assert wire.uplink.lost == NEAR_END_HZ
    assert wire.numbers == [(NEAR_END_HZ, wire.now)]


def test_the_uplinks_position_is_in_microphone_samples(wire: Wire) -> None:
    wire.hear(7)

    assert wire.uplink.position == 7 * PERIOD


@settings(max_examples=50)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=30))
def test_the_wire_carries_three_samples_for_every_two_whatever_the_chunk_size(bursts: list[int]) -> None:
    wire = Wire()
    wire.uplink.open()
    for periods in bursts:
        wire.hear(periods, pumps=False)
        wire.uplink.pump()

    carried = sum(len(pcm) for pcm in wire.pcm)
    taken = sum(chunk.samples for chunk in wire.sent)
    assert all(len(pcm) for pcm in wire.pcm), "an empty chunk is none"
    assert 0 <= taken * 3 // 2 - carried <= HELD_BACK


class UplinkInTheWorld(RuleBasedStateMachine):
    """In any sequence of periods and calls every sample is sent once, in its place, unchanged or as a zero."""

    def __init__(self) -> None:
        super().__init__()
        self.wire = Wire()
        self.state = "closed"
        self.expected: list[Samples] = []
        self.begins = 0  # the sample with which the next chunk must begin
        self.live_until = 0  # where the speech that was sent unchanged ends
        self.checked = 0

    @rule(periods=st.integers(1, 12))
    def hear(self, periods: int) -> None:
        for _ in range(periods):
            self.wire.hear(1)
            self._check()

    @rule(periods=st.integers(1, 40))
    def hear_while_the_loop_is_busy(self, periods: int) -> None:
        self.wire.hear(periods, pumps=False)

    @rule(ago=st.integers(0, PREROLL))
    def keep(self, ago: int) -> None:
        at = max(0, self.wire.now - ago)
        self.wire.uplink.keep(at)
        self._check()
        if self.state == "closed":
            self.live_until = 0
            self._begin_session()
        self.begins = max(0, at - PREROLL, self.live_until)
        self.state = "keeping"

    @rule()
    def open(self) -> None:
        if self.state == "closed":
            self.begins = self.live_until = self.wire.now
            self._begin_session()
        heard = self.wire.now
        self.wire.uplink.open()
        # Audio heard while silenced stays silenced, even if it is sent only now.
        self._check()
        assert self.state != "silent" or self.begins == heard
        self.state = "live"
        self._check()

    @precondition(lambda self: self.state in {"live", "silent"})
    @rule()
    def silence(self) -> None:
        self.wire.uplink.silence()
        self._check()
        self.state = "silent"

    @rule()
    def close(self) -> None:
        self.wire.uplink.close()
        self._check()
        self.state = "closed"

    @invariant()
    def little_waits(self) -> None:
        if self.state in {"live", "silent"} and self.checked:
            self.wire.uplink.pump()
            self._check()
            assert self.wire.now - self.begins < LEAST

    @invariant()
    def nothing_is_lost(self) -> None:
        assert self.wire.uplink.lost == 0

    def teardown(self) -> None:
        self.wire.assert_carried(np.concatenate([*self.expected, np.zeros(0, np.int16)]))

    def _begin_session(self) -> None:
        """Check what the last session carried; each session has its own resampler."""
        self.wire.assert_carried(np.concatenate([*self.expected, np.zeros(0, np.int16)]))
        self.expected.clear()
        self.wire.pcm.clear()

    def _check(self) -> None:
        new = self.wire.sent[self.checked :]
        for index, chunk in enumerate(new):
            end = chunk.first_sample + chunk.samples
            assert chunk.first_sample == self.begins
            assert chunk.samples <= MOST
            assert index == 0 or new[index - 1].samples >= LEAST, "only the end of a flush is short"
            if self.state == "silent":
                self.expected.append(np.zeros(chunk.samples, np.int16))
            else:
                assert self.state != "closed"
                assert chunk.first_sample >= self.live_until, "sent twice"
                self.expected.append(speech(chunk.first_sample, end))
                self.live_until = end
            self.begins = end
        self.checked += len(new)


TestUplinkInTheWorld = UplinkInTheWorld.TestCase
TestUplinkInTheWorld.settings = settings(max_examples=60, stateful_step_count=25)


# --- resent, to another session --------------------------------------------------------------------------------------


def test_a_first_turn_is_resent_from_where_it_was_kept(wire: Wire) -> None:
    wire.hear(150)
    wire.uplink.keep(wire.now)
    began = wire.now - PREROLL
    wire.uplink.open()
    wire.hear(50)
    wire.sent.clear()
    wire.pcm.clear()

    wire.uplink.rewind()
    wire.hear(20)
    assert wire.sent == []
    wire.uplink.open()

    assert wire.numbers == [(began, wire.now)]
    wire.assert_carried(speech(began, wire.now))


def test_a_later_turn_is_resent_from_shortly_before_its_mark(wire: Wire) -> None:
    wire.hear(10)
    wire.uplink.open()
    wire.hear(200)
    marked = wire.now
    wire.uplink.mark()
    wire.hear(50)
    wire.sent.clear()

    wire.uplink.rewind()
    wire.uplink.open()

    assert wire.numbers == [(marked - NEAR_END_HZ, wire.now)]


def test_a_turn_after_zeros_is_resent_from_its_mark_or_where_it_was_kept(wire: Wire) -> None:
    wire.hear(10)
    wire.uplink.open()
    wire.uplink.silence()
    wire.hear(100)
    marked = wire.now
    wire.uplink.mark()
    wire.uplink.open()
    wire.hear(50)
    wire.sent.clear()
    wire.uplink.rewind()
    wire.uplink.open()
    assert wire.numbers == [(marked, wire.now)]

    wire.uplink.silence()
    wire.hear(100)
    spoken = wire.now - 5000
    wire.uplink.mark()
    wire.uplink.keep(spoken, has_preroll=False)
    wire.uplink.open()
    wire.hear(50)
    wire.sent.clear()
    wire.uplink.rewind()
    wire.uplink.open()
    assert wire.numbers == [(spoken, wire.now)]


def test_after_muting_there_is_nothing_to_resend(wire: Wire) -> None:
    wire.hear(10)
    wire.uplink.open()
    wire.uplink.mark()
    wire.hear(50)
    wire.uplink.mute()
    muted = wire.now
    wire.hear(5)
    wire.sent.clear()

    wire.uplink.rewind()
    wire.uplink.open()

    assert wire.numbers[0][0] == muted
