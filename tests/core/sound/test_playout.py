from collections.abc import Callable

import hypothesis.strategies as st
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given

from edgevoice.core.facts import ItemHeard, PlaybackCut, PlaybackDrained
from edgevoice.core.sound.playout import Playout
from edgevoice.core.sound.rates import FAR_END_HZ
from edgevoice.core.sound.sample_queue import SampleQueue

MS = FAR_END_HZ // 1000
"""Samples in a millisecond."""

PERIOD = 10 * MS
FADE = 3 * MS
LOUD = 24_000


def tone(samples: int, level: int = LOUD) -> bytes:
    return np.full(samples, level, "<i2").tobytes()


def flowing(samples: int) -> Playout:
    """Return a buffer with this much of one item, of which one period has been played."""
    playout = Playout(prefill_ms=0)
    playout.push("a", 0, tone(samples + PERIOD))
    playout.pull(PERIOD)
    return playout


# --- silence and prefill ---------------------------------------------------------------------------------------------


def test_an_empty_buffer_gives_silence_and_reports_nothing() -> None:
    playout = Playout(prefill_ms=60)

    samples, fact = playout.pull(PERIOD)

    assert playout.is_idle
    assert samples.tolist() == [0] * PERIOD
    assert fact is None


def test_playback_waits_for_the_prefill() -> None:
    playout = Playout(prefill_ms=60)

    assert playout.push("a", 0, tone(59 * MS)) == 1
    assert not playout.is_idle
    assert not playout.pull(PERIOD)[0].any()
    assert playout.push("a", 0, tone(1 * MS)) is None
    assert playout.pull(PERIOD)[0].tolist() == [LOUD] * PERIOD


@pytest.mark.parametrize("finish", [Playout.finish, lambda playout: playout.finish_item("a")])
def test_a_complete_item_does_not_wait_for_the_prefill(finish: Callable[[Playout], None]) -> None:
    playout = Playout(prefill_ms=60)
    playout.push("a", 0, tone(PERIOD))
    finish(playout)

    samples, fact = playout.pull(PERIOD)

    assert samples.all()
    assert fact == PlaybackDrained(1)


def test_playback_waits_at_most_a_second_for_the_prefill() -> None:
    """A service that stalls after its first delta: the box then neither speaks nor is silent."""
    playout = Playout(prefill_ms=60)
    playout.push("a", 0, tone(PERIOD))
    waited = 0
    while not playout.pull(PERIOD)[0].any():
        waited += PERIOD
        assert waited <= FAR_END_HZ

    assert waited == FAR_END_HZ
    assert playout.is_idle
    playout.push("a", 0, tone(PERIOD))
    assert not playout.pull(PERIOD)[0].any(), "the next burst waits for its prefill again"


def test_the_end_of_another_item_does_not_cut_the_prefill_short() -> None:
    playout = Playout(prefill_ms=60)
    playout.push("a", 0, tone(PERIOD))
    playout.finish_item("b")

    assert not playout.pull(PERIOD)[0].any()


# --- bursts ----------------------------------------------------------------------------------------------------------


def test_each_burst_is_numbered_and_its_end_is_reported_once() -> None:
    playout = Playout(prefill_ms=0)

    for burst in (1, 2, 3):
        assert playout.push("a", 0, tone(PERIOD)) == burst
        assert playout.push("a", 0, tone(PERIOD)) is None
        told = [playout.pull(PERIOD)[1] for _ in range(4)]
        assert told == [None, PlaybackDrained(burst), None, None]
        assert playout.is_idle


def test_after_an_underrun_the_buffer_waits_for_the_prefill_again() -> None:
    playout = Playout(prefill_ms=20)
    playout.push("a", 0, tone(20 * MS))
    playout.pull(20 * MS)

    assert playout.push("a", 0, tone(19 * MS)) == 2
    assert not playout.pull(PERIOD)[0].any()


def test_audio_without_a_whole_sample_does_not_start_playback() -> None:
    playout = Playout(prefill_ms=0)

    assert playout.push("a", 0, b"") is None
    assert playout.push("a", 0, b"\x01") is None
    assert playout.is_idle


def test_a_sample_cut_in_two_on_the_wire_is_put_together_again() -> None:
    playout = Playout(prefill_ms=0)
    playout.push("a", 0, b"\x01")
    playout.push("b", 0, b"\x07\x00")
    playout.push("a", 0, b"\x02\x03")
    playout.push("a", 0, b"\x04")

    assert playout.pull(4)[0].tolist() == [7, 0x0201, 0x0403, 0]


# --- cuts ------------------------------------------------------------------------------------------------------------


def test_a_cut_fades_within_3_ms() -> None:
    playout = flowing(10 * PERIOD)
    playout.cut()

    samples, _ = playout.pull(PERIOD)

    assert samples[0] == LOUD
    assert (np.diff(samples[: FADE + 1]) < 0).all()
    assert np.abs(np.diff(samples)).max() <= 1.6 * LOUD / FADE, "as steep as a cosine"
    assert abs(samples[1] - samples[0]) < LOUD / 1000
    assert samples[FADE - 1] < LOUD / 50
    assert not samples[FADE:].any()


def test_nothing_is_heard_or_reported_after_a_cut() -> None:
    playout = flowing(10 * PERIOD)
    playout.cut()
    playout.pull(PERIOD)

    assert playout.is_idle
    samples, fact = playout.pull(PERIOD)
    assert not samples.any()
    assert fact is None


def test_a_cut_reports_how_much_of_each_item_the_room_heard() -> None:
    playout = Playout(prefill_ms=0)
    playout.push("a", 0, tone(50 * MS))
    playout.push("b", 1, tone(30 * MS))
    playout.finish_item("a")
    playout.pull(60 * MS)
    playout.push("c", 0, tone(7 * MS + MS // 2))
    playout.cut()

    _, fact = playout.pull(PERIOD)

    assert fact == PlaybackCut(
        (ItemHeard("b", 1, 13, 30, is_complete=False), ItemHeard("c", 0, 0, 7, is_complete=False))
    )


def test_an_item_heard_to_its_end_is_not_reported_whenever_its_end_was_known() -> None:
    playout = Playout(prefill_ms=0)
    playout.push("a", 0, tone(PERIOD))
    playout.pull(PERIOD)
    playout.finish_item("a")
    playout.push("b", 0, tone(PERIOD))
    playout.pull(PERIOD - FADE)
    playout.finish()
    playout.cut()

    assert playout.pull(PERIOD)[1] == PlaybackCut(())


def test_items_may_be_complete_one_after_the_other() -> None:
    playout = Playout(prefill_ms=0)
    for item in ("a", "b"):
        playout.push(item, 0, tone(PERIOD))
        playout.finish_item(item)
    playout.cut()

    _, fact = playout.pull(PERIOD)

    assert isinstance(fact, PlaybackCut)
    assert [item.is_complete for item in fact.items] == [True, True]


def test_an_item_heard_to_its_end_is_forgotten() -> None:
    playout = Playout(prefill_ms=0)
    for number in range(100):
        playout.push(f"item-{number}", 0, tone(PERIOD))
        playout.finish()
        playout.pull(PERIOD)

    assert len(playout._items) == 1, "only the newest may go on in another part"


@pytest.mark.parametrize("has_drained", [False, True])
def test_a_part_heard_to_its_end_is_reported_if_a_later_part_of_its_item_was_not(*, has_drained: bool) -> None:
    playout = Playout(prefill_ms=0)
    playout.push("a", 0, tone(PERIOD))
    playout.finish_item("a")
    if has_drained:
        playout.pull(PERIOD)
        playout.push("a", 1, tone(PERIOD))
        playout.cut(unheard=0)
    else:
        playout.push("a", 1, tone(PERIOD))
        playout.pull(PERIOD)
        playout.cut(unheard=0)

    assert playout.pull(PERIOD)[1] == PlaybackCut(
        (ItemHeard("a", 0, 10, 10, is_complete=True), ItemHeard("a", 1, 0, 10, is_complete=False))
    )


def test_a_fade_goes_on_over_periods_shorter_than_itself() -> None:
    playout = flowing(10 * PERIOD)
    playout.cut()

    first, nothing_yet = playout.pull(FADE // 2)
    second, fact = playout.pull(FADE // 2)

    assert (np.diff(np.concatenate([first, second])) < 0).all()
    assert nothing_yet is None
    assert isinstance(fact, PlaybackCut)


def test_a_fade_ends_with_a_whole_millisecond_so_that_what_was_heard_is_not_rounded() -> None:
    playout = Playout(prefill_ms=0)
    playout.push("a", 0, tone(PERIOD * 10))
    playout.pull(PERIOD + 17)
    playout.cut()

    faded, fact = playout.pull(PERIOD)

    assert np.count_nonzero(faded) == FADE - 17
    assert fact == PlaybackCut((ItemHeard("a", 0, 13, 100, is_complete=False),))


def pulled_again(playout: Playout, frames: int, kept: int) -> None:
    """Pull, take back all but the first ``kept`` samples, and pull that part again."""
    mark = playout.mark()
    first, fact = playout.pull(frames)
    playout.take_back(mark)
    again, _ = playout.pull(kept)
    assert np.array_equal(again, first[:kept])
    assert fact is None or playout.mark().taken < mark.taken + frames


@pytest.mark.parametrize("kept", [1, 100, 239])
def test_what_was_taken_back_is_pulled_again_the_same(kept: int) -> None:
    playout = flowing(3 * PERIOD)
    playout.set_gain(0.5)
    assert playout.continues
    pulled_again(playout, PERIOD, kept)
    playout.finish()
    pulled_again(playout, 4 * PERIOD, kept)

    assert playout.pull(4 * PERIOD)[1] == PlaybackDrained(burst=1)
    assert not playout.continues


def test_a_fade_that_was_taken_back_fades_again_and_is_reported_once_more() -> None:
    playout = flowing(3 * PERIOD)
    playout.cut(keeps_rest=True)
    assert playout.fading == FADE
    assert playout.continues, "what arrives meanwhile is kept, and cannot be heard"
    mark = playout.mark()
    first = playout.pull(PERIOD)
    playout.take_back(mark)

    again = playout.pull(PERIOD)

    assert np.array_equal(again[0], first[0])
    assert again[1] == first[1]
    assert playout.fading == 0


def test_a_stalled_item_is_reported() -> None:
    playout = flowing(0)
    playout.cut()

    assert playout.pull(PERIOD)[1] == PlaybackCut((ItemHeard("a", 0, 10, 10, is_complete=False),))


def test_a_cut_before_playback_begins_makes_no_sound() -> None:
    playout = Playout(prefill_ms=60)
    playout.push("a", 0, tone(PERIOD))
    playout.cut()

    samples, fact = playout.pull(PERIOD)

    assert not samples.any()
    assert fact == PlaybackCut((ItemHeard("a", 0, 0, 10, is_complete=False),))


def test_a_cut_of_nothing_is_reported_too() -> None:
    playout = Playout(prefill_ms=60)
    playout.cut()

    assert not playout.is_idle
    assert playout.pull(PERIOD)[1] == PlaybackCut(())
    assert playout.is_idle


def test_two_cuts_in_one_period_are_one_and_the_first_one_fades() -> None:
    playout = flowing(10 * PERIOD)
    playout.cut()
    playout.push("b", 0, tone(PERIOD, level=-LOUD))
    playout.finish()
    playout.cut()

    samples, fact = playout.pull(PERIOD)

    assert samples[0] == LOUD
    assert fact == PlaybackCut(
        (ItemHeard("a", 0, 13, 110, is_complete=False), ItemHeard("b", 0, 0, 10, is_complete=True))
    )
    assert playout.pull(PERIOD)[1] is None


def test_audio_pushed_after_a_cut_is_a_new_burst_and_waits_for_its_turn() -> None:
    playout = flowing(10 * PERIOD)
    playout.cut()

    assert playout.push("b", 0, tone(PERIOD)) == 2
    samples, fact = playout.pull(PERIOD)
    assert not samples[FADE:].any()
    assert isinstance(fact, PlaybackCut)
    samples, fact = playout.pull(PERIOD)
    assert samples.all()
    assert fact == PlaybackDrained(2)


def test_cut_audio_does_not_count_towards_a_prefill() -> None:
    playout = Playout(prefill_ms=60)
    playout.push("a", 0, tone(100 * MS))
    playout.cut()
    playout.pull(PERIOD)
    playout.push("b", 0, tone(60 * MS - 1))

    assert not playout.pull(PERIOD)[0].any()


# --- loudness --------------------------------------------------------------------------------------------------------


def test_a_new_gain_is_reached_within_10_ms_and_kept() -> None:
    playout = flowing(100 * PERIOD)
    playout.set_gain(0.25)

    playout.pull(PERIOD)

    assert set(playout.pull(PERIOD)[0].tolist()) <= {LOUD // 4, LOUD // 4 - 1}
    assert set(playout.pull(PERIOD)[0].tolist()) <= {LOUD // 4, LOUD // 4 - 1}


def test_a_ramp_from_full_gain_to_zero_takes_exactly_10_ms() -> None:
    playout = flowing(100 * PERIOD)
    playout.set_gain(0)

    assert playout.pull(PERIOD)[0][-3:].tolist() == [199, 99, 0]


def test_a_gain_set_in_silence_applies_from_the_first_sample() -> None:
    playout = Playout(prefill_ms=0)
    playout.set_gain(0.25)
    playout.push("a", 0, tone(PERIOD))

    assert set(playout.pull(PERIOD)[0].tolist()) == {LOUD // 4}


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 2 * PERIOD)), max_size=20))
def test_a_change_of_gain_never_clicks(changes: list[tuple[float, int]]) -> None:
    playout = flowing(100 * PERIOD)
    heard = [np.full(1, LOUD, np.int16)]
    for gain, frames in changes:
        playout.set_gain(gain)
        heard.append(playout.pull(frames)[0])
    steps = np.abs(np.diff(np.concatenate(heard).astype(np.int32)))

    assert steps.max(initial=0) <= LOUD / PERIOD + 1


def test_a_cut_while_ducked_fades_from_the_ducked_level() -> None:
    playout = flowing(100 * PERIOD)
    playout.set_gain(0.25)
    playout.pull(2 * PERIOD)
    playout.cut()

    assert playout.pull(PERIOD)[0][0] in {LOUD // 4, LOUD // 4 - 1}


# --- calls in any order -----------------------------------------------------------------------------------------------

PREFILL_MS = 5
ITEMS = ("a", "b", "c")


class Model:
    """The buffer written without regard for speed: lists, one sample at a time."""

    def __init__(self) -> None:
        self.real = Playout(PREFILL_MS)
        self.next_byte = 0
        self.queue: list[tuple[str, int]] = []
        self.bytes_left = dict.fromkeys(ITEMS, b"")
        self.received: dict[str, int] = {}
        self.handed: dict[str, int] = {}
        self.complete: set[str] = set()
        self.cut_items: list[ItemHeard] | None = None
        self.unheard: set[str] = set()
        self.fading: list[int] = []
        self.burst = 0
        self.may_flow = False

    def push(self, item: str, size: int) -> None:
        if item in self.complete and self.handed[item] == self.received[item]:
            self._forget(item)  # this is another one, of the same name
        # No byte is zero, so that no sample can be mistaken for silence.
        pcm = bytes(1 + (self.next_byte + index) % 127 for index in range(size))
        self.next_byte += size
        data = self.bytes_left[item] + pcm
        whole = len(data) // 2
        self.bytes_left[item] = data[2 * whole :]
        begins = whole > 0 and not self.queue
        self.burst += begins
        self.may_flow = self.may_flow and not begins
        self.received[item] = self.received.get(item, 0) + whole
        self.handed.setdefault(item, 0)
        samples: npt.NDArray[np.int16] = np.frombuffer(data, "<i2", whole)
        self.queue += [(item, sample) for sample in samples.tolist()]

        assert self.real.push(item, 0, pcm) == (self.burst if begins else None)

    def finish_item(self, item: str) -> None:
        if item in self.received:
            self.complete.add(item)
        self.real.finish_item(item)

    def finish(self) -> None:
        self.complete |= set(self.received)
        self.may_flow = True
        self.real.finish()

    def cut(self) -> None:
        if self.cut_items is None:
            self.cut_items = []
            self.fading = self._hand_over(self._fade()) if self.may_flow else []
        self.cut_items += [
            ItemHeard(item, 0, self.handed[item] // MS, self.received[item] // MS, item in self.complete)
            for item in self.received
        ]
        self.unheard |= {
            item for item in self.received if item not in self.complete or self.handed[item] < self.received[item]
        }
        self.queue, self.received, self.handed, self.complete = [], {}, {}, set()
        self.bytes_left = dict.fromkeys(ITEMS, b"")
        self.may_flow = False
        self.real.cut()

    def _fade(self) -> int:
        # What was heard of the item that fades is a whole number of milliseconds.
        return FADE - (self.handed[self.queue[0][0]] + FADE) % MS if self.queue else 0

    def pull(self, frames: int) -> None:
        samples, fact = self.real.pull(frames)
        heard = samples.tolist()

        assert len(heard) == frames
        if self.cut_items is not None and len(self.fading) > frames:
            assert fact is None
            assert all(0 <= now <= was for now, was in zip(heard, self.fading, strict=False))
            self.fading = self.fading[frames:]
            return
        if self.cut_items is not None:
            assert fact == PlaybackCut(tuple(part for part in self.cut_items if part.item_id in self.unheard))
            self.unheard = set()
            assert all(0 <= now <= was for now, was in zip(heard, self.fading, strict=False))
            assert not any(heard[len(self.fading) :])
            self.cut_items = None
            return
        if self.queue and not self.may_flow:
            self.may_flow = len(self.queue) >= PREFILL_MS * MS or self.queue[-1][0] in self.complete
        expected = self._hand_over(frames) if self.may_flow else []
        assert heard == expected + [0] * (frames - len(expected))
        has_drained = bool(expected) and not self.queue
        assert fact == (PlaybackDrained(self.burst) if has_drained else None)
        if has_drained:
            newest = list(self.received)[-1]
            for item in self.complete - {newest}:
                self._forget(item)

    def _forget(self, item: str) -> None:
        del self.received[item], self.handed[item]
        self.bytes_left[item] = b""
        self.complete.remove(item)

    def _hand_over(self, most: int) -> list[int]:
        taken, self.queue = self.queue[:most], self.queue[most:]
        for item, _ in taken:
            self.handed[item] += 1
        return [sample for _, sample in taken]


STEPS = st.one_of(
    st.tuples(st.just(Model.push), st.sampled_from(ITEMS), st.integers(0, 700)),
    st.tuples(st.just(Model.finish_item), st.sampled_from(ITEMS)),
    st.tuples(st.just(Model.pull), st.integers(FADE, 2 * PERIOD)),
    st.sampled_from([(Model.finish,), (Model.cut,)]),
)


@given(st.lists(STEPS, max_size=40))
def test_every_sample_is_delivered_once_and_in_order(
    steps: list[tuple[object, ...]],
) -> None:
    model = Model()
    for step, *arguments in steps:
        assert callable(step)
        step(model, *arguments)
    model.pull(PERIOD)


# --- a service that never ends ---------------------------------------------------------------------------------------


def test_the_buffer_holds_at_most_a_quarter_of_an_hour_of_20_ms_pieces() -> None:
    playout = Playout(prefill_ms=0)
    for _ in range(45_010):
        playout.push("a", 0, tone(1))
    samples, fact = playout.pull(50_000)

    assert np.count_nonzero(samples) == 45_000
    assert fact == PlaybackDrained(1)
    assert playout.push("a", 0, tone(1)) == 2


def test_the_buffer_holds_at_most_as_many_items_as_an_answer_has() -> None:
    playout = Playout(prefill_ms=0)
    for number in range(100):
        playout.push(f"i{number}", 0, b"" if number % 2 else tone(1))
    playout.push("i0", 0, tone(1))
    playout.cut()

    _, fact = playout.pull(PERIOD)
    assert isinstance(fact, PlaybackCut)
    assert [item.item_id for item in fact.items] == [f"i{number}" for number in range(64)]
    assert playout.push("i99", 0, tone(1)) == 2


def test_the_buffer_holds_at_most_a_quarter_of_an_hour() -> None:
    playout = Playout(prefill_ms=0)
    minute = tone(60 * FAR_END_HZ)
    for _ in range(40):
        playout.push("a", 0, minute)
    pulled = 0
    while not playout.is_idle:
        playout.pull(60 * FAR_END_HZ)
        pulled += 1

    assert pulled == 15
    assert playout.push("a", 0, tone(15 * 60 * FAR_END_HZ - 1)) == 2
    playout.push("a", 0, tone(1))
    playout.push("a", 0, tone(1))
    assert np.count_nonzero(playout.pull(16 * 60 * FAR_END_HZ)[0]) == 15 * 60 * FAR_END_HZ


# --- ducked, and muted in hardware -----------------------------------------------------------------------------------


def test_after_a_cut_the_next_burst_begins_at_the_current_gain() -> None:
    playout = Playout(prefill_ms=0)
    playout.push("i1", 0, tone(100 * MS))
    playout.set_gain(0.2)
    pull_ms(playout, 50)
    playout.cut()
    playout.set_gain(1.0)
    playout.pull(PERIOD)

    playout.push("i2", 0, tone(100 * MS))

    assert (pull_ms(playout, 10) == LOUD).all()


def test_a_cut_with_the_amplifier_muted_does_not_fade() -> None:
    playout = Playout(prefill_ms=0)
    playout.push("i1", 0, tone(100 * MS))
    pull_ms(playout, 50)
    playout.cut(unheard=0)

    assert not pull_ms(playout, 10).any()


def test_audio_in_the_card_when_the_amplifier_was_muted_was_not_heard() -> None:
    playout = Playout(prefill_ms=0)
    playout.push("i1", 0, tone(100 * MS))
    playout.push("i2", 0, tone(100 * MS))
    pull_ms(playout, 110)
    playout.cut(unheard=15 * MS)

    _, told = playout.pull(PERIOD)

    # 15 ms of 110 were in the card: all 10 of the second item, and the last 5 of the first.
    assert isinstance(told, PlaybackCut)
    assert [(item.item_id, item.heard_ms) for item in told.items] == [("i1", 95), ("i2", 0)]


def test_an_item_heard_to_its_end_in_an_earlier_burst_stays_heard() -> None:
    playout = Playout(prefill_ms=0)
    playout.push("i1", 0, tone(10 * MS))
    playout.finish()
    pull_ms(playout, 10)
    playout.push("i2", 0, tone(100 * MS))
    pull_ms(playout, 10)
    playout.cut(unheard=15 * MS)

    assert playout.pull(PERIOD)[1] == PlaybackCut((ItemHeard("i2", 0, 0, 100, is_complete=False),))


def test_no_more_than_was_delivered_can_be_taken_back() -> None:
    playout = Playout(prefill_ms=0)
    playout.push("i1", 0, tone(100 * MS))
    pull_ms(playout, 10)
    playout.cut(unheard=24_000)

    _, told = playout.pull(PERIOD)

    assert isinstance(told, PlaybackCut)
    assert [item.heard_ms for item in told.items] == [0]


def test_it_reports_how_much_of_its_output_was_the_answer() -> None:
    playout = Playout(prefill_ms=0)
    playout.pull(PERIOD)
    assert playout.sounding == 0
    playout.push("i1", 0, tone(15 * MS))
    playout.finish()
    playout.pull(PERIOD)
    assert playout.sounding == 240
    playout.pull(PERIOD)
    assert playout.sounding == 120


def test_silence_is_not_the_answer_and_the_fade_of_a_cut_is() -> None:
    playout = Playout(prefill_ms=0)
    assert playout.sounding == 0
    playout.cut()
    playout.pull(PERIOD)
    assert playout.sounding == 0

    playout.cut(unheard=0)
    playout.pull(PERIOD)
    assert playout.sounding == 0

    playout.push("i1", 0, tone(15 * MS))
    playout.pull(PERIOD)
    playout.cut()
    playout.pull(PERIOD)
    assert playout.sounding == FADE


def test_the_fade_of_a_cut_sounds_only_once() -> None:
    playout = flowing(100 * MS)
    playout.cut()
    playout.pull(PERIOD)
    playout.push("i2", 0, tone(100 * MS))
    playout.pull(PERIOD)
    playout.cut(unheard=0)

    assert not playout.pull(PERIOD)[0].any()


def test_output_is_always_16_bit_samples_and_whole_milliseconds() -> None:
    playout = flowing(100 * MS)
    given = [playout.pull(PERIOD)[0]]
    playout.cut(keeps_rest=True)
    faded, fact = playout.pull(PERIOD)
    given += [faded, playout.pull(PERIOD)[0]]

    assert {samples.dtype for samples in given} == {np.dtype(np.int16)}
    assert isinstance(fact, PlaybackCut)
    assert {type(fact.items[0].heard_ms), type(fact.items[0].received_ms)} == {int}


def test_the_prefill_is_exact_to_the_sample() -> None:
    playout = Playout(prefill_ms=60)
    playout.push("a", 0, tone(60 * MS - 1))

    assert not playout.pull(FAR_END_HZ - 1)[0].any()
    assert not playout.pull(1)[0].any(), "nor for less than a second"
    assert playout.pull(1)[0].all()


def test_it_is_cutting_until_the_cut_is_reported() -> None:
    playout = Playout(prefill_ms=0)
    playout.push("i1", 0, tone(15 * MS))
    playout.cut()
    assert playout.is_cutting
    playout.pull(PERIOD)
    assert not playout.is_cutting


def pull_ms(playout: Playout, milliseconds: int) -> npt.NDArray[np.int16]:
    return np.concatenate([playout.pull(PERIOD)[0] for _ in range(milliseconds // 10)])


# --- what sounded alone ----------------------------------------------------------------------------------------------


def test_the_samples_that_an_item_alone_has_sounded_are_counted_from_its_first_one() -> None:
    playout = flowing(1000 * MS)
    mark = playout.mark()
    playout.pull(PERIOD)

    assert playout.handed_alone(mark, PERIOD) == 2 * PERIOD
    assert playout.handed_alone(mark, PERIOD + 1) is None, "something was silent meanwhile"


def test_nothing_sounded_alone_while_a_cut_is_under_way_or_after_it() -> None:
    playout = flowing(1000 * MS)
    mark = playout.mark()
    playout.pull(PERIOD)
    playout.cut(keeps_rest=True)
    assert playout.handed_alone(mark, PERIOD) is None

    playout.pull(PERIOD)

    assert playout.handed_alone(mark, PERIOD) is None


def test_two_items_did_not_sound_alone() -> None:
    playout = flowing(PERIOD)
    playout.push("b", 0, tone(10 * PERIOD))
    mark = playout.mark()
    playout.pull(3 * PERIOD)

    assert playout.handed_alone(mark, 3 * PERIOD) is None


def test_before_the_first_sample_nothing_has_sounded() -> None:
    playout = Playout(prefill_ms=0)
    playout.push("a", 0, tone(PERIOD))
    before = playout.mark()
    playout.pull(PERIOD)
    playout.cut()
    playout.pull(PERIOD)

    assert playout.handed_alone(before, PERIOD) is None
    assert SampleQueue().handed_alone(1) is None


def test_a_fade_that_the_card_has_already_is_the_one_that_is_pulled() -> None:
    playout = flowing(1000 * MS)
    faded = np.arange(FADE, 0, -1, dtype=np.int16)

    playout.cut(faded=faded)
    samples, fact = playout.pull(PERIOD)

    assert samples[:FADE].tolist() == faded.tolist()
    assert not samples[FADE:].any()
    assert fact == PlaybackCut((ItemHeard("a", 0, 13, 1010, is_complete=False),))
