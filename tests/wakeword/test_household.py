"""Known voices: what their verifiers add to a score, within which bounds, and when they are asked at all."""

import math

import numpy as np
import pytest

from edgevoice.wakeword.household import NEAR, HouseholdVoices, VoiceVerifier
from edgevoice.wakeword.models.shapes import EMBEDDING_SIZE, Floats

SEEN = 2


def embeddings(*firsts: float) -> Floats:
    """Return embeddings of which only the first number differs."""
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


def test_a_known_voice_is_heard_at_scores_that_would_not_do_otherwise() -> None:
    assert verified(household(), 0.1, 0.1, 3.0) == pytest.approx(0.69, abs=0.01)


def test_however_well_a_voice_is_known_it_makes_no_call_of_what_is_none() -> None:
    assert verified(household(), 0.01, 0.05, 50.0) < 0.5


def test_a_guest_whom_the_model_hears_clearly_always_wakes_the_box() -> None:
    assert verified(household(), 0.9, 0.9, -50.0) > 0.5
    assert verified(household(), 0.6, 0.6, -50.0) < 0.5


def test_nobody_is_asked_while_nothing_is_in_the_air() -> None:
    assert verified(household(), 0.3, NEAR / 2, 50.0) == 0.3


def test_a_stricter_threshold_asks_for_a_surer_verifier() -> None:
    assert verified(household(threshold=0.9), 0.3, 0.3, 1.0) < 0.3 < verified(household(), 0.3, 0.3, 1.0)


def test_of_several_voices_the_one_that_knows_the_sound_best_counts_and_has_to_be_surer() -> None:
    both = household(voice("Anna"), voice("Ben", bias=2.0))

    alone = household(voice("Ben", bias=2.0 - math.log(2)))

    assert verified(both, 0.3, 0.3, 0.0) == pytest.approx(verified(alone, 0.3, 0.3, 0.0))


def test_what_a_verifier_has_said_holds_for_three_frames_and_no_longer() -> None:
    known = household()

    scores = [verified(known, 0.3, 0.3, first) for first in (3.0, 0.0, 0.0, 0.0)]

    assert scores[0] == scores[1] == scores[2] > scores[3] == pytest.approx(0.3)


@pytest.mark.parametrize("ends", ["in silence", "by a reset"])
def test_what_was_said_before_counts_no_more(ends: str) -> None:
    known = household()
    verified(known, 0.3, 0.3, 3.0)
    if ends == "in silence":
        verified(known, 0.0, 0.0, 0.0)
    else:
        known.reset()

    assert verified(known, 0.3, 0.3, 0.0) == pytest.approx(0.3)


def test_two_frames_at_once_are_scored_as_one_by_one() -> None:
    one_by_one, at_once = household(), household()

    first = one_by_one.verified([[0.3]], [[0.3]], embeddings(0.0, 0.0, 1.0))
    second = one_by_one.verified([[0.4]], [[0.4]], embeddings(0.0, 1.0, -1.0))

    assert at_once.verified([[0.3], [0.4]], [[0.3], [0.4]], embeddings(0.0, 1.0, -1.0)) == [*first, *second]


def test_a_word_for_which_nobody_is_enrolled_keeps_its_scores() -> None:
    known = HouseholdVoices([[voice()], []], threshold=0.5)

    ((first, second),) = known.verified([[0.3, 0.3]], [[0.3, 0.3]], embeddings(0.0, 0.0, 2.0))

    assert first > 0.3 == second
