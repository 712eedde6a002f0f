"""Tuning: a week of log entries from a kitchen, and the threshold proposed from them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from edgevoice.wakeword.tuning.near_misses_log import ConversationOutcome, Detection, Entry, Listening, NearMiss
from edgevoice.wakeword.tuning.proposal import Evidence, evidence_of, propose, shortage

BEGAN = datetime(2026, 5, 1, tzinfo=UTC)


def at(seconds: float) -> str:
    return (BEGAN + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def detected(seconds: float, peak: float = 0.95, *, word: str = "computer", is_speaking: bool = False) -> Detection:
    return Detection(
        at=at(seconds), word=word, peak=peak, held=peak, threshold=0.5, floor=0.25, is_speaking=is_speaking
    )


def nearly(
    seconds: float, peak: float = 0.4, *, smoothing_frames: int = 1, floor: float = 0.25, models: str = "openwakeword"
) -> NearMiss:
    return NearMiss(
        at=at(seconds),
        word="computer",
        peak=peak,
        held=peak,
        threshold=0.5,
        floor=floor,
        smoothing_frames=smoothing_frames,
        models=models,
    )


def ended(seconds: float, turns: int = 1, answers: int = 1, *, is_dismissed: bool = False) -> ConversationOutcome:
    return ConversationOutcome(at=at(seconds), word="computer", turns=turns, answers=answers, is_dismissed=is_dismissed)


def counts(*entries: Entry) -> tuple[int, int, int, int, int]:
    found = evidence_of(entries, "computer")
    return len(found.calls), len(found.missed), len(found.false), len(found.others), found.unknown


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([detected(0), ended(20)], (1, 0, 0, 0, 0)),
        ([detected(0), ended(20, turns=0)], (0, 0, 1, 0, 0)),
        ([detected(0), ended(20, answers=0)], (0, 0, 1, 0, 0)),
        ([detected(0), ended(20, is_dismissed=True)], (0, 0, 1, 0, 0)),
        ([detected(0)], (0, 0, 0, 0, 1)),
        ([detected(0), ended(99_999)], (0, 0, 0, 0, 1)),
        ([detected(0), detected(5), ended(20)], (1, 0, 0, 0, 1)),
        ([nearly(0)], (0, 0, 0, 1, 0)),
        ([nearly(0), detected(4), ended(20)], (1, 1, 0, 0, 0)),
        ([nearly(0), nearly(3), detected(6), ended(20)], (1, 2, 0, 0, 0)),
        ([nearly(0), detected(60), ended(80)], (1, 0, 0, 1, 0)),
        ([nearly(0), ended(5), detected(6), ended(20)], (1, 0, 0, 1, 0)),
        ([nearly(0), detected(4, word="alexa")], (0, 0, 0, 1, 0)),
        ([nearly(10), detected(0), ended(20)], (1, 0, 0, 1, 0)),
    ],
    ids=[
        "a call",
        "nobody spoke",
        "the word itself was the turn",
        "sent away",
        "nothing is known of it",
        "long ago",
        "twice in one conversation",
        "a near miss",
        "said again",
        "said three times",
        "an hour later is another matter",
        "in a conversation",
        "another word",
        "the clock was set",
    ],
)
def test_entries_are_classified_as_calls_or_false_wakes_by_what_followed(
    entries: Sequence[Entry], expected: tuple[int, ...]
) -> None:
    assert counts(*entries) == expected


def test_all_listening_time_counts_whatever_was_heard() -> None:
    entries = [Listening(at=at(0), listened_s=43_200), nearly(1), Listening(at="nonsense", listened_s=43_200)]

    assert evidence_of(entries, "computer").days == 1.0


def test_entries_from_playback_or_from_other_smoothing_or_models_are_kept_apart() -> None:
    entries = [
        detected(0, is_speaking=True),
        nearly(50, smoothing_frames=2),
        nearly(90),
        nearly(130, models="microwakeword"),
        nearly(170, models="microwakeword"),
    ]

    found = evidence_of(entries, "computer")
    other = evidence_of(entries, "computer", models="microwakeword")

    assert (found.over_speech, len(found.others)) == (1, 1)
    assert (other.over_speech, len(other.others)) == (0, 2)


def test_invalid_dates_do_not_count_as_repetitions() -> None:
    odd = NearMiss(at="yesterday", word="computer", peak=0.4, held=0.4, threshold=0.5, floor=0.25)
    naive = NearMiss(at="2026-05-01T00:00:00", word="computer", peak=0.4, held=0.4, threshold=0.5, floor=0.25)

    assert counts(odd, naive, detected(1), ended(20)) == (1, 0, 0, 2, 0)


CLEAR = ((0.97, 0.95),) * 30


@pytest.mark.parametrize(
    ("evidence", "missing"),
    [
        (Evidence(0.0), "0.0 days of listening and 0 calls"),
        (Evidence(2.9, calls=CLEAR), "2.9 days of listening and 30 calls"),
        (Evidence(30.0, calls=CLEAR[:18], missed=CLEAR[:1]), "30.0 days of listening and 19 calls"),
    ],
)
def test_too_little_data_is_reported_as_such(evidence: Evidence, missing: str) -> None:
    assert missing in shortage(evidence)
    assert shortage(Evidence(3.0, calls=CLEAR)) == ""


def test_without_misses_or_false_wakes_no_change_is_proposed() -> None:
    found = propose(Evidence(10.0, calls=CLEAR, others=((0.3, 0.28),)), 0.5, 0.8, most_false_wakes=0.5)

    assert found.proposed == found.present
    assert found.proposed.false_wakes.value == 0
    assert found.proposed.false_wakes.high == pytest.approx(0.369, abs=0.001)


def test_repeated_calls_lower_the_threshold_as_far_as_needed() -> None:
    evidence = Evidence(10.0, calls=CLEAR, missed=((0.42, 0.41),) * 6, others=((0.3, 0.28),) * 20, floor=0.25)

    found = propose(evidence, 0.5, 0.8, most_false_wakes=0.5)

    # 0.3, 0.35 and 0.4 detect them all and nothing else; the middle one has a margin on both sides.
    assert found.proposed.threshold == 0.35
    assert (found.proposed.misses.value, found.proposed.false_wakes.value) == (0.0, 0.0)
    assert found.present.misses.value == pytest.approx(6 / 36)
    assert found.keeps_within


def test_false_wakes_raise_the_threshold_even_at_the_cost_of_calls() -> None:
    evidence = Evidence(10.0, calls=(*CLEAR, (0.66, 0.62)), false=((0.72, 0.68),) * 20)

    found = propose(evidence, 0.5, 0.8, most_false_wakes=0.5)

    assert 0.7 <= found.proposed.threshold <= 0.95
    assert found.proposed.false_wakes.value == 0
    assert found.proposed.misses.value == pytest.approx(1 / 31)
    assert found.present.false_wakes.value == 2.0


def test_a_single_high_frame_counts_at_every_threshold_below_it() -> None:
    evidence = Evidence(10.0, calls=CLEAR, others=((0.85, 0.1),) * 10)

    rates = {each.threshold: each.false_wakes.value for each in propose(evidence, 0.5, 0.8, most_false_wakes=0).table}

    assert (rates[0.5], rates[0.85], rates[0.9]) == (1.0, 1.0, 0.0)


def test_when_no_threshold_is_good_enough_the_report_says_so_and_names_the_best() -> None:
    evidence = Evidence(10.0, calls=CLEAR, false=((1.0, 1.0),) * 20, others=((0.4, 0.4),) * 9)

    found = propose(evidence, 0.5, 0.8, most_false_wakes=0.5)

    assert not found.keeps_within
    assert found.proposed.false_wakes.value == 2.0


@pytest.mark.parametrize("floor", [0.25, 0.4, 0.99])
def test_no_claim_is_made_about_thresholds_below_the_logs_floor(floor: float) -> None:
    evidence = Evidence(10.0, calls=CLEAR, missed=((0.995, 0.2),), floor=floor)

    found = propose(evidence, 0.5, 0.8, most_false_wakes=0.5)

    assert min(each.threshold for each in found.table) >= floor
    assert found.proposed.threshold >= floor
