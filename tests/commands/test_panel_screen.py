"""The running box's lights in a terminal: drawn while they move, and keys in place of buttons."""

import asyncio
import contextlib
import io
import os
import pty
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from edgevoice.commands.panel_screen import Shown, follow, press
from edgevoice.commands.terminal import EXIT_CANNOT_WRITE
from edgevoice.control.client import Client
from edgevoice.core.orders import Light
from edgevoice.errors import ControlRefused, ControlUnavailable
from tests.integrations.control.conftest import stand_in
from tests.waiting import eventually


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class AskedBox:
    """Stands in for `Client`: records what it is asked."""

    def __init__(self, *, is_muted: bool = False, refuses: bool = False) -> None:
        self.asked: list[object] = []
        self._is_muted = is_muted
        self._refuses = refuses

    async def status(self) -> dict[str, Any]:
        return {"muted": self._is_muted}

    async def talk(self) -> None:
        self.asked.append("talk")

    async def hang_up(self) -> None:
        self.asked.append("hang-up")

    async def mute(self) -> None:
        self.asked.append("mute")

    async def unmute(self) -> None:
        if self._refuses:
            raise ControlRefused("a program may not open the microphone", reason="forbidden")
        self.asked.append("unmute")

    async def volume(self, *, change: int) -> None:
        self.asked.append(change)


async def told(*events: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    for event in events:
        yield event
    raise ControlUnavailable("the box has closed the connection")


def drawn(stream: io.StringIO, *events: dict[str, Any]) -> str:
    first = Shown(Light.IDLE, "", 1.0, 0.0)
    with pytest.raises(ControlUnavailable):
        asyncio.run(follow(told(*events), first, stream, clock=lambda: 0.0))
    return stream.getvalue()


LISTENING = {"event": "light", "light": "listening", "fault": "", "level": 1.0}
VOLUME = {"event": "light", "light": "volume", "fault": "", "level": 0.4}
FAULT = {"event": "light", "light": "fault", "fault": "no-credit"}


def test_each_light_is_a_line_for_a_program() -> None:
    assert drawn(io.StringIO(), LISTENING, {"event": "phase"}, FAULT) == "idle\nlistening\nfault no-credit\n"


def test_on_a_terminal_one_line_is_redrawn_with_twelve_pixels_and_their_meaning() -> None:
    shown = drawn(Terminal(), LISTENING, VOLUME).split("\r\x1b[2K")[1:]

    assert [each.count("●") for each in shown] == [12, 12, 12]
    assert "Listening to you" in shown[1]
    assert shown[2].endswith("The volume has changed 40%")
    assert shown[2].count("38;2;255;255;255m") == 5


def test_a_light_that_moves_is_drawn_again_without_any_news() -> None:
    stream = Terminal()

    async def scene() -> None:
        now = 0.0

        def clock() -> float:
            nonlocal now
            now += 0.1
            return now

        async def never() -> AsyncIterator[dict[str, Any]]:
            await asyncio.sleep(3600)
            yield {}

        task = asyncio.create_task(follow(never(), Shown(Light.CONNECTING, "", 1.0, 0.0), stream, clock=clock))
        await eventually(lambda: stream.getvalue().count("\r") >= 3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("key", "asked"),
    [(" ", ["talk"]), ("t", ["talk"]), ("h", ["hang-up"]), ("m", ["mute"]), ("+", [5]), ("-", [-5]), ("x", [])],
)
def test_each_key_does_what_a_button_does(key: str, asked: list[object]) -> None:
    box = AskedBox()

    assert not asyncio.run(press(key, box, io.StringIO()))  # type: ignore[arg-type]  # stands in for it
    assert box.asked == asked


def test_the_mute_key_unmutes_and_says_why_it_may_not() -> None:
    willing, stream = AskedBox(is_muted=True), io.StringIO()
    asyncio.run(press("m", willing, stream))  # type: ignore[arg-type]  # stands in for it
    assert willing.asked == ["unmute"]

    asyncio.run(press("m", AskedBox(is_muted=True, refuses=True), stream))  # type: ignore[arg-type]  # stands in for it
    assert "may not open the microphone" in stream.getvalue()


@pytest.mark.parametrize("key", ["q", "\x03"])
def test_q_and_ctrl_c_end_it(key: str) -> None:
    assert asyncio.run(press(key, Client("/nowhere"), io.StringIO()))


@pytest.mark.parametrize("end", ["hung up", "ctrl-D"])
def test_the_end_of_the_terminal_ends_it(tmp_path: Path, end: str) -> None:
    person, terminal = pty.openpty()

    async def scene() -> int:
        async with stand_in(tmp_path) as box:
            command = [sys.executable, "-m", "edgevoice", "panel", "--socket", str(box.place)]
            # As everywhere but in some containers: what could not be written is tried again at exit.
            buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
            running = await asyncio.create_subprocess_exec(
                *command, stdin=terminal, stdout=terminal, stderr=terminal, env=buffered
            )
            os.close(terminal)
            seen = b""
            while b"q: quit" not in seen:
                seen += await asyncio.to_thread(os.read, person, 1000)
            if end == "hung up":
                os.close(person)
            else:
                os.write(person, b"\x04")
            try:
                async with asyncio.timeout(30):
                    return await running.wait()
            finally:
                with contextlib.suppress(ProcessLookupError):
                    running.kill()

    # Whether the last line could still be written is not up to us.
    assert asyncio.run(scene()) in {0, EXIT_CANNOT_WRITE}
    if end != "hung up":
        os.close(person)
