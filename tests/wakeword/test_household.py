"""Known voices: how much their verifiers change a score, within which bounds, and when they run at all."""

import math

import numpy as np
import pytest

from edgevoice.wakeword.household import NEAR, HouseholdVoices, VoiceVerifier
from edgevoice.wakeword.models.shapes import EMBEDDING_SIZE, Floats

SEEN = 2


def embeddings(*firsts: float) -> Floats:
    """Return embeddings that differ only in their first number."""
    made = np.zeros((len(firsts), EMBEDDING_SIZE), np.float32)
    made[:, 0] = firsts
    return made


def voice(name: str = "Anna", *, bias: float = 0.0) -> VoiceVerifier:
    """Return a verifier whose log odds are the newest embedding's first number."""
    weights = np.zeros(SEEN * EMBEDDING_SIZE, np.float32)
    weights[EMBEDDING_SIZE] = 1.0
    return VoiceVerifier(name, "hey_jarvis", weights, bias)


def verified(household: HouseholdVoices, score: float, own: float, first: float) -> float:
    ((after,),) = household.verified([[score]], [[own]], embeddings(0.0, 0.0, first))
    return after


def household(*voices: VoiceVerifier, threshold: float = 0.5) -> HouseholdVoices:
    return HouseholdVoices([voices or [voice()]], threshold=threshold)


def test_a_known_voice_is_detected_at_scores_otherwise_too_low() -> None:
    assert verified(household(), 0.1, 0.1, 3.0) == pytest.approx(0.69, abs=0.01)


def test_even_a_well_known_voice_does_not_turn_other_speech_into_a_detection() -> None:
    assert verified(household(), 0.01, 0.05, 50.0) < 0.5


def test_a_guest_with_a_high_score_always_wakes_the_box() -> None:
    assert verified(household(), 0.9, 0.9, -50.0) > 0.5
    assert verified(household(), 0.6, 0.6, -50.0) < 0.5


def test_no_verifier_is_asked_while_scores_are_low() -> None:
    assert verified(household(), 0.3, NEAR / 2, 50.0) == 0.3


def test_a_stricter_threshold_needs_a_surer_verifier() -> None:
    assert verified(household(threshold=0.9), 0.3, 0.3, 1.0) < 0.3 < verified(household(), 0.3, 0.3, 1.0)


def test_with_several_voices_the_best_match_counts_and_must_be_surer() -> None:
    both = household(voice("Anna"), voice("Ben", bias=2.0))

    alone = household(voice("Ben", bias=2.0 - math.log(2)))

    assert verified(both, 0.3, 0.3, 0.0) == pytest.approx(verified(alone, 0.3, 0.3, 0.0))


def test_a_verifiers_result_is_valid_for_exactly_three_frames() -> None:
    known = household()

    scores = [verified(known, 0.3, 0.3, first) for first in (3.0, 0.0, 0.0, 0.0)]

    assert scores[0] == scores[1] == scores[2] > scores[3] == pytest.approx(0.3)


@pytest.mark.parametrize("ends", ["in silence", "by a reset"])
def test_after_silence_or_a_reset_earlier_results_no_longer_count(ends: str) -> None:
    known = household()
    verified(known, 0.3, 0.3, 3.0)
    if ends == "in silence":
        verified(known, 0.0, 0.0, 0.0)
    else:
        known.reset()

    assert verified(known, 0.3, 0.3, 0.0) == pytest.approx(0.3)


def test_two_frames_at_once_score_the_same_as_one_by_one() -> None:
    one_by_one, at_once = household(), household()

    first = one_by_one.verified([[0.3]], [[0.3]], embeddings(0.0, 0.0, 1.0))
    second = one_by_one.verified([[0.4]], [[0.4]], embeddings(0.0, 1.0, -1.0))

    assert at_once.verified([[0.3], [0.4]], [[0.3], [0.4]], embeddings(0.0, 1.0, -1.0)) == [*first, *second]


def test_a_word_without_enrolled_voices_keeps_its_scores() -> None:
    known = HouseholdVoices([[voice()], []], threshold=0.5)

    ((first, second),) = known.verified([[0.3, 0.3]], [[0.3, 0.3]], embeddings(0.0, 0.0, 2.0))

    assert first > 0.3 == second
