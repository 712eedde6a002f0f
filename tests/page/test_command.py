"""The page as a program: small, gone when idle, on the sockets that it is given, and its commands for the owner."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edgevoice.page import command, enabling
from edgevoice.page.pairings import Pairings
from edgevoice.wall_clock import local_now
from tests.page.household import household

MOST_MB = 35


def rss_mb(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


@contextmanager
def program(folder: Path, *options: str) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """Run the page as its owner does; yield the process and its port."""
    given = ["--state", str(folder), "--socket", str(folder / "control.sock"), "--port", "0", *options]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE", "EDGEVOICE"))}
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "edgevoice", "page", *given],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("The page is at http://localhost:")
            yield process, int(line.rsplit(":", 1)[1])
        finally:
            process.kill()


def get(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        wire.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return b"".join(iter(lambda: wire.recv(65_536), b""))


def test_the_program_is_small_and_ends_once_nobody_uses_it(tmp_path: Path) -> None:
    with program(tmp_path, "--idle-s", "0.6") as (process, port):
        assert get(port).startswith(b"HTTP/1.1 200 ")
        most_mb = rss_mb(process.pid)
        assert process.wait(timeout=20) == 0

    assert most_mb <= MOST_MB


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_program_ends_in_order_at_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    with program(tmp_path) as (process, port):
        assert get(port)
        process.send_signal(number)
        assert process.wait(timeout=20) == 0


def test_the_daemon_loads_nothing_of_the_page() -> None:
    listing = "import sys, edgevoice.box.daemon, edgevoice.box.control; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True, timeout=60)
    loaded = done.stdout.split()

    assert not [
        name for name in loaded if name.startswith(("edgevoice.page", "edgevoice.personas.personas", "tomlkit"))
    ]
    assert "websockets.asyncio.server" not in loaded


def test_a_socket_of_systemds_is_served_and_no_other_is_opened(tmp_path: Path) -> None:
    # As systemd does it: descriptor 3 listens, and the process is told so by its own number. It is made in the child:
    # descriptor 3 of the tests may be in use.
    script = (
        "import os, sys; os.dup2(int(sys.argv.pop(1)), 3);"
        "os.environ['LISTEN_PID'] = str(os.getpid()); os.environ['LISTEN_FDS'] = '1';"
        "from edgevoice.page.command import main; sys.exit(main(sys.argv[1:]))"
    )
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        subprocess.Popen(
            [sys.executable, "-c", script, str(listening.fileno()), "--state", str(tmp_path), "--idle-s", "0.6"],
            pass_fds=[listening.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process,
    ):
        assert get(listening.getsockname()[1]).startswith(b"HTTP/1.1 200 ")
        output, _ = process.communicate(timeout=20)

    assert process.returncode == 0
    assert output == b""


def test_paired_browsers_are_listed_and_revoked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairings = Pairings(tmp_path, local_now, days=30)
    pairings.add("Firefox/1 Android")
    pairings.add("Chrome/1 Windows")
    place = ["--state", str(tmp_path)]

    assert command.main([*place, "list"]) == 0
    assert "1  Firefox on Android, paired " in capsys.readouterr().out
    assert command.main([*place, "revoke", "1"]) == 0
    assert capsys.readouterr().out == "1 browser is no longer paired.\n"
    assert command.main([*place, "revoke", "1"]) == 1
    assert capsys.readouterr().err == "no browser 1 is paired; `edgevoice page list` shows those that are\n"
    assert command.main([*place, "revoke", "first"]) == 2
    assert command.main([*place, "revoke", "all"]) == 0
    assert pairings.all() == []
    capsys.readouterr()
    assert command.main([*place, "list"]) == 0
    assert capsys.readouterr().out == "no browser is paired\n"


def test_press_does_what_the_button_does_and_says_when_nobody_waits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def scene() -> tuple[int, int, str]:
        async with household(tmp_path) as box:
            given = ["--socket", str(box.place), "press"]
            early = await asyncio.to_thread(command.main, given)
            await box.begin_pairing()
            late = await asyncio.to_thread(command.main, given)
            return early, late, box.digits

    early, late, digits = asyncio.run(scene())

    assert (early, late) == (1, 0)
    assert len(digits) == 6
    assert "no browser waits to be paired" in capsys.readouterr().err


def test_root_asks_about_the_installed_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "own"))
    monkeypatch.setattr(command, "SERVICE_STATE", tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    assert command._state(None) == tmp_path
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert command._state(None) == tmp_path / "own" / "edgevoice"
    assert command._state(Path("/elsewhere")) == Path("/elsewhere")


def test_refused_settings_do_not_keep_the_page_from_showing_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "edgevoice.toml"
    settings.write_text("[speaker]\nvolume_percent = 130\n")

    assert command.main(["--config", str(settings), "--state", str(tmp_path), "list"]) == 0
    assert "volume_percent is 130" in capsys.readouterr().err


def test_a_port_that_is_taken_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as first, socket.socket(socket.AF_INET6) as second:
        port = first.getsockname()[1]
        second.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        second.bind(("::1", port))
        assert command.main(["--state", str(tmp_path), "--port", str(port)]) == 1

    assert f"cannot listen on port {port}" in capsys.readouterr().err


def test_switching_it_on_and_off_is_one_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []
    monkeypatch.setattr(enabling, "systemctl", lambda line: ran.append(" ".join(line)))
    monkeypatch.setattr(enabling, "enable", lambda _settings, run: run(["systemctl", "enable"]))

    assert command.main(["enable"]) == 0
    assert command.main(["disable"]) == 0
    assert ran == [
        "systemctl enable",
        "systemctl disable --now edgevoice-page.socket",
        "systemctl stop edgevoice-page.service",
    ]
    assert "The page is at http://localhost:8480" in capsys.readouterr().out
