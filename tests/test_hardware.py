"""hardware.md and its drawings agree with the board presets."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from edgevoice.panel.boards import BOARDS, HEADER, I2S_DUPLEX, RESPEAKER_V2, USB_SPEAKERPHONE, Board, header_pin

ROOT = Path(__file__).resolve().parents[1]
SVG = "{http://www.w3.org/2000/svg}"


def test_tables_and_drawings_match_the_presets() -> None:
    ended = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "wiring"), "--check"], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stderr


def test_every_drawing_and_every_board_is_in_the_text() -> None:
    text = (ROOT / "hardware.md").read_text(encoding="utf-8")

    assert set(re.findall(r"docs/wiring-\w+\.svg", text)) == {
        f"docs/{place.name}" for place in (ROOT / "docs").glob("wiring-*.svg")
    }
    assert all(f"`{name}`" in text for name in BOARDS)


def words_of(name: str) -> list[ET.Element]:
    return list(ET.parse(ROOT / "docs" / f"wiring-{name}.svg").iter(f"{SVG}text"))  # noqa: S314 - our own file


@pytest.mark.parametrize("name", ["usb", "i2s", "hat"])
def test_the_header_has_pin_1_as_a_square_odd_pins_left_and_even_pins_right(name: str) -> None:
    places = {int(word.text or 0): word for word in words_of(name) if (word.text or "").isdigit()}

    assert sorted(places) == list(range(1, 41))
    assert len({word.get("x") for pin, word in places.items() if pin % 2}) == 1
    assert all(float(places[pin].get("x", 0)) < float(places[pin + 1].get("x", 0)) for pin in range(1, 40, 2))
    heights = [float(places[pin].get("y", 0)) for pin in range(1, 40, 2)]
    assert heights == sorted(heights)
    assert heights == [float(places[pin].get("y", 0)) for pin in range(2, 41, 2)]
    squares = [
        each
        for each in ET.parse(ROOT / "docs" / f"wiring-{name}.svg").iter(f"{SVG}rect")  # noqa: S314
        if each.get("width") == each.get("height") == "20"
    ]
    assert len(squares) == 1


@pytest.mark.parametrize(("name", "board"), [("usb", USB_SPEAKERPHONE), ("i2s", I2S_DUPLEX), ("hat", RESPEAKER_V2)])
def test_a_wire_leaves_the_header_at_every_pin_that_a_person_connects(name: str, board: Board) -> None:
    wired = {
        header_pin(gpio)
        for setting, gpio in board.pins.used().items()
        if setting not in board.on_board and not setting.startswith("amplifier")
    }
    if name == "i2s":
        wired |= {header_pin(gpio) for gpio in board.taken} | {1, 2}
    bold = [word.text for word in words_of(name) if word.get("font-weight") == "600"]
    labels = [f"GPIO {HEADER[pin - 1]}" if isinstance(HEADER[pin - 1], int) else HEADER[pin - 1] for pin in wired]

    assert sorted(label for label in bold if label in labels) == sorted(map(str, labels))
