"""How long a word over an answer takes until silence, and its parts: from what was recorded of each."""

from pathlib import Path

import numpy as np
import pytest

from edgevoice.core.facts import PlaybackCut
from edgevoice.core.notices import UplinkSent
from edgevoice.testbed.bench.cuts import Cut, CutSource, JudgedInterruption
from edgevoice.testbed.bench.service_hears import AtTheService, Chunks, onset_s, way_to_silence
from edgevoice.testbed.virtual.tape import Samples, Tape, TapeHeader

RATE_HZ = 16_000
BEGAN_S = 100.0


class Recorded(Tape):
    """A tape of the microphone whose first sample is heard at 100 s."""

    def __init__(self, recorded: Samples) -> None:
        super().__init__(Path())
        object.__setattr__(self, "recorded", recorded)

    @property
    def header(self) -> TapeHeader:
        return TapeHeader(RATE_HZ, 1, round(BEGAN_S * 1e9), RATE_HZ, 0, is_running=True, lost_frames=0)

    def samples(self, first: int = 0, end: int | None = None) -> Samples:
        recorded: Samples = vars(self)["recorded"][first:end]
        return recorded


class Ears:
    """A microphone whose card last delivered at 100.52 s."""

    called_at = BEGAN_S + 0.52


def a_cut(spoken_s: float, *, source: CutSource = CutSource.SERVICE) -> JudgedInterruption:
    cut = Cut(4, source, BEGAN_S + 0.526, PlaybackCut(()), is_loaded=False, spoken_s=spoken_s)
    return JudgedInterruption(cut, silent_ms=4.0, heard_error_ms=0.0, late_samples=0, click_db=-40.0)


def sent_chunks() -> Chunks:
    chunks = Chunks()
    chunks.microphone = Ears()  # type: ignore[assignment]
    chunks.observe(UplinkSent(7680, 320), BEGAN_S + 0.501)
    chunks.observe(UplinkSent(8000, 320), BEGAN_S + 0.521)
    return chunks


def test_a_remark_is_found_where_the_microphone_heard_it_and_not_where_it_was_due() -> None:
    chance = np.random.default_rng(3)
    said = chance.integers(-9000, 9000, 8000).astype(np.int16)
    heard = chance.integers(-3000, 3000, RATE_HZ).astype(np.int16)
    heard[6123 : 6123 + 8000] += said

    assert onset_s(Recorded(heard), said, BEGAN_S + 6000 / RATE_HZ) == pytest.approx(BEGAN_S + 6123 / RATE_HZ)


def test_the_way_to_silence_is_the_sum_of_its_parts() -> None:
    there = {4: AtTheService(heard_s=BEGAN_S + 0.523, said_s=BEGAN_S + 0.525)}

    figures = way_to_silence([a_cut(BEGAN_S + 0.510)], sent_chunks(), Recorded(np.zeros(0, np.int16)), there)

    way = figures["unloaded"]
    assert {part: times["p50"] for part, times in way["parts_ms"].items()} == {
        "captured": 10.0,
        "sent": 1.0,
        "heard": 2.0,
        "said": 2.0,
        "decided": 1.0,
        "silent": 4.0,
    }
    assert way["silent_ms"] == {"p50": 20.0, "p95": 20.0, "max": 20.0}
    assert way["without_the_service_ms"]["p50"] == 18.0
    assert way["heard"] == "1/1"
    assert "loaded" not in figures


@pytest.mark.parametrize(
    "one",
    [a_cut(BEGAN_S + 0.510, source=CutSource.LOCAL_SPEECH), a_cut(BEGAN_S + 0.600)],
    ids=["the box was sooner", "nothing of it was sent"],
)
def test_a_word_that_did_not_go_that_way_is_left_out(one: JudgedInterruption) -> None:
    there = {4: AtTheService(heard_s=BEGAN_S + 0.523, said_s=BEGAN_S + 0.525)}

    assert way_to_silence([one], sent_chunks(), Recorded(np.zeros(0, np.int16)), there) == {}
