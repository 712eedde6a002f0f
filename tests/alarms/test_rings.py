"""What is said when something rings."""

import pytest

from edgevoice.alarms.rings import RingKind, ScheduledRing, spoken_name
from edgevoice.wakeword.stop_words import WORDS


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("kind", list(RingKind))
def test_a_name_that_is_a_stop_word_is_not_said_alone_or_the_ring_would_end_itself(kind: RingKind, word: str) -> None:
    said = spoken_name(ScheduledRing(kind, word, first="2026-03-01T07:00"))

    assert word in said
    assert len(said.split()) > 1
