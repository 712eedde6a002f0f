"""The simulated room, compared with reference convolutions and spectra."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from edgevoice.testbed.stage.room import LiveRoom, Room, furnish, hear_all, level_dbfs, scaled

RATE_HZ = 16_000

Samples = npt.NDArray[np.int16]


def noise(seconds: float, seed: int = 0) -> Samples:
    return (3000 * np.random.default_rng(seed).standard_normal(round(seconds * RATE_HZ))).astype(np.int16)


def tone(frequency_hz: float, seconds: float, rate_hz: int) -> Samples:
    at = np.arange(round(seconds * rate_hz)) / rate_hz
    return (8000 * np.sin(2 * np.pi * frequency_hz * at)).astype(np.int16)


def silent(room: Room) -> Room:
    return replace(room, noise_dbfs=-200.0)


def loudest_hz(sound: Samples) -> tuple[float, float]:
    """Return the strongest frequency, and by how many dB everything else is weaker."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    at = int(np.argmax(spectrum))
    rest = np.delete(spectrum, range(at - 60, at + 60))
    return at * RATE_HZ / len(sound), 20 * np.log10(float(spectrum[at] / rest.max()))


def test_the_echo_equals_the_convolution_with_the_path_to_half_a_step() -> None:
    room = silent(furnish(3, delay_ms=80))
    far = noise(3)

    heard = hear_all(room, far)

    expected = np.convolve(far.astype(np.float64), room.path)[: len(far)]
    assert np.abs(heard - expected).max() <= 0.5


@pytest.mark.parametrize("block", [160, 320, 1000])
def test_processing_block_by_block_gives_the_same_result_as_all_at_once(block: int) -> None:
    room, far = silent(furnish(4, delay_ms=40)), noise(1)
    live = LiveRoom(room)

    parts = []
    for begin in range(0, len(far), block):
        live.play(far[begin : begin + block])
        parts.append(live.hear(len(far[begin : begin + block])))

    assert np.abs(np.concatenate(parts).astype(np.int32) - hear_all(room, far)).max() <= 1


def test_nothing_comes_back_before_the_delay_has_passed() -> None:
    heard = hear_all(silent(furnish(5, delay_ms=100)), noise(0.5))

    first = int(np.flatnonzero(np.abs(heard) > 1)[0])
    assert first == pytest.approx(RATE_HZ // 10, abs=1)


def test_the_echo_is_fainter_by_the_loss() -> None:
    far = noise(4)

    heard = hear_all(silent(furnish(6, delay_ms=50, loss_db=12)), far)

    assert level_dbfs(heard) - level_dbfs(far) == pytest.approx(-12, abs=1)


@pytest.mark.parametrize("far_hz", [16_000, 24_000])
def test_a_faster_clock_raises_the_pitch_by_the_drift_and_adds_nothing_else(far_hz: int) -> None:
    # A drift larger than any crystal's, so that it can be measured in seconds.
    live = LiveRoom(silent(furnish(7, delay_ms=60, drift_ppm=1000)), far_hz=far_hz)
    live.play(tone(3000, 3, far_hz))

    pitch_hz, clear_db = loudest_hz(live.hear(RATE_HZ * 5 // 2)[8000:])

    assert pitch_hz == pytest.approx(3003, abs=0.6)
    assert clear_db > 60


def test_audio_played_ahead_is_counted_by_the_speakers_clock() -> None:
    live = LiveRoom(furnish(8, delay_ms=60, drift_ppm=1000), far_hz=24_000)
    live.play(np.zeros(48_000, np.int16))

    live.hear(RATE_HZ)

    assert live.ahead == pytest.approx(48_000 - 24_024, abs=1)


def test_an_overdriven_speaker_adds_harmonics() -> None:
    clean, driven = (
        hear_all(silent(furnish(9, delay_ms=60, overdrive_db=overdrive)), tone(500, 2, RATE_HZ))
        for overdrive in (None, 12.0)
    )

    assert loudest_hz(clean[8000:])[1] > 60
    assert loudest_hz(driven[8000:])[1] < 30


def test_the_microphones_own_noise_has_the_specified_level() -> None:
    heard = hear_all(furnish(10, delay_ms=60), np.zeros(2 * RATE_HZ, np.int16))

    assert level_dbfs(heard) == pytest.approx(-65, abs=0.5)


def test_near_end_sound_is_added_to_the_echo() -> None:
    room, far, near = silent(furnish(11, delay_ms=60)), noise(1), scaled(noise(1, seed=1), -40.0)

    together = hear_all(room, far, near)

    assert np.abs(together - (hear_all(room, far) + near)).max() <= 1
    assert level_dbfs(near) == pytest.approx(-40, abs=0.1)


def test_the_same_seed_gives_the_same_room() -> None:
    assert np.array_equal(furnish(12, delay_ms=70).path, furnish(12, delay_ms=70).path)
    assert not np.array_equal(furnish(12, delay_ms=70).path, furnish(13, delay_ms=70).path)


def test_a_path_without_the_minimum_delay_is_refused() -> None:
    with pytest.raises(ValueError, match="a delay of 16 samples; it must be at least 32"):
        LiveRoom(furnish(1, delay_ms=1))


def test_the_level_of_speech_is_measured_without_its_pauses() -> None:
    loud = noise(1)

    assert level_dbfs(np.concatenate([loud, np.zeros(RATE_HZ, np.int16)])) == pytest.approx(level_dbfs(loud), abs=0.1)
    assert level_dbfs(np.zeros(0, np.int16)) < -100
