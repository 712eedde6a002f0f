"""`edgevoice run` from the command line to the box, and back to an exit status; no device or connection is opened."""

import asyncio
import errno
import io
import json
import logging
import os
import re
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest

from edgevoice import __version__
from edgevoice.box import daemon
from edgevoice.box.context import BoxContext
from edgevoice.box.daemon import main
from edgevoice.box.live_settings import LiveSettings
from edgevoice.box.tool_files import ToolFiles
from edgevoice.core.orders import Light
from edgevoice.errors import (
    DeviceMissing,
    EdgevoiceError,
    PanelUnavailable,
    SettingsInvalid,
    StorageUnavailable,
    WakeWordUnavailable,
)
from edgevoice.host.credentials import Key
from edgevoice.host.garbage import Collector
from edgevoice.observers.status_file import NAME as STATUS_NAME
from edgevoice.observers.status_file import Status, StatusFile
from edgevoice.realtime.endpoint import Endpoint
from edgevoice.settings.panel import PanelSettings
from edgevoice.settings.schema import Settings
from edgevoice.settings.service import ServiceSettings
from edgevoice.wakeword.models.front_end import PartsNotMade, PartsUnavailable
from tests.box.signals import harmless

KEY = Key("secret", source="a test")


ELSEWHERE = Settings(service=ServiceSettings(url="wss://example.org/realtime"))


@pytest.fixture(autouse=True)
def folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("STATE_DIRECTORY", "CACHE_DIRECTORY"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    for variable in ("NOTIFY_SOCKET", "EDGEVOICE_API_KEY", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(variable, raising=False)


def fields_of(caplog: pytest.LogCaptureFixture, event: str) -> dict[str, Any]:
    (record,) = [record for record in caplog.records if record.msg == event]
    fields = vars(record)["fields"]
    assert isinstance(fields, dict)
    return fields


def test_the_help_names_the_command_and_its_file(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])

    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert shown.startswith("usage: edgevoice run ")
    assert "\nRun the smart speaker until it is stopped.\n" in shown
    assert re.search(r"--config FILE\s+the settings; by default /etc/edgevoice/edgevoice.toml,", shown)


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

    settings, key, read, path = given
    assert path == file
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
def test_the_reason_why_the_box_ends_is_in_the_log(
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
    assert (record.name, record.msg, record.levelno) == ("edgevoice.box.daemon", event, logging.ERROR)
    if fields is None:
        assert record.exc_info is not None
        assert record.exc_info[1] is ending
    else:
        assert isinstance(ending, EdgevoiceError)
        assert vars(record)["fields"] == {**fields, "problem": ending.line()}


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

    def _open(self, settings: PanelSettings, opened: ExitStack) -> tuple[Self, None]:
        assert settings == self._panel
        assert isinstance(opened, ExitStack)
        if self._lights is not None:
            raise self._lights
        return self, None

    def show(self, light: Light, reason: str, level: float = 1.0) -> None:
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


def test_a_fault_light_that_cannot_be_opened_does_not_change_the_refusal(
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
def test_without_known_lights_only_a_temporary_failure_is_waited_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception, status: int, slept: list[float]
) -> None:
    refused = Refused(monkeypatch, error, None)

    assert refused.run(tmp_path / "edgevoice.toml") == status
    assert (refused.shown, refused.slept) == ([], slept)


def test_under_systemd_a_temporary_failure_is_waited_out_for_longer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    refused = Refused(monkeypatch, OSError(errno.ENOMEM, "Cannot allocate memory"), None)

    assert refused.run(tmp_path / "edgevoice.toml") == 1
    assert refused.slept == [12.0]


class Until:
    """`_until_signal` with `serve` recorded instead of run; ``during`` runs meanwhile."""

    def __init__(
        self,
        patch: pytest.MonkeyPatch,
        *,
        during: Callable[[], None] = lambda: None,
        failure: Exception | None = None,
        waits: bool = False,
    ) -> None:
        self.settings: Settings | None = None
        self.context = BoxContext(lambda: Endpoint(""))
        self.called: list[object] = []
        self._during = during
        self._failure = failure
        self._waits = waits
        patch.setattr(daemon, "serve", self._serve)
        patch.setattr(daemon, "_started", self.called.append)
        patch.setattr(daemon, "spare_nothing", lambda: self.called.append("spared nothing"))

    def run(self, settings: Settings, key: Key | None = KEY, read: Callable[[], Settings] = Settings) -> None:
        asyncio.run(asyncio.wait_for(daemon._until_signal(settings, key, read), 10))

    async def _serve(
        self, settings: Settings, context: BoxContext, stop: asyncio.Event, started: Callable[[object], None]
    ) -> None:
        self.settings, self.context = settings, context
        started("the parts")
        self._during()
        if self._waits:
            await stop.wait()
        if self._failure is not None:
            raise self._failure


def reloaded(until: Until) -> str:
    assert until.context.live is not None
    return until.context.live.reload()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_either_signal_stops_the_box(monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    until = Until(monkeypatch, during=lambda: os.kill(os.getpid(), number), waits=True)

    with harmless(number):
        until.run(ELSEWHERE)

    assert until.called[-1] == "spared nothing"


def test_the_box_receives_its_context_and_a_status_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    until = Until(monkeypatch)

    until.run(ELSEWHERE)

    tool_files, collector, status = until.context.observers
    assert isinstance(tool_files, ToolFiles)
    assert isinstance(collector, Collector)
    assert isinstance(status, StatusFile)
    assert until.context.storage.cards == tmp_path / "STATE_DIRECTORY" / "cards.json"
    assert until.context.dial().host == "example.org"
    # What speaks to other machines runs in the service alone: `talk` beside it would be a second box of the same name.
    assert until.context.environment is os.environ
    assert until.called == [ELSEWHERE, "spared nothing"]
    written = json.loads((tmp_path / "CACHE_DIRECTORY" / STATUS_NAME).read_text())
    assert (written["version"], written["problem"], written["pid"]) == (__version__, "", 0)


def test_a_person_at_a_terminal_sees_the_panel_there_and_a_reload_compares_with_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(daemon, "shows_on_terminal", lambda settings, environment: environment is os.environ)
    until = Until(monkeypatch, during=lambda: remarks.append(reloaded(until)))
    remarks: list[str] = []
    new = Settings(service=ServiceSettings(url=ELSEWHERE.service.url, voice="Dennis"), panel=LIT)

    until.run(ELSEWHERE, read=lambda: new)

    assert until.settings is not None
    assert until.settings.panel.kind == "terminal"
    assert until.settings.service == ELSEWHERE.service
    live = until.context.live
    assert isinstance(live, LiveSettings)
    assert live.service.voice == "Dennis"
    assert remarks == ["restart needed for panel"]
    assert Status.read(tmp_path / "CACHE_DIRECTORY" / STATUS_NAME).remark == remarks[0]  # type: ignore[union-attr]  # it was written


def test_without_a_terminal_the_settings_are_used_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "shows_on_terminal", lambda _settings, _environment: False)
    until = Until(monkeypatch)

    until.run(ELSEWHERE)

    assert until.settings is ELSEWHERE


def test_the_reason_why_the_box_ends_stays_in_the_status_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
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
def test_a_person_at_a_terminal_sees_what_to_say(monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool) -> None:
    spared: list[bool] = []
    screen = Screen(is_terminal=is_terminal)
    monkeypatch.setattr(daemon, "spare_what_is_there", lambda: spared.append(True))
    monkeypatch.setattr(daemon, "_SETTLED_S", 0.0)
    monkeypatch.setattr(sys, "stderr", screen)
    words = [SimpleNamespace(name="hey_jarvis"), SimpleNamespace(name="alexa")]
    settings = Settings()
    monkeypatch.setattr(daemon, "wake_words", lambda wanted: words if wanted is settings.wakeword else [])

    async def live() -> None:
        daemon._started(settings)
        assert not spared, "the microphone is being opened"
        await asyncio.sleep(0.001)

    asyncio.run(live())

    assert spared == [True]
    assert screen.getvalue() == ('\r\x1b[2KSay "hey Jarvis" or "Alexa". Ctrl-C ends it.\n' if is_terminal else "")


@pytest.mark.parametrize("ending", [SystemExit(0), SystemExit(), RuntimeError("of our own making")], ids=repr)
def test_any_end_not_caused_by_the_owner_is_a_failure_that_systemd_restarts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ending: BaseException
) -> None:
    async def end(*_arguments: object) -> None:
        raise ending

    (tmp_path / "edgevoice.toml").touch()
    monkeypatch.setattr(daemon, "_until_signal", end)
    monkeypatch.setattr("edgevoice.journal.start", lambda _level: None)

    assert main(["--config", str(tmp_path / "edgevoice.toml")]) == 1


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
        (StorageUnavailable("no folder accepts temporary files"), 1),
        (OSError(errno.ENOSPC, "No space left on device"), 1),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), 1),
        (MemoryError(), 1),
        (DeviceMissing("no such card"), 1),
    ],
    ids=repr,
)
def test_the_box_stays_off_only_if_a_person_must_act_and_every_error_is_one_line(
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
    assert [(record.msg, record.exc_info) for record in caplog.records] == [("stopped", None)]


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


def test_running_out_of_memory_while_reading_the_settings_gives_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    monkeypatch.setattr(daemon, "load", fail)
    monkeypatch.setattr(daemon, "salvage_panel", lambda *_arguments: None)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)

    assert main([]) == 1
    assert capsys.readouterr().err.startswith("Cannot allocate memory. Stop other programs")
