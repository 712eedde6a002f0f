"""A cut answer resumes at the exact sample: none is lost, none is heard twice."""

from collections.abc import Callable

import hypothesis.strategies as st
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given

from edgevoice.core.facts import ItemHeard, PlaybackCut, PlaybackDrained
from edgevoice.core.sound.playout import Playout
from edgevoice.core.sound.rates import FAR_END_HZ

MS = FAR_END_HZ // 1000
PERIOD = 10 * MS
FADE = 3 * MS

Samples = npt.NDArray[np.int16]


def answer(samples: int) -> Samples:
    """Return a sound whose samples encode their position."""
    return (np.arange(samples) % 30_000 + 1).astype(np.int16)


def cut_after(handed: int, *, of: Samples) -> Playout:
    """Return a buffer whose answer was cut after this many samples and whose fade has been pulled."""
    playout = Playout(prefill_ms=0)
    playout.push("a", 0, of.tobytes())
    playout.pull(handed)
    playout.cut(keeps_rest=True)
    return playout


def pulled(playout: Playout, frames: int) -> Samples:
    return playout.pull(frames)[0]


@given(
    length=st.integers(1, 4000),
    handed=st.integers(1, 3000),
    pieces=st.lists(st.integers(1, 700), max_size=6),
    periods=st.lists(st.integers(1, 600), min_size=1, max_size=20),
    silent=st.integers(1, 50),
)
def test_no_sample_of_the_answer_is_lost_at_a_false_cut(
    length: int, handed: int, pieces: list[int], periods: list[int], silent: int
) -> None:
    sound = answer(length + sum(pieces))
    playout = Playout(prefill_ms=0)
    playout.push("a", 0, sound[:length].tobytes())
    heard = [playout.pull(min(handed, length))[0]]
    playout.cut(keeps_rest=True)
    # The card pulls in pieces, but there is only one fade.
    fade = pulled(playout, FADE + silent)
    left = max(0, length - handed)
    # It ends with a whole millisecond, which is how what was heard is reported.
    fading = min(FADE - (min(handed, length) + FADE) % (FAR_END_HZ // 1000), left)
    heard.append(fade[:fading])
    at = length
    for piece in pieces:
        assert playout.push("a", 0, sound[at : at + piece].tobytes()) is None
        assert not pulled(playout, silent).any()
        at += piece

    playout.resume()
    playout.finish()
    fact = None
    while not isinstance(fact, PlaybackDrained):
        for frames in periods:
            samples, fact = playout.pull(frames)
            heard.append(samples[: playout.sounding])
            if fact is not None:
                break

    whole = np.concatenate(heard)
    assert len(whole) == len(sound)
    same = whole == sound
    begin = min(handed, length)
    resumed = begin + fading
    same[begin : resumed + FADE] = True
    assert same.all(), "all but 3 ms of fading out and 3 ms of fading in"
    assert (np.abs(whole) <= sound).all()


def test_a_resumed_answer_fades_in_without_a_click() -> None:
    playout = cut_after(PERIOD, of=np.full(FAR_END_HZ, 12_000, np.int16))
    playout.pull(PERIOD)
    playout.resume()

    samples = pulled(playout, PERIOD)

    assert samples[0] == 0
    assert (np.diff(samples[:FADE].astype(int)) > 0).all()
    assert np.diff(samples.astype(int)).max() <= 1.6 * 12_000 / FADE, "as steep as a cosine"
    assert (samples[FADE:] == 12_000).all()


def test_while_the_rest_waits_playback_is_idle_and_new_audio_does_not_start_it() -> None:
    playout = cut_after(PERIOD, of=answer(FAR_END_HZ))
    playout.pull(PERIOD)

    assert playout.is_idle
    assert playout.push("a", 0, bytes(200)) is None
    samples, fact = playout.pull(PERIOD)
    assert not samples.any()
    assert fact is None


def test_the_heard_count_continues_from_the_cut() -> None:
    playout = cut_after(100 * MS, of=answer(400 * MS))
    assert playout.pull(PERIOD)[1] == PlaybackCut((ItemHeard("a", 0, 103, 400, is_complete=False),))
    assert playout.resume() == 2
    playout.pull(95 * MS)

    playout.cut()

    assert playout.pull(PERIOD)[1] == PlaybackCut((ItemHeard("a", 0, 201, 400, is_complete=False),))
    assert playout.is_idle


@pytest.mark.parametrize("again", [Playout.cut, Playout.drop])
def test_a_dropped_rest_is_not_reported_again_and_the_next_answer_is_a_new_one(
    again: Callable[[Playout], None],
) -> None:
    playout = cut_after(PERIOD, of=answer(FAR_END_HZ))
    playout.pull(PERIOD)

    again(playout)

    assert playout.is_idle
    assert playout.push("b", 0, answer(PERIOD).tobytes()) == 2
    assert (pulled(playout, PERIOD) == answer(PERIOD)).all()


def test_a_rest_dropped_before_its_fade_is_reported_too() -> None:
    playout = cut_after(PERIOD, of=answer(FAR_END_HZ))
    playout.drop()

    samples, fact = playout.pull(PERIOD)

    assert samples[:FADE].any()
    assert fact == PlaybackCut((ItemHeard("a", 0, 13, 1000, is_complete=False),))


def test_a_second_cut_while_it_waits_changes_nothing() -> None:
    playout = cut_after(PERIOD, of=answer(FAR_END_HZ))
    playout.pull(PERIOD)
    playout.cut(keeps_rest=True)

    assert playout.is_idle
    assert playout.resume() == 2
    assert pulled(playout, PERIOD).any()


def test_dropping_without_a_kept_rest_does_nothing() -> None:
    playout = Playout(prefill_ms=0)
    playout.push("a", 0, answer(PERIOD).tobytes())

    playout.drop()

    assert (pulled(playout, PERIOD) == answer(PERIOD)).all()


def test_resuming_with_nothing_left_drains_at_once() -> None:
    playout = cut_after(PERIOD, of=answer(PERIOD + FADE))
    playout.pull(PERIOD)

    assert playout.resume() == 2
    assert not playout.is_idle
    assert playout.pull(PERIOD)[1] == PlaybackDrained(2)
    assert playout.is_idle
    assert playout.push("a", 0, answer(PERIOD).tobytes()) == 3


def test_the_first_audio_after_that_is_a_new_burst() -> None:
    playout = cut_after(PERIOD, of=answer(PERIOD + FADE))
    playout.pull(PERIOD)
    playout.resume()

    assert playout.push("a", 0, answer(2 * PERIOD).tobytes()) == 3
    assert playout.pull(PERIOD)[1] is None


def test_resuming_before_anything_was_played_drains_at_once() -> None:
    playout = Playout(prefill_ms=0)
    playout.cut(keeps_rest=True)
    playout.pull(PERIOD)
    playout.resume()

    assert playout.pull(PERIOD)[1] == PlaybackDrained(1)


@pytest.mark.parametrize("unheard", [0, 1, 100, PERIOD, 700])
def test_with_a_muted_amplifier_it_resumes_at_the_first_sample_that_was_not_emitted(unheard: int) -> None:
    sound = answer(FAR_END_HZ)
    playout = Playout(prefill_ms=0)
    playout.push("a", 0, sound.tobytes())
    for _ in range(5):
        playout.pull(PERIOD)

    playout.cut(unheard, keeps_rest=True)
    assert playout.pull(PERIOD)[1] == PlaybackCut(
        (ItemHeard("a", 0, (5 * PERIOD - unheard) // MS, 1000, is_complete=False),)
    )
    playout.resume()

    begin = 5 * PERIOD - unheard
    samples = pulled(playout, 2 * PERIOD)
    assert (samples[FADE:] == sound[begin + FADE : begin + 2 * PERIOD]).all()


def test_at_most_half_a_second_is_put_back() -> None:
    playout = Playout(prefill_ms=0)
    playout.push("a", 0, answer(2 * FAR_END_HZ).tobytes())
    for _ in range(100):
        playout.pull(PERIOD)
    playout.cut(FAR_END_HZ, keeps_rest=True)

    _, fact = playout.pull(PERIOD)

    assert isinstance(fact, PlaybackCut)
    assert fact.items[0].heard_ms == 500


def test_an_item_heard_to_its_end_long_ago_is_not_put_back() -> None:
    playout = Playout(prefill_ms=0)
    playout.push("a", 0, answer(PERIOD).tobytes())
    playout.finish_item("a")
    playout.pull(PERIOD)
    playout.push("b", 0, answer(PERIOD + 1).tobytes())
    playout.pull(PERIOD)

    playout.cut(3 * PERIOD, keeps_rest=True)

    assert playout.pull(PERIOD)[1] == PlaybackCut((ItemHeard("b", 0, 0, 10, is_complete=False),))


def test_the_rest_waits_for_the_prefill_like_any_other_sound() -> None:
    sound = answer(FAR_END_HZ)
    playout = Playout(prefill_ms=60)
    playout.push("a", 0, sound[: 70 * MS].tobytes())
    assert pulled(playout, 20 * MS).all()
    playout.cut(keeps_rest=True)
    playout.pull(PERIOD)
    playout.resume()

    assert not pulled(playout, PERIOD).any(), "47 ms are left"
    playout.push("a", 0, sound[70 * MS : 83 * MS].tobytes())
    assert (pulled(playout, PERIOD)[FADE:] == sound[26 * MS : 33 * MS]).all()


def test_the_rest_has_its_own_second_to_wait_for_the_prefill() -> None:
    playout = Playout(prefill_ms=60)
    playout.push("a", 0, answer(PERIOD).tobytes())
    playout.pull(FAR_END_HZ - PERIOD)
    playout.push("a", 0, answer(60 * MS).tobytes())
    playout.pull(20 * MS)
    playout.cut(keeps_rest=True)
    playout.pull(PERIOD)
    playout.resume()

    for frames in (FAR_END_HZ - PERIOD, PERIOD - 1, 1):
        playout.pull(frames)
        assert playout.sounding == 0
    playout.pull(1)
    assert playout.sounding == 1


def test_a_cut_during_the_fade_in_does_not_fade_in_the_next_answer() -> None:
    playout = cut_after(PERIOD, of=answer(FAR_END_HZ))
    playout.pull(PERIOD)
    playout.resume()
    playout.pull(FADE // 2)
    playout.cut()
    playout.pull(PERIOD)
    playout.push("b", 0, answer(PERIOD).tobytes())

    assert (pulled(playout, PERIOD) == answer(PERIOD)).all()


def test_a_cut_of_an_empty_rest_is_reported_alone() -> None:
    playout = cut_after(PERIOD, of=answer(PERIOD + FADE))
    playout.pull(PERIOD)
    playout.resume()
    playout.cut()

    assert isinstance(playout.pull(PERIOD)[1], PlaybackCut)
    assert playout.pull(PERIOD)[1] is None


def test_an_empty_rest_was_heard_to_its_end() -> None:
    playout = cut_after(PERIOD, of=answer(PERIOD + FADE))
    playout.finish()
    playout.pull(PERIOD)
    playout.resume()
    assert playout.pull(PERIOD)[1] == PlaybackDrained(2)
    playout.push("b", 0, answer(2 * PERIOD).tobytes())
    playout.pull(PERIOD)

    playout.cut(3 * PERIOD)

    assert playout.pull(PERIOD)[1] == PlaybackCut((ItemHeard("b", 0, 0, 20, is_complete=False),))


def test_audio_can_be_put_back_again_together_with_what_came_before_it() -> None:
    sound = answer(4 * FAR_END_HZ)
    playout = Playout(prefill_ms=0)
    playout.push("a", 0, sound.tobytes())
    playout.pull(FAR_END_HZ)
    for unheard in (FAR_END_HZ // 4, FAR_END_HZ // 2):
        playout.cut(unheard, keeps_rest=True)
        playout.pull(PERIOD)
        playout.resume()
        playout.pull(PERIOD)
    playout.cut(2 * PERIOD, keeps_rest=True)

    begin = FAR_END_HZ - FAR_END_HZ // 4 + PERIOD - FAR_END_HZ // 2 + PERIOD - 2 * PERIOD
    assert playout.pull(PERIOD)[1] == PlaybackCut((ItemHeard("a", 0, begin // MS, 4000, is_complete=False),))
    playout.resume()
    assert (pulled(playout, PERIOD)[FADE:] == sound[begin + FADE : begin + PERIOD]).all()
    assert playout._queue._recent_samples == sum(len(chunk.samples) for chunk in playout._queue._recent)
    assert playout._queue.queued == sum(len(chunk.samples) for chunk in playout._queue._chunks)


def test_exactly_half_a_second_can_be_put_back() -> None:
    playout = Playout(prefill_ms=0)
    playout.push("a", 0, answer(FAR_END_HZ).tobytes())
    playout.pull(MS)
    playout.pull(FAR_END_HZ // 2 - 1)

    playout.cut(FAR_END_HZ // 2, keeps_rest=True)

    assert playout.pull(PERIOD)[1] == PlaybackCut((ItemHeard("a", 0, 0, 1000, is_complete=False),))


def test_an_answer_that_was_cut_for_good_is_not_put_back() -> None:
    playout = Playout(prefill_ms=0)
    playout.push("a", 0, answer(FAR_END_HZ).tobytes())
    playout.pull(PERIOD)
    playout.cut()
    playout.pull(PERIOD)
    playout.push("b", 0, answer(FAR_END_HZ).tobytes())
    playout.pull(PERIOD)

    playout.cut(3 * PERIOD, keeps_rest=True)
    playout.pull(PERIOD)
    playout.resume()

    assert (pulled(playout, PERIOD)[FADE:] == answer(PERIOD)[FADE:]).all()
    assert playout._queue._recent_samples == sum(len(chunk.samples) for chunk in playout._queue._recent)
