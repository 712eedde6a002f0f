"""Enrolment: calls and other speech give a verifier that accepts the voice's call and rejects its other speech."""

from functools import cache

import numpy as np
import pytest

from edgevoice.wakeword.household import VoiceVerifier
from edgevoice.wakeword.models.classifier import Classifier
from edgevoice.wakeword.models.present import find_model
from edgevoice.wakeword.models.shapes import RATE_HZ, Samples
from edgevoice.wakeword.tuning.enrolment import Heard, Learner, sounding_s
from tests.wakeword.sounds import NEGATIVES, POSITIVES, parts, quiet, recording

SLT = next(name for name in POSITIVES if "slt" in name)
TALK = [name for name in NEGATIVES if "slt" in name]


@cache
def learner() -> Learner:
    return Learner(parts(), Classifier(find_model("hey_jarvis")))


@cache
def learnt() -> VoiceVerifier:
    call = recording(SLT)
    calls = [call, (call * 0.5).astype(np.int16)]
    return learner().learn("Anna", "hey_jarvis", calls, [recording(name) for name in TALK])


def log_odds(voice: VoiceVerifier, heard: Heard) -> float:
    """Return the verifier's result where the model's score is highest."""
    return float(voice.weights @ heard.windows[int(np.argmax(heard.scores))] + voice.bias)


def test_the_verifier_accepts_the_voices_call_and_rejects_its_other_speech() -> None:
    call = np.concatenate([quiet(0.4), recording(SLT)])

    assert log_odds(learnt(), learner().hear(call)) > 2
    assert all(log_odds(learnt(), learner().hear(recording(name))) < -1 for name in TALK)


def test_the_same_recordings_give_the_same_verifier() -> None:
    calls, speech = [recording(SLT)], [recording(TALK[0])]

    first, second = (learner().learn("Anna", "hey_jarvis", calls, speech) for _ in range(2))

    assert np.array_equal(first.weights, second.weights)
    assert first.bias == second.bias


def test_recordings_of_calls_must_contain_one_and_other_recordings_must_not() -> None:
    assert learner().is_call(recording(SLT))
    assert not learner().is_call(recording(TALK[0]))
    assert learner().is_other(recording(TALK[0]))
    assert not learner().is_other(recording(SLT))


@pytest.mark.parametrize("spoken_s", [2.0, 6.0])
def test_pauses_do_not_count_as_speech(spoken_s: float) -> None:
    speech: Samples = (np.sin(np.arange(round(spoken_s * RATE_HZ)) / 9) * 3000).astype(np.int16)

    assert sounding_s(np.concatenate([quiet(3.0), speech, quiet(3.0)])) == pytest.approx(spoken_s, abs=0.2)


@pytest.mark.parametrize("sound", [quiet(12.0), np.zeros(12 * RATE_HZ, np.int16), quiet(0.01)])
def test_room_noise_of_any_length_does_not_count_as_speech(sound: Samples) -> None:
    assert sounding_s(sound) == 0
