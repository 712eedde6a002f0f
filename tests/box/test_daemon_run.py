"""`edgevoice run` from the command line to the parts, and back to an exit status; nothing is opened or dialled."""

import asyncio
import errno
import io
import json
import logging
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest

from edgevoice import __version__
from edgevoice.box import daemon
from edgevoice.box.daemon import answering_service, main
from edgevoice.box.live_settings import LiveSettings
from edgevoice.core.orders import Light
from edgevoice.errors import (
    DeviceMissing,
    EdgevoiceError,
    LocalServiceUnavailable,
    PanelUnavailable,
    SettingsInvalid,
    StorageUnavailable,
    WakeWordUnavailable,
)
from edgevoice.host.credentials import Key
from edgevoice.host.garbage import Collector
from edgevoice.host.service_manager import ServiceManager
from edgevoice.observers.announcement import ANNOUNCEMENT, Announced
from edgevoice.observers.status_file import NAME as STATUS_NAME
from edgevoice.observers.status_file import Status, StatusFile
from edgevoice.realtime.endpoint import Endpoint
from edgevoice.settings.schema import PanelSettings, ServiceSettings, Settings
from tests.box.test_daemon import ENDPOINT, STARTED, Running, Served
from tests.waiting import eventually

KEY = Key("secret", source="a test")
ELSEWHERE = Settings(service=ServiceSettings(url="wss://example.org/realtime"))


@pytest.fixture(autouse=True)
def folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("STATE_DIRECTORY", "CACHE_DIRECTORY"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    for variable in ("NOTIFY_SOCKET", "EDGEVOICE_API_KEY", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(variable, raising=False)


@contextmanager
def harmless(number: signal.Signals) -> Iterator[None]:
    """Ignore a signal that the box does not take: it would end the tests."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)


def fields_of(caplog: pytest.LogCaptureFixture, event: str) -> dict[str, Any]:
    (record,) = [record for record in caplog.records if record.message == event]
    fields = vars(record)["fields"]
    assert isinstance(fields, dict)
    return fields


# --- the command line ------------------------------------------------------------------------------------------------


def test_the_help_names_the_command_and_its_file(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])

    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert shown.startswith("usage: edgevoice run ")
    assert "\nRun the smart speaker until it is stopped.\n" in shown
    assert re.search(r"--config FILE\s+the settings; the places", shown)


def test_the_box_runs_with_the_key_and_the_settings_of_the_file_and_reads_them_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given: list[Any] = []
    levels: list[str] = []
    file = tmp_path / "edgevoice.toml"

    async def note(*arguments: Any) -> None:
        given.extend(arguments)

    monkeypatch.setattr(daemon, "_until_signal", note)
    monkeypatch.setattr("edgevoice.journal.start", levels.append)
    monkeypatch.setenv("EDGEVOICE_API_KEY", "secret")
    file.write_text('[service]\nvoice = "Olivia"\n[log]\nlevel = "debug"\n')

    assert main(["--config", str(file)]) == 0

    settings, key, read = given
    assert settings.service.voice == "Olivia"
    assert key.reveal() == "secret"
    assert levels == ["debug"]
    file.write_text('[service]\nvoice = "Dennis"\n')
    monkeypatch.setenv("EDGEVOICE_SERVICE_LANGUAGE", "de")
    assert read().service.voice == "Dennis"
    assert read().service.language == "de"


@pytest.mark.parametrize(
    ("ending", "event", "fields"),
    [
        (DeviceMissing("no such card"), "stopped", {"code": "audio-device-missing"}),
        (ZeroDivisionError("a fault of ours"), "crashed", None),
    ],
    ids=repr,
)
def test_what_ends_the_box_is_in_the_log(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    ending: Exception,
    event: str,
    fields: dict[str, str] | None,
) -> None:
    async def end(*_arguments: object) -> None:
        raise ending

    (tmp_path / "edgevoice.toml").touch()
    monkeypatch.setattr(daemon, "_until_signal", end)
    monkeypatch.setattr("edgevoice.journal.start", lambda _level: None)

    assert main(["--config", str(tmp_path / "edgevoice.toml")]) == 1

    (record,) = caplog.records
    assert (record.name, record.message, record.levelno) == ("edgevoice.box.daemon", event, logging.ERROR)
    if fields is None:
        assert record.exc_info is not None
        assert record.exc_info[1] is ending
    else:
        assert isinstance(ending, EdgevoiceError)
        assert vars(record)["fields"] == {**fields, "problem": ending.line()}


# --- settings that are refused ---------------------------------------------------------------------------------------


class Refused:
    """`main` with settings that are refused by ``error``: which lights were shown, and for how long."""

    def __init__(
        self, patch: pytest.MonkeyPatch, error: Exception, panel: PanelSettings | None, lights: Exception | None = None
    ) -> None:
        self.shown: list[tuple[object, ...]] = []
        self.slept: list[float] = []
        self.opened: ExitStack | None = None
        self._error = error
        self._panel = panel
        self._lights = lights
        self._file: Path | None = None
        patch.setattr(daemon, "find_what_is_named", self._find)
        patch.setattr(daemon, "salvage_panel", self._salvage)
        patch.setattr(daemon, "open_panel", self._open)
        patch.setattr("time.sleep", self.slept.append)

    def run(self, file: Path) -> int:
        file.touch()
        self._file = file
        return main(["--config", str(file)])

    def _find(self, *_arguments: object) -> Key:
        raise self._error

    def _salvage(self, path: Path, environment: object) -> PanelSettings | None:
        assert (path, environment) == (self._file, os.environ)
        return self._panel

    def _open(self, settings: Settings, opened: ExitStack) -> tuple[Self, None]:
        assert settings == Settings(panel=self._panel or PanelSettings())
        assert isinstance(opened, ExitStack)
        if self._lights is not None:
            raise self._lights
        return self, None

    def show(self, light: Light, reason: str) -> None:
        self.shown.append((light, reason))


LIT = PanelSettings(kind="gpio", status_led_gpio=5)


def test_settings_that_are_refused_are_shown_by_the_fault_light_and_in_the_status(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = WakeWordUnavailable("no such word")
    refused = Refused(monkeypatch, error, LIT)

    assert refused.run(tmp_path / "edgevoice.toml") == 78

    assert capsys.readouterr().err == error.line() + "\n"
    assert refused.shown == [(Light.FAULT, "wakeword-unavailable")]
    assert refused.slept == [3.0]
    status = Status.read(tmp_path / "CACHE_DIRECTORY" / STATUS_NAME)
    assert status is not None
    assert (status.problem, status.version, status.pid) == (error.line(), __version__, 0)


def test_a_fault_light_that_cannot_be_had_changes_nothing_of_the_refusal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    refused = Refused(monkeypatch, SettingsInvalid("wrong"), LIT, lights=PanelUnavailable("no GPIO17"))

    assert refused.run(tmp_path / "edgevoice.toml") == 78
    assert refused.shown == []
    assert refused.slept == [3.0]


@pytest.mark.parametrize(
    ("error", "status", "slept"),
    [(SettingsInvalid("wrong"), 78, []), (OSError(errno.ENOMEM, "Cannot allocate memory"), 1, [3.0])],
    ids=repr,
)
def test_where_no_light_is_known_only_what_passes_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception, status: int, slept: list[float]
) -> None:
    refused = Refused(monkeypatch, error, None)

    assert refused.run(tmp_path / "edgevoice.toml") == status
    assert (refused.shown, refused.slept) == ([], slept)


def test_under_systemd_what_passes_is_waited_for_longer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    refused = Refused(monkeypatch, OSError(errno.ENOMEM, "Cannot allocate memory"), None)

    assert refused.run(tmp_path / "edgevoice.toml") == 1
    assert refused.slept == [12.0]


# --- who answers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "headers"), [(KEY, {"Authorization": "Bearer secret"}), (None, {})], ids=repr)
def test_a_service_on_the_network_is_dialled_with_the_key_where_there_is_one(
    key: Key | None, headers: dict[str, str]
) -> None:
    async def live() -> Endpoint:
        async with answering_service(ELSEWHERE, key, {}) as (endpoint, watching):
            assert watching == (), "nothing is noted"
            return endpoint()

    endpoint = asyncio.run(live())

    assert endpoint.host == "example.org"
    assert endpoint.headers == headers
    assert endpoint.socket is None


def test_with_a_key_alone_the_service_on_the_network_is_the_one_that_is_built_in() -> None:
    async def live() -> str:
        async with answering_service(Settings(), KEY, {}) as (endpoint, _):
            return endpoint().host

    assert asyncio.run(live()) == "api.inworld.ai"


class Child:
    """Stands in for the process of the service inside the box."""

    socket_path = Path("/run/box.sock")

    def __init__(self, *, announcement: str | None, failure: Exception | None = None) -> None:
        self.announcement = announcement
        self.done: list[str] = []
        self._failure = failure

    async def __aenter__(self) -> Self:
        self.done.append("entered")
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.done.append("ended")

    async def prepare(self) -> None:
        """Prepare nothing."""

    async def ensure(self) -> None:
        self.done.append("begun")
        if self._failure is not None:
            raise self._failure
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            self.done.append("given up")


async def inside_the_box(
    patch: pytest.MonkeyPatch, folder: Path, failure: Exception | None = None
) -> tuple[Child, Endpoint, object]:
    children: list[Child] = []

    def child(*, announcement: str | None) -> Child:
        children.append(Child(announcement=announcement, failure=failure))
        return children[0]

    patch.setattr(daemon, "LocalServiceProcess", child)
    async with answering_service(Settings(), None, {"STATE_DIRECTORY": str(folder)}) as (endpoint, (watch,)):
        for _ in range(5):
            await asyncio.sleep(0)
        return children[0], endpoint(), watch


def test_the_service_inside_the_box_is_started_early_and_given_up_with_the_box(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    child, endpoint, watch = asyncio.run(inside_the_box(monkeypatch, tmp_path))

    assert child.done == ["entered", "begun", "given up", "ended"]
    assert (endpoint.socket, endpoint.prepare) == (Child.socket_path, child.prepare)
    assert isinstance(watch, Announced)


def test_what_it_is_is_announced_until_it_has_been_heard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    child, _, _ = asyncio.run(inside_the_box(monkeypatch, tmp_path))
    assert child.announcement == ANNOUNCEMENT

    (tmp_path / "said-local-service").touch()
    child, _, _ = asyncio.run(inside_the_box(monkeypatch, tmp_path))
    assert child.announcement is None


def test_a_service_inside_the_box_that_cannot_start_is_logged_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    failure = LocalServiceUnavailable("no models")

    child, _, _ = asyncio.run(inside_the_box(monkeypatch, tmp_path, failure))

    assert child.done == ["entered", "begun", "ended"]
    assert fields_of(caplog, "local-service") == {"code": "local-service-unavailable", "problem": failure.line()}


# --- until a signal --------------------------------------------------------------------------------------------------


class Until:
    """`_until_signal` with `serve` recorded instead of run; ``during`` is what goes on meanwhile."""

    def __init__(
        self,
        patch: pytest.MonkeyPatch,
        *,
        during: Callable[[], None] = lambda: None,
        failure: Exception | None = None,
        waits: bool = False,
    ) -> None:
        self.given: dict[str, Any] = {}
        self.settings: Settings | None = None
        self.called: list[object] = []
        self._during = during
        self._failure = failure
        self._waits = waits
        patch.setattr(daemon, "serve", self._serve)
        patch.setattr(daemon, "answering_service", self._answering)
        patch.setattr(daemon, "read_record", lambda folder: f"record in {folder.name}")
        patch.setattr(daemon, "_started", self.called.append)
        patch.setattr(daemon, "spare_nothing", lambda: self.called.append("spared nothing"))

    def run(self, settings: Settings, key: Key | None = KEY, read: Callable[[], Settings] = Settings) -> None:
        self._of = settings, key, os.environ
        asyncio.run(asyncio.wait_for(daemon._until_signal(settings, key, read), 10))

    @asynccontextmanager
    async def _answering(self, *arguments: object) -> AsyncIterator[tuple[str, tuple[str]]]:
        assert arguments == self._of
        yield "endpoint", ("watch",)

    async def _serve(self, settings: Settings, endpoint: object, stop: asyncio.Event, **options: Any) -> None:
        assert endpoint == "endpoint"
        self.settings, self.given = settings, options
        options["started"]("the parts")
        self._during()
        if self._waits:
            await stop.wait()
        if self._failure is not None:
            raise self._failure


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_either_signal_stops_the_box(monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    until = Until(monkeypatch, during=lambda: os.kill(os.getpid(), number), waits=True)

    with harmless(number):
        until.run(ELSEWHERE)

    assert until.called[-1] == "spared nothing"


def test_what_killed_writers_have_left_in_either_folder_is_swept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    left = [tmp_path / folder / ".file.1.tmp" for folder in ("STATE_DIRECTORY", "CACHE_DIRECTORY")]
    for draft in left:
        draft.parent.mkdir()
        draft.touch()

    Until(monkeypatch).run(ELSEWHERE)

    assert [draft.exists() for draft in left] == [False, False]


def test_the_box_is_given_what_its_folders_hold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    until = Until(monkeypatch)

    until.run(ELSEWHERE)

    watch, tidies, status = until.given["observers"]
    assert watch == "watch"
    assert isinstance(tidies, Collector)
    assert isinstance(status, StatusFile)
    assert until.given["record"] == "record in STATE_DIRECTORY"
    near_misses = until.given["near_misses"]
    assert near_misses.wants_sound is False
    assert str(tmp_path / "STATE_DIRECTORY") in str(vars(near_misses))
    assert until.called == [ELSEWHERE, "spared nothing"]
    written = json.loads((tmp_path / "CACHE_DIRECTORY" / STATUS_NAME).read_text())
    assert (written["version"], written["problem"], written["pid"]) == (__version__, "", 0)


def test_clips_of_near_misses_are_kept_where_the_settings_ask_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    until = Until(monkeypatch)
    settings = Settings()
    monkeypatch.setattr(type(settings.wakeword), "keep_near_misses", 3, raising=False)

    until.run(settings)

    assert until.given["near_misses"].wants_sound is True


@pytest.mark.parametrize(("key", "is_billed"), [(KEY, True), (None, False)], ids=repr)
def test_minutes_are_counted_only_where_they_are_billed(
    monkeypatch: pytest.MonkeyPatch, key: Key | None, *, is_billed: bool
) -> None:
    until = Until(monkeypatch)

    until.run(Settings(), key)

    assert (until.given["minutes"] is not None) is is_billed


def test_a_person_at_a_terminal_sees_the_panel_there_and_a_reload_compares_with_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(daemon, "shows_on_terminal", lambda settings, environment: environment is os.environ)
    until = Until(monkeypatch, during=lambda: remarks.append(until.given["live"].reload()))
    remarks: list[str] = []
    new = Settings(service=ServiceSettings(url=ELSEWHERE.service.url, voice="Dennis"), panel=LIT)

    until.run(ELSEWHERE, read=lambda: new)

    assert until.settings is not None
    assert until.settings.panel.kind == "terminal"
    assert until.settings.service == ELSEWHERE.service
    live = until.given["live"]
    assert isinstance(live, LiveSettings)
    assert live.service.voice == "Dennis"
    assert remarks == ["restart needed for panel"]
    assert Status.read(tmp_path / "CACHE_DIRECTORY" / STATUS_NAME).remark == remarks[0]  # type: ignore[union-attr]  # it was written


def test_without_a_terminal_the_settings_are_served_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "shows_on_terminal", lambda _settings, _environment: False)
    until = Until(monkeypatch)

    until.run(ELSEWHERE)

    assert until.settings is ELSEWHERE


def test_what_ends_the_box_stays_in_the_status_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    failure = StorageUnavailable("full")
    until = Until(monkeypatch, failure=failure)

    with pytest.raises(StorageUnavailable):
        until.run(ELSEWHERE)

    status = Status.read(tmp_path / "CACHE_DIRECTORY" / STATUS_NAME)
    assert status is not None
    assert status.problem == failure.line()
    assert until.called[-1] == "spared nothing"


class Screen(io.StringIO):
    """A terminal, or a file."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_person_at_a_terminal_is_told_what_to_say(monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool) -> None:
    spared: list[bool] = []
    screen = Screen(is_terminal=is_terminal)
    monkeypatch.setattr(daemon, "spare_what_is_there", lambda: spared.append(True))
    monkeypatch.setattr(sys, "stderr", screen)
    words = [SimpleNamespace(name="hey_jarvis"), SimpleNamespace(name="alexa")]
    settings = Settings()
    monkeypatch.setattr(daemon, "wake_words", lambda wanted: words if wanted is settings.wakeword else [])

    daemon._started(settings)

    assert spared == [True]
    assert screen.getvalue() == ('\r\x1b[2KSay "hey Jarvis" or "Alexa". Ctrl-C ends it.\n' if is_terminal else "")


# --- beside the parts ------------------------------------------------------------------------------------------------


def test_clocks_that_drift_apart_are_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    drifts_ppm = [0.0, 20.0, -20.6, 99.0]
    slept: list[float] = []
    echo: Any = SimpleNamespace(reference=SimpleNamespace(drift_ppm=0.0))

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        echo.reference.drift_ppm = drifts_ppm.pop(0)

    monkeypatch.setattr("asyncio.sleep", sleep)

    asyncio.run(daemon._watch_drift(echo))

    assert slept == [60.0] * 3
    fields = fields_of(caplog, "clock-drift")
    assert fields == {"ppm": -21, "why": "two cards: the echo is followed"}


@pytest.mark.parametrize("has_detector", [True, False])
def test_sayings_are_learnt_once_the_box_listens(monkeypatch: pytest.MonkeyPatch, *, has_detector: bool) -> None:
    learnt: list[object] = []

    async def learn(*arguments: object) -> None:
        learnt.extend(arguments)

    monkeypatch.setattr(daemon, "learn", learn)

    async def live() -> None:
        loaded = asyncio.Event()
        detector = SimpleNamespace(loaded=loaded) if has_detector else None
        parts: Any = SimpleNamespace(detector=detector, speaker=SimpleNamespace(learn="speaker"))
        learning = asyncio.create_task(daemon._learn(Path("sayings"), parts))
        for _ in range(3):
            await asyncio.sleep(0)
        assert bool(learnt) is not has_detector
        loaded.set()
        await learning

    asyncio.run(live())

    assert learnt == [Path("sayings"), "speaker"]


def test_a_fault_is_shown_for_its_time_or_until_the_box_is_stopped() -> None:
    async def live() -> tuple[bool, bool]:
        stop = asyncio.Event()
        shown = asyncio.create_task(daemon._wait(stop, 60.0))
        for _ in range(3):
            await asyncio.sleep(0)
        was_shown = not shown.done()
        stop.set()
        await asyncio.wait_for(shown, 5)
        await asyncio.wait_for(daemon._wait(asyncio.Event(), 0.001), 5)
        return was_shown, stop.is_set()

    assert asyncio.run(live()) == (True, True)


# --- what the parts are given ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("pins", ["the panel's pins", None])
def test_the_amplifier_is_on_the_panels_pins_or_else_on_those_that_stand_in(
    monkeypatch: pytest.MonkeyPatch, pins: str | None
) -> None:
    served = Served(monkeypatch)
    monkeypatch.setattr(daemon, "open_panel", lambda _settings, _opened, factory: (served, pins and f"{pins}{factory}"))

    served.serve(factory="!", started=STARTED)

    assert served.assembled["amplifier"] == ("amplifier on the panel's pins!" if pins else "amplifier on !")
    assert len(served.shown) == (2 if pins else 1), "buttons are where the panel's pins are"


def test_lights_amplifier_and_buttons_are_opened_by_the_settings_and_let_go_of_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served = Served(monkeypatch)
    opened: list[tuple[object, ...]] = []

    def open_panel(*rest: object, factory: object) -> tuple[Served, object]:
        opened.append(rest)
        return served, factory

    monkeypatch.setattr(daemon, "open_panel", open_panel)
    monkeypatch.setattr(daemon, "open_mute_pin", lambda *rest: opened.append(rest[:2]))
    monkeypatch.setattr(daemon, "open_panel_buttons", lambda *rest: opened.append(rest[:2]))

    served.serve(factory="pins", started=STARTED)

    stack = opened[0][1]
    assert isinstance(stack, ExitStack)
    assert opened == [(Settings(), stack)] * 3


def test_what_goes_on_beside_the_parts_is_given_what_it_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    served = Served(monkeypatch)
    given: list[object] = []
    switched: list[float] = []

    async def nothing() -> None:
        """Do nothing."""

    def noted(*arguments: object) -> Coroutine[Any, Any, None]:
        given.append(arguments)
        return nothing()

    async def run(parts: object, manager: object, stop: object, started: object, runs: list[Any]) -> None:
        assert isinstance(manager, ServiceManager)
        assert isinstance(stop, asyncio.Event)
        assert (parts, started, len(runs)) == (served.parts, STARTED, 3)
        for each in runs:
            await each

    monkeypatch.setattr(sys, "setswitchinterval", switched.append)
    monkeypatch.setattr(daemon, "watch_loop", noted)
    monkeypatch.setattr(daemon, "_learn", noted)
    monkeypatch.setattr(daemon, "_run", run)

    served.serve(minutes=SimpleNamespace(run=noted, today_s=0.0), sayings=Path("sayings"), started=STARTED)

    assert given == [(Settings().watchdog.stall_s,), (served.parts.engine.report,), (Path("sayings"), served.parts)]
    assert switched == [0.0005]


def test_a_hang_up_signal_reloads_the_settings_and_the_service_manager_hears_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served = Served(monkeypatch)
    reloaded: list[str] = []

    def reload() -> str:
        reloaded.append("restart needed for panel")
        return reloaded[-1]

    async def run(*arguments: Any) -> None:
        for each in arguments[-1]:
            each.close()
        os.kill(os.getpid(), signal.SIGHUP)
        await eventually(lambda: bool(reloaded))

    monkeypatch.setattr(daemon, "_run", run)

    with harmless(signal.SIGHUP):
        served.serve(live=SimpleNamespace(service=None, reload=reload), started=STARTED)

    told = [str(message[0]) for message in served.shown]
    assert told[0].startswith("RELOADING=1")
    assert "READY=1" in told
    assert any("restart needed for panel" in message for message in told)


def test_an_error_that_a_person_can_fix_is_shown_for_its_time_and_then_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    error = SettingsInvalid("wrong")
    served = Served(monkeypatch, error)
    waited: list[tuple[object, float]] = []
    stop = asyncio.Event()

    async def wait(until: object, limit_s: float) -> None:
        assert served.shown == [(Light.FAULT, "settings-invalid"), (f"STATUS={error.line()}",)]
        waited.append((until, limit_s))

    monkeypatch.setattr(daemon, "_wait", wait)
    monkeypatch.setattr(daemon, "_shown_s", lambda _error: 7.0)

    with pytest.raises(SettingsInvalid, match="wrong"):
        asyncio.run(daemon.serve(Settings(), ENDPOINT, stop, started=STARTED))
    assert waited == [(stop, 7.0)]


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
            await daemon._run(box.parts, box.manager, box.stop, started, [])
        return reported

    assert asyncio.run(live()) == ["engine", "ready", True]


@pytest.mark.parametrize("echo", ["an echo path", None])
def test_the_clocks_are_watched_where_an_echo_is_cancelled(monkeypatch: pytest.MonkeyPatch, echo: str | None) -> None:
    async def live() -> list[object]:
        box = Running(monkeypatch)
        box.parts = replace(box.parts, echo=echo)  # type: ignore[arg-type]  # it is only passed on
        watched: list[object] = []

        async def watch(path: object) -> None:
            watched.append(path)

        monkeypatch.setattr(daemon, "_watch_drift", watch)
        living = asyncio.create_task(box.live())
        await box.started.wait()
        for _ in range(3):
            await asyncio.sleep(0)
        box.stop.set()
        await living
        return watched

    assert asyncio.run(live()) == ([echo] if echo else [])


def test_a_box_that_is_stopped_waits_for_its_parts_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async def live() -> list[str]:
        box = Running(monkeypatch)
        ended: list[str] = []

        async def slow_to_end() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                for _ in range(3):
                    await asyncio.sleep(0)
                ended.append("ended")

        async def failing_to_end() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                raise ZeroDivisionError

        monkeypatch.setattr(daemon, "_announce", lambda *_given: stop_soon(box))
        async with asyncio.timeout(10):
            await daemon._run(box.parts, box.manager, box.stop, STARTED, [slow_to_end(), failing_to_end()])
        return ended

    async def stop_soon(box: Running) -> None:
        await box.started.wait()
        box.stop.set()

    assert asyncio.run(live()) == ["ended"]
