"""The capture callback, called as PortAudio calls it: 320 samples at a time."""

import threading
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pyaudio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevoice.audio.microphone import FRAME, PERIOD, Microphone
from edgevoice.core.sound.preroll import PreRoll
from edgevoice.core.sound.rates import NEAR_END_HZ


def sound(first: int, end: int) -> bytes:
    """Return samples that encode their own position and are never zero."""
    return (np.arange(first, end) % 30_000 + 1).astype("<i2").tobytes()


class Room:
    """A microphone, and everything that it reports."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.frames: list[tuple[bytes, int]] = []
        self.microphone = Microphone(self._hear, lambda: self.told.append("notice"))
        self.heard = 0

    def periods(self, count: int) -> None:
        for _ in range(count):
            pcm = sound(self.heard, self.heard + PERIOD)
            assert self.microphone.callback(pcm, PERIOD, {}, 0) == (None, pyaudio.paContinue)
            self.heard += PERIOD

    def _hear(self, frame: bytes, end: int) -> None:
        self.told.append("frame")
        self.frames.append((frame, end))


@pytest.fixture
def room() -> Room:
    return Room()


def test_the_wake_word_gets_80_ms_frames_with_the_position_after_each(room: Room) -> None:
    room.periods(3)
    assert room.frames == []

    room.periods(5)

    assert room.frames == [(sound(0, FRAME), FRAME), (sound(FRAME, 2 * FRAME), 2 * FRAME)]


def test_the_stop_word_gets_the_same_frames_as_the_wake_word(room: Room) -> None:
    also: list[tuple[bytes, int]] = []
    room.periods(4)
    room.microphone.hear_also(lambda frame, end: also.append((frame, end)))
    room.periods(4)

    assert also == room.frames[1:] == [(sound(FRAME, 2 * FRAME), 2 * FRAME)]


def test_readers_are_notified_after_every_period_and_after_the_frame_it_completes(room: Room) -> None:
    room.periods(5)

    assert room.told == ["notice", "notice", "notice", "frame", "notice", "notice"]


@given(periods=st.integers(0, 40), begin=st.integers(0, 40 * PERIOD))
def test_reading_from_a_sample_gives_everything_since_and_nothing_before(periods: int, begin: int) -> None:
    room = Room()
    room.periods(periods)

    assert room.microphone.position == room.heard
    assert room.microphone.read(begin) == (begin, sound(begin, max(begin, room.heard)))


def test_audio_older_than_the_buffer_is_gone_and_the_reader_learns_where_it_resumes(room: Room) -> None:
    room.periods(25 * NEAR_END_HZ // PERIOD)

    begin, pcm = room.microphone.read(0)

    assert begin == 5 * NEAR_END_HZ
    assert pcm == sound(begin, room.heard)


def test_while_muted_it_delivers_zeros_keeps_no_audio_and_goes_on_counting(room: Room) -> None:
    room.periods(6)
    room.microphone.mute()

    assert room.microphone.read(0) == (6 * PERIOD, b"")
    room.periods(2)
    assert room.microphone.read(0) == (6 * PERIOD, bytes(2 * 2 * PERIOD))
    assert room.microphone.position == 8 * PERIOD


def test_a_word_begun_before_muting_never_reaches_the_wake_word(room: Room) -> None:
    room.periods(3)
    room.microphone.mute()
    room.periods(4)

    assert room.frames == [(bytes(2 * FRAME), 7 * PERIOD)]


def test_after_unmuting_it_hears_again(room: Room) -> None:
    room.microphone.mute()
    room.periods(2)
    room.microphone.unmute()
    room.periods(2)

    assert room.microphone.read(0) == (0, bytes(2 * 2 * PERIOD) + sound(2 * PERIOD, 4 * PERIOD))
    assert room.frames == [(bytes(2 * 2 * PERIOD) + sound(2 * PERIOD, 4 * PERIOD), FRAME)]


def test_an_overflow_is_counted_and_any_other_status_flag_is_not(room: Room) -> None:
    for status in (pyaudio.paInputOverflow, 0, pyaudio.paInputUnderflow, pyaudio.paInputOverflow):
        room.microphone.callback(bytes(2 * PERIOD), PERIOD, {}, status)

    assert room.microphone.overflows == 2


def test_an_overflow_moves_the_clock_at_once(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(320):
        lost_s = 0.041 if number >= 300 else 0.0
        monkeypatch.setattr(time, "monotonic", lambda at_s=500 + number * 0.02 + lost_s: at_s)
        status = pyaudio.paInputOverflow if number == 300 else 0
        room.microphone.callback(None, PERIOD, {"current_time": 1.0, "input_buffer_adc_time": 0.98}, status)

    assert room.microphone.clock.jumps == 1
    assert room.microphone.clock.line is not None
    assert room.microphone.clock.line.time_at(320 * PERIOD) == pytest.approx(506.421, abs=1e-4)


def test_the_clock_accounts_for_an_overflow_from_the_same_callback_on(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(151):
        assert not room.microphone.clock.is_moving
        monkeypatch.setattr(time, "monotonic", lambda at_s=500 + number * 0.02: at_s)
        status = pyaudio.paInputOverflow if number == 150 else 0
        room.microphone.callback(None, PERIOD, {"current_time": 1.0, "input_buffer_adc_time": 0.98}, status)

    assert room.microphone.clock.is_moving


@pytest.mark.parametrize(("gap_s", "is_opened_anew"), [(0.3, False), (0.5, True)])
def test_callbacks_far_apart_belong_to_two_streams_and_a_late_one_to_the_same(
    room: Room, monkeypatch: pytest.MonkeyPatch, gap_s: float, *, is_opened_anew: bool
) -> None:
    for number in range(151):
        late_s = gap_s if number == 150 else 0.0
        monkeypatch.setattr(time, "monotonic", lambda at_s=500 + number * 0.02 + late_s: at_s)
        room.microphone.callback(None, PERIOD, {"current_time": 1.0, "input_buffer_adc_time": 0.98}, 0)

    assert (room.microphone.clock.line is None) is is_opened_anew


def test_a_period_without_samples_is_silence_and_keeps_its_place_in_time(room: Room) -> None:
    room.microphone.callback(None, PERIOD, {}, 0)

    assert room.microphone.read(0) == (0, bytes(2 * PERIOD))


def test_the_time_of_the_last_callback_is_known(room: Room) -> None:
    before = time.monotonic()
    room.periods(1)

    assert before <= room.microphone.called_at <= time.monotonic()


def test_the_time_of_the_last_non_zero_input_is_known_even_while_muted(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    for now, pcm in ((10.0, bytes(2 * PERIOD)), (11.0, sound(0, PERIOD)), (12.0, None), (13.0, bytes(2 * PERIOD))):
        monkeypatch.setattr(time, "monotonic", lambda now=now: now)
        room.microphone.callback(pcm, PERIOD, {}, 0)
        assert room.microphone.sounded_at == (0.0 if now < 11 else 11.0)

    room.microphone.mute()
    monkeypatch.setattr(time, "monotonic", lambda: 14.0)
    room.microphone.callback(bytes(2 * PERIOD - 1) + b"\1", PERIOD, {}, 0)
    assert room.microphone.sounded_at == 14.0


# --- behind an echo canceller ----------------------------------------------------------------------------------------


class Negating:
    """A canceller that negates."""

    def __init__(self) -> None:
        self.positions: list[int] = []
        self.pauses = 0

    def take(self, near: bytes, position: int) -> bytes:
        self.positions.append(position)
        return negated(near)

    def pause(self) -> None:
        self.pauses += 1


def negated(pcm: bytes) -> bytes:
    return (-np.frombuffer(pcm, "<i2")).tobytes()


class EchoRoom(Room):
    """A room with an echo."""

    def __init__(self) -> None:
        super().__init__()
        self.echo = Negating()
        self.microphone = Microphone(self._hear, lambda: None, echo=self.echo)


def test_every_reader_gets_the_cancelled_audio() -> None:
    room = EchoRoom()
    room.periods(4)

    assert room.echo.positions == [0, PERIOD, 2 * PERIOD, 3 * PERIOD]
    assert room.frames == [(negated(sound(0, FRAME)), FRAME)]
    assert room.microphone.read(0) == (0, negated(sound(0, FRAME)))


class Slow(Negating):
    """A canceller that takes as long as another thread needs for ``meanwhile``."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__()
        self.meanwhile = meanwhile

    def take(self, near: bytes, position: int) -> bytes:
        other = threading.Thread(target=self.meanwhile, daemon=True)
        other.start()
        other.join(10)
        assert not other.is_alive(), "it waits for the canceller"
        return super().take(near, position)


def test_a_reader_does_not_wait_for_echo_cancelling() -> None:
    read: list[tuple[int, bytes]] = []
    echo = Slow(lambda: read.append(microphone.read(0)))
    microphone = Microphone(lambda _frame, _end: None, lambda: None, echo=echo)

    microphone.callback(sound(0, PERIOD), PERIOD, {}, 0)

    assert read == [(0, b"")]
    assert microphone.read(0) == (0, negated(sound(0, PERIOD)))


@pytest.mark.parametrize("acts", ["mute", "mute and unmute"])
def test_muting_during_echo_cancelling_discards_that_period(acts: str) -> None:
    frames: list[bytes] = []

    def meanwhile() -> None:
        microphone.mute()
        if acts == "mute and unmute":
            microphone.unmute()

    echo = Slow(lambda: None)
    microphone = Microphone(lambda frame, _end: frames.append(frame), lambda: None, echo=echo)
    microphone.callback(sound(0, PERIOD), PERIOD, {}, 0)
    echo.meanwhile = meanwhile
    microphone.callback(sound(PERIOD, 2 * PERIOD), PERIOD, {}, 0)
    assert microphone.read(0) == (PERIOD, bytes(2 * PERIOD))

    microphone.unmute()
    echo.meanwhile = lambda: None
    for _ in range(3):
        microphone.callback(sound(0, PERIOD), PERIOD, {}, 0)
    assert frames == [bytes(2 * PERIOD) + 3 * negated(sound(0, PERIOD))]


def test_a_mute_as_the_callback_looks_whether_it_is_muted_discards_that_period() -> None:
    class Watched(Microphone):
        """Is muted by another thread in the moment after the callback has seen that it is not."""

        is_watched = False

        def __getattribute__(self, name: str) -> object:
            value = super().__getattribute__(name)
            if name == "_is_muted" and self.is_watched:
                self.is_watched = False
                self.mute()
            return value

    microphone = Watched(lambda _frame, _end: None, lambda: None)
    microphone.is_watched = True
    microphone.callback(sound(0, PERIOD), PERIOD, {}, 0)

    assert microphone.read(0) == (0, bytes(2 * PERIOD))


@pytest.mark.parametrize("act", ["mute", "read"])
def test_muting_and_reading_wait_until_a_period_is_completely_written(
    act: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[int, bytes]] = []
    others: list[threading.Thread] = []

    class Interrupted(PreRoll):
        def write(self, pcm: bytes) -> None:
            others.append(threading.Thread(target=meanwhile, daemon=True))
            others[-1].start()
            others[-1].join(0.05)
            super().write(pcm)

    monkeypatch.setattr("edgevoice.audio.microphone.PreRoll", Interrupted)
    microphone = Microphone(lambda _frame, _end: None, lambda: None)

    def meanwhile() -> None:
        if act == "mute":
            microphone.mute()
        read.append(microphone.read(0))

    microphone.callback(sound(0, PERIOD), PERIOD, {}, 0)
    others[0].join(10)

    kept = b"" if act == "mute" else sound(0, PERIOD)
    assert [pcm for _, pcm in read] == [kept]
    assert microphone.read(0)[1] == kept


def test_while_muted_the_canceller_gets_nothing_and_positions_advance() -> None:
    room = EchoRoom()
    room.periods(4)
    room.microphone.mute()
    room.periods(4)
    assert len(room.echo.positions) == 4
    assert room.echo.pauses == 4

    room.microphone.unmute()
    room.periods(4)

    assert room.echo.positions[4:] == [8 * PERIOD, 9 * PERIOD, 10 * PERIOD, 11 * PERIOD]
    assert room.microphone.read(8 * PERIOD) == (8 * PERIOD, negated(sound(8 * PERIOD, 12 * PERIOD)))


def test_the_clock_follows_portaudios_adc_times(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room()
    for number in range(200):
        monkeypatch.setattr(time, "monotonic", lambda number=number: 500.02 + number * 0.02)
        wall = 1e9 if number < 100 else 5.0
        times = {"current_time": wall, "input_buffer_adc_time": wall - 0.02}
        room.microphone.callback(sound(0, PERIOD), PERIOD, times, 0)
    line = room.microphone.clock.line
    assert line is not None
    assert line.time_at(0) == pytest.approx(500, abs=1e-6)

    monkeypatch.setattr(time, "monotonic", lambda: 510.0)
    room.microphone.callback(sound(0, PERIOD), PERIOD, {}, 0)
    assert room.microphone.clock.line is None, "it was opened anew"


def test_four_periods_at_once_are_the_same_as_one_after_the_other() -> None:
    sound = np.random.default_rng(1).integers(-9000, 9000, 12 * PERIOD, np.int16).tobytes()
    heard: list[list[tuple[bytes, int]]] = [[], []]
    echoes: list[list[tuple[bytes, int]]] = [[], []]
    ears = []
    for number, periods in enumerate((1, 4)):
        echo = EchoTape(echoes[number])
        microphone = Microphone(partial(keep, heard[number]), lambda: None, echo=echo)
        for at in range(0, len(sound), 2 * PERIOD * periods):
            microphone.take(sound[at : at + 2 * PERIOD * periods])
        ears.append(microphone)

    assert heard[0] == heard[1]
    assert [end for _, end in heard[0]] == [1280, 2560, 3840]
    assert echoes[0] == echoes[1]
    assert ears[0].read(0) == ears[1].read(0) == (0, sound)


def keep(kept: list[tuple[bytes, int]], frame: bytes, end: int) -> None:
    kept.append((frame, end))


class EchoTape:
    """An echo stage that changes nothing and keeps what it is given."""

    def __init__(self, taken: list[tuple[bytes, int]]) -> None:
        self._taken = taken

    def take(self, near: bytes, position: int) -> bytes:
        self._taken.append((near, position))
        return near

    def pause(self) -> None:
        raise AssertionError("nobody muted it")
