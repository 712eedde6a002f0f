"""The doctor proves that Home Assistant and the broker accept the box, and says what music costs."""

from pathlib import Path

import pytest

from edgevoice.doctor import integrations
from edgevoice.doctor.findings import FindingStatus
from edgevoice.doctor.integrations import examine_home, examine_mqtt, examine_music
from edgevoice.doctor.plan import Examination
from edgevoice.settings.integrations import HomeSettings, MqttSettings, MusicSettings
from tests.doctor.machines import machine
from tests.integrations.mqtt.conftest import Mosquitto, mosquitto  # noqa: F401 - a fixture
from tests.tools.test_home import TOKEN, SmallHome, home  # noqa: F401 - a fixture

NOWHERE = Path("/nowhere")


def stored(folder: Path, **secrets: str) -> dict[str, str]:
    for name, secret in secrets.items():
        (folder / name).write_text(secret)
    return {"CREDENTIALS_DIRECTORY": str(folder)}


def test_home_assistant_that_accepts_the_token_is_fine_but_beyond_this_machine_for_the_encryption(
    home: SmallHome,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secrets = stored(tmp_path, home_assistant_token=TOKEN)
    assert examine_home(HomeSettings(url=home.url), secrets, NOWHERE).mark is FindingStatus.FINE

    monkeypatch.setattr(integrations, "is_loopback", lambda _host: False)
    found = examine_home(HomeSettings(url=home.url), secrets, NOWHERE)

    assert found.mark is FindingStatus.DOUBTFUL
    assert "accepts the token, but the connection is not encrypted" in found.text


def test_a_token_that_is_refused_is_wrong_and_not_shown(home: SmallHome, tmp_path: Path) -> None:  # noqa: F811
    found = examine_home(HomeSettings(url=home.url), stored(tmp_path, home_assistant_token="old-token"), NOWHERE)

    assert (found.mark, found.text) == (FindingStatus.WRONG, "Home Assistant refused the access token")
    assert "old-token" not in str(found)


def test_an_address_where_nothing_answers_is_wrong(tmp_path: Path) -> None:
    found = examine_home(HomeSettings(url="http://127.0.0.1:9"), stored(tmp_path, home_assistant_token=TOKEN), NOWHERE)

    assert found.mark is FindingStatus.WRONG
    assert "cannot be reached" in found.text


def test_a_secret_that_is_not_stored_is_wrong_and_one_of_the_service_is_not_looked_at(tmp_path: Path) -> None:
    settings = HomeSettings(url="http://127.0.0.1:9")
    assert examine_home(settings, {}, tmp_path).mark is FindingStatus.WRONG

    store = tmp_path / "etc" / "credstore"
    store.mkdir(parents=True)
    (store / "edgevoice.home_assistant_token").touch()
    assert examine_home(settings, {}, tmp_path).mark is FindingStatus.SKIPPED
    assert examine_mqtt(MqttSettings(host="localhost", username="box"), {}, tmp_path).mark is FindingStatus.WRONG


def test_a_broker_that_accepts_the_box_is_fine(mosquitto: Mosquitto) -> None:  # noqa: F811
    found = examine_mqtt(MqttSettings(host="127.0.0.1", port=mosquitto.port), {}, NOWHERE)

    assert (found.mark, found.text) == (FindingStatus.FINE, "the broker 127.0.0.1 accepts the box (on this machine)")


def test_a_broker_that_is_not_there_is_wrong() -> None:
    found = examine_mqtt(MqttSettings(host="127.0.0.1", port=9), {}, NOWHERE)

    assert (found.mark, found.code) == (FindingStatus.WRONG, "mqtt-broker")


def test_what_a_missing_package_costs_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgevoice.box.guests.has", lambda _module: False)
    monkeypatch.setattr(integrations, "has", lambda _module: False)

    assert "aiomqtt is not installed" in examine_mqtt(MqttSettings(host="127.0.0.1"), {}, NOWHERE).text
    assert "dbus-fast is not installed" in examine_music(MusicSettings(bus="system"), has_mix=False).text


@pytest.fixture
def found_there(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The players on the bus, and what they do."""
    states = {"org.mpris.MediaPlayer2.mopidy": "Playing"}

    async def read(_bus: str) -> dict[str, str]:
        return states

    monkeypatch.setattr(integrations, "_states", read)
    return states


def test_barge_in_over_the_music_of_others_is_not_promised(found_there: dict[str, str]) -> None:
    found = examine_music(MusicSettings(bus="system"), has_mix=False)

    assert found.mark is FindingStatus.DOUBTFUL
    assert found.text.startswith("players found: mopidy; ")
    assert "is not promised" in found.text
    assert "Set echo.reference" in found.remedy

    found_there.clear()
    assert "no player is there at the moment" in examine_music(MusicSettings(bus="system"), has_mix=False).text


@pytest.mark.usefixtures("found_there")
def test_with_a_mix_as_the_echo_reference_its_own_line_says_what_is_promised() -> None:
    found = examine_music(MusicSettings(bus="system"), has_mix=True)

    assert found.mark is FindingStatus.FINE
    assert "promised" not in found.text


def test_a_player_that_the_bus_keeps_from_the_box_is_wrong(found_there: dict[str, str]) -> None:
    found_there["org.mpris.MediaPlayer2.vlc"] = ""

    found = examine_music(MusicSettings(bus="system"), has_mix=True)

    assert (found.mark, found.text) == (
        FindingStatus.WRONG,
        "vlc does not answer the box, so it is not lowered",
    )
    assert "scripts/setup" in found.remedy


@pytest.mark.parametrize("bus", ["session", "unix:path=/run/user/1000/bus", "unix:path=/tmp/dbus-x"])
def test_the_bus_of_a_person_is_wrong_for_the_installed_service_and_not_for_others(
    found_there: dict[str, str], bus: str
) -> None:
    found_there.clear()
    settings = MusicSettings(bus=bus)

    found = examine_music(settings, has_mix=True, hides_homes=True)
    assert found.mark is FindingStatus.WRONG
    assert "cannot reach the bus of a person" in found.text
    assert 'music.bus = "system"' in found.remedy

    assert examine_music(settings, has_mix=True).mark is FindingStatus.FINE
    assert examine_music(MusicSettings(bus="system"), has_mix=True, hides_homes=True).mark is FindingStatus.FINE
    there = MusicSettings(bus="unix:path=/run/music/bus")
    assert examine_music(there, has_mix=True, hides_homes=True).mark is FindingStatus.FINE


def test_a_bus_that_cannot_be_reached_is_wrong(tmp_path: Path) -> None:
    found = examine_music(MusicSettings(bus=f"unix:path={tmp_path}/none"), has_mix=True)

    assert (found.mark, found.code) == (FindingStatus.WRONG, "music-bus")


def test_only_what_is_configured_is_examined(tmp_path: Path) -> None:
    settings = tmp_path / "edgevoice.toml"
    settings.write_text(
        '[service]\nkey_file = "/nowhere"\n[music]\nbus = "system"\n[echo]\nreference = "mix"\n'
        '[mqtt]\nhost = "127.0.0.1"\nport = 9\n'
    )
    folders = {"STATE_DIRECTORY": str(tmp_path), "CACHE_DIRECTORY": str(tmp_path / "cache")}

    found = Examination(settings, folders, machine(tmp_path / "machine", answers={}), with_sound=False).findings()

    names = [finding.name for finding in found]
    assert {"music", "MQTT", "echo reference"} <= set(names)
    assert "home" not in names
