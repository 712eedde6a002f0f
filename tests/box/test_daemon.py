"""Who answers, and so whether the minutes are billed; and that a box of which a part has died does not live on."""

import asyncio
import errno
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgevoice.box import daemon
from edgevoice.box.assembly import Parts, assemble
from edgevoice.box.daemon import answers_itself, main
from edgevoice.core.facts import Device
from edgevoice.core.orders import Light
from edgevoice.errors import (
    DeviceMissing,
    EdgevoiceError,
    PanelUnavailable,
    SettingsInvalid,
    StorageUnavailable,
    WakeWordUnavailable,
)
from edgevoice.host import service_manager
from edgevoice.host.credentials import Key
from edgevoice.host.service_manager import ServiceManager
from edgevoice.observers.conversation_log import Diary
from edgevoice.observers.minutes import Minutes
from edgevoice.observers.status_file import NAME as STATUS_NAME
from edgevoice.panel.none import NoPanel
from edgevoice.realtime.endpoint import local
from edgevoice.settings.schema import ServiceSettings, Settings
from edgevoice.wakeword.models.front_end import PartsNotMade, PartsUnavailable


@pytest.mark.parametrize(
    ("url", "has_key", "is_free"),
    [
        ("local", False, True),
        ("local", True, True),
        ("", False, True),
        ("", True, False),
        ("wss://example.org/", False, False),
        ("wss://example.org/", True, False),
    ],
)
def test_only_a_service_on_the_network_is_billed_and_so_counted(url: str, *, has_key: bool, is_free: bool) -> None:
    key = Key("secret", source="a test") if has_key else None

    assert answers_itself(Settings(service=ServiceSettings(url=url)), key) is is_free


# --- signs of life ---------------------------------------------------------------------------------------------------


async def nothing_to_prepare() -> None:
    """Prepare nothing."""


def assembled(*, wants_wakeword: bool = True) -> Parts:
    return assemble(
        Settings(),
        lambda: local(Path("/nowhere.sock"), nothing_to_prepare),
        NoPanel(),
        wants_wakeword=wants_wakeword,
    )


def test_the_watchdog_looks_at_the_microphone_and_at_whether_the_wake_word_keeps_up() -> None:
    async def live() -> None:
        parts = assembled()
        assert parts.detector is not None
        parts.microphone.called_at, parts.detector.scored_at, parts.detector.kept_up_at = 7.0, 9.0, 5.0

        assert sorted(daemon._signs_of_life(parts)) == [5.0, 7.0]

    asyncio.run(live())


def test_where_only_the_button_wakes_it_the_watchdog_looks_at_the_microphone() -> None:
    async def live() -> None:
        parts = assembled(wants_wakeword=False)
        parts.microphone.called_at = 7.0

        assert daemon._signs_of_life(parts) == (7.0,)

    asyncio.run(live())


def test_without_a_microphone_the_watchdog_is_fed_only_while_one_is_looked_for() -> None:
    async def live() -> None:
        parts = assembled()
        parts.supervisor._lost[Device.MICROPHONE] = "unplugged"
        parts.supervisor._looked_at = 3.0

        assert daemon._signs_of_life(parts) == (3.0,)

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
        await daemon._run(parts, ServiceManager(), asyncio.Event(), lambda _parts: None, [])


async def end_at_once() -> None:
    """Do nothing and return."""


@pytest.mark.parametrize(("part", "name"), [("link", "the link"), ("supervisor", "the sound system")])
def test_a_part_that_ends_by_itself_ends_the_box(monkeypatch: pytest.MonkeyPatch, part: str, name: str) -> None:
    def end_early(parts: Parts) -> None:
        monkeypatch.setattr(getattr(parts, part), "run", end_at_once)

    with pytest.raises(RuntimeError, match=rf"^{name} has ended by itself"):
        asyncio.run(run_with(monkeypatch, end_early, wants_wakeword=False))


def test_a_wake_word_that_ends_by_itself_ends_the_box(monkeypatch: pytest.MonkeyPatch) -> None:
    def end_early(parts: Parts) -> None:
        assert parts.detector is not None
        monkeypatch.setattr(parts.detector, "run", end_at_once)

    with pytest.raises(RuntimeError, match=r"^the wake word has ended by itself"):
        asyncio.run(run_with(monkeypatch, end_early, wants_wakeword=True))


def test_a_thread_that_wants_to_exit_ends_the_box_and_not_with_its_own_status(monkeypatch: pytest.MonkeyPatch) -> None:
    def leave() -> None:
        raise SystemExit(0)

    def begin(_parts: Parts) -> None:
        asyncio.get_running_loop().call_soon(threading.Thread(target=leave).start)

    with pytest.raises(RuntimeError, match="a part was ended by SystemExit"):
        asyncio.run(run_with(monkeypatch, begin, wants_wakeword=False))


@pytest.mark.parametrize("ending", [SystemExit(0), SystemExit(), RuntimeError("of our own making")], ids=repr)
def test_whatever_ends_the_box_but_its_owner_is_a_failure_that_systemd_restarts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ending: BaseException
) -> None:
    async def end(*_arguments: object) -> None:
        raise ending

    (tmp_path / "edgevoice.toml").touch()
    monkeypatch.setattr(daemon, "_until_signal", end)
    monkeypatch.setattr("edgevoice.journal.start", lambda _level: None)

    assert main(["--config", str(tmp_path / "edgevoice.toml")]) == 1


def test_the_box_keeps_what_it_remembers_in_its_state_folder_and_what_it_can_make_in_its_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    served: dict[str, Any] = {}

    async def serve(*_arguments: object, **options: object) -> None:
        served.update(options)

    monkeypatch.setattr(daemon, "serve", serve)
    monkeypatch.setattr("edgevoice.journal.start", lambda _level: None)
    for variable in ("STATE_DIRECTORY", "CACHE_DIRECTORY"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    monkeypatch.setenv("EDGEVOICE_API_KEY", "secret")
    (tmp_path / "edgevoice.toml").write_text('[service]\nurl = "wss://example.org/"\n')

    assert main(["--config", str(tmp_path / "edgevoice.toml")]) == 0
    assert served["cards"] == tmp_path / "STATE_DIRECTORY" / "cards.json"
    assert served["sayings"] == tmp_path / "CACHE_DIRECTORY"
    assert served["minutes"] is not None
    assert (tmp_path / "CACHE_DIRECTORY" / STATUS_NAME).exists()


# --- what is put together --------------------------------------------------------------------------------------------


class Served:
    """`serve` with its parts recorded instead of run; ``failure`` is what running them comes to."""

    def __init__(self, patch: pytest.MonkeyPatch, failure: Exception | None = None) -> None:
        self.patch = patch
        self.failure = failure
        self.shown: list[tuple[object, ...]] = []
        self.assembled: dict[str, Any] = {}
        self.beside: list[str] = []
        self.parts = SimpleNamespace(xruns=3, uplink=SimpleNamespace(lost=8_000), engine=SimpleNamespace(report=print))
        patch.setattr(daemon, "open_panel", lambda _settings, _opened, factory: (self, factory))
        patch.setattr(daemon, "open_mute_pin", lambda _settings, _opened, factory: f"amplifier on {factory}")
        patch.setattr(daemon, "open_panel_buttons", lambda _settings, _opened, *rest: self.shown.append(rest))
        patch.setattr(daemon, "assemble", self._assemble)
        patch.setattr(daemon, "_run", self._run)
        patch.setattr(daemon, "_learn", self._learn)
        patch.setattr(daemon, "_shown_s", lambda error: 0.0 if error is failure else 60.0)
        patch.setattr(service_manager, "_notify", lambda message: self.shown.append((message,)))

    def show(self, light: Light, reason: str) -> None:
        self.shown.append((light, reason))

    def serve(self, **options: Any) -> None:
        asyncio.run(daemon.serve(Settings(), ENDPOINT, asyncio.Event(), **options))

    def _assemble(self, settings: Settings, endpoint: object, panel: object, **options: object) -> object:
        assert (settings, endpoint, panel) == (Settings(), ENDPOINT, self)
        self.assembled = options
        return self.parts

    async def _learn(self, folder: Path, parts: object) -> None:
        assert (folder, parts) == (Path("sayings"), self.parts)

    async def _run(self, parts: object, _manager: object, _stop: object, started: object, runs: list[Any]) -> None:
        assert (parts, started) == (self.parts, STARTED)
        for run in runs:
            self.beside.append(run.cr_code.co_name)
            run.close()
        if self.failure is not None:
            raise self.failure


def ENDPOINT() -> Any:  # noqa: N802 - a constant that is never called
    """Stand in for the service."""


def STARTED(_parts: object) -> None:  # noqa: N802 - a constant that is never called
    """Stand in for what is done once the box listens."""


def test_everything_that_a_box_is_given_reaches_the_part_that_it_is_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    served = Served(monkeypatch)
    minutes = Minutes(tmp_path, 10)
    monkeypatch.setattr(type(minutes), "today_s", 90.0)
    live = SimpleNamespace(service="the service of now", reload=lambda: "")
    given: dict[str, Any] = {"wants_wakeword": False, "record": "record", "near_misses": "near", "cards": "cards"}

    served.serve(
        observers=(print,),
        factory="pins",
        live=live,
        minutes=minutes,
        sayings=Path("sayings"),
        started=STARTED,
        **given,
    )

    service, observers = served.assembled.pop("service"), served.assembled.pop("observers")
    assert served.assembled == given | {"amplifier": "amplifier on pins"}
    assert service() == "the service of now"
    assert [type(each) for each in observers] == [Minutes, ServiceManager, Diary, type(print)]
    diary = observers[2]
    assert (diary._xruns(), diary._today_s(), diary._lost_s()) == (3, 90.0, 0.5)
    assert served.beside == ["watch_loop", "run", "_learn"]
    assert served.shown == [("pins", served.parts), ("STOPPING=1",)]


def test_a_box_without_pins_minutes_and_sayings_runs_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    served = Served(monkeypatch)

    served.serve(started=STARTED)

    assert served.assembled["service"] is None
    assert served.assembled["wants_wakeword"] is True
    assert [type(each) for each in served.assembled["observers"]] == [ServiceManager, Diary]
    assert served.assembled["observers"][1]._today_s() == 0.0
    assert served.beside == ["watch_loop"]


@pytest.mark.parametrize(
    ("failure", "told"),
    [(DeviceMissing("no such card"), DeviceMissing), (OSError(errno.ENOSPC, "full"), EdgevoiceError)],
    ids=repr,
)
def test_what_ends_a_box_is_shown_by_its_light_and_its_status_first(
    monkeypatch: pytest.MonkeyPatch, failure: Exception, told: type[EdgevoiceError]
) -> None:
    served = Served(monkeypatch, failure)
    monkeypatch.setattr(daemon, "_shown_s", lambda error: 0.0 if isinstance(error, told) else 60.0)

    with pytest.raises(told) as ended:
        served.serve(started=STARTED)

    error = ended.value
    assert served.shown == [(Light.FAULT, error.code), (f"STATUS={error.line()}",), ("STOPPING=1",)]


def test_the_sound_system_is_opened_and_the_start_told_only_once_the_wake_word_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []
    monkeypatch.setattr(service_manager, "_notify", done.append)

    async def live() -> None:
        parts = assembled()
        assert parts.detector is not None

        async def open_sound() -> None:
            done.append("sound")

        monkeypatch.setattr(parts.supervisor, "run", open_sound)
        runs = [
            asyncio.ensure_future(daemon._sound(parts)),
            asyncio.ensure_future(daemon._announce(parts, ServiceManager(), lambda _parts: done.append("started"))),
        ]
        for _ in range(5):
            await asyncio.sleep(0)
        assert done == []
        parts.detector.loaded.set()
        await asyncio.gather(*runs)

    asyncio.run(live())

    assert "sound" in done
    assert done.index("READY=1") < done.index("started")


# --- how it ends -----------------------------------------------------------------------------------------------------


def out_of_space(error: EdgevoiceError) -> EdgevoiceError:
    error.__cause__ = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return error


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        (SettingsInvalid("tools.enabled names 'nosuch'"), 78),
        (WakeWordUnavailable("no such word"), 78),
        (PartsUnavailable("the package onnx is not installed"), 78),
        (PanelUnavailable("no GPIO99"), 78),
        (out_of_space(WakeWordUnavailable("the model cannot be read")), 1),
        (out_of_space(PanelUnavailable("no temporary folder")), 1),
        (PartsNotMade("its child was killed"), 1),
        (StorageUnavailable("no folder takes temporary files"), 1),
        (OSError(errno.ENOSPC, "No space left on device"), 1),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), 1),
        (MemoryError(), 1),
        (DeviceMissing("no such card"), 1),
    ],
    ids=repr,
)
def test_only_where_a_person_must_act_the_box_stays_off_and_all_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    ending: BaseException,
    status: int,
) -> None:
    async def end(*_arguments: object) -> None:
        raise ending

    (tmp_path / "edgevoice.toml").touch()
    monkeypatch.setattr(daemon, "_until_signal", end)
    monkeypatch.setattr("edgevoice.journal.start", lambda _level: None)

    assert main(["--config", str(tmp_path / "edgevoice.toml")]) == status
    assert [(record.message, record.exc_info) for record in caplog.records] == [("stopped", None)]


@pytest.mark.parametrize(
    ("failure", "status", "words"),
    [
        (errno.EACCES, 78, "edgevoice.toml"),
        (errno.EIO, 1, "edgevoice.toml"),
        (errno.EMFILE, 1, "edgevoice.toml"),
    ],
)
def test_settings_that_cannot_be_read_keep_the_box_off_only_if_a_person_must_act(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    failure: int,
    status: int,
    words: str,
) -> None:
    file = tmp_path / "edgevoice.toml"
    file.touch()
    slept: list[float] = []
    open_path = Path.open

    def refuse(path: Path, *arguments: Any, **options: Any) -> Any:
        if path == file:
            raise OSError(failure, os.strerror(failure))
        return open_path(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr("time.sleep", slept.append)

    assert main(["--config", str(file)]) == status
    told = capsys.readouterr().err
    assert words in told
    assert told.count("\n") == 1


def test_a_machine_out_of_memory_while_the_settings_are_read_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_arguments: object) -> None:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    monkeypatch.setattr(daemon, "load", fail)
    monkeypatch.setattr(daemon, "salvage_panel", lambda *_arguments: None)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)

    assert main([]) == 1
    assert capsys.readouterr().err.startswith("Cannot allocate memory. Stop other programs")


def test_what_passes_is_waited_for_long_enough_that_systemd_never_gives_the_box_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unit = (Path(__file__).parents[2] / "systemd" / "edgevoice.service").read_text()
    figures = dict(re.findall(r"^(StartLimitIntervalSec|StartLimitBurst|RestartSec)=(\d+)$", unit, re.MULTILINE))
    interval_s, burst, restart_s = (
        int(figures[name]) for name in ("StartLimitIntervalSec", "StartLimitBurst", "RestartSec")
    )
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")

    assert (daemon._shown_s(StorageUnavailable("full")) + restart_s) * burst > interval_s
    assert daemon._shown_s(SettingsInvalid("wrong")) == 3
    monkeypatch.delenv("NOTIFY_SOCKET")
    assert daemon._shown_s(StorageUnavailable("full")) == 3


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "storage-unavailable"),
        (MemoryError(), "machine-exhausted"),
        (WakeWordUnavailable("no such word"), "wakeword-unavailable"),
    ],
)
def test_what_ends_the_box_is_shown_and_leaves_as_one_of_our_errors(
    monkeypatch: pytest.MonkeyPatch, failure: BaseException, code: str
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise failure

    monkeypatch.setattr(daemon, "assemble", fail)
    monkeypatch.setattr(daemon, "_FAULT_SHOWN_S", 0.0)

    with pytest.raises(EdgevoiceError) as refused:
        asyncio.run(daemon.serve(Settings(), lambda: local(Path("/nowhere.sock"), nothing_to_prepare), asyncio.Event()))
    assert refused.value.code == code


def test_a_fault_of_the_program_leaves_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(daemon, "assemble", fail)

    with pytest.raises(PermissionError):
        asyncio.run(daemon.serve(Settings(), lambda: local(Path("/nowhere.sock"), nothing_to_prepare), asyncio.Event()))


# --- what runs -------------------------------------------------------------------------------------------------------


class Running:
    """A box without sound: what was called, in order, and the parts, which end when ``stop`` is set."""

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

    async def live(self) -> None:
        async with asyncio.timeout(10):
            await daemon._run(self.parts, self.manager, self.stop, lambda _parts: None, [])


def test_a_box_that_is_stopped_decides_nothing_any_more_and_lets_go_of_its_tools(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def live() -> list[str]:
        box = Running(monkeypatch)
        living = asyncio.create_task(box.live())
        await box.started.wait()
        box.stop.set()
        await living
        return box.called

    assert asyncio.run(live()) == ["sound opened", "engine stopped", "tools closed"]


def test_the_sound_system_is_opened_once_the_wake_word_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    async def live() -> list[str]:
        box = Running(monkeypatch, wants_wakeword=True)
        detector = box.parts.detector
        assert detector is not None

        async def load_late() -> None:
            # Whatever does not wait has had its turn by then.
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


def test_a_running_box_watches_its_hearing_and_reports_what_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def live() -> list[Any]:
        box = Running(monkeypatch)
        watched: list[Any] = []

        async def watch(*arguments: Any) -> None:
            watched.extend(arguments)
            box.stop.set()

        monkeypatch.setattr(daemon, "watch_hearing", watch)
        await box.live()
        assert watched == [box.parts.hearing, box.parts.engine.report]
        return watched

    assert asyncio.run(live())


def test_a_running_box_feeds_the_watchdog_with_its_own_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    async def live() -> tuple[float, ...]:
        box = Running(monkeypatch)
        box.parts.microphone.called_at = 7.0
        proofs: list[tuple[float, ...]] = []

        async def feed(proof: Callable[[], tuple[float, ...]]) -> None:
            proofs.append(proof())
            box.stop.set()

        monkeypatch.setattr(box.manager, "feed_watchdog", feed)
        await box.live()
        return proofs[0]

    assert asyncio.run(live()) == (7.0,)
