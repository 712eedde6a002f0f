"""The playout buffer where a later session gives its items the names of an earlier one's."""

import numpy as np
import pytest

from edgevoice.core.facts import ItemHeard, PlaybackCut, PlaybackDrained
from edgevoice.core.sound.playout import Playout

MS = 24


def pcm(milliseconds: int) -> bytes:
    return np.full(milliseconds * MS, 1000, "<i2").tobytes()


@pytest.fixture
def playout() -> Playout:
    """A buffer that has played an answer to its end."""
    playout = Playout(prefill_ms=80)
    playout.push("item_4", 0, pcm(500))
    playout.finish()
    assert playout.pull(600 * MS)[1] == PlaybackDrained(1)
    return playout


def test_its_first_samples_wait_for_the_prefill_like_any(playout: Playout) -> None:
    assert playout.push("item_4", 0, pcm(40)) == 2

    assert not playout.pull(10 * MS)[0].any()

    playout.push("item_4", 0, pcm(40))
    assert playout.pull(10 * MS)[0].all()


def test_what_was_heard_is_counted_from_its_own_beginning(playout: Playout) -> None:
    playout.push("item_4", 0, pcm(400))
    playout.pull(100 * MS)

    playout.cut()

    _, cut = playout.pull(10 * MS)
    assert isinstance(cut, PlaybackCut)
    (heard,) = cut.items
    assert heard == ItemHeard("item_4", 0, heard.heard_ms, 400, is_complete=False)
    assert 100 <= heard.heard_ms <= 104


def test_what_was_taken_back_of_it_is_pulled_again(playout: Playout) -> None:
    playout.push("item_4", 0, pcm(40))
    playout.finish()
    mark = playout.mark()
    assert playout.pull(50 * MS)[1] == PlaybackDrained(2)

    playout.take_back(mark)

    samples, drained = playout.pull(50 * MS)
    assert np.count_nonzero(samples) == 40 * MS
    assert drained == PlaybackDrained(2)
