"""`edgevoice panel` in a terminal: the lights of the running box as twelve pixels, and keys in place of its buttons."""

import asyncio
import contextlib
import os
import sys
import termios
import time
import tty
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

from edgevoice.control.client import Client
from edgevoice.core.light_frames import frame_at, seconds_to_next_frame
from edgevoice.core.lights import meaning
from edgevoice.core.orders import Light
from edgevoice.errors import ControlRefused

_PIXELS: Final = 12
_STEP_PERCENT: Final = 5
_END: Final = "\x04"
"""Ctrl-D, and the end of the terminal."""

_HELP: Final = "space: talk   h: hang up   m: mute   +/-: volume   q: quit"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the panel shows, and since when in monotonic seconds."""

    light: Light
    reason: str
    level: float
    since_s: float

    def line(self, now_s: float) -> str:
        """Return the pixels and what they mean, with the colours of a terminal."""
        frame = frame_at(_PIXELS, self.light, self.reason, now_s - self.since_s, self.level)
        dots = "".join(
            "\x1b[38;2;{};{};{}m●".format(*(40 + round(215 * min(max(part, 0), 1)) for part in colour))
            for colour in frame
        )
        volume = f" {self.level:.0%}" if self.light is Light.VOLUME else ""
        return f"{dots}\x1b[0m {meaning(self.light, self.reason)}{volume}"

    def next_s(self, now_s: float) -> float | None:
        """Return how long after ``now_s`` the line changes, ``None`` if it does not."""
        return seconds_to_next_frame(_PIXELS, self.light, self.reason, now_s - self.since_s)


async def follow(
    events: AsyncIterator[dict[str, Any]], first: Shown, stream: TextIO, *, clock: Callable[[], float] = time.monotonic
) -> None:
    """Draw the light, and each one that follows; on no terminal write one plain line for each change."""
    shown, following = first, asyncio.ensure_future(anext(events))
    try:
        while True:
            now = clock()
            if stream.isatty():
                stream.write(f"\r\x1b[2K{shown.line(now)}")
            else:
                stream.write(f"{shown.light}{f' {shown.reason}' if shown.reason else ''}\n")
            stream.flush()
            wait_s = shown.next_s(now) if stream.isatty() else None
            while True:
                done, _ = await asyncio.wait({following}, timeout=wait_s)
                if not done:
                    break
                event = following.result()
                following = asyncio.ensure_future(anext(events))
                if event["event"] == "light":
                    shown = Shown(Light(event["light"]), event["fault"], event.get("level", 1.0), clock())
                    break
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await following


def actions_of(box: Client) -> Mapping[str, Callable[[], Awaitable[Any]]]:
    """Return what each key does."""

    async def mute() -> None:
        is_muted = (await box.status())["muted"]
        await (box.unmute() if is_muted else box.mute())

    return {
        " ": box.talk,
        "t": box.talk,
        "h": box.hang_up,
        "m": mute,
        "+": lambda: box.volume(change=_STEP_PERCENT),
        "-": lambda: box.volume(change=-_STEP_PERCENT),
    }


async def press(key: str, box: Client, stream: TextIO) -> bool:
    """Do what a key means; a refusal is one line. Return whether the key ends it all."""
    if key in {"q", "\x03", _END}:
        return True
    if (action := actions_of(box).get(key)) is not None:
        try:
            await action()
        except ControlRefused as error:
            stream.write(f"\r\x1b[2K{error.line()}\r\n")
    return False


def watch(socket: Path | None) -> int:
    """Show the lights until the user quits or the box ends; return the exit status."""

    async def scene() -> None:
        keys: asyncio.Queue[str] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        async with Client(socket) as box, Client(socket) as watched:
            status = await box.status()
            fault = (status.get("fault") or {}).get("code", "")
            first = Shown(Light(status["light"]), fault, 1.0, time.monotonic())
            following = asyncio.ensure_future(follow(watched.watch(), first, sys.stdout))
            with _keys_of(sys.stdin):
                if sys.stdin.isatty():
                    print(_HELP, end="\r\n")
                    _read_keys(sys.stdin, keys)
                typing = asyncio.ensure_future(_type(keys, box))
                try:
                    done, _ = await asyncio.wait({following, typing}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    loop.remove_reader(sys.stdin)
                    for task in (following, typing):
                        task.cancel()
                    await asyncio.gather(following, typing, return_exceptions=True)
            print()
            for task in done:
                task.result()

    asyncio.run(scene())
    return 0


def _read_keys(terminal: TextIO, keys: "asyncio.Queue[str]") -> None:
    """Put what is typed into the queue, until the reader is removed or the terminal ends."""
    loop = asyncio.get_running_loop()

    def read() -> None:
        try:
            typed = os.read(terminal.fileno(), 1)
        except OSError:
            typed = b""  # hung up
        if not typed:
            # It would be readable for ever.
            loop.remove_reader(terminal)
        keys.put_nowait(typed.decode("latin-1") or _END)

    loop.add_reader(terminal, read)


async def _type(keys: "asyncio.Queue[str]", box: Client) -> None:
    while not await press(await keys.get(), box, sys.stdout):
        pass


@contextlib.contextmanager
def _keys_of(terminal: TextIO) -> Iterator[None]:
    """Have each key arrive at once, without the line being shown."""
    if not terminal.isatty():
        yield
        return
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)
    try:
        yield
    finally:
        with contextlib.suppress(termios.error):  # hung up
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)
