"""Every way to name a sound card, and which names are stable."""

from pathlib import Path

import pytest

from edgevoice.audio import cards
from edgevoice.audio.cards import Card, Place, alsa_name, cards_present, place_of, stable_name, words_of

CARDS = [Card(0, "Headphones"), Card(2, "Jabra"), Card(3, "Device_1")]


def test_the_kernels_cards_are_listed_by_number(tmp_path: Path) -> None:
    for number, name in ((10, "Loopback"), (2, "Jabra")):
        (tmp_path / f"card{number}").mkdir()
        (tmp_path / f"card{number}" / "id").write_text(f"{name}\n")
    (tmp_path / "card3").mkdir()
    (tmp_path / "card0x").mkdir()
    (tmp_path / "cards").touch()

    assert cards_present(tmp_path) == [Card(2, "Jabra"), Card(10, "Loopback")]
    assert cards_present(tmp_path / "nowhere") == []


def test_by_default_the_cards_are_read_from_the_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "PLACE", tmp_path)

    assert cards_present() == []


@pytest.mark.parametrize(
    ("name", "pcm"),
    [
        ("hw:2,0", "hw:2,0"),
        ("plughw:CARD=Jabra,DEV=0", "plughw:CARD=Jabra,DEV=0"),
        ("plughw:Jabra", "plughw:Jabra"),
        ("sysdefault:CARD=Jabra", "sysdefault:CARD=Jabra"),
        ("dsnoop:CARD=Jabra,DEV=0", "dsnoop:CARD=Jabra,DEV=0"),
        ("plug:edgevoice_mic", "plug:edgevoice_mic"),
        ("CARD=Jabra", "plughw:CARD=Jabra"),
        ("CARD=Jabra,DEV=1", "plughw:CARD=Jabra,DEV=1"),
        ("Jabra", "plughw:Jabra"),
        ("2", "plughw:2"),
        ("2,0", "plughw:2,0"),
        ("jabra", ""),
        ("default", ""),
        ("edgevoice_mic", ""),
        ("USB PnP Sound Device: Audio (hw:2,0)", ""),
        ('hw:"; pcm.x { type file', ""),
        ("hw:CARD=Jabra\n", ""),
        ("hw:", ""),
        ("", ""),
    ],
)
def test_only_an_alsa_name_or_a_card_id_is_a_pcm_name(name: str, pcm: str) -> None:
    assert alsa_name(name, CARDS) == pcm


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("hw:2,1", Place("2", 1)),
        ("plughw:CARD=Jabra,DEV=3", Place("Jabra", 3)),
        ("sysdefault:CARD=Jabra", Place("Jabra")),
        ("dsnoop:Jabra", Place("Jabra")),
        ("front:CARD=2", Place("2")),
        ("2", Place("2")),
        ("CARD=2,DEV=1", Place("2", 1)),
        ("USB PnP Sound Device: Audio (hw:2,0)", Place("2", 0)),
        ("USB: Audio: more (plughw:12,7)", Place("12", 7)),
        ("hw:Jabra,x", Place("Jabra", 0)),
        ("plug:edgevoice_mic", None),
        ("default", None),
        ("Jabra SPEAK", None),
        ("hw:,", None),
    ],
)
def test_the_card_in_a_name_is_read_by_id_or_number(name: str, place: Place | None) -> None:
    assert place_of(name) == place


@pytest.mark.parametrize(
    ("name", "stable"),
    [
        ("Jabra SPEAK 410: USB Audio (hw:2,0)", "plughw:CARD=Jabra,DEV=0"),
        ("bcm2835 Headphones: - (hw:0,0)", "plughw:CARD=Headphones,DEV=0"),
        ("hw:3,1", "plughw:CARD=Device_1,DEV=1"),
        ("hw:CARD=Jabra", "hw:CARD=Jabra"),
        ("edgevoice_mic", "edgevoice_mic"),
        ("Gone: Audio (hw:7,0)", "Gone: Audio (hw:7,0)"),
    ],
)
def test_a_card_number_is_replaced_by_the_cards_id(name: str, stable: str) -> None:
    assert stable_name(name, CARDS) == stable


def test_a_cards_descriptive_name_omits_its_devices_and_numbers() -> None:
    assert words_of("Jabra SPEAK 410: USB Audio (hw:2,0)") == "Jabra SPEAK 410"
    assert words_of("bcm2835 Headphones (hw:2,0)") == "bcm2835 Headphones"
    assert words_of("edgevoice_mic") == ""
