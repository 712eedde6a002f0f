"""The voice with prepared tables and networks: the same phonemes and the same sound as hibari's own."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from hibari import Hibari, dsp

from edgevoice.local.speech.lean_hibari import LeanHibari
from edgevoice.local.speech.spectrum import samples_of
from edgevoice.local.speech.stored_network import StoredNetworks, undivided
from edgevoice.local.speech.tables import tables_in

SAID = (
    "Yes?",
    "I read that Dr. Zbigniew Brzezinski lived in 1928; I will read it again on the 3rd.",
    "The timer for the spaghetti bolognese has ended.",
)
_BINS = 601


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache") / "edgevoice"


@pytest.fixture(scope="module")
def lean(folder: Path) -> LeanHibari:
    return LeanHibari(tables_in(folder), StoredNetworks(folder))


@pytest.fixture(scope="module")
def full() -> Hibari:
    return Hibari()


@pytest.mark.parametrize("sentence", SAID)
def test_every_sentence_has_the_same_phonemes(sentence: str, lean: LeanHibari, full: Hibari) -> None:
    assert lean.phonemize(sentence) == full.phonemize(sentence)


@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0])
def test_a_sentence_has_the_same_sound(speed: float, lean: LeanHibari, full: Hibari) -> None:
    ours, theirs = (voice(" ".join(SAID), speed=speed, seed=0) for voice in (lean, full))

    # hibari computes with scipy where it is installed, which rounds the last bit of a float otherwise.
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < 1e-6


@pytest.mark.parametrize("frames", [3, 4, 5, 63, 64, 65, 67, 200])
def test_samples_are_those_of_the_whole_arrays_at_any_length(frames: int) -> None:
    chance = np.random.default_rng(frames)
    parts = [chance.normal(-4, 2, (_BINS, frames)).astype(np.float32) for _ in range(5)]
    pitch_hz = np.where(np.arange(frames) % 40 < 25, chance.uniform(80, 300, frames), 0.0).astype(np.float32)
    bands = np.ascontiguousarray(np.concatenate(parts).T)

    ours = samples_of(bands, pitch_hz, np.random.default_rng(7))

    theirs = dsp.synth(*parts, pitch_hz, np.random.default_rng(7))
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < 1e-5 * np.abs(theirs).max()


def test_nothing_but_the_marks_of_a_sentence_is_silent(lean: LeanHibari) -> None:
    assert lean.from_ids([0, 0]).size == 0


def test_an_unknown_word_is_asked_once_and_its_network_is_not_kept(
    lean: LeanHibari, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    really_open = StoredNetworks.open

    def counted(networks: StoredNetworks, name: str) -> object:
        opened.append(name)
        return really_open(networks, name)

    monkeypatch.setattr(StoredNetworks, "open", counted)

    first, second = (lean("The zorblax is here.", seed=0) for _ in range(2))

    assert first.tolist() == second.tolist()
    assert opened == ["unknown words"]
    assert lean.g2p.oov._network is None


def test_networks_are_made_once_private_and_then_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    StoredNetworks(folder)
    monkeypatch.setattr(subprocess, "run", None)

    assert StoredNetworks(folder).open("unknown words").get_inputs()[0].name == "chars"
    assert {path.stat().st_mode & 0o077 for path in folder.iterdir()} == {0}


@pytest.mark.parametrize("damage", ["cut short", "another file", "gone"])
def test_a_damaged_network_is_made_again(tmp_path: Path, damage: str) -> None:
    networks = StoredNetworks(tmp_path)
    (whole,) = tmp_path.glob("voice-unknown-words-*")
    content = whole.read_bytes()
    if damage == "gone":
        whole.unlink()
    else:
        whole.write_bytes(content[:-100_000] if damage == "cut short" else b"something else" * 9)

    networks.open("unknown words")

    assert whole.stat().st_size == len(content)


def test_a_network_that_cannot_be_made_is_an_os_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_named: object) -> None:
        raise subprocess.CalledProcessError(1, "python")

    monkeypatch.setattr(subprocess, "run", fail)

    with pytest.raises(OSError, match="the voice's network cannot be made: no reason given"):
        StoredNetworks(tmp_path)


@pytest.mark.parametrize("model", [b"", b"\x3a\x00", b"\x3a\x02\x0a", b"\xff", b"something else"])
def test_what_is_no_such_network_is_refused(model: bytes) -> None:
    with pytest.raises(ValueError, match=r"network|format|short"):
        undivided(model)
