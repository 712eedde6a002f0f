"""Sound devices are found by name; for a missing one the error lists those present."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pyaudio
import pytest

from edgevoice.audio import devices
from edgevoice.audio.devices import SoundDevice, find, open_library, present, sound_library
from edgevoice.core.facts import Device
from edgevoice.errors import AudioUnavailable, DeviceMissing
from tests.audio.fake_library import FakeLibrary, info
from tests.open_files import open_files

MIC, DAC = Device.MICROPHONE, Device.SPEAKER
CARDS = FakeLibrary(
    info(0, "bcm2835 Headphones: - (hw:0,0)", outputs=8, rate_hz=44_100.0),
    info(1, "seeed2micvoicec: - (hw:1,0)", inputs=2, outputs=2),
    info(2, "USB PnP Sound Device: Audio (hw:2,0)", inputs=1),
    info(3, "USB Speaker: Audio (hw:3,0)", outputs=2),
    info(4, "usb", outputs=2),
)


def test_every_device_is_listed_with_its_directions_and_default_rate() -> None:
    assert present(CARDS)[:2] == [
        SoundDevice(0, "bcm2835 Headphones: - (hw:0,0)", inputs=0, outputs=8, rate_hz=44_100),
        SoundDevice(1, "seeed2micvoicec: - (hw:1,0)", inputs=2, outputs=2, rate_hz=48_000),
    ]


def test_a_device_is_found_by_its_full_name() -> None:
    assert find(CARDS, DAC, "seeed2micvoicec: - (hw:1,0)").index == 1


def test_a_device_is_found_by_part_of_its_name_in_any_case() -> None:
    assert find(CARDS, MIC, "SEEED").index == 1
    assert find(CARDS, DAC, "headphones").index == 0


def test_only_capture_devices_are_microphones_and_only_playback_devices_are_speakers() -> None:
    assert find(CARDS, MIC, "USB").index == 2
    with pytest.raises(DeviceMissing):
        find(CARDS, MIC, "headphones")


def test_a_full_name_takes_precedence_over_parts_of_other_names() -> None:
    assert find(CARDS, DAC, "usb").index == 4


def test_an_ambiguous_name_is_refused_and_the_error_lists_the_matches() -> None:
    with pytest.raises(DeviceMissing) as refused:
        find(CARDS, DAC, "us")

    assert str(refused.value) == 'more than one speaker is called "us"; present: USB Speaker: Audio (hw:3,0), usb'


def test_an_unknown_name_is_refused_and_the_error_lists_all_devices_present() -> None:
    with pytest.raises(DeviceMissing) as refused:
        find(CARDS, MIC, "respeaker")

    assert str(refused.value) == (
        'no microphone is called "respeaker"; present: '
        "USB PnP Sound Device: Audio (hw:2,0), seeed2micvoicec: - (hw:1,0)"
    )
    assert "edgevoice devices" in refused.value.line()


def test_a_machine_without_cards_says_so() -> None:
    with pytest.raises(DeviceMissing, match="present: none at all"):
        find(FakeLibrary(), DAC, "usb")
    with pytest.raises(DeviceMissing, match="there is no default microphone; present: none at all"):
        find(FakeLibrary(), MIC, "default")


def test_default_is_a_device_of_that_name_or_else_the_librarys_choice() -> None:
    assert find(CARDS, MIC, "default").index == 1
    assert find(CARDS, DAC, "default").index == 0

    named = FakeLibrary(info(0, "other", outputs=2), info(1, "default", inputs=32, outputs=32))
    assert find(named, DAC, "default").index == 1


def test_without_a_default_device_the_error_lists_those_present() -> None:
    only_speakers = FakeLibrary(info(0, "usb", outputs=2))

    with pytest.raises(DeviceMissing, match="there is no default microphone; present: none at all"):
        find(only_speakers, MIC, "default")


def test_a_missing_device_is_also_an_os_error() -> None:
    with pytest.raises(OSError, match="respeaker"):
        find(CARDS, MIC, "respeaker")


def test_the_library_is_terminated_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    library = FakeLibrary()
    monkeypatch.setattr(devices, "open_library", lambda: library)

    with pytest.raises(ZeroDivisionError), sound_library():
        raise ZeroDivisionError

    assert library.is_terminated


def test_a_sound_system_that_does_not_start_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError("Host error")

    monkeypatch.setattr(pyaudio, "PyAudio", refuse)

    with pytest.raises(AudioUnavailable, match="PortAudio does not start: Host error") as refused:
        open_library()
    assert refused.value.code == "audio-unavailable"


def test_a_sound_system_that_hangs_is_reported_in_time(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    goes_on = threading.Event()

    def hang() -> FakeLibrary:
        goes_on.wait(10)
        return FakeLibrary()

    monkeypatch.setattr(pyaudio, "PyAudio", hang)
    monkeypatch.setattr(devices, "_START_LIMIT_S", 0.02)

    with pytest.raises(AudioUnavailable, match=r"PortAudio has not started within 0\.02 s: the sound system hangs"):
        open_library()
    os.write(2, b"ours\n")

    assert capfd.readouterr().err == "ours\n"
    goes_on.set()
    # On a busy machine the thread may not have called the library yet; it must not get the next test's.
    for thread in threading.enumerate():
        if thread.name == "starting PortAudio":
            thread.join(10)


def test_a_stale_lock_is_removed_before_the_library_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    @contextmanager
    def without() -> Iterator[None]:
        done.append("removed")
        yield
        done.append("let go")

    monkeypatch.setattr(devices, "without_left_database", without)
    monkeypatch.setattr(pyaudio, "PyAudio", lambda: done.append("started"))

    open_library()

    assert done == ["removed", "started", "let go"]


def test_the_output_of_c_libraries_is_suppressed_and_our_own_is_not(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def chatter() -> FakeLibrary:
        os.write(2, b"ALSA lib pcm.c:2664:(snd_pcm_open_noupdate) Unknown PCM cards.pcm.rear\n")
        return FakeLibrary()

    monkeypatch.setattr(pyaudio, "PyAudio", chatter)
    before = open_files()

    open_library()
    os.write(2, b"ours\n")

    assert capfd.readouterr().err == "ours\n"
    assert open_files() <= before
