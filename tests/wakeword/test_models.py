"""Where wake word models are found, and what is told when they are not."""

import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from edgevoice.errors import WakeWordUnavailable
from edgevoice.wakeword.models import find_model, word_of, words_present


def test_the_installed_package_brings_words_and_no_parts_of_models() -> None:
    words = words_present()

    assert {"hey_jarvis", "alexa"} <= set(words)
    assert not {"melspectrogram", "embedding_model", "silero_vad", "timer", "weather"} & set(words)
    assert all(path.is_file() for path in words.values())


def test_a_word_is_found_by_its_name() -> None:
    assert find_model("hey_jarvis") == words_present()["hey_jarvis"]


def test_an_unknown_word_is_refused_with_those_that_are_there() -> None:
    with pytest.raises(WakeWordUnavailable) as refused:
        find_model("computer")

    assert str(refused.value).startswith('wakeword.model is "computer"; present: alexa, ')
    assert "hey_jarvis" in str(refused.value)
    assert refused.value.code == "wakeword-unavailable"


def test_a_model_of_ones_own_is_found_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tmp_path / "computer.onnx"
    model.touch()
    monkeypatch.setenv("HOME", str(tmp_path))

    assert find_model(str(model)) == model
    assert find_model("~/computer.onnx") == model


@pytest.mark.parametrize("name", ["missing.onnx", "folder.onnx"])
def test_a_path_without_a_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.onnx").mkdir()

    with pytest.raises(WakeWordUnavailable, match=f"{name}; there is no such file"):
        find_model(str(tmp_path / name))


@pytest.mark.parametrize("found", [None, ModuleSpec("openwakeword", None)])
def test_without_the_package_that_is_what_is_told(monkeypatch: pytest.MonkeyPatch, found: ModuleSpec | None) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: found)

    assert words_present() == {}
    with pytest.raises(WakeWordUnavailable, match="present: none: the package openwakeword is not installed"):
        find_model("hey_jarvis")


@pytest.mark.parametrize(
    ("file", "word"),
    [
        ("hey_jarvis_v0.1.onnx", "hey_jarvis"),
        ("alexa_v2.onnx", "alexa"),
        ("hey_vector.onnx", "hey_vector"),
        ("my_voice_v1.0.onnx", "my_voice"),
        ("computer.onnx", "computer"),
    ],
)
def test_a_word_is_its_files_name_without_the_version(file: str, word: str) -> None:
    assert word_of(Path("/somewhere") / file) == word
