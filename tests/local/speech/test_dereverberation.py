import numpy as np
import pytest

from edgevoice.local.speech.dereverberation import dereverberated
from edgevoice.local.speech.phonemes import Frames

RATE_HZ = 16_000


def syllables(seconds: float) -> Frames:
    """Bursts of noise of 60 ms, five a second, as sudden as stops and with silence between."""
    count = round(seconds * RATE_HZ)
    is_loud = np.arange(count) % (RATE_HZ // 5) < RATE_HZ * 60 // 1000
    return np.asarray(np.random.default_rng(2).standard_normal(count) * 0.1 * is_loud, np.float32)


def in_room(sound: Frames, rt60_s: float) -> Frames:
    """The sound in a room whose reverberation decays by 60 dB in that time, 4 dB louder than the direct sound."""
    length = round(rt60_s * RATE_HZ)
    response = np.random.default_rng(5).standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
    response *= 10 ** (4 / 20) / np.linalg.norm(response)
    response[0] = 1.0
    return np.convolve(sound, response)[: len(sound)].astype(np.float32)


def late_db(sound: Frames) -> float:
    """How much fainter the last 60 ms before each burst are than the bursts, in dB."""
    periods = sound[: len(sound) // 3200 * 3200].reshape(-1, 3200)[1:]
    return float(10 * np.log10(np.mean(periods[:, -960:] ** 2) / np.mean(periods[:, :960] ** 2)))


def test_the_late_reverberation_becomes_fainter() -> None:
    far = in_room(syllables(3), 0.5)

    assert late_db(dereverberated(far)) < late_db(far) - 2.5


def test_speech_without_reverberation_stays_as_it_is() -> None:
    near = syllables(3)
    changed = dereverberated(near) - near

    assert 10 * np.log10(np.mean(changed**2) / np.mean(near**2)) < -10.0


def test_a_softer_sound_is_treated_alike() -> None:
    far = in_room(syllables(1), 0.5)

    assert dereverberated(far / np.float32(64)) * 64 == pytest.approx(dereverberated(far), abs=1e-3)


def test_the_result_is_the_same_whatever_is_computed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    far = in_room(syllables(1), 0.5)
    whole = dereverberated(far)
    monkeypatch.setattr("edgevoice.local.speech.dereverberation._PIECE", 1)

    assert dereverberated(far) == pytest.approx(whole, abs=1e-5)


def test_a_long_recording_is_treated_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    far = in_room(syllables(3), 0.5)
    first, second = dereverberated(far[:24_000]), dereverberated(far[24_000:])
    monkeypatch.setattr("edgevoice.local.speech.dereverberation._LONGEST", 24_000)

    assert np.array_equal(dereverberated(far), [*first, *second])


@pytest.mark.parametrize("count", [0, 1, 127, 128, 1600, 4001])
def test_silence_and_the_shortest_sounds_keep_their_length(count: int) -> None:
    assert not dereverberated(np.zeros(count, np.float32)).any()
    assert dereverberated(np.ones(count, np.float32)).shape == (count,)
