"""Where wake word models are found, and what the errors say when they are not."""

import errno
import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from edgevoice.errors import WakeWordUnavailable
from edgevoice.wakeword.models.present import find_model, is_in_home, word_of, words_present


def test_only_the_words_of_the_installed_package_are_listed_not_its_feature_models() -> None:
    words = words_present()

    assert {"hey_jarvis", "alexa"} <= set(words)
    assert not {"melspectrogram", "embedding_model", "silero_vad", "timer", "weather"} & set(words)
    assert all(path.is_file() for path in words.values())


def test_a_word_is_found_by_name() -> None:
    assert find_model("hey_jarvis") == words_present()["hey_jarvis"]


def test_an_unknown_word_is_refused_and_the_error_lists_the_words_present() -> None:
    with pytest.raises(WakeWordUnavailable) as refused:
        find_model("computer")

    assert str(refused.value).startswith('wakeword.model is "computer"; present: alexa, ')
    assert "hey_jarvis" in str(refused.value)
    assert refused.value.code == "wakeword-unavailable"


def test_a_custom_model_is_found_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


@pytest.mark.parametrize(
    ("file", "found", "remedy"),
    [
        ("computer.tflite", "a TensorFlow Lite model", "Name the .onnx file of the same word"),
        ("computer.PT", "a PyTorch checkpoint", "Export it as ONNX"),
        ("computer.pth", "a PyTorch checkpoint", "Export it as ONNX"),
        ("computer.onnx.data", "the weights of a model alone", "Name the .onnx file beside it"),
    ],
)
def test_a_model_in_another_format_is_refused_and_the_error_says_which_file_to_name(
    file: str, found: str, remedy: str
) -> None:
    with pytest.raises(WakeWordUnavailable) as refused:
        find_model(f"/etc/edgevoice/{file}")

    assert str(refused.value) == f"wakeword.model is /etc/edgevoice/{file}, {found}"
    assert refused.value.remedy.startswith(remedy)


def test_a_file_suffix_in_capitals_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "COMPUTER.ONNX").touch()

    assert find_model(str(tmp_path / "COMPUTER.ONNX")) == tmp_path / "COMPUTER.ONNX"


@pytest.mark.parametrize("asks", ["is_file", "open"])
def test_a_file_the_service_cannot_read_is_refused_and_the_error_says_where_it_can(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asks: str
) -> None:
    """As under ProtectHome=yes, where even a stat of the file is forbidden, or with another user's file."""

    def closed(_path: Path, *_arguments: object) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied")

    model = tmp_path / "w.onnx"
    model.touch()
    monkeypatch.setattr(Path, asks, closed)

    with pytest.raises(WakeWordUnavailable) as refused:
        find_model(str(model), "wakeword.words.w")

    assert str(refused.value) == (
        f"wakeword.words.w is {model}, which is not readable by this user; the service may not read home folders"
    )
    assert "into /etc/edgevoice or /var/lib/edgevoice" in refused.value.remedy
    assert "in wakeword.words.w" in refused.value.remedy


def test_an_invalid_path_is_refused_without_a_crash() -> None:
    with pytest.raises(WakeWordUnavailable, match="which cannot be read: File name too long"):
        find_model(f"/{'a' * 300}.onnx")
    with pytest.raises(WakeWordUnavailable, match="there is no such file"):
        find_model("~nobody-of-that-name/w.onnx")


@pytest.mark.parametrize(
    ("path", "is_home"),
    [("/home/pi/w.onnx", True), ("/root/w.onnx", True), ("/etc/edgevoice/w.onnx", False), ("/homes/w.onnx", False)],
)
def test_home_folders_are_those_that_systemd_hides(path: str, *, is_home: bool) -> None:
    assert is_in_home(Path(path)) is is_home


@pytest.mark.parametrize("found", [None, ModuleSpec("openwakeword", None)])
def test_a_missing_package_is_reported_as_such(monkeypatch: pytest.MonkeyPatch, found: ModuleSpec | None) -> None:
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
def test_a_words_name_is_its_file_name_without_the_version(file: str, word: str) -> None:
    assert word_of(Path("/somewhere") / file) == word
