"""A sample that was split over two pieces is joined again, and none is lost or invented."""

from hypothesis import given
from hypothesis import strategies as st

from edgevoice.core.sound.whole_samples import WholeSamples


def test_half_a_sample_waits_for_its_other_half() -> None:
    samples = WholeSamples()
    assert samples.take(b"\x01\x02\x03") == b"\x01\x02"
    assert samples.take(b"") == b""
    assert samples.take(b"\x04") == b"\x03\x04"
    assert samples.take(b"\x05") == b""


@given(pieces=st.lists(st.binary(max_size=7)))
def test_the_pieces_may_end_anywhere(pieces: list[bytes]) -> None:
    samples = WholeSamples()
    taken = [samples.take(piece) for piece in pieces]
    sent = b"".join(pieces)
    assert all(len(each) % 2 == 0 for each in taken)
    assert b"".join(taken) == sent[: len(sent) & ~1]
