"""The owner of both streams: on the virtual card in real time, and with a fake PortAudio for the rest."""

import asyncio
import gc
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pyaudio
import pytest

from edgevoice.audio import callback_threads, devices, streams, supervisor
from edgevoice.audio.card_memory import CardMemory
from edgevoice.audio.card_volume import CardVolumes
from edgevoice.audio.microphone import PERIOD, Microphone
from edgevoice.audio.speaker import Speaker
from edgevoice.audio.streams import Streams
from edgevoice.audio.supervisor import Supervisor
from edgevoice.core.backoff import Backoff
from edgevoice.core.facts import Device, DeviceLost, DeviceRestored, Event, PlaybackDrained
from edgevoice.core.orders import Earcon
from edgevoice.errors import AudioUnavailable
from edgevoice.settings.sound import Backend
from edgevoice.testbed.virtual import VirtualCard
from tests.audio.fake_library import CARDS, FakeLibrary, info
from tests.waiting import LIMIT_S, eventually

MIC, DAC = Device.MICROPHONE, Device.SPEAKER
VIRTUAL = {MIC: "edgevoice_mic", DAC: "edgevoice_dac"}
FAKE = {MIC: "mic", DAC: "dac"}


class Box:
    """A microphone and a speaker under a supervisor, and all that they report."""

    def __init__(
        self, names: Mapping[Device, str], hear: Callable[[bytes, int], None] = lambda _f, _e: None, **wanted: Any
    ) -> None:
        self.reports: list[Event] = []
        self.told: list[object] = []
        self.microphone = Microphone(hear, lambda: None)
        self.speaker = Speaker(self.told.append, prefill_ms=40, volume_percent=100, earcon_percent=40)
        self.supervisor = Supervisor(self.microphone, self.speaker, names, self.reports.append, **wanted)

    @property
    def is_alive(self) -> bool:
        """Whether both halves have been called within the last 100 ms."""
        return min(self.microphone.called_at, self.speaker.called_at) > time.monotonic() - 0.1

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self.supervisor.run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


BACKENDS: tuple[Backend, ...] = ("portaudio", "alsa")
"""What both back ends must do is tested with both."""


# --- on the virtual card ---------------------------------------------------------------------------------------------


@pytest.mark.sound
@pytest.mark.parametrize("backend", BACKENDS)
def test_both_halves_run_and_nothing_is_reported(card: VirtualCard, backend: Backend) -> None:
    said = np.random.default_rng(1).integers(1, 20_000, 8000, dtype=np.int16)
    box = Box(VIRTUAL, backends={MIC: backend, DAC: backend})

    async def live() -> None:
        async with box.running():
            await eventually(lambda: box.is_alive)
            card.speak(said)
            box.speaker.play("item", 0, said.tobytes())
            box.speaker.finish()
            await eventually(lambda: said.tobytes() in box.microphone.read(0)[1])
            await eventually(lambda: bool(box.told))
        assert not card.far_end.header.is_running, "it closes what it has opened"

    asyncio.run(live())

    assert box.reports == []
    assert box.told == [PlaybackDrained(burst=1)]
    assert said.tobytes() in card.far_end.samples().tobytes()


@pytest.mark.sound
@pytest.mark.usefixtures("_plugin_cache")
def test_the_cards_own_control_sets_the_volume_and_is_left_as_it_was_found() -> None:
    said = np.full(4800, 16_000, np.int16)
    box = Box(VIRTUAL, volumes=CardVolumes("PCM"))
    box.speaker.volume_percent, box.speaker.earcon_percent = 30, 0

    async def live() -> None:
        async with box.running():
            await eventually(lambda: card.mixer_db == -14.0)
            box.speaker.play("item", 0, said.tobytes())
            box.speaker.finish()
            await eventually(lambda: bool(box.told))

    with VirtualCard(mixer="PCM") as card:
        card.install()
        asyncio.run(live())

        assert card.mixer_db == 0.0
        emitted = int(np.abs(card.far_end.samples()).max()) * 10 ** (-14 / 20)
        assert emitted == pytest.approx(16_000 * 0.3**2, rel=0.001)
    assert box.reports == []


@pytest.mark.sound
@pytest.mark.alone
@pytest.mark.parametrize(
    ("channels", "channel", "rate_hz"), [(6, 0, None), (6, 4, None), (2, 0, None), (1, 0, 48_000)], ids=str
)
def test_a_channel_behind_alsas_plug_keeps_its_level(channels: int, channel: int, rate_hz: int | None) -> None:
    """Opened in mono, ``plug`` averages all channels: a microphone on one channel of six loses 16 dB."""
    times = np.arange(8000) / 16_000
    said = np.zeros((8000, channels), np.int16)
    said[:, channel] = 8000 * np.sin(2 * np.pi * 440 * times)
    said[:, -1] |= 16_000 * np.sin(2 * np.pi * 1000 * times).astype(np.int16) * (channel != channels - 1)
    box = Box(VIRTUAL, channel=channel)

    async def live() -> None:
        async with box.running():
            await eventually(lambda: box.is_alive)
            card.speak(said if channels > 1 else said[:, 0])
            await eventually(lambda: card.unheard_s == 0)
            ends = box.microphone.position + 3200
            await eventually(lambda: box.microphone.position >= ends)

    with VirtualCard(microphone_channels=channels, card_rate_hz=rate_hz) as card:
        card.install()
        asyncio.run(live())

    heard = np.frombuffer(box.microphone.read(0)[1], "<i2")
    assert int(np.abs(heard).max()) == pytest.approx(8000, rel=0.03)
    if rate_hz is None:
        assert said[:, channel].tobytes() in heard.tobytes()
    assert box.reports == []


@pytest.mark.sound
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_missing_device_is_reported_once_and_the_other_half_works(
    card: VirtualCard, caplog: pytest.LogCaptureFixture, backend: Backend
) -> None:
    box = Box({MIC: "respeaker", DAC: "edgevoice_dac"}, backends={MIC: backend, DAC: backend})

    async def live() -> None:
        async with box.running():
            # Each attempt closes the speaker for a moment, so a new tape shows a new attempt.
            await eventually(lambda: len(card.far_end_tapes) >= 3)
            await eventually(lambda: box.speaker.called_at > time.monotonic() - 0.1)

    with caplog.at_level(logging.DEBUG, "edgevoice"):
        asyncio.run(live())

    assert box.reports == [DeviceLost(MIC)]
    (record,) = caplog.records
    fields = vars(record)["fields"]
    assert (record.msg, fields["device"]) == ("device-lost", "microphone")
    assert 'no microphone is called "respeaker"; present: default, edgevoice_mic' in fields["problem"]


def pull_the_plug(box: Box, card: VirtualCard) -> tuple[float, float]:
    """Unplug it and plug it in again; return the seconds until loss and return of both halves were reported."""

    async def live() -> tuple[float, float]:
        async with box.running():
            await eventually(lambda: box.is_alive)
            card.unplug()
            lost_s = await eventually(lambda: {DeviceLost(MIC), DeviceLost(DAC)} <= set(box.reports))
            card.plug_in()
            found_s = await eventually(lambda: {DeviceRestored(MIC), DeviceRestored(DAC)} <= set(box.reports))
            await eventually(lambda: box.is_alive)
            return lost_s, found_s

    return asyncio.run(live())


def forbid_real_time(patch: pytest.MonkeyPatch) -> None:
    """Drop a permission that root has and most users do not."""

    def refuse(*_arguments: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    patch.setattr("os.sched_setscheduler", refuse)


@pytest.mark.sound
@pytest.mark.alone
@pytest.mark.parametrize("backend", BACKENDS)
def test_an_unplugged_card_is_reported_within_a_second_and_its_return_within_two(
    card: VirtualCard, monkeypatch: pytest.MonkeyPatch, backend: Backend
) -> None:
    forbid_real_time(monkeypatch)
    box = Box(VIRTUAL, backends={MIC: backend, DAC: backend})

    lost_s, found_s = pull_the_plug(box, card)

    assert lost_s < 1
    assert found_s < 2
    assert set(box.reports[:2]) == {DeviceLost(MIC), DeviceLost(DAC)}
    assert len(box.reports) == 4, "each half, lost and restored, once"


@pytest.mark.sound
@pytest.mark.alone
def test_an_unplugged_card_is_reported_even_while_dead_streams_spin_at_real_time_priority(card: VirtualCard) -> None:
    """After an unplug PortAudio's threads spin; with real-time priority they leave the loop 5 % of two cores."""
    lost_s, found_s = pull_the_plug(Box(VIRTUAL), card)

    assert lost_s < 2
    assert found_s < 2


@pytest.mark.sound
def test_sample_positions_continue_after_a_device_loss(card: VirtualCard) -> None:
    box = Box(VIRTUAL)

    async def live() -> int:
        async with box.running():
            await eventually(lambda: box.microphone.position > 0)
            card.unplug()
            await eventually(lambda: len(box.reports) == 2)
            before = box.microphone.position
            card.plug_in()
            await eventually(lambda: box.microphone.position > before)
            return before

    assert asyncio.run(live()) % PERIOD == 0


@pytest.mark.sound
def test_an_error_in_a_callback_ends_the_supervisor_with_it(card: VirtualCard) -> None:
    def break_down(_frame: bytes, _end: int) -> None:
        raise ZeroDivisionError("of our own making")

    box = Box(VIRTUAL, break_down)

    async def live() -> None:
        async with box.running() as task:
            with pytest.raises(ZeroDivisionError, match="of our own making"):
                await asyncio.wait_for(task, 5)

    asyncio.run(live())

    assert box.reports == []
    assert not card.far_end.header.is_running


# --- with a fake PortAudio -------------------------------------------------------------------------------------------


class Workshop:
    """Returns prepared libraries, one per opening and then always the last; counts them."""

    def __init__(self, *libraries: FakeLibrary) -> None:
        self.libraries = list(libraries)
        self.opened: list[FakeLibrary] = []

    def __call__(self) -> FakeLibrary:
        library = self.libraries.pop(0) if len(self.libraries) > 1 else self.libraries[0]
        self.opened.append(library)
        return library


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Let a supervisor check every 2 ms and retry every few.

    No stream dies: the fake library calls none, and a busy machine may be slow. A test of their death wants `mortal`.
    """
    monkeypatch.setattr(supervisor, "_TICK_S", 0.002)
    monkeypatch.setattr(streams, "_DEAD_AFTER_S", 60.0)
    monkeypatch.setattr(supervisor, "_RARE_TICK_S", 0.002)
    monkeypatch.setattr(supervisor, "_RETRY", Backoff(first_s=0.004, factor=2, limit_s=0.01))
    return monkeypatch


def mortal(patch: pytest.MonkeyPatch, after_s: float = 0.02) -> None:
    """Let streams that are not called count as dead after some time."""
    patch.setattr(streams, "_DEAD_AFTER_S", after_s)


def install(patch: pytest.MonkeyPatch, *libraries: FakeLibrary) -> Workshop:
    workshop = Workshop(*libraries)
    patch.setattr(devices, "open_library", workshop)
    return workshop


def test_the_near_end_is_16_khz_in_periods_of_20_ms_and_the_far_end_24_khz_in_periods_of_10_ms(
    quick: pytest.MonkeyPatch,
) -> None:
    library = FakeLibrary(*CARDS)
    install(quick, library)

    async def live() -> None:
        async with Box(FAKE).running():
            await eventually(lambda: len(library.opened) == 2)

    asyncio.run(live())

    near, far = library.opened[0], library.opened[1]
    assert (near["rate"], near["channels"], near["format"]) == (16_000, 1, pyaudio.paInt16)
    assert (far["rate"], far["channels"], far["format"]) == (24_000, 1, pyaudio.paInt16)
    assert (near["frames_per_buffer"], far["frames_per_buffer"]) == (320, 240)


def test_what_alsa_cannot_open_itself_is_left_to_portaudio_which_then_keeps_little_in_the_card(
    quick: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    library = FakeLibrary(*CARDS)
    install(quick, library)

    async def live() -> None:
        async with Box(FAKE, backends={MIC: "auto", DAC: "auto"}).running():
            await eventually(lambda: len(library.opened) == 2)

    with caplog.at_level(logging.INFO, "edgevoice"):
        asyncio.run(live())

    assert [library.opened[index]["frames_per_buffer"] for index in (0, 1)] == [320, 120]
    assert [record.msg for record in caplog.records] == ["input-portaudio", "output-portaudio"]


def test_a_card_that_alsa_must_open_and_cannot_is_lost(quick: pytest.MonkeyPatch) -> None:
    install(quick, FakeLibrary(*CARDS))
    box = Box(FAKE, backends={MIC: "alsa", DAC: "alsa"})

    async def live() -> None:
        async with box.running():
            await eventually(lambda: len(box.reports) == 2)

    asyncio.run(live())

    assert set(box.reports) == {DeviceLost(MIC), DeviceLost(DAC)}


class OnlyWith(FakeLibrary):
    """A PortAudio whose microphone accepts only some channel counts."""

    def __init__(self, inputs: int, *counts: int) -> None:
        super().__init__(info(0, "mic", inputs=inputs), info(1, "dac", outputs=2))
        self.counts = counts
        self.tries: list[int] = []

    def open(self, *arguments: Any, **options: Any) -> Any:
        if options.get("input"):
            self.tries.append(int(str(options["channels"])))
            if self.tries[-1] not in self.counts:
                raise OSError(-9998, "Invalid number of channels")
        return super().open(*arguments, **options)


def opened_with(library: OnlyWith, patch: pytest.MonkeyPatch, **wanted: Any) -> tuple[list[Event], Box]:
    """Open a microphone once, and call it once with the sample numbers of a period as its samples."""
    install(patch, library)
    box = Box(FAKE, **wanted)

    async def live() -> None:
        async with box.running():
            await eventually(lambda: 0 in library.opened or DeviceLost(MIC) in box.reports)
            if 0 in library.opened:
                samples = np.arange(PERIOD * int(library.opened[0]["channels"])).astype("<i2")
                library.call(0, samples.tobytes())

    asyncio.run(live())
    return box.reports, box


@pytest.mark.parametrize(
    ("channel", "inputs", "takes", "tries", "first"),
    [
        (0, 1, [1], [1], [0, 1, 2]),
        (0, 2, [1, 2], [2], [0, 2, 4]),
        (1, 2, [1, 2], [2], [1, 3, 5]),
        (0, 6, [6], [2, 6], [0, 6, 12]),
        (0, 128, [1], [2, 1], [0, 1, 2]),
        (4, 128, [5], [5], [4, 9, 14]),
    ],
)
def test_the_channel_in_the_settings_is_heard_alone_and_not_averaged_with_others(
    quick: pytest.MonkeyPatch, channel: int, inputs: int, takes: list[int], tries: list[int], first: list[int]
) -> None:
    library = OnlyWith(inputs, *takes)
    _, box = opened_with(library, quick, channel=channel)

    assert library.tries[: len(tries)] == tries
    assert np.frombuffer(box.microphone.read(0)[1], "<i2")[:3].tolist() == first


def test_a_renumbered_card_is_opened_by_its_remembered_name(quick: pytest.MonkeyPatch) -> None:
    class Moved(CardMemory):
        def resolve(self, device: Device, name: str) -> str:
            return {"old": "mic", "dac": "dac"}[name]

    library = FakeLibrary(*CARDS)
    install(quick, library)

    async def live() -> None:
        async with Box({MIC: "old", DAC: "dac"}, memory=Moved(None)).running():
            await eventually(lambda: len(library.opened) == 2)

    asyncio.run(live())


def test_a_channel_that_the_card_lacks_is_reported(quick: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    reports, _ = opened_with(OnlyWith(2, 1, 2), quick, channel=2)

    assert DeviceLost(MIC) in reports
    (problem,) = [
        vars(record)["fields"]["problem"] for record in caplog.records if "mic" in str(vars(record)["fields"])
    ]
    assert problem.startswith('"mic" has channels 0 to 1; microphone.channel is 2. Set microphone.channel to one')


def test_a_card_that_opens_with_no_channel_count_is_reported_with_the_last_reason(
    quick: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    library = OnlyWith(6)
    reports, _ = opened_with(library, quick)

    assert DeviceLost(MIC) in reports
    assert library.tries[:3] == [2, 6, 1]
    assert any("Invalid number of channels" in vars(record)["fields"].get("problem", "") for record in caplog.records)


def test_an_examination_of_the_card_gets_every_channel_and_the_box_only_its_own(quick: pytest.MonkeyPatch) -> None:
    periods: list[tuple[bytes, int]] = []
    library = OnlyWith(128, 6)

    _, box = opened_with(library, quick, channel=4, every_channel=lambda pcm, count: periods.append((pcm, count)))

    assert library.tries[:3] == [16, 8, 6]
    assert periods == [(np.arange(PERIOD * 6).astype("<i2").tobytes(), 6)]
    assert np.frombuffer(box.microphone.read(0)[1], "<i2")[:3].tolist() == [4, 10, 16]


def test_streams_that_are_never_called_count_as_lost_and_are_reopened(quick: pytest.MonkeyPatch) -> None:
    mortal(quick)
    workshop = install(quick, FakeLibrary(*CARDS))
    box = Box(FAKE)

    async def live() -> None:
        async with box.running():
            await eventually(lambda: len(workshop.opened) >= 3)

    asyncio.run(live())

    assert set(box.reports[:2]) == {DeviceLost(MIC), DeviceLost(DAC)}
    assert set(box.reports[2:4]) == {DeviceRestored(MIC), DeviceRestored(DAC)}


def test_retrying_without_a_card_leaves_nothing_for_the_garbage_collector(
    quick: pytest.MonkeyPatch,
) -> None:
    workshop = install(quick, FakeLibrary())
    box = Box(FAKE)

    async def live() -> None:
        async with box.running():
            await eventually(lambda: len(workshop.opened) >= 10)
            kept = [each for each in gc.get_objects() if type(each) is Streams]
            assert len(kept) <= 2, "those that are open, and those that are being opened"

    gc.collect()
    gc.disable()
    try:
        asyncio.run(live())
    finally:
        gc.enable()


def test_a_stall_of_the_whole_machine_does_not_count_as_a_device_loss(quick: pytest.MonkeyPatch) -> None:
    quick.setattr(supervisor, "_TICK_S", 0.05)
    mortal(quick, after_s=1.0)
    library = FakeLibrary(*CARDS)
    install(quick, library)
    box = Box(FAKE)

    async def live() -> None:
        async with box.running():
            await eventually(lambda: len(library.opened) == 2)
            time.sleep(1.2)  # noqa: ASYNC251 - this is the machine that stands still
            for _ in range(5):
                await asyncio.sleep(0)
            assert box.reports == []
            await eventually(lambda: len(box.reports) >= 2)

    asyncio.run(live())


def test_only_a_lasting_streams_thread_stays_registered_with_the_interpreter(quick: pytest.MonkeyPatch) -> None:
    known: list[str] = []
    quick.setattr(callback_threads, "_LASTING_CALLS", 3)
    quick.setattr(callback_threads, "_stay_known_to_the_interpreter", lambda: known.append("mic"))
    library = FakeLibrary(*CARDS)
    install(quick, library)
    told: list[int] = []

    async def live() -> None:
        async with Box(FAKE).running():
            await eventually(lambda: len(library.opened) == 2)
            for _ in range(5):
                library.call(0, bytes(2 * PERIOD))
                told.append(len(known))

    asyncio.run(live())

    assert told == [0, 0, 1, 1, 1]


def test_a_hanging_close_ends_the_process(quick: pytest.MonkeyPatch) -> None:
    mortal(quick)
    library = FakeLibrary(*CARDS)
    library.may_close.clear()
    install(quick, library)
    quick.setattr(supervisor, "_CLOSE_LIMIT_S", 0.05)

    async def live() -> None:
        async with Box(FAKE).running() as task:
            with pytest.raises(AudioUnavailable, match=r"closing the sound system takes longer than 0\.05 s") as error:
                await asyncio.wait_for(task, 5)
            assert error.value.code == "audio-unavailable"

    asyncio.run(live())
    library.may_close.set()


def test_a_hanging_open_ends_the_process(quick: pytest.MonkeyPatch) -> None:
    gate = threading.Event()

    def hang() -> FakeLibrary:
        gate.wait()
        return FakeLibrary(*CARDS)

    quick.setattr(devices, "open_library", hang)
    quick.setattr(supervisor, "_OPEN_LIMIT_S", 0.05)

    async def live() -> None:
        async with Box(FAKE).running() as task:
            with pytest.raises(AudioUnavailable, match=r"opening the sound system takes longer than 0\.05 s"):
                await asyncio.wait_for(task, 5)
            gate.set()

    asyncio.run(live())


def test_a_sound_system_that_does_not_start_ends_the_process(quick: pytest.MonkeyPatch) -> None:
    def refuse() -> FakeLibrary:
        raise AudioUnavailable("PortAudio does not start: Host error")

    quick.setattr(devices, "open_library", refuse)

    async def live() -> None:
        async with Box(FAKE).running() as task:
            with pytest.raises(AudioUnavailable, match="Host error"):
                await asyncio.wait_for(task, 5)

    asyncio.run(live())


def problems_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the problems that we have logged: asyncio may log what another test has left, whenever that is freed."""
    ours = [record for record in caplog.records if record.name.startswith("edgevoice.")]
    return [vars(record)["fields"]["problem"] for record in ours if "problem" in vars(record)["fields"]]


def test_a_card_that_refuses_our_rate_is_named_and_reported_once(
    quick: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refused = {0: OSError(-9997, "Invalid sample rate"), 1: ValueError("Invalid output device (no output channels)")}
    workshop = install(quick, FakeLibrary(*CARDS, refused=dict(refused)))
    box = Box(FAKE)

    async def live() -> None:
        async with box.running():
            await eventually(lambda: len(workshop.opened) >= 5)

    with caplog.at_level(logging.DEBUG, "edgevoice"):
        asyncio.run(live())

    assert box.reports == [DeviceLost(MIC), DeviceLost(DAC)]
    problems = problems_in(caplog)
    assert len(problems) == 2, "once, not with every try"
    assert problems[0].startswith('"mic" does not open at 16000 Hz: [Errno -9997] Invalid sample rate. Stop the')
    assert problems[1].startswith('"dac" does not open at 24000 Hz: Invalid output device')


def test_a_new_reason_is_logged_but_not_reported_again(
    quick: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    speakers = (CARDS[1],)
    workshop = install(
        quick,
        FakeLibrary(*speakers),
        FakeLibrary(*CARDS, refused={0: OSError(-9985, "Device unavailable")}),
    )
    box = Box(FAKE)

    async def live() -> None:
        async with box.running():
            await eventually(lambda: len(workshop.opened) >= 4)

    with caplog.at_level(logging.DEBUG, "edgevoice"):
        asyncio.run(live())

    assert [report for report in box.reports if report == DeviceLost(MIC)] == [DeviceLost(MIC)]
    problems = problems_in(caplog)
    assert sum('no microphone is called "mic"' in problem for problem in problems) == 1
    assert sum("Device unavailable" in problem for problem in problems) == 1


def test_the_search_for_the_microphone_waits_until_the_speaker_is_silent(quick: pytest.MonkeyPatch) -> None:
    library = FakeLibrary(info(1, "padding", inputs=1), CARDS[1])
    workshop = install(quick, library)
    box = Box(FAKE)
    box.speaker.play_earcon(Earcon.ERROR)

    async def live() -> None:
        async with box.running():
            await eventually(lambda: DeviceLost(MIC) in box.reports)
            for _ in range(50):  # far longer than the interval at which it searches
                await asyncio.sleep(0.001)
            assert len(workshop.opened) == 1
            box.speaker.stop_earcons()
            await eventually(lambda: len(workshop.opened) >= 2)

    asyncio.run(live())


def test_a_speaker_lost_during_an_answer_is_searched_for_again(quick: pytest.MonkeyPatch) -> None:
    """It cannot fall silent before it is back: a box that waited for that would stay dead until a restart."""
    library = FakeLibrary(*CARDS)
    nothing = FakeLibrary()
    workshop = install(quick, library, nothing, FakeLibrary(*CARDS))
    box = Box(FAKE)

    async def live() -> None:
        async with box.running():
            await eventually(lambda: len(library.opened) == 2)
            box.speaker.play("item", 0, bytes(48_000))
            box.speaker.finish()
            box.speaker.cut()
            assert not box.speaker.is_silent
            mortal(quick)
            await eventually(lambda: DeviceRestored(DAC) in box.reports)
            assert not box.speaker.is_silent

    asyncio.run(live())

    assert len(workshop.opened) >= 3


def test_a_dead_callback_of_an_old_stream_asks_portaudio_to_stop(quick: pytest.MonkeyPatch) -> None:
    library = FakeLibrary(*CARDS)
    install(quick, library)

    def break_down(_frame: bytes, _end: int) -> None:
        raise ZeroDivisionError

    box = Box(FAKE, break_down)

    async def live() -> None:
        async with box.running() as task:
            await eventually(lambda: len(library.opened) == 2)
            results = [library.call(0, bytes(2 * PERIOD)) for _ in range(4)]
            assert results == [(None, pyaudio.paContinue)] * 3 + [(None, pyaudio.paAbort)]
            with pytest.raises(ZeroDivisionError):
                await asyncio.wait_for(task, 5)

    asyncio.run(live())


def test_a_callback_works_without_permission_for_real_time_priority(quick: pytest.MonkeyPatch) -> None:
    forbid_real_time(quick)
    library = FakeLibrary(*CARDS)
    install(quick, library)
    box = Box(FAKE)

    async def live() -> None:
        async with box.running() as task:
            await eventually(lambda: len(library.opened) == 2)
            assert library.call(1) == (bytes(2 * 240), pyaudio.paContinue)
            assert not task.done()

    asyncio.run(live())


def test_only_a_lost_microphone_is_searched_for_continuously(quick: pytest.MonkeyPatch) -> None:
    install(quick, FakeLibrary(CARDS[1]))
    deaf, hearing = Box(FAKE), Box(FAKE)

    async def live() -> None:
        async with deaf.running():
            await eventually(lambda: deaf.supervisor.looked_at is not None)
            before = deaf.supervisor.looked_at
            await eventually(lambda: deaf.supervisor.looked_at != before)
        library = FakeLibrary(*CARDS)
        install(quick, library)
        async with hearing.running():
            await eventually(lambda: len(library.opened) == 2)
            assert hearing.supervisor.looked_at is None

    asyncio.run(live())


def test_cancellation_closes_every_open_stream(quick: pytest.MonkeyPatch) -> None:
    library = FakeLibrary(*CARDS)
    install(quick, library)

    async def live() -> None:
        async with Box(FAKE).running():
            await eventually(lambda: len(library.opened) == 2)

    asyncio.run(live())

    assert library.is_terminated


def test_cancellation_during_an_open_closes_the_stream_that_results(quick: pytest.MonkeyPatch) -> None:
    gate, library = threading.Event(), FakeLibrary(*CARDS)

    def wait() -> FakeLibrary:
        gate.wait()
        return library

    quick.setattr(devices, "open_library", wait)

    async def live() -> None:
        async with Box(FAKE).running() as task:
            await asyncio.sleep(0.02)
            task.cancel()
            await asyncio.sleep(0.02)
            gate.set()

    asyncio.run(live())

    assert len(library.opened) == 2
    assert library.is_terminated


@pytest.mark.parametrize("turns", range(6))
def test_a_cancellation_that_coincides_with_an_opened_stream_takes_effect(
    quick: pytest.MonkeyPatch, turns: int
) -> None:
    """In Python 3.11 `asyncio.wait_for` swallows it: the daemon would never stop."""
    install(quick, FakeLibrary(*CARDS))

    async def live() -> None:
        task = asyncio.create_task(Box(FAKE).supervisor.run())
        await asyncio.sleep(0)
        for thread in threading.enumerate():
            if thread.name == "opening the sound system":
                thread.join()
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=LIMIT_S)
        assert task in done, "it went on"

    asyncio.run(live())
