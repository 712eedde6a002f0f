"""A box runs until it is stopped or one of its parts dies; its arguments reach their parts."""

import asyncio
import errno
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgevoice.alarms.keeper import Keeper
from edgevoice.box import running
from edgevoice.box.announcements import Announcements
from edgevoice.box.assembly import Parts, assemble
from edgevoice.box.context import BoxContext, Storage, kept_panel_of
from edgevoice.box.drift import DriftWatch
from edgevoice.box.hearing import Hearing
from edgevoice.box.running import observers_of
from edgevoice.box.sayings import Sayings
from edgevoice.box.speech import Speech
from edgevoice.box.whispers import Whispers
from edgevoice.box.word_fit import wake_word_fit
from edgevoice.core.facts import Device, MutePressed
from edgevoice.core.orders import Light
from edgevoice.core.panel_facts import BrightnessSet
from edgevoice.core.ports import Observer, Report
from edgevoice.echo import surroundings
from edgevoice.echo.mix import MixState
from edgevoice.echo.room_listener import RoomListener
from edgevoice.errors import (
    DeviceMissing,
    EdgevoiceError,
    SettingsInvalid,
    StorageUnavailable,
    WakeWordUnavailable,
)
from edgevoice.host.notifications import Notifications
from edgevoice.host.service_manager import ServiceManager
from edgevoice.host.stalls import StallWatch
from edgevoice.observers.conversation_log import ConversationLog
from edgevoice.observers.minutes import Minutes
from edgevoice.panel.audible import HeardPanel
from edgevoice.panel.lights import Lights
from edgevoice.panel.none import NoPanel
from edgevoice.personas.personas import Personas
from edgevoice.personas.speaking import SpeakingPersona
from edgevoice.realtime.endpoint import local
from edgevoice.settings.alarms import AlarmSettings
from edgevoice.settings.schema import ConversationSettings, Settings
from edgevoice.settings.sound import EchoSettings, MicrophoneSettings
from edgevoice.wakeword.detector import Detector
from edgevoice.wakeword.scorer import StreamingScorer
from edgevoice.wakeword.stop_words import StopWords
from edgevoice.wakeword.tuning.near_misses_log import NearMissLog
from edgevoice.wakeword.tuning.notes import Outcomes
from tests.box.signals import harmless
from tests.waiting import eventually


async def nothing_to_prepare() -> None:
    """Prepare nothing."""


CONTEXT = BoxContext(lambda: local(Path("/nowhere.sock"), nothing_to_prepare))


def assembled(*, wants_wakeword: bool = True) -> Parts:
    return assemble(Settings(), replace(CONTEXT, wants_wakeword=wants_wakeword), NoPanel())


def test_in_doubt_about_the_wake_word_the_recognisers_network_is_asked() -> None:
    async def opened() -> Detector:
        detector = assembled().detector
        assert detector is not None
        return detector

    scorer = asyncio.run(opened())._load()

    assert isinstance(scorer, StreamingScorer)
    assert scorer._phonemes is not None
    assert scorer._phonemes._load is wake_word_fit


# --- signs of life ---------------------------------------------------------------------------------------------------


def test_the_watchdog_checks_the_microphone_and_that_the_wake_word_keeps_up() -> None:
    async def live() -> None:
        parts = assembled()
        assert parts.detector is not None
        parts.microphone.timing.called_at, parts.detector.scored_at, parts.detector.kept_up_at = 7.0, 9.0, 5.0

        assert sorted(running.signs_of_life(parts)) == [5.0, 7.0]

    asyncio.run(live())


def test_without_a_wake_word_the_watchdog_checks_only_the_microphone() -> None:
    async def live() -> None:
        parts = assembled(wants_wakeword=False)
        parts.microphone.timing.called_at = 7.0

        assert running.signs_of_life(parts) == (7.0,)

    asyncio.run(live())


def test_without_a_microphone_the_watchdog_is_fed_only_during_the_search_for_one() -> None:
    async def live() -> None:
        parts = assembled()
        parts.supervisor._lost[Device.MICROPHONE] = "unplugged"
        parts.supervisor._looked_at = 3.0

        assert running.signs_of_life(parts) == (3.0,)

    asyncio.run(live())


# --- parts that die --------------------------------------------------------------------------------------------------


async def run_with(patch: pytest.MonkeyPatch, break_down: Callable[[Parts], Any], *, wants_wakeword: bool) -> None:
    """Run a box without sound of which a part is replaced; it must end by itself."""
    parts = assembled(wants_wakeword=wants_wakeword)

    async def listen_for_ever() -> None:
        await asyncio.Event().wait()

    patch.setattr(parts.supervisor, "run", listen_for_ever)
    break_down(parts)
    async with asyncio.timeout(10):
        await running.run(parts, [], ServiceManager(), asyncio.Event(), lambda _parts: None)


async def end_at_once() -> None:
    """Do nothing and return."""


@pytest.mark.parametrize(("part", "name"), [("link", "the link"), ("supervisor", "the sound system")])
def test_a_part_that_ends_by_itself_ends_the_box(monkeypatch: pytest.MonkeyPatch, part: str, name: str) -> None:
    def end_early(parts: Parts) -> None:
        monkeypatch.setattr(getattr(parts, part), "run", end_at_once)

    with pytest.raises(RuntimeError, match=rf"^{name} ended unexpectedly"):
        asyncio.run(run_with(monkeypatch, end_early, wants_wakeword=False))


def test_a_wake_word_that_ends_by_itself_ends_the_box(monkeypatch: pytest.MonkeyPatch) -> None:
    def end_early(parts: Parts) -> None:
        assert parts.detector is not None
        monkeypatch.setattr(parts.detector, "run", end_at_once)

    with pytest.raises(RuntimeError, match=r"^the wake word ended unexpectedly"):
        asyncio.run(run_with(monkeypatch, end_early, wants_wakeword=True))


def test_a_thread_that_exits_ends_the_box_but_does_not_set_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    def leave() -> None:
        raise SystemExit(0)

    def begin(_parts: Parts) -> None:
        asyncio.get_running_loop().call_soon(threading.Thread(target=leave).start)

    with pytest.raises(RuntimeError, match="a part was ended by SystemExit"):
        asyncio.run(run_with(monkeypatch, begin, wants_wakeword=False))


# --- the assembled parts ---------------------------------------------------------------------------------------------


class Waiting(Observer):
    """An observer that has nothing to do."""


OBSERVERS = [Waiting()]


class Served:
    """`serve` with its parts recorded instead of run; ``failure`` is how running them ends."""

    def __init__(self, patch: pytest.MonkeyPatch, failure: Exception | None = None) -> None:
        self.patch = patch
        self.failure = failure
        self.shown: list[tuple[object, ...]] = []
        self.given: tuple[object, ...] = ()
        self.amplifier: object = None
        self.observers: Sequence[Observer] = ()
        self.engine = SimpleNamespace(add_observers=self._add)
        self.parts: Any = SimpleNamespace(
            engine=self.engine,
            microphone=SimpleNamespace(position=7),
            mailbox=SimpleNamespace(post=lambda fact: self.shown.append(("the mailbox", fact)), call=lambda act: act()),
        )
        patch.setattr(running, "open_panel", lambda _settings, _opened, factory, is_audible: (self, factory))
        patch.setattr(running, "open_mute_pin", lambda _settings, _opened, factory: f"amplifier on {factory}")
        patch.setattr(running, "open_panel_buttons", self._open_buttons)
        patch.setattr(running, "assemble", self._assemble)
        patch.setattr(running, "observers_of", self._observers_of)
        patch.setattr(running, "run", self._run)
        patch.setattr(running, "shown_s", lambda error: 0.0 if error is failure else 60.0)
        patch.setattr(Notifications, "send", lambda _sender, message: self.shown.append((message,)))

    def show(self, light: Light, reason: str = "", level: float = 1.0) -> None:
        self.shown.append((light, reason))

    def serve(self, context: BoxContext = CONTEXT) -> None:
        asyncio.run(running.serve(Settings(), context, asyncio.Event(), STARTED))

    def _open_buttons(
        self, settings: object, _opened: object, pins: object, *, position: Callable[[], int], post: object
    ) -> None:
        assert settings == Settings().panel
        self.shown.append((pins, position(), post))

    def _assemble(self, *given: object, amplifier: object) -> object:
        self.given, self.amplifier = given, amplifier
        return self.parts

    def _observers_of(self, *given: object) -> Sequence[Observer]:
        assert given[:3] == (*self.given[:2], self.parts)
        assert isinstance(given[3], ServiceManager)
        return OBSERVERS

    def _add(self, observers: Sequence[Observer]) -> None:
        self.observers = observers

    async def _run(self, parts: object, observers: object, manager: object, stop: object, started: object) -> None:
        assert (parts, observers, started) == (self.parts, self.observers, STARTED)
        assert isinstance(manager, ServiceManager)
        assert isinstance(stop, asyncio.Event)
        if self.failure is not None:
            raise self.failure


def STARTED(_parts: object) -> None:  # noqa: N802 - a constant that is never called
    """Stand in for the work done once the box listens."""


def test_every_argument_of_a_box_reaches_its_part(monkeypatch: pytest.MonkeyPatch) -> None:
    served = Served(monkeypatch)
    switched: list[float] = []
    monkeypatch.setattr(sys, "setswitchinterval", switched.append)
    context = replace(CONTEXT, pins="pins")

    served.serve(context)

    assert served.given == (Settings(), context, served)
    assert served.amplifier == "amplifier on pins"
    assert list(served.observers) == OBSERVERS
    starting, (_, position, post), *rest = served.shown
    assert starting == (Light.STARTING, "")
    assert callable(post)
    post(MutePressed())
    assert position == 7
    assert [*rest, served.shown[-1]] == [("STOPPING=1",), ("the mailbox", MutePressed())]
    assert switched == [0.0005]


def test_the_observers_are_one_list_in_which_minutes_come_before_the_log(tmp_path: Path) -> None:
    async def live() -> list[type[Observer]]:
        minutes, mine = Minutes(tmp_path, 10), Waiting()
        storage = Storage(minutes=minutes, near_misses=NearMissLog(tmp_path), sayings=tmp_path)
        context = replace(CONTEXT, observers=(mine,), storage=storage)
        settings = Settings(microphone=MicrophoneSettings(zeros_s=7))
        room = RoomListener(surroundings.Surroundings())
        echo = SimpleNamespace(reference="the reference", room=room, mix=None)
        parts = replace(assemble(settings, context, NoPanel()), echo=echo)  # type: ignore[arg-type]  # it is only passed on
        parts.uplink.lost, parts.speaker.timing.xruns = 8_000, 3
        manager = ServiceManager()
        observers = observers_of(settings, context, parts, manager)

        assert observers[0] is minutes
        assert observers[1] is manager
        log, hearing = observers[2], observers[6]
        assert isinstance(log, ConversationLog)
        assert (log._xruns(), log._today_s(), log._lost_s()) == (3, 0.0, 0.5)
        assert observers[4] is mine
        assert isinstance(hearing, Hearing)
        assert (hearing.ears, hearing.listener, hearing.zeros_s) == (parts.microphone, parts.detector, 7)
        return [type(each) for each in observers]

    expected: list[type[Observer]] = [Minutes, ServiceManager, ConversationLog, Whispers, Waiting, StallWatch]
    expected += [Hearing, DriftWatch, RoomListener, Outcomes, Speech, Keeper, StopWords, Sayings, Announcements]
    assert asyncio.run(live()) == expected


def test_personas_observe_what_has_been_heard_of_their_announcement(tmp_path: Path) -> None:
    async def live() -> bool:
        speaking = SpeakingPersona(Personas(tmp_path))
        context = replace(CONTEXT, storage=Storage(speaking=speaking), wants_wakeword=False)
        return speaking in observers_of(Settings(), context, assembled(wants_wakeword=False), ServiceManager())

    assert asyncio.run(live())


def test_the_log_has_todays_minutes_if_they_are_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def live() -> float:
        minutes = Minutes(tmp_path, 10)
        context = replace(CONTEXT, storage=Storage(minutes=minutes), wants_wakeword=False)
        log = observers_of(Settings(), context, assembled(wants_wakeword=False), ServiceManager())[2]
        assert isinstance(log, ConversationLog)
        return log._today_s()

    monkeypatch.setattr(Minutes, "today_s", 90.0)

    assert asyncio.run(live()) == 90.0


def test_a_box_whose_owner_wants_no_stop_word_does_not_listen_for_it() -> None:
    async def live() -> list[type[Observer]]:
        settings = Settings(alarms=AlarmSettings(stop_word=False))
        context = replace(CONTEXT, wants_wakeword=False)
        return [
            type(each) for each in observers_of(settings, context, assembled(wants_wakeword=False), ServiceManager())
        ]

    assert StopWords not in asyncio.run(live())


def test_a_box_that_answers_whispers_as_all_else_does_not_look_for_them() -> None:
    async def live() -> list[type[Observer]]:
        settings = Settings(conversation=ConversationSettings(whisper="off"))
        context = replace(CONTEXT, wants_wakeword=False)
        return [
            type(each) for each in observers_of(settings, context, assembled(wants_wakeword=False), ServiceManager())
        ]

    assert Whispers not in asyncio.run(live())


def test_a_box_without_records_and_wake_word_has_the_other_observers(tmp_path: Path) -> None:
    async def live() -> list[type[Observer]]:
        context = replace(CONTEXT, storage=Storage(near_misses=NearMissLog(tmp_path)), wants_wakeword=False)
        observers = observers_of(Settings(), context, assembled(wants_wakeword=False), ServiceManager())
        assert isinstance(observers[1], ConversationLog)
        assert observers[1]._today_s() == 0.0
        return [type(each) for each in observers]

    assert asyncio.run(live()) == [
        ServiceManager,
        ConversationLog,
        Whispers,
        StallWatch,
        Hearing,
        Speech,
        Keeper,
        StopWords,
        Announcements,
    ]


@pytest.mark.parametrize(
    ("failure", "told"),
    [(DeviceMissing("no such card"), DeviceMissing), (OSError(errno.ENOSPC, "full"), EdgevoiceError)],
    ids=repr,
)
def test_the_reason_why_a_box_ends_is_first_shown_by_light_and_status(
    monkeypatch: pytest.MonkeyPatch, failure: Exception, told: type[EdgevoiceError]
) -> None:
    served = Served(monkeypatch, failure)
    monkeypatch.setattr(running, "shown_s", lambda error: 0.0 if isinstance(error, told) else 60.0)

    with pytest.raises(told) as ended:
        served.serve()

    error = ended.value
    assert served.shown[1:] == [(Light.FAULT, error.code), (f"STATUS={error.line()}",), ("STOPPING=1",)]


def test_the_sound_system_opens_and_the_start_is_reported_only_once_the_wake_word_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []
    monkeypatch.setattr(Notifications, "send", lambda _sender, message: done.append(message))

    async def live() -> None:
        parts = assembled()
        assert parts.detector is not None

        async def open_sound() -> None:
            done.append("sound")

        monkeypatch.setattr(parts.supervisor, "run", open_sound)
        runs = [
            asyncio.ensure_future(running._sound(parts)),
            asyncio.ensure_future(running._announce(parts, ServiceManager(), lambda _parts: done.append("started"))),
        ]
        for _ in range(5):
            await asyncio.sleep(0)
        assert done == []
        parts.detector.loaded.set()
        await asyncio.gather(*runs)

    asyncio.run(live())

    assert "sound" in done
    assert done.index("READY=1") < done.index("started")


@pytest.mark.parametrize("pins", ["the panel's pins", None])
def test_the_amplifier_uses_the_panels_pins_or_else_pins_of_its_own(
    monkeypatch: pytest.MonkeyPatch, pins: str | None
) -> None:
    served = Served(monkeypatch)
    monkeypatch.setattr(
        running, "open_panel", lambda _settings, _opened, factory, is_audible: (served, pins and f"{pins}{factory}")
    )

    served.serve(replace(CONTEXT, pins="!"))

    assert served.amplifier == ("amplifier on the panel's pins!" if pins else "amplifier on !")
    assert len(served.shown) == (3 if pins else 2), "buttons are where the panel's pins are"


def test_lights_amplifier_and_buttons_are_opened_by_the_settings_and_closed_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served = Served(monkeypatch)
    opened: list[tuple[object, ...]] = []

    def open_panel(*rest: object, factory: object, is_audible: bool) -> tuple[Served, object]:
        opened.append(rest)
        return served, factory

    monkeypatch.setattr(running, "open_panel", open_panel)
    monkeypatch.setattr(running, "open_mute_pin", lambda *rest: opened.append(rest[:2]))
    monkeypatch.setattr(running, "open_panel_buttons", lambda *rest, **_options: opened.append(rest[:2]))

    served.serve(replace(CONTEXT, pins="pins"))

    stack = opened[0][1]
    assert isinstance(stack, ExitStack)
    assert opened == [(Settings().panel, stack), (Settings().amplifier, stack), (Settings().panel, stack)]


def test_sighup_reloads_the_settings_and_notifies_the_service_manager(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served = Served(monkeypatch)
    reloaded: list[str] = []

    def reload() -> str:
        reloaded.append("restart needed for panel")
        return reloaded[-1]

    async def run(*_arguments: object) -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        await eventually(lambda: bool(reloaded))

    monkeypatch.setattr(running, "run", run)

    with harmless(signal.SIGHUP):
        served.serve(replace(CONTEXT, live=SimpleNamespace(reload=reload)))  # type: ignore[arg-type]  # only to be reloaded

    told = [str(message[0]) for message in served.shown]
    assert told[1].startswith("RELOADING=1")
    assert "READY=1" in told
    assert any("restart needed for panel" in message for message in told)


# --- how it ends -----------------------------------------------------------------------------------------------------


def test_temporary_failures_are_waited_out_so_long_that_systemd_never_gives_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unit = (Path(__file__).parents[2] / "systemd" / "edgevoice.service").read_text()
    figures = dict(re.findall(r"^(StartLimitIntervalSec|StartLimitBurst|RestartSec)=(\d+)$", unit, re.MULTILINE))
    interval_s, burst, restart_s = (
        int(figures[name]) for name in ("StartLimitIntervalSec", "StartLimitBurst", "RestartSec")
    )
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")

    assert (running.shown_s(StorageUnavailable("full")) + restart_s) * burst > interval_s
    assert running.shown_s(SettingsInvalid("wrong")) == 3
    monkeypatch.delenv("NOTIFY_SOCKET")
    assert running.shown_s(StorageUnavailable("full")) == 3


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "storage-unavailable"),
        (MemoryError(), "machine-exhausted"),
        (WakeWordUnavailable("no such word"), "wakeword-unavailable"),
    ],
)
def test_the_reason_why_the_box_ends_is_shown_and_raised_as_one_of_our_errors(
    monkeypatch: pytest.MonkeyPatch, failure: BaseException, code: str
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise failure

    monkeypatch.setattr(running, "assemble", fail)
    monkeypatch.setattr(running, "_FAULT_SHOWN_S", 0.0)

    with pytest.raises(EdgevoiceError) as refused:
        asyncio.run(running.serve(Settings(), CONTEXT, asyncio.Event()))
    assert refused.value.code == code


def test_a_bug_in_the_program_is_raised_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(running, "assemble", fail)

    with pytest.raises(PermissionError):
        asyncio.run(running.serve(Settings(), CONTEXT, asyncio.Event()))


@pytest.mark.parametrize("is_stopped", [True, False])
def test_a_fault_is_shown_for_its_time_or_until_the_box_is_stopped(
    monkeypatch: pytest.MonkeyPatch, *, is_stopped: bool
) -> None:
    error = SettingsInvalid("wrong")
    served = Served(monkeypatch, error)
    monkeypatch.setattr(running, "shown_s", lambda _error: 60.0 if is_stopped else 0.001)

    async def live() -> None:
        stop = asyncio.Event()
        serving = asyncio.create_task(running.serve(Settings(), CONTEXT, stop, STARTED))
        await eventually(lambda: len(served.shown) >= 3)
        assert served.shown[1:3] == [(Light.FAULT, "settings-invalid"), (f"STATUS={error.line()}",)]
        if is_stopped:
            assert not serving.done()
            stop.set()
        with pytest.raises(SettingsInvalid, match="wrong"):
            await asyncio.wait_for(serving, 5)

    asyncio.run(live())


# --- what runs -------------------------------------------------------------------------------------------------------


class Running:
    """A box without sound: the calls made, in order, and the parts, which end when ``stop`` is set."""

    def __init__(self, patch: pytest.MonkeyPatch, *, wants_wakeword: bool = False) -> None:
        self.parts = assembled(wants_wakeword=wants_wakeword)
        self.stop = asyncio.Event()
        self.called: list[str] = []
        self.manager = ServiceManager()
        self.started = asyncio.Event()
        patch.setattr(self.parts.supervisor, "run", self._listen)
        patch.setattr(self.parts.engine, "stop", self._stop)
        patch.setattr(self.parts.tools, "close", lambda: self.called.append("tools closed"))

    def _stop(self) -> None:
        # The engine itself calls this, too, whenever it sets its timer.
        if self.stop.is_set():
            self.called.append("engine stopped")

    async def _listen(self) -> None:
        self.called.append("sound opened")
        self.started.set()
        await asyncio.Event().wait()

    async def live(self, *observers: Observer) -> None:
        async with asyncio.timeout(10):
            await running.run(self.parts, observers, self.manager, self.stop, lambda _parts: None)


def test_a_stopped_box_makes_no_more_decisions_and_releases_its_tools(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def live() -> list[str]:
        box = Running(monkeypatch)
        living = asyncio.create_task(box.live())
        await box.started.wait()
        box.stop.set()
        await living
        return box.called

    assert list(dict.fromkeys(asyncio.run(live()))) == ["sound opened", "engine stopped", "tools closed"]


def test_the_sound_system_opens_once_the_wake_word_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    async def live() -> list[str]:
        box = Running(monkeypatch, wants_wakeword=True)
        detector = box.parts.detector
        assert detector is not None

        async def load_late() -> None:
            # Everything that does not wait has run by then.
            for _ in range(20):
                await asyncio.sleep(0)
            box.called.append("loaded")
            detector.loaded.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(detector, "run", load_late)
        living = asyncio.create_task(box.live())
        await box.started.wait()
        box.stop.set()
        await living
        return box.called[:2]

    assert asyncio.run(live()) == ["loaded", "sound opened"]


def test_observers_run_beside_the_box_and_report_to_its_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    async def live() -> None:
        box = Running(monkeypatch)
        reports: list[Report] = []

        class Guest(Observer):
            async def run(self, report: Report) -> None:
                reports.append(report)
                box.stop.set()

        await box.live(Waiting(), Guest())
        assert reports == [box.parts.engine.report]

    asyncio.run(live())


def test_an_observer_that_fails_ends_the_box(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Observer):
        async def run(self, _report: Report) -> None:
            raise ZeroDivisionError

    async def live() -> None:
        await Running(monkeypatch).live(Broken())

    with pytest.raises(ZeroDivisionError):
        asyncio.run(live())


def test_a_running_box_feeds_the_watchdog_with_its_own_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    async def live() -> tuple[float, ...]:
        box = Running(monkeypatch)
        box.parts.microphone.timing.called_at = 7.0
        proofs: list[tuple[float, ...]] = []

        async def feed(proof: Callable[[], tuple[float, ...]]) -> None:
            proofs.append(proof())
            box.stop.set()

        monkeypatch.setattr(box.manager, "feed_watchdog", feed)
        await box.live()
        return proofs[0]

    assert asyncio.run(live()) == (7.0,)


def test_the_engine_runs_and_the_start_is_reported_with_the_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    async def live() -> list[object]:
        box = Running(monkeypatch)
        reported: list[object] = []
        monkeypatch.setattr(box.parts.engine, "start", lambda: reported.append("engine"))
        monkeypatch.setattr(box.manager, "ready", lambda: reported.append("ready"))

        def started(parts: object) -> None:
            reported.append(parts is box.parts)
            box.stop.set()

        async with asyncio.timeout(10):
            await running.run(box.parts, [], box.manager, box.stop, started)
        return reported

    assert asyncio.run(live()) == ["engine", "ready", True]


def test_a_stopped_box_waits_for_its_parts_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async def live() -> list[str]:
        box = Running(monkeypatch)
        ended: list[str] = []

        class SlowToEnd(Observer):
            async def run(self, _report: Report) -> None:
                try:
                    await asyncio.Event().wait()
                finally:
                    for _ in range(3):
                        await asyncio.sleep(0)
                    ended.append("ended")

        class FailingToEnd(Observer):
            async def run(self, _report: Report) -> None:
                try:
                    await asyncio.Event().wait()
                finally:
                    raise ZeroDivisionError

        living = asyncio.create_task(box.live(SlowToEnd(), FailingToEnd()))
        await box.started.wait()
        box.stop.set()
        await living
        return ended

    assert asyncio.run(live()) == ["ended"]


def test_a_mix_that_the_settings_name_is_captured_for_the_echo_stage(tmp_path: Path) -> None:
    notes: list[tuple[str, str]] = []

    async def live() -> list[Observer]:
        settings = Settings(echo=EchoSettings(tier="linear", reference="hw:Loopback,1"))
        context = replace(CONTEXT, note_echo_reference=lambda *note: notes.append(note))
        parts = assemble(settings, context, NoPanel())
        assert parts.echo is not None
        assert parts.echo.mix is not None
        observers = observers_of(settings, context, parts, ServiceManager())
        captured = [each for each in observers if type(each).__name__ == "EchoReference"]
        parts.echo.mix.state = MixState.USED
        for each in captured:
            each.look()  # type: ignore[attr-defined]  # known by its name, so that it is not loaded before
        return captured

    assert len(asyncio.run(live())) == 1
    assert notes == [("hw:Loopback,1", "")]


@pytest.mark.parametrize("is_heard", [False, True], ids=["lights", "lights-and-sounds"])
def test_the_lights_are_as_bright_as_they_were_set_last(
    *, is_heard: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, lights = Served(monkeypatch), Lights([])
    kept = kept_panel_of(Settings(), tmp_path)
    kept.observe(BrightnessSet(7), 0.0)
    panel = HeardPanel(lights) if is_heard else lights
    monkeypatch.setattr(running, "open_panel", lambda *_given, **_named: (panel, None))

    served.serve(replace(CONTEXT, storage=Storage(kept_panel=kept)))
    lights.close()

    assert lights.brightness_percent == 7
