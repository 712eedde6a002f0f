"""Kitchen noises that are not speech: coughs, doors, dishes. Synthetic, one per seed, 16 kHz mono."""

import numpy as np

from edgevoice.core.sound.rates import NEAR_END_HZ
from edgevoice.testbed.stage.room import Samples, Sound


def cough(seed: int) -> Samples:
    """Make a cough of 250 to 400 ms: a burst of breath, a rattle, and a short, rough voiced end."""
    chance = np.random.default_rng(seed)
    length = int(chance.uniform(0.25, 0.40) * NEAR_END_HZ)
    at = np.arange(length) / NEAR_END_HZ
    breath = _coloured(chance, length, chance.uniform(500, 900), chance.uniform(2500, 4000))
    burst = np.exp(-at / chance.uniform(0.03, 0.06))
    rattle = 0.35 * np.exp(-np.maximum(at - 0.08, 0) / 0.12) * (1 + 0.5 * np.sin(2 * np.pi * 27 * at))
    voice = np.zeros(length)
    begin, end = length - int(0.09 * NEAR_END_HZ), length - int(0.03 * NEAR_END_HZ)
    pitch_hz = chance.uniform(110, 220)
    for harmonic in range(1, 8):
        voice[begin:end] += np.sin(2 * np.pi * pitch_hz * harmonic * at[begin:end]) / harmonic
    return _as_samples(breath * (burst + rattle) + 0.08 * voice, attack_ms=3)


def door(seed: int) -> Samples:
    """Make a door that slams: a thump below 150 Hz, the latch's click, and the shaking frame."""
    chance = np.random.default_rng(seed)
    length = int(0.5 * NEAR_END_HZ)
    at = np.arange(length) / NEAR_END_HZ
    sound = np.zeros(length)
    for _ in range(4):
        frequency = chance.uniform(45, 150)
        sound += np.sin(2 * np.pi * frequency * at + chance.uniform(0, 6)) * np.exp(-at / chance.uniform(0.04, 0.12))
    click = _coloured(chance, length, 1500, 5000) * np.exp(-at / 0.006)
    shaking = _coloured(chance, length, 150, 900) * np.exp(-at / 0.07)
    return _as_samples(sound + 0.8 * click + 0.5 * shaking, attack_ms=1)


def dishes(seed: int) -> Samples:
    """Make dishes being set down: three to six strokes within half a second, each ringing at a few pitches."""
    chance = np.random.default_rng(seed)
    length = int(0.7 * NEAR_END_HZ)
    sound = np.zeros(length)
    for begin_s in np.sort(chance.uniform(0, 0.45, chance.integers(3, 7))):
        begin = int(begin_s * NEAR_END_HZ)
        at = np.arange(length - begin) / NEAR_END_HZ
        stroke = np.zeros(length - begin)
        for _ in range(8):
            frequency = np.exp(chance.uniform(np.log(700), np.log(7000)))
            decay_s = chance.uniform(0.02, 0.15)
            stroke += chance.uniform(0.2, 1) * np.sin(2 * np.pi * frequency * at) * np.exp(-at / decay_s)
        sound[begin:] += chance.uniform(0.3, 1) * stroke
    return _as_samples(sound, attack_ms=1)


def _coloured(chance: np.random.Generator, length: int, low_hz: float, high_hz: float) -> Sound:
    """Return noise between two frequencies, of power 1, with gentle edges."""
    spectrum = np.fft.rfft(chance.standard_normal(length))
    frequencies = np.fft.rfftfreq(length, 1 / NEAR_END_HZ)
    octaves_off = np.maximum(
        np.log2(low_hz / np.maximum(frequencies, 1)), np.log2(np.maximum(frequencies, 1) / high_hz)
    )
    shaped = np.fft.irfft(spectrum * 10 ** (-12 * np.maximum(octaves_off, 0) / 20), length)
    coloured: Sound = shaped / np.sqrt(np.mean(shaped**2))
    return coloured


def _as_samples(sound: Sound, *, attack_ms: float) -> Samples:
    attack = int(attack_ms * NEAR_END_HZ / 1000)
    sound[:attack] *= np.linspace(0, 1, attack)
    sound[-160:] *= np.linspace(1, 0, 160)
    samples: Samples = (sound * (16_000 / np.abs(sound).max())).astype(np.int16)
    return samples
