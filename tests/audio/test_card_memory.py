"""A card number in the settings keeps meaning the same card, and a change is logged once."""

import json
import logging
from pathlib import Path

import pytest

from edgevoice.audio.card_memory import CardMemory
from edgevoice.audio.cards import Card
from edgevoice.core.facts import Device

MIC, DAC = Device.MICROPHONE, Device.SPEAKER
HERE = [Card(0, "Headphones"), Card(2, "Jabra")]
MOVED = [Card(0, "Headphones"), Card(2, "Webcam"), Card(3, "Jabra")]
GONE = [Card(0, "Headphones"), Card(2, "Webcam")]


class Starts:
    """A box that is started repeatedly, each time with other cards."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def __call__(self, cards: list[Card], *asked: tuple[Device, str]) -> list[str]:
        memory = CardMemory(self._path, lambda: cards)
        return [memory.resolve(device, name) for device, name in asked]


@pytest.fixture
def starts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Starts:
    caplog.set_level(logging.DEBUG, "edgevoice")
    return Starts(tmp_path / "state" / "cards.json")


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.msg, str(vars(record)["fields"]["problem"])) for record in caplog.records]


@pytest.mark.parametrize("name", ["default", "edgevoice_mic", "plughw:CARD=Jabra,DEV=0", "Jabra", "Jabra SPEAK"])
def test_a_name_without_a_number_is_kept_and_nothing_is_written(
    starts: Starts, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert starts(HERE, (MIC, name)) == [name]
    assert told(caplog) == []
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("name", ["hw:2,0", "plughw:2", "Jabra SPEAK 410: USB Audio (hw:2,0)"])
def test_a_card_number_is_warned_about_once_with_the_name_to_use_instead(
    starts: Starts, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert starts(HERE, (MIC, name), (MIC, name)) == [name, name]

    problem = f'"{name}" holds a number, which may change with a restart. Set microphone.device to '
    assert told(caplog) == [("card-by-number", f"{problem}plughw:CARD=Jabra,DEV=0, which stays with that card.")]


@pytest.mark.parametrize("name", ["hw:2,0", "Jabra SPEAK 410: USB Audio (hw:2,0)"])
def test_a_card_renumbered_after_a_restart_is_followed_and_logged(
    starts: Starts, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    starts(HERE, (MIC, name))
    caplog.clear()

    assert starts(MOVED, (MIC, name), (MIC, name)) == ["plughw:CARD=Jabra,DEV=0"] * 2
    ((event, problem),) = told(caplog)
    assert event == "card-moved"
    assert problem.startswith(f'"{name}" meant the card Jabra, which is number 3 now and is used all the same. Set ')
    assert starts(HERE, (MIC, name)) == [name]


def test_another_card_under_the_number_is_logged_and_the_old_one_is_remembered(
    starts: Starts, caplog: pytest.LogCaptureFixture
) -> None:
    starts(HERE, (MIC, "hw:2,0"))
    caplog.clear()

    assert starts(GONE, (MIC, "hw:2,0")) == ["hw:2,0"]
    ((event, problem),) = told(caplog)
    assert event == "card-changed"
    assert "meant the card Jabra, which is missing; it now means Webcam, which is used" in problem
    assert "plughw:CARD=Webcam,DEV=0" in problem
    assert starts(MOVED, (MIC, "hw:2,0")) == ["plughw:CARD=Jabra,DEV=0"]


def test_with_neither_card_present_nothing_is_logged_twice(starts: Starts, caplog: pytest.LogCaptureFixture) -> None:
    starts(HERE, (MIC, "hw:2,0"))
    caplog.clear()

    assert starts([Card(0, "Headphones")], (MIC, "hw:2,0")) == ["hw:2,0"]
    assert starts([], (MIC, "hw:7,0")) == ["hw:7,0"]
    assert told(caplog) == []


def test_a_name_changed_in_the_settings_is_taken_literally(starts: Starts) -> None:
    starts(HERE, (MIC, "hw:2,0"))

    assert starts(MOVED, (MIC, "hw:2,1")) == ["hw:2,1"]
    assert starts(MOVED, (MIC, "hw:2,0")) == ["hw:2,0"], "the other name has taken its place"


def test_microphone_and_speaker_each_remember_their_own_card(starts: Starts, tmp_path: Path) -> None:
    starts(HERE, (MIC, "hw:2,0"), (DAC, "hw:0,0"))

    kept = json.loads((tmp_path / "state" / "cards.json").read_text())
    assert kept == {
        "microphone": {"name": "hw:2,0", "card": "Jabra"},
        "speaker": {"name": "hw:0,0", "card": "Headphones"},
    }


@pytest.mark.parametrize(
    "content", ["", "[]", "{", "[" * 99_999, '{"microphone": 7}', '{"microphone": {"name": 1, "card": 2}}']
)
def test_a_damaged_card_memory_is_started_afresh(starts: Starts, tmp_path: Path, content: str) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "cards.json").write_text(content)

    assert starts(HERE, (MIC, "hw:2,0")) == ["hw:2,0"]
    assert starts(MOVED, (MIC, "hw:2,0")) == ["plughw:CARD=Jabra,DEV=0"]


def test_an_unwritable_card_memory_does_not_stop_the_box(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "edgevoice")
    (tmp_path / "file").touch()

    assert Starts(tmp_path / "file" / "cards.json")(HERE, (MIC, "hw:2,0")) == ["hw:2,0"]
    assert [event for event, _ in told(caplog)] == ["card-memory", "card-by-number"]
    assert Starts(None)(HERE, (MIC, "hw:2,0")) == ["hw:2,0"]
