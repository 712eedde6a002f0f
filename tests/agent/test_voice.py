"""Where a program's key and address come from."""

from pathlib import Path

import pytest

from edgevoice import RealtimeVoice
from edgevoice.errors import SettingsInvalid


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text("in-the-file\n")
    path.chmod(0o600)
    return path


def test_the_argument_comes_before_the_environment() -> None:
    assert RealtimeVoice(api_key="mine").resolved({"EDGEVOICE_API_KEY": "other"}).api_key == "mine"


def test_the_boxs_places_come_before_inworlds_own_variable(key_file: Path) -> None:
    voice = RealtimeVoice(options={"key_file": str(key_file)})
    everything = {"EDGEVOICE_API_KEY": "first", "INWORLD_API_KEY": "last"}

    assert voice.resolved(everything).api_key == "first"
    assert voice.resolved({"INWORLD_API_KEY": "last"}).api_key == "in-the-file"
    assert RealtimeVoice().resolved({"INWORLD_API_KEY": "last"}).api_key == "last"


def test_without_a_key_there_is_none() -> None:
    assert RealtimeVoice().resolved({"EDGEVOICE_API_KEY": " ", "INWORLD_API_KEY": ""}).api_key == ""


def test_white_space_around_a_key_is_removed() -> None:
    assert RealtimeVoice().resolved({"INWORLD_API_KEY": " key\n"}).api_key == "key"


@pytest.mark.parametrize("key", ["Basic abc", "schlüssel", '"quoted"', " \n"])
def test_what_cannot_be_a_key_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"^api_key of RealtimeVoice ") as caught:
        RealtimeVoice(api_key=key).resolved({})
    assert not key.strip() or key not in caught.value.line()


def test_a_key_in_inworlds_variable_is_checked_as_well() -> None:
    with pytest.raises(SettingsInvalid, match=r"^INWORLD_API_KEY contains white space"):
        RealtimeVoice().resolved({"INWORLD_API_KEY": "Basic abc"})


def test_a_key_file_that_others_can_read_is_refused(key_file: Path) -> None:
    key_file.chmod(0o644)
    with pytest.raises(SettingsInvalid, match="can be read by other users"):
        RealtimeVoice(options={"key_file": str(key_file)}).resolved({})


def test_the_argument_comes_before_the_environments_address() -> None:
    environment = {"EDGEVOICE_SERVICE_URL": "ws://127.0.0.1:9/"}
    assert RealtimeVoice(url="local").resolved(environment).url == "local"
    assert RealtimeVoice().resolved(environment).url == "ws://127.0.0.1:9/"


def test_a_key_appears_in_no_repr() -> None:
    assert "secret" not in repr(RealtimeVoice(api_key="secret").resolved({}))
