"""The energy gate: closed in steady noise, open for anything that could be a word, and without losing a word."""

import numpy as np
import pytest

from edgevoice.wakeword.energy_gate import EnergyGate
from edgevoice.wakeword.models.present import words_present
from edgevoice.wakeword.models.shapes import RATE_HZ
from edgevoice.wakeword.scorer import StreamingScorer
from tests.wakeword.sounds import POSITIVES, Samples, frames_of, noise, parts, quiet, recording

HELD = 25


def opened(frames: Samples) -> list[bool]:
    gate = EnergyGate()
    return [gate.is_open(frame) for frame in frames]


@pytest.mark.parametrize("level", [0.0, 1.0, 8.0, 300.0, 3000.0])
@pytest.mark.parametrize("is_pink", [False, True])
def test_in_steady_noise_the_gate_closes_and_stays_closed_except_for_moments(level: float, *, is_pink: bool) -> None:
    room = noise(120.0, max(level, 1e-9), is_pink=is_pink, seed=5).astype(np.int16)

    told = opened(frames_of(room))

    assert np.mean(told[2 * HELD :]) < 0.2


def test_a_muted_microphone_and_a_humming_one_count_as_silence() -> None:
    hum = 800 * np.sin(2 * np.pi * 50 / RATE_HZ * np.arange(RATE_HZ * 20)) + noise(20.0, 5.0, is_pink=False, seed=1)

    assert not any(opened(np.zeros((100, 1280), np.int16))[HELD:])
    unmuted = opened(frames_of(quiet(5.0), np.zeros(5 * RATE_HZ, np.int16), quiet(5.0)))
    assert not any(unmuted[62 + HELD : 125] + unmuted[126 + HELD :])
    assert np.mean(opened(frames_of(hum.astype(np.int16)))[2 * HELD :]) < 0.2


def test_the_gate_opens_on_the_first_frame_above_the_noise_and_stays_open_for_two_seconds() -> None:
    clap = quiet(0.08)[:1280].copy()
    clap[600:700] = 3000
    told = opened(np.concatenate([frames_of(quiet(4.0)), clap[None], frames_of(quiet(4.0))]))

    assert told[HELD:50] == [False] * (50 - HELD)
    assert told[50 : 50 + HELD] == [True] * HELD
    assert not any(told[50 + HELD :])


def test_after_a_lasting_rise_in_noise_the_gate_closes_again() -> None:
    rooms = [noise(3.0, 20, is_pink=True, seed=2), noise(60.0, 200, is_pink=True, seed=3)]

    told = opened(frames_of(np.concatenate(rooms).astype(np.int16)))

    assert all(told[38:200])
    assert np.mean(told[450:]) < 0.3


@pytest.mark.parametrize("above_noise_db", [30, 10, 5, 0, -5])
@pytest.mark.parametrize("is_pink", [False, True])
def test_the_gate_loses_no_score_at_any_noise_level(above_noise_db: int, *, is_pink: bool) -> None:
    models = [words_present()["hey_jarvis"]]
    free, gated = StreamingScorer(models, parts()), StreamingScorer(models, parts(), EnergyGate())
    for name in POSITIVES:
        spoken = recording(name) * 0.3
        level = spoken.std() / 10 ** (above_noise_db / 20)
        hall = noise(5.0 + len(spoken) / RATE_HZ + 1.0, level, is_pink=is_pink, seed=8)
        hall[5 * RATE_HZ : 5 * RATE_HZ + len(spoken)] += spoken

        for frame in frames_of(hall.astype(np.int16)):
            ((one,),), ((other,),) = free.score(frame), gated.score(frame)
            # Whether open or closed: it outputs either the true score or none.
            assert other == pytest.approx(one, abs=1e-4) or (other == 0 and one < 0.1)


@pytest.mark.parametrize("at_once", [1, 2])
def test_once_open_every_score_equals_the_score_without_a_gate(at_once: int) -> None:
    models = [words_present()[name] for name in ("hey_jarvis", "alexa")]
    free, gated = StreamingScorer(models, parts()), StreamingScorer(models, parts(), EnergyGate())
    pauses = [quiet(seconds) for seconds in (6.0, 3.0, 4.04, 9.9)]
    spoken = [recording(name) + quiet(len(recording(name)) / RATE_HZ) for name in POSITIVES]
    frames = frames_of(*[piece for pair in zip(pauses, spoken, strict=False) for piece in pair], quiet(1.0))

    sounds = [frames[at : at + at_once].reshape(-1) for at in range(0, len(frames), at_once)]
    computed = [pair for each in sounds for pair in zip(free.score(each), gated.score(each), strict=True)]

    skipped = sum(tuple(other) == (0.0, 0.0) for _, other in computed)
    assert 60 < skipped < len(frames) - 60
    for one, other in computed:
        assert tuple(other) == (0.0, 0.0) or other == pytest.approx(one, abs=1e-4)
    assert max(other[0] for _, other in computed) > 0.9
