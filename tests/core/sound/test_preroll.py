import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from edgevoice.core.sound.preroll import PreRoll


def numbered(first: int, samples: int) -> bytes:
    """Return samples that encode their own position."""
    return (np.arange(first, first + samples) % 32_749 + 1).astype("<i2").tobytes()


def test_a_new_preroll_is_empty() -> None:
    preroll = PreRoll(4)

    assert (preroll.start, preroll.end) == (0, 0)
    assert preroll.read(0, 10) == b""


def test_the_oldest_samples_are_overwritten() -> None:
    preroll = PreRoll(4)
    preroll.write(numbered(0, 3))
    preroll.write(numbered(3, 3))

    assert (preroll.start, preroll.end) == (2, 6)
    assert preroll.read(0, 100) == numbered(2, 4)


def test_a_write_longer_than_the_whole_ring_keeps_its_last_part() -> None:
    preroll = PreRoll(4)
    preroll.write(numbered(0, 3))
    preroll.write(numbered(3, 11))

    assert preroll.read(preroll.start, preroll.end) == numbered(10, 4)


def test_samples_that_are_gone_or_not_there_yet_are_left_out() -> None:
    preroll = PreRoll(4)
    preroll.write(numbered(0, 6))

    assert preroll.read(1, 4) == numbered(2, 2)
    assert preroll.read(4, 9) == numbered(4, 2)
    assert preroll.read(5, 5) == b""
    assert preroll.read(5, 3) == b""


def test_forgotten_samples_are_gone_and_the_numbering_continues() -> None:
    preroll = PreRoll(4)
    preroll.write(numbered(0, 6))
    preroll.clear()

    assert (preroll.start, preroll.end) == (6, 6)
    assert preroll.read(0, 100) == b""
    preroll.write(numbered(6, 1))
    assert preroll.read(0, 100) == numbered(6, 1)
    assert not any(preroll._ring[:2] + preroll._ring[6:])  # really erased, not just hidden


def test_half_a_sample_at_the_end_of_a_write_is_not_a_sample() -> None:
    preroll = PreRoll(4)
    preroll.write(numbered(0, 2) + b"\x01")

    assert preroll.end == 2


class Model:
    """Everything ever written, and the position up to which it was erased."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.real = PreRoll(capacity)
        self.written = b""
        self.forgotten = 0

    def write(self, samples: int) -> None:
        pcm = numbered(len(self.written) // 2, samples)
        self.written += pcm
        self.real.write(pcm)

    def clear(self) -> None:
        self.forgotten = len(self.written) // 2
        self.real.clear()

    def look(self, begin: int, length: int) -> None:
        end = len(self.written) // 2
        start = max(self.forgotten, end - self.capacity)
        assert (self.real.start, self.real.end) == (start, end)
        first, last = max(begin, start), min(begin + length, end)
        assert self.real.read(begin, begin + length) == (self.written[2 * first : 2 * last] if first < last else b"")


STEPS = st.one_of(
    st.tuples(st.just(Model.write), st.integers(0, 40)),
    st.tuples(st.just(Model.look), st.integers(0, 200), st.integers(0, 60)),
    st.just((Model.clear,)),
)


@given(st.integers(1, 30), st.lists(STEPS, max_size=30))
def test_every_sample_is_read_as_it_was_written_under_its_own_number(
    capacity: int, steps: list[tuple[object, ...]]
) -> None:
    model = Model(capacity)
    for step, *arguments in steps:
        assert callable(step)
        step(model, *arguments)
    model.look(0, 2000)


def test_half_a_sample_does_not_damage_the_others() -> None:
    preroll = PreRoll(4)
    preroll.write(numbered(0, 4))
    preroll.write(numbered(4, 1) + b"\x7f")

    assert preroll.read(0, 100) == numbered(1, 4)
