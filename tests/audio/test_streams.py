"""What opens the cards: ALSA by its own names, PortAudio only where ALSA does not; without a card."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from edgevoice.audio import alsa, devices, streams
from edgevoice.audio.alsa import AlsaError
from edgevoice.audio.card_ring import RingUnavailable
from edgevoice.audio.microphone import Microphone
from edgevoice.audio.speaker import Speaker
from edgevoice.audio.streams import StreamOpener
from edgevoice.core.facts import Device
from edgevoice.errors import AudioUnavailable, ChannelMissing, DeviceMissing
from edgevoice.settings.sound import Backend
from tests.audio.fake_library import CARDS, FakeLibrary, info

MIC, DAC = Device.MICROPHONE, Device.SPEAKER


@dataclass
class FakeAlsa:
    """The PCMs that open, with their channels; ``opened`` are those that were, and ``closed``."""

    pcms: dict[str, int]
    tried: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)

    def channels(self, pcm: str) -> int:
        self.tried.append(pcm)
        if pcm not in self.pcms:
            raise AlsaError(2, f"opening {pcm}: No such file or directory")
        return self.pcms[pcm]

    def capture(self, pcm: str, channels: int, *_rest: object) -> "FakeStream":
        self.opened.append(f"{pcm} with {channels}")
        return FakeStream(pcm, self)

    def play(self, pcm: str, *_rest: object) -> "FakeStream":
        self.tried.append(pcm)
        if pcm not in self.pcms:
            raise RingUnavailable(f'"{pcm}" does not open')
        self.opened.append(pcm)
        return FakeStream(pcm, self)


@dataclass
class FakeStream:
    pcm: str
    alsa: FakeAlsa

    def close(self) -> None:
        self.alsa.closed.append(self.pcm)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> list[FakeLibrary]:
    """The PortAudios that were started; each has two cards."""
    started: list[FakeLibrary] = []

    def start() -> FakeLibrary:
        started.append(FakeLibrary(*CARDS, info(2, "Jabra: USB Audio (hw:2,0)", inputs=2)))
        return started[-1]

    monkeypatch.setattr(devices, "open_library", start)
    return started


@pytest.fixture
def with_pcms(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeAlsa]:
    def install(**found: int) -> FakeAlsa:
        fake = FakeAlsa({name.replace("_", ":", 1): channels for name, channels in found.items()})
        monkeypatch.setattr(alsa, "capture_channels", fake.channels)
        monkeypatch.setattr(streams, "AlsaInput", fake.capture)
        monkeypatch.setattr(streams, "AlsaOutput", fake.play)
        return fake

    return install


def opener(mic: str = "mic", dac: str = "dac", backend: Backend = "auto", **wanted: Any) -> StreamOpener:
    ears = Microphone(lambda _frame, _end: None, lambda: None)
    mouth = Speaker(lambda _fact: None, prefill_ms=40, volume_percent=100, earcon_percent=40)
    return StreamOpener(ears, mouth, {MIC: mic, DAC: dac}, backends={MIC: backend, DAC: backend}, **wanted)


def test_what_alsa_opens_by_its_name_needs_no_portaudio(
    library: list[FakeLibrary], with_pcms: Callable[..., FakeAlsa]
) -> None:
    fake = with_pcms(mic=1, dac=2)

    opened = opener().open()
    is_quick = opened.is_quick
    opened.close()

    assert opened.open == [MIC, DAC]
    assert is_quick
    assert fake.opened == ["mic with 1", "dac"]
    assert sorted(fake.closed) == ["dac", "mic"]
    assert library == []


def test_a_card_by_its_id_is_opened_through_alsas_plug(
    library: list[FakeLibrary], with_pcms: Callable[..., FakeAlsa]
) -> None:
    fake = with_pcms(**{"plughw_CARD=Jabra": 2, "dac": 2})

    opener(mic="CARD=Jabra").open()

    assert fake.opened == ["plughw:CARD=Jabra with 2", "dac"]
    assert library == []


def test_portaudio_is_started_for_the_half_that_alsa_does_not_open_and_alsa_is_not_tried_again(
    library: list[FakeLibrary], with_pcms: Callable[..., FakeAlsa]
) -> None:
    fake = with_pcms(dac=2)

    opened = opener().open()
    is_quick = opened.is_quick
    opened.close()

    assert sorted(opened.open) == [MIC, DAC]
    assert not is_quick
    assert fake.tried == ["mic", "dac"]
    assert [list(each.opened) for each in library] == [[0]]
    assert library[0].is_terminated
    assert fake.closed == ["dac"]


def test_a_card_that_only_portaudio_finds_by_that_name_is_still_opened_by_alsa(
    library: list[FakeLibrary], with_pcms: Callable[..., FakeAlsa]
) -> None:
    fake = with_pcms(**{"plughw_2,0": 2, "dac": 2})

    opened = opener(mic="jabra").open()

    assert fake.tried == ["jabra", "dac", "plughw:2,0"]
    assert fake.opened == ["dac", "plughw:2,0 with 2"]
    assert opened.is_quick
    assert [list(each.opened) for each in library] == [[]]


def test_a_card_that_is_missing_is_reported_with_those_present(
    library: list[FakeLibrary], with_pcms: Callable[..., FakeAlsa]
) -> None:
    with_pcms(dac=2)

    opened = opener(mic="nosuch").open()

    assert opened.open == [DAC]
    assert isinstance(opened.failures[MIC], DeviceMissing)
    assert "present: " in str(opened.failures[MIC])
    assert len(library) == 1


def test_a_channel_that_the_card_lacks_is_not_looked_for_with_portaudio_either(
    library: list[FakeLibrary], with_pcms: Callable[..., FakeAlsa]
) -> None:
    with_pcms(mic=1, dac=2)

    opened = opener(channel=3).open()

    assert isinstance(opened.failures[MIC], ChannelMissing)
    assert [list(each.opened) for each in library] == [[]]


def test_what_is_to_be_opened_by_portaudio_is_not_tried_by_alsa(
    library: list[FakeLibrary], with_pcms: Callable[..., FakeAlsa]
) -> None:
    fake = with_pcms(mic=1, dac=2)

    opened = opener(backend="portaudio").open()

    assert sorted(opened.open) == [MIC, DAC]
    assert fake.tried == []
    assert [list(each.opened) for each in library] == [[0, 1]]


def test_a_portaudio_that_does_not_start_closes_what_alsa_has_opened(
    monkeypatch: pytest.MonkeyPatch, with_pcms: Callable[..., FakeAlsa]
) -> None:
    def refuse() -> FakeLibrary:
        raise AudioUnavailable("PortAudio does not start")

    fake = with_pcms(mic=1)
    monkeypatch.setattr(devices, "open_library", refuse)

    with pytest.raises(AudioUnavailable, match="does not start"):
        opener().open()
    assert fake.closed == ["mic"]
