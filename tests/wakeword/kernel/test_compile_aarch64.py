"""The kernel on a Pi's processor: compiled for it, run in an emulator, and compared with this machine's."""

import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from edgevoice.wakeword.kernel.compile import FOLDER
from edgevoice.wakeword.kernel.weights import front_end_weights, layers_of, word_weights
from edgevoice.wakeword.models.arrays import Array, Arrays
from edgevoice.wakeword.models.present import find_part, words_present
from tests.wakeword.sounds import POSITIVES, quiet, recording

DRIVER: Final = Path(__file__).with_name("driver.c")
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


def made_on(machine: str, folder: Path, content: bytes) -> Array:
    program = folder / machine
    flags = ["-std=gnu11", "-O3", f"-I{FOLDER}", "-static", "-o", str(program)]
    compiler = "gcc" if machine == platform.machine() else f"{machine}-linux-gnu-gcc"
    sources = [str(FOLDER / name) for name in ("kernel.c", "any.c", "avx2.c")]
    subprocess.run([compiler, *flags, str(DRIVER), *sources, "-lm"], check=True)
    emulator = [] if machine == platform.machine() else [f"qemu-{machine}"]
    done = subprocess.run([*emulator, str(program)], input=content, capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.float32).reshape(STEPS, 97)


def test_on_aarch64_it_gives_the_same_embeddings_and_scores(tmp_path: Path) -> None:
    content = asked()

    here, there = (made_on(machine, tmp_path, content) for machine in (platform.machine(), "aarch64"))

    assert np.abs(here[:, :96] - there[:, :96]).max() <= 1e-3
    assert np.abs(here[:, 96] - there[:, 96]).max() <= 1e-4
    assert here[:, 96].max() > 0.9
