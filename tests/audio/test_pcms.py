"""ALSA names, opened through PortAudio, which knows only names without arguments."""

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgevoice.audio import cards, devices, pcms
from edgevoice.audio.alsa import AlsaError, Pcm
from edgevoice.audio.capture import open_capture
from edgevoice.audio.pcms import is_ours, listed_as, offer
from edgevoice.core.facts import Device
from edgevoice.errors import DeviceBusy, DeviceMissing
from edgevoice.testbed.virtual.plugin import build_plugin
from tests.audio.fake_library import FakeLibrary, info

MIC = Device.MICROPHONE


@pytest.fixture(autouse=True)
def asound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The kernel's list of cards, headphones and a speakerphone, and a configuration of the test's own."""
    for number, name in ((0, "Headphones"), (2, "Jabra")):
        (tmp_path / f"card{number}").mkdir()
        (tmp_path / f"card{number}" / "id").write_text(name)
    monkeypatch.setattr(cards, "PLACE", tmp_path)
    monkeypatch.setattr(pcms, "_configuration", pcms._Configuration())
    monkeypatch.delenv("ALSA_CONFIG_PATH", raising=False)
    yield tmp_path
    if pcms._configuration._descriptor >= 0:
        os.close(pcms._configuration._descriptor)


def offered() -> str:
    return Path(os.environ["ALSA_CONFIG_PATH"].split(":")[-1]).read_text()


def test_names_that_portaudio_lists_need_no_configuration() -> None:
    offer(["default", "edgevoice_mic", "USB Audio"])

    assert "ALSA_CONFIG_PATH" not in os.environ


def test_a_name_with_arguments_becomes_a_plug_alias_after_alsas_own_configuration() -> None:
    offer(["plughw:CARD=Jabra,DEV=0", "default", "Jabra"])

    first, second = sorted(["plughw:CARD=Jabra,DEV=0", "plughw:Jabra"])
    assert os.environ["ALSA_CONFIG_PATH"].startswith("/usr/share/alsa/alsa.conf:/proc/")
    assert offered() == (
        f'pcm.{listed_as(first)} {{ type plug slave.pcm "{first}" }}\n'
        f'pcm.{listed_as(second)} {{ type plug slave.pcm "{second}" }}\n'
    )


def test_a_device_of_a_sound_server_has_no_plug_in_front_of_it_because_portaudio_would_not_list_it() -> None:
    names = ["pulse:speaker.monitor", "pipewire:NODE=speaker"]
    offer(names)

    assert offered() == "".join(
        f'pcm.{listed_as(name)} {{ type empty slave.pcm "{name}" }}\n' for name in sorted(names)
    )


def test_offering_names_again_replaces_the_old_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALSA_CONFIG_PATH", "/etc/mine.conf:/etc/yours.conf")
    offer(["hw:2,0", "hw:0,0"])
    before = os.environ["ALSA_CONFIG_PATH"]
    offer(["hw:1,0"])

    assert os.environ["ALSA_CONFIG_PATH"] == before
    assert before.startswith("/etc/mine.conf:/etc/yours.conf:/proc/")
    assert offered().count("pcm.edgevoice_named") == 1

    offer([])
    assert offered() == ""


def test_without_memory_for_the_configuration_only_portaudios_names_are_available(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_arguments: object) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "memfd_create", refuse)
    offer(["hw:2,0"])

    assert "ALSA_CONFIG_PATH" not in os.environ


def library(*names: str) -> FakeLibrary:
    """A PortAudio that lists one card by its own name, and these by ours."""
    own = info(0, "Jabra SPEAK 410: USB Audio (hw:2,0)", inputs=1, outputs=2)
    return FakeLibrary(own, *(info(1 + at, listed_as(name), inputs=128) for at, name in enumerate(names)))


@pytest.mark.parametrize(
    ("name", "pcm"),
    [
        ("plughw:CARD=Jabra,DEV=0", "plughw:CARD=Jabra,DEV=0"),
        ("Jabra", "plughw:Jabra"),
        ("CARD=Jabra", "plughw:CARD=Jabra"),
        ("2", "plughw:2"),
        ("hw:2,0", "hw:2,0"),
    ],
)
def test_an_offered_device_is_found_and_reported_by_its_name_in_the_settings(name: str, pcm: str) -> None:
    found = devices.find(library(pcm), MIC, name)

    assert (found.index, found.name) == (1, name)


@pytest.mark.parametrize("name", ["hw:2,0", "jabra", "Jabra SPEAK 410: USB Audio (hw:2,0)", "speak"])
def test_a_device_that_portaudio_lists_is_found_by_any_part_of_its_name(name: str) -> None:
    assert devices.find(library(), MIC, name).index == 0


def test_a_device_of_a_sound_server_that_is_absent_is_not_taken_for_a_card() -> None:
    with pytest.raises(DeviceMissing) as refused:
        devices.find(library(), MIC, "pulse:speaker.monitor")

    assert str(refused.value).startswith('no microphone is called "pulse:speaker.monitor"; present: ')


def test_portaudios_full_name_finds_the_card_under_another_number() -> None:
    assert devices.find(library(), MIC, "Jabra SPEAK 410: USB Audio (hw:5,0)").index == 0


def test_for_a_missing_card_the_error_lists_the_ids_of_those_present() -> None:
    with pytest.raises(DeviceMissing) as refused:
        devices.find(library(), MIC, "plughw:CARD=Device,DEV=0")

    assert str(refused.value) == (
        'no card is called "Device", as "plughw:CARD=Device,DEV=0" says; cards present: Headphones, Jabra'
    )


def test_a_present_card_that_does_not_open_is_reported_as_busy_or_not_a_microphone() -> None:
    with pytest.raises(
        DeviceBusy, match='the card of "plughw:CARD=Headphones" is present, but its microphone does not open'
    ):
        devices.find(library(), MIC, "plughw:CARD=Headphones")


def test_the_error_lists_names_as_the_settings_take_them_without_our_aliases() -> None:
    with pytest.raises(DeviceMissing) as refused:
        devices.find(library("hw:7,0"), MIC, "respeaker")

    assert str(refused.value) == 'no microphone is called "respeaker"; present: plughw:CARD=Jabra,DEV=0'
    assert is_ours(listed_as("hw:7,0"))
    assert not is_ours("default")


# --- with ALSA itself ------------------------------------------------------------------------------------------------


def strict_card(folder: Path, plugin: Path) -> str:
    """Return a configuration whose hw does 48 kHz and two channels alone, and whose plughw converts, as ALSA's does."""
    card = f'type edgevoice rate 48000 channels 2 unplugged "{folder}/unplugged" source "{folder}/microphone.fifo"'
    arguments = "@args [ CARD DEV ] @args.CARD { type string } @args.DEV { type integer default 0 }"
    sides = "{ 0 { slave a channel 0 } 1 { slave a channel 1 } }"
    return f"""
pcm_type.edgevoice {{ lib "{plugin}" }}
pcm.hw {{ {arguments} type asym capture.pcm {{
  type multi slaves.a {{ channels 2 pcm {{ {card} }} }} bindings {sides} }} }}
pcm.default {{ type asym capture.pcm "plughw:CARD=Jabra,DEV=0" }}
pcm.plughw {{ {arguments} type plug slave.pcm {{ @func concat strings [ "hw:CARD=" $CARD ",DEV=" $DEV ] }} }}
"""


@pytest.mark.sound
@pytest.mark.parametrize("is_read_before", [False, True], ids=["", "read before"])
@pytest.mark.parametrize("name", ["plughw:CARD=Jabra,DEV=0", "Jabra", "hw:2,0"])
def test_a_card_with_neither_our_rate_nor_mono_works_under_any_alsa_name(
    name: str, *, is_read_before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        os.mkfifo(folder / "microphone.fifo")
        (folder / "asound.conf").write_text(strict_card(folder, build_plugin()))
        monkeypatch.setenv("ALSA_CONFIG_PATH", str(folder / "asound.conf"))
        periods: list[bytes | None] = []

        def hear(pcm: bytes | None, _frames: int, _times: object, _status: int) -> tuple[None, int]:
            periods.append(pcm)
            return None, 0

        if is_read_before:
            # As by a ring or a mixer: the names that are offered later are not in what was read.
            with pytest.raises(AlsaError):
                Pcm("absent")
        source = os.open(folder / "microphone.fifo", os.O_RDWR)
        try:
            with devices.sound_library([name]) as sound:
                found = devices.find(sound, MIC, name)
                open_capture(sound, found, 0, hear)
                ends_s = time.monotonic() + 5
                while len(periods) < 3 and time.monotonic() < ends_s:
                    time.sleep(0.01)
        finally:
            os.close(source)

    assert found.name == name
    assert {len(pcm or b"") for pcm in periods} == {640}
