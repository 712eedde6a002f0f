"""The capture of the mix: what it makes of a device's samples, and which device a name is."""

import time
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pytest

from edgevoice.audio import mix_input
from edgevoice.audio.cards import Card
from edgevoice.audio.mix_input import Halver, MixInput, is_same_device
from edgevoice.core.sound.clockfit import ClockFit
from edgevoice.errors import DeviceBusy
from edgevoice.testbed.virtual import VirtualCard
from edgevoice.testbed.virtual.loopback import LOOPBACK, Loopback
from tests.waiting import until

Samples = npt.NDArray[np.int16]

CARDS = [Card(0, "Mic"), Card(1, "Loopback")]


class Listener:
    """What was captured."""

    def __init__(self) -> None:
        self.pieces: list[Samples] = []
        self.silent = 0

    def played(self, samples: Samples | None, frames: int) -> None:
        self.silent += samples is None
        self.pieces.append(np.zeros(frames, np.int16) if samples is None else samples)

    def take_back(self, _frames: int) -> None:
        raise AssertionError("what was captured has sounded")

    @property
    def frames(self) -> int:
        return sum(len(piece) for piece in self.pieces)


def tone(hz: float, rate_hz: int, seconds: float = 0.2) -> Samples:
    times_s = np.arange(round(seconds * rate_hz)) / rate_hz
    return np.asarray(np.rint(8000 * np.sin(2 * np.pi * hz * times_s)), np.int16)


def level_db(sound: Samples) -> float:
    middle = sound[200:-200].astype(np.float64)
    return 20 * float(np.log10(max(1e-3, np.sqrt(np.mean(middle**2))) / (8000 / np.sqrt(2))))


@pytest.mark.parametrize(("hz", "least_db", "most_db"), [(300, -0.1, 0.1), (7000, -0.5, 0.1), (18_000, -200, -60)])
def test_stereo_at_48_khz_becomes_mono_at_24_khz_without_aliases(hz: float, least_db: float, most_db: float) -> None:
    halver = Halver()
    stereo = np.repeat(tone(hz, 48_000), 2)
    pieces = [halver.take(stereo[at : at + 1920]) for at in range(0, len(stereo), 1920)]
    halved = np.concatenate(pieces)

    assert len(halved) == len(stereo) // 4
    assert least_db <= level_db(halved) <= most_db
    assert (halved == Halver().take(stereo)).all(), "the pieces do not matter"
    assert len(halver.take(stereo[:0])) == 0


def test_after_silence_nothing_of_what_sounded_before_comes_back() -> None:
    halver = Halver()
    halver.take(np.full(1920, 8000, np.int16))
    halver.rest()

    assert not halver.take(np.zeros(1920, np.int16)).any()


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("hw:Loopback,1,0", "plughw:CARD=Loopback,DEV=1", True),
        ("hw:1,1", "plughw:CARD=Loopback,DEV=1", True),
        ("Loopback: PCM (hw:1,1)", "hw:Loopback,1", True),
        ("Loopback", "hw:Loopback,0", True),
        ("hw:Loopback,1", "hw:Loopback,0", False),
        ("hw:Loopback,1", "plughw:CARD=Mic,DEV=1", False),
        ("hw:Absent,0", "hw:Absent,0", True),
        ("monitor", "default", False),
        ("monitor", "monitor", True),
        # By a sound server: its devices are no cards, and without one it gives its default source, a microphone.
        ("pulse:mic.monitor", "pulse:mic.monitor", True),
        ("pulse:speaker.monitor", "pulse:mic", False),
        ("pulse:Mic", "hw:Mic", False),
        ("pulse", "default", True),
        ("pipewire", "pulse", True),
        ("pulse:speaker.monitor", "pulse", False),
    ],
)
def test_a_device_is_known_by_whatever_name(one: str, other: str, *, is_same: bool) -> None:
    assert is_same_device(one, other, CARDS) is is_same


@pytest.fixture
def loopback(card: VirtualCard) -> Iterator[Loopback]:
    with Loopback(card.folder) as loopback:
        yield loopback


@pytest.mark.sound
def test_what_another_program_plays_is_captured_and_a_device_that_is_gone_says_so(loopback: Loopback) -> None:
    loopback.play(tone(1000, 16_000, 0.4))
    listener, clock = Listener(), ClockFit(24_000)
    captured = MixInput(LOOPBACK, listener, clock)
    try:
        until(lambda: clock.line is not None)
        late_ms = []
        for _ in range(7):
            time.sleep(0.05)
            line, now = clock.line, time.monotonic()
            assert line is not None
            late_ms.append(1000 * (now - line.time_at(listener.frames)))
        loopback.unplug()
        time.sleep(0.15)
    finally:
        captured.close()

    heard = np.concatenate(listener.pieces)
    sounding = heard[: np.flatnonzero(heard)[-1]]
    assert len(sounding) == pytest.approx(0.4 * 24_000, abs=150)
    assert level_db(sounding) == pytest.approx(0, abs=0.3)
    assert listener.silent > 10
    assert 0 < np.median(late_ms) < 150
    assert "the position" in captured.problem or "unplugged" in captured.problem
    assert "Errno" not in captured.problem


class StillPcm:
    """A monitor whose sink was removed: the stream neither fails nor delivers anything."""

    def wait(self, _limit_ms: int) -> None:
        time.sleep(0.001)

    def captured(self, _lost: Callable[[], None]) -> int:
        return 0

    def close(self) -> None:
        """Nothing is open."""


def test_a_stream_that_only_stops_counts_as_lost_so_that_it_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mix_input, "_open", lambda _name: (StillPcm(), 2))
    monkeypatch.setattr(mix_input, "_STILL_S", 0.05)
    captured = MixInput("monitor", Listener(), ClockFit(24_000))
    try:
        captured._thread.join(5)
        assert captured.problem == "it has stopped"
    finally:
        captured.close()


@pytest.mark.usefixtures("loopback")
def test_a_device_that_does_not_exist_is_refused_in_one_line() -> None:
    with pytest.raises(DeviceBusy, match=r'"nothing" does not open as the echo reference: .*No such file') as refused:
        MixInput("nothing", Listener(), ClockFit(24_000))

    assert "`edgevoice devices`" in refused.value.line()
    with pytest.raises(DeviceBusy, match="does not open") as refused:
        MixInput("pulse:nothing.monitor", Listener(), ClockFit(24_000))
    assert "docs/home-assistant.md" in refused.value.line()
