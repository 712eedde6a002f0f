"""hama's network in numpy: against the package's own library, and against its definition where that is short."""

import importlib.util
import math
import struct
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgevoice.errors import LocalServiceUnavailable
from edgevoice.local.speech.phoneme_file import IN_ROOMS, PhonemeWeights, arrays_of, read_weights
from edgevoice.local.speech.phoneme_network import RATE_HZ, PhonemeNetwork, _dense, _erf
from edgevoice.testbed.stage.talker import words


@pytest.fixture(scope="module")
def weights() -> PhonemeWeights:
    pytest.importorskip("hama")
    return read_weights()[0]


def published() -> bytes:
    specification = importlib.util.find_spec("hama")
    assert specification is not None
    assert specification.origin is not None
    return Path(specification.origin).with_name("assets").joinpath("asr_waveform.hama").read_bytes()


@pytest.mark.parametrize("count", [1600, 1601, 16_159, 16_160, 16_161, 40_000])
def test_it_computes_what_the_packages_library_computes(weights: PhonemeWeights, count: int) -> None:
    from hama.asr import ASRModel  # noqa: PLC0415 - only this test runs the package

    spoken = words("Set a timer for ten minutes.").astype(np.float32) / 32_768
    sound = np.resize(spoken, count) + np.random.default_rng(1).standard_normal(count).astype(np.float32) * 1e-3
    given = {"waveform": sound[None], "waveform_lengths": np.array([count])}
    model = ASRModel()
    scores, lengths = model.session.run(["log_probs", "out_lengths"], given)

    network = PhonemeNetwork(weights)
    assert list(network.names) == list(model.decoder_tokens)
    # The library rounds weights to 16 bits on the way.
    assert np.exp(network.frames(sound)) == pytest.approx(np.exp(scores[0, : int(lengths[0])]), abs=0.03)


def test_changes_are_added_and_what_stays_the_same_is_there_once(tmp_path: Path) -> None:
    pytest.importorskip("hama")
    matrix, bias = "onnx::MatMul_831", "acoustic_model.model.proj.bias"
    down, up = np.full((144, 2), 0.5, np.float16), np.full((2, 432), 0.25, np.float16)
    with (tmp_path / "changes.npz").open("wb") as file:
        np.savez(file, **{f"{matrix}.down": down, f"{matrix}.up": up, bias: np.full(191, 2.0, np.float16)})  # type: ignore[arg-type]
    published, changed = read_weights(tmp_path / "changes.npz")

    assert changed.phonemes.bias == pytest.approx(published.phonemes.bias + 2.0)
    assert np.shares_memory(changed.phonemes.matrix, published.phonemes.matrix)
    assert np.shares_memory(changed.blocks[0].attended.matrix, published.blocks[0].attended.matrix)
    assert published.blocks[0].attended.change is None

    layer = changed.blocks[0].attended
    merged = replace(layer, matrix=layer.matrix + np.float32(0.25), change=None)
    values = np.random.default_rng(2).standard_normal((5, 144)).astype(np.float32)
    assert _dense(layer, values) == pytest.approx(_dense(merged, values), abs=1e-3)


def test_the_network_for_rooms_hears_the_same_words_and_is_another() -> None:
    pytest.importorskip("hama")
    published, in_rooms = map(PhonemeNetwork, read_weights(IN_ROOMS))
    spoken = words("Set a timer for ten minutes.").astype(np.float32) / np.float32(32_768)
    first, second = published.frames(spoken), in_rooms.frames(spoken)

    assert np.abs(np.exp(first) - np.exp(second)).max() > 0.1
    assert np.mean(first.argmax(axis=1) == second.argmax(axis=1)) > 0.8


def test_probabilities_add_up_to_one(weights: PhonemeWeights) -> None:
    frames = PhonemeNetwork(weights).frames(np.zeros(RATE_HZ, np.float32))

    assert frames.dtype == np.float32
    assert np.exp(frames).sum(axis=1) == pytest.approx(np.ones(51), abs=1e-4)


@pytest.mark.parametrize(("seconds", "frames"), [(0.0, 0), (0.099, 0), (0.1, 6), (30.0, 1500), (31.0, 1500)])
def test_less_than_a_tenth_of_a_second_and_what_follows_half_a_minute_is_not_heard(
    weights: PhonemeWeights, seconds: float, frames: int
) -> None:
    assert PhonemeNetwork(weights).frames(np.zeros(round(seconds * RATE_HZ), np.float32)).shape == (frames, 191)


def test_the_error_function_is_exact_to_single_precision() -> None:
    values = np.linspace(-4, 4, 81, dtype=np.float32)

    assert _erf(values) == pytest.approx([math.erf(each) for each in values.tolist()], abs=5e-7)


def test_a_file_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="another kind"):
        arrays_of(b"HAMAPK\x01\x03" + bytes(100))


def test_a_file_that_is_cut_short_or_lacks_an_array_is_another_recogniser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("hama")
    file = published()
    (count,) = struct.unpack_from("<I", file, 8)
    fewer = file[:8] + struct.pack("<I", count - 1) + file[12:]
    (tmp_path / "assets").mkdir()
    (tmp_path / "__init__.py").touch()
    package = importlib.util.spec_from_file_location("hama", tmp_path / "__init__.py")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: package)

    for brought in (None, file[:1000], fewer, file):
        if brought is not None:
            (tmp_path / "assets" / "asr_waveform.hama").write_bytes(brought)
        # And a vocabulary of another release.
        (tmp_path / "assets" / "g2p_vocab.json").write_text('{"decoder": ["AA"]}')
        with pytest.raises(LocalServiceUnavailable, match="brings another"):
            read_weights()


@pytest.mark.parametrize("damage", ["missing", "empty", "cut short", "another file"])
def test_changes_that_cannot_be_read_are_one_clear_error(tmp_path: Path, damage: str) -> None:
    pytest.importorskip("hama")
    place, whole = tmp_path / "changes.npz", IN_ROOMS.read_bytes()
    if damage != "missing":
        place.write_bytes({"empty": b"", "cut short": whole[:-1000], "another file": b"no zip" * 1000}[damage])

    with pytest.raises(LocalServiceUnavailable, match=r"changes\.npz cannot be read") as raised:
        read_weights(place)
    assert raised.value.remedy == "Install edgevoice again."


def test_a_missing_package_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hama", None)

    with pytest.raises(LocalServiceUnavailable, match="hama is not installed"):
        read_weights()
