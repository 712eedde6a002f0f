"""Devices that do not open: the reason is found before anything is played."""

from pathlib import Path
from typing import Any

import pytest

from edgevoice.audio import cards, devices
from edgevoice.core.facts import Device
from edgevoice.doctor import listening
from edgevoice.doctor.findings import FindingStatus
from edgevoice.doctor.listening import listen
from edgevoice.doctor.sound import State, judge_microphone, judge_speaker
from edgevoice.settings.schema import Settings
from edgevoice.settings.sound import MicrophoneSettings, SpeakerSettings
from tests.audio.fake_library import CARDS, FakeLibrary, info
from tests.doctor.machines import machine

SETTINGS = Settings(microphone=MicrophoneSettings(device="mic"), speaker=SpeakerSettings(device="dac"))


class AskedLibrary(FakeLibrary):
    """Refuses a format with PortAudio's own error: an index of the card, and a code."""

    def __init__(self, refusals: dict[int, tuple[Any, ...]], *cards: dict[str, Any]) -> None:
        super().__init__(*(cards or CARDS))
        self._refusals = refusals

    def is_format_supported(self, *_args: Any, **options: Any) -> Any:
        index = options.get("input_device", options.get("output_device"))
        if index in self._refusals:
            raise ValueError(*self._refusals[index])
        return True


@pytest.fixture
def with_refusals(monkeypatch: pytest.MonkeyPatch) -> Any:
    def use(refusals: dict[int, tuple[Any, ...]], *cards: dict[str, Any]) -> None:
        monkeypatch.setattr(devices, "open_library", lambda: AskedLibrary(refusals, *cards))

    return use


def test_an_unsupported_rate_is_distinguished_from_a_busy_card(with_refusals: Any, tmp_path: Path) -> None:
    with_refusals({0: ("Invalid sample rate", -9997), 1: ("Device unavailable", -9985)})

    heard = listen(SETTINGS, machine(tmp_path), volume_percent=50, box_runs=False)

    assert (heard.microphone.state, heard.speaker.state) == (State.WRONG_RATE, State.BUSY)
    assert judge_microphone(heard).text == "mic does not support 16000 Hz"
    assert "edgevoice_mic" in judge_microphone(heard).remedy
    assert judge_speaker(heard, cancels_itself=False).mark is FindingStatus.WRONG


def test_neither_device_is_called_broken_while_the_box_has_both(with_refusals: Any, tmp_path: Path) -> None:
    with_refusals({0: ("Device unavailable", -9985), 1: ("Device unavailable", -9985)})
    files = {
        "/proc/asound/card1/pcm0c/sub0/status": "state: RUNNING\nowner_pid   : 812\n",
        "/proc/asound/card1/pcm0p/sub0/status": "state: RUNNING\nowner_pid   : 813\n",
        "/proc/812/cmdline": "python\0/opt/edgevoice/bin/edgevoice\0run\0",
        "/proc/813/cmdline": "python\0/opt/edgevoice/bin/edgevoice\0run\0",
    }

    heard = listen(SETTINGS, machine(tmp_path, files), volume_percent=50, box_runs=True)

    findings = [judge_microphone(heard), judge_speaker(heard, cancels_itself=False)]
    assert [finding.mark for finding in findings] == [FindingStatus.SKIPPED, FindingStatus.SKIPPED]
    assert findings[0].text == "mic: in use by the box itself, so it works"


def test_a_missing_card_keeps_its_code(with_refusals: Any, tmp_path: Path) -> None:
    with_refusals({1: ("Device unavailable", -9985)}, CARDS[1])

    heard = listen(SETTINGS, machine(tmp_path), volume_percent=50, box_runs=False)

    assert judge_microphone(heard).code == "audio-device-missing"


def test_a_card_in_use_elsewhere_is_called_busy_though_portaudio_omits_it(with_refusals: Any, tmp_path: Path) -> None:
    with_refusals({1: ("Device unavailable", -9985)}, CARDS[1])
    files = {
        "/proc/asound/card1/pcm0c/sub0/status": "state: RUNNING\nowner_pid   : 812\n",
        "/proc/812/cmdline": "/usr/bin/arecord\0private.wav\0",
    }

    finding = judge_microphone(listen(SETTINGS, machine(tmp_path, files), volume_percent=50, box_runs=False))

    assert finding.code == "audio-device-busy"
    assert finding.text == "mic does not open; arecord (process 812) has a microphone open"
    assert "sudo kill 812" in finding.remedy


def test_a_channel_that_the_card_lacks_is_reported_before_it_is_opened(with_refusals: Any, tmp_path: Path) -> None:
    with_refusals({1: ("Device unavailable", -9985)})
    settings = Settings(microphone=MicrophoneSettings(device="mic", channel=3), speaker=SpeakerSettings(device="dac"))

    finding = judge_microphone(listen(settings, machine(tmp_path), volume_percent=50, box_runs=False))

    assert finding.code == "audio-channel-missing"
    assert finding.text == '"mic" has channel 0 alone; microphone.channel is 3'
    assert "edgevoice doctor" in finding.remedy


def test_the_stable_name_of_a_numbered_card_is_found_before_it_is_opened(
    with_refusals: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "asound" / "card2").mkdir(parents=True)
    (tmp_path / "asound" / "card2" / "id").write_text("Jabra")
    monkeypatch.setattr(cards, "PLACE", tmp_path / "asound")
    with_refusals({1: ("Device unavailable", -9985)}, info(0, "Jabra: USB Audio (hw:2,0)", inputs=1), CARDS[1])
    half = listening._preflight(
        devices.open_library(), Device.MICROPHONE, "Jabra: USB Audio (hw:2,0)", machine(tmp_path), 0, box_runs=False
    )

    assert (half.state, half.stable) == (State.OPEN, "plughw:CARD=Jabra,DEV=0")
