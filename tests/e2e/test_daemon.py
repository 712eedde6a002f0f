"""`edgevoice run` as systemd would run it: a process, signals, a notify socket, a virtual card."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from edgevoice.testbed.virtual import VirtualCard
from tests.waiting import LIMIT_S

pytestmark = pytest.mark.sound

STOP_LIMIT_S = 10.0
"""TimeoutStopSec= of the unit."""

SETTINGS = """
[service]
url = "ws://127.0.0.1:9/"
[microphone]
device = "{microphone}"
[speaker]
device = "{speaker}"
"""


class Notified:
    """The service manager's end of NOTIFY_SOCKET."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self.messages: list[str] = []

    def wait_for(self, message: str, limit_s: float) -> None:
        end = time.monotonic() + limit_s
        while not any(one.startswith(message) for one in self.messages):
            self._socket.settimeout(max(0.01, end - time.monotonic()))
            try:
                self.messages.append(self._socket.recv(4096).decode())
            except TimeoutError:
                raise AssertionError(f"no {message} within {limit_s} s, only {self.messages}") from None

    def close(self) -> None:
        self._socket.close()


@contextmanager
def daemon(
    folder: Path, card: VirtualCard | None, settings: str, **environment: str
) -> Iterator[tuple["subprocess.Popen[str]", Notified]]:
    (folder / "edgevoice.toml").write_text(settings)
    notified = Notified(folder / "notify")
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("EDGEVOICE_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "edgevoice", "run", "--config", str(folder / "edgevoice.toml")],
        env=inherited
        | (dict(card.environment) if card else {})
        | {
            "NOTIFY_SOCKET": str(folder / "notify"),
            "GPIOZERO_PIN_FACTORY": "mock",
            "STATE_DIRECTORY": str(folder / "state"),
        }
        | environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, notified
    finally:
        process.kill()
        process.wait()
        notified.close()
        if process.stderr is not None:
            process.stderr.close()


def ended(process: "subprocess.Popen[str]", limit_s: float) -> tuple[int, str]:
    _, errors = process.communicate(timeout=limit_s)
    return process.returncode, errors


def fill(microphone: str = "edgevoice_mic", speaker: str = "edgevoice_dac") -> str:
    return SETTINGS.format(microphone=microphone, speaker=speaker)


def test_sigterm_stops_the_daemon_cleanly_before_systemd_would_kill_it(tmp_path: Path) -> None:
    with VirtualCard() as card, daemon(tmp_path, card, fill()) as (process, notified):
        notified.wait_for("READY=1", 30)
        process.send_signal(signal.SIGTERM)
        status, errors = ended(process, STOP_LIMIT_S)

        assert status == 0
        assert "Traceback" not in errors
        notified.wait_for("STOPPING=1", LIMIT_S)


def test_a_reload_applies_the_new_voice_and_a_bad_file_changes_nothing(tmp_path: Path) -> None:
    with VirtualCard() as card, daemon(tmp_path, card, fill()) as (process, notified):
        notified.wait_for("READY=1", 30)
        (tmp_path / "edgevoice.toml").write_text(fill().replace("[service]", '[service]\nvoice = "Mark"'))
        notified.messages.clear()
        process.send_signal(signal.SIGHUP)
        notified.wait_for("RELOADING=1\nMONOTONIC_USEC=", LIMIT_S)
        notified.wait_for("READY=1", LIMIT_S)
        (tmp_path / "edgevoice.toml").write_text(fill().replace("[service]", "[service]\nvoice = 7"))
        notified.messages.clear()
        process.send_signal(signal.SIGHUP)
        notified.wait_for("READY=1", LIMIT_S)
        process.send_signal(signal.SIGTERM)
        status, errors = ended(process, STOP_LIMIT_S)

    assert status == 0
    told = [line for line in errors.splitlines() if "settings-" in line]
    assert len(told) == 2, repr(errors)
    assert "settings-reloaded" in told[0]
    assert "settings-kept" in told[1]
    assert "service.voice" in told[1]


def test_the_watchdog_is_fed_while_a_card_is_unplugged_and_after_it_is_back(tmp_path: Path) -> None:
    with VirtualCard() as card, daemon(tmp_path, card, fill(), WATCHDOG_USEC="1000000") as (_, notified):
        notified.wait_for("WATCHDOG=1", 30)
        card.unplug()
        notified.wait_for("STATUS=fault: microphone", LIMIT_S)
        _let_pass(notified, 4)
        _wait_until_fed_again(notified, notified.messages.count("WATCHDOG=1"))

        card.plug_in()
        notified.wait_for("STATUS=idle", LIMIT_S)
        _wait_until_fed_again(notified, notified.messages.count("WATCHDOG=1"))


def _let_pass(notified: Notified, seconds: float) -> None:
    """Let time pass while taking messages: the absence of a message can only be seen by waiting."""
    with pytest.raises(AssertionError):
        notified.wait_for("never", seconds)


def _wait_until_fed_again(notified: Notified, before: int) -> None:
    end = time.monotonic() + 10
    while notified.messages.count("WATCHDOG=1") <= before:
        assert time.monotonic() < end, "the watchdog is not fed again"
        _let_pass(notified, 0.5)


@pytest.mark.parametrize(
    ("settings", "device"),
    [(fill(microphone="no such card"), "microphone"), (fill(speaker="no such card"), "speaker")],
)
def test_a_missing_card_is_one_line_and_a_fault_light_and_it_waits_for_the_card(
    tmp_path: Path, settings: str, device: str
) -> None:
    with VirtualCard() as card, daemon(tmp_path, card, settings) as (process, notified):
        notified.wait_for(f"STATUS=fault: {device}", 30)
        process.send_signal(signal.SIGTERM)
        status, errors = ended(process, STOP_LIMIT_S)

        told = [line for line in errors.splitlines() if "device-lost" in line]
        assert len(told) == 1
        assert f'no {device} is called "no such card"' in told[0]
        assert "edgevoice devices" in told[0]
        assert "Traceback" not in errors
        assert status == 0


def test_wrong_settings_give_one_line_and_an_exit_status_that_systemd_does_not_retry(tmp_path: Path) -> None:
    wrong = (
        ('[wakeword]\nmodel = "hey_nobody"\n', 'wakeword.model is "hey_nobody"; present: alexa, hey_jarvis'),
        ("[microphone\n", "edgevoice.toml"),
        ("[microphone]\npreroll_s = -1\n", "microphone.preroll_s is -1; it must be between 0 and 5"),
        ('[service]\nkey_file = "/nowhere/key"\n', "/nowhere/key"),
    )
    # All at once: each shows the fault on its lights for three seconds.
    with ExitStack() as running:
        boxes = []
        for number, (settings, told) in enumerate(wrong):
            folder = tmp_path / str(number)
            folder.mkdir()
            process, _ = running.enter_context(daemon(folder, None, settings))
            boxes.append((process, settings, told))
        for process, settings, told in boxes:
            status, errors = ended(process, 20)

            assert status == 78, settings
            assert told in errors
            assert "Traceback" not in errors
            assert len(errors.strip().splitlines()) == 1, errors


def test_a_box_without_an_account_starts_its_own_service_and_stops_it_at_the_end(tmp_path: Path) -> None:
    settings = fill().replace('url = "ws://127.0.0.1:9/"', 'url = ""')
    with VirtualCard() as card, daemon(tmp_path, card, settings) as (process, notified):
        notified.wait_for("READY=1", 30)
        children = _children(process.pid)
        process.send_signal(signal.SIGTERM)
        status, errors = ended(process, STOP_LIMIT_S)

        assert children
        assert status == 0, errors
        assert not [child for child in children if _is_alive(child)]


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
