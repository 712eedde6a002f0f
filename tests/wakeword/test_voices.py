"""Enrolled voices on disk: private, complete, validated when read, and never a reason not to start."""

import json
import logging
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgevoice.settings.wakeword import WakewordSettings
from edgevoice.wakeword.household import VoiceVerifier
from edgevoice.wakeword.models.shapes import EMBEDDING_SIZE
from edgevoice.wakeword.voices import (
    FOLDER,
    VoiceRefused,
    files_of,
    household_for,
    is_name,
    keep,
    name_of,
    read,
    scale_of,
)
from edgevoice.wakeword.words import wake_words

SEEN = 16
(WORD,) = wake_words(WakewordSettings())


def voice(name: str = "Anna") -> VoiceVerifier:
    weights = np.random.default_rng(1).normal(0, 0.01, SEEN * EMBEDDING_SIZE).astype(np.float32)
    return VoiceVerifier(name, WORD.name, weights, -1.5)


def kept(folder: Path, name: str = "Anna") -> Path:
    return keep(voice(name), WORD.model, folder, calls=5)


def changed(file: Path, **values: Any) -> Path:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))
    return file


def test_a_voice_reads_back_as_stored_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    file = kept(tmp_path, "Zoë M")

    found = read(file, WORD.name, WORD.model, SEEN)

    assert (found.name, found.word, found.bias) == ("Zoë M", WORD.name, -1.5)
    assert np.allclose(found.weights, voice().weights, rtol=1e-6)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert name_of(file) == "Zoë M"


def test_enrolling_again_replaces_a_persons_voice(tmp_path: Path) -> None:
    kept(tmp_path)
    kept(tmp_path)

    assert [name_of(file) for file in files_of(tmp_path, WORD.name)] == ["Anna"]


def test_voices_enrolled_for_another_word_and_other_files_are_left_out(tmp_path: Path) -> None:
    file = kept(tmp_path)
    file.with_name("alexa--Anna.json").touch()
    file.with_name("notes.txt").touch()
    file.with_name(f".{file.name}.x.tmp").touch()

    assert files_of(tmp_path, WORD.name) == [file]
    assert files_of(tmp_path / "nowhere", WORD.name) == []


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "-x", "x" * 41, "a\n"])
def test_no_name_escapes_the_folder(name: str) -> None:
    assert not is_name(name)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"weights": [0.1] * 7}, "is not an enrolled voice, or is damaged: "),
        ({"weights": ["a"] * SEEN * EMBEDDING_SIZE}, "is not an enrolled voice, or is damaged: "),
        ({"bias": None}, "is not an enrolled voice, or is damaged: "),
        ({"format": 2}, "is format 2 for the word hey_jarvis; expected 1 for hey_jarvis"),
        ({"word": "alexa"}, "is format 1 for the word alexa; expected 1 for hey_jarvis"),
        ({"model": "0" * 16}, "was made for another model of hey_jarvis, or another release of openwakeword"),
        ({"weights": [0.1] * 15 * EMBEDDING_SIZE}, "was made for another model of hey_jarvis"),
        ({"weights": [1e4] * SEEN * EMBEDDING_SIZE}, "contains invalid weights"),
    ],
)
def test_a_verifier_for_another_model_is_refused_by_name(tmp_path: Path, values: dict[str, Any], problem: str) -> None:
    file = changed(kept(tmp_path), **values)

    with pytest.raises(VoiceRefused) as refused:
        read(file, WORD.name, WORD.model, SEEN)

    assert str(refused.value).startswith(f"{file} {problem}")
    assert len(refused.value.line().splitlines()) == 1


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VoiceRefused, match="cannot be read: No such file"):
        read(tmp_path / "gone.json", WORD.name, WORD.model, SEEN)


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    file = kept(tmp_path)
    file.write_bytes(b'{"name": "\xff"}')

    with pytest.raises(VoiceRefused, match="is damaged"):
        read(file, WORD.name, WORD.model, SEEN)


def test_an_unusable_voice_is_left_out_with_one_log_line_and_the_others_are_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept(tmp_path, "Anna")
    changed(kept(tmp_path, "Ben"), model="0" * 16)

    with caplog.at_level(logging.WARNING):
        found = household_for(WakewordSettings(), [WORD], tmp_path)([SEEN])

    assert found is not None
    (record,) = caplog.records
    assert "Ben.json was made for another model" in str(record.__dict__)


def test_without_enrolled_voices_or_with_the_setting_off_no_verifier_is_asked(tmp_path: Path) -> None:
    assert household_for(WakewordSettings(), [WORD], tmp_path)([SEEN]) is None
    kept(tmp_path)
    assert household_for(WakewordSettings(verifier="off"), [WORD], tmp_path)([SEEN]) is None


def test_an_unreadable_folder_gives_one_log_line_and_detection_works_as_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FOLDER).write_text("no folder")

    with caplog.at_level(logging.WARNING):
        assert household_for(WakewordSettings(), [WORD], tmp_path)([SEEN]) is None

    assert len(caplog.records) == 1
    assert scale_of(WakewordSettings(), WORD, tmp_path) == WORD.scale


def test_scores_with_known_voices_use_their_own_scale(tmp_path: Path) -> None:
    settings = WakewordSettings()
    assert scale_of(settings, WORD, tmp_path) == WORD.scale
    kept(tmp_path)

    assert scale_of(settings, WORD, tmp_path) == f"{WORD.scale}, voices"
    assert len(scale_of(settings, WORD, tmp_path)) <= 40  # the longest that the near-miss log accepts
    assert scale_of(WakewordSettings(verifier="off"), WORD, tmp_path) == WORD.scale
