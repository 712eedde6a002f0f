"""Client: a program asks a running box for something, or watches it, through the box's control socket."""

import asyncio
import base64
import contextlib
import itertools
import json
import math
import os
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

from edgevoice.control.messages import LONGEST_LINE_BYTES, PROTOCOL, QuietHours
from edgevoice.control.place import socket_to_reach
from edgevoice.errors import JOIN_GROUP, ControlRefused, ControlUnavailable

_PATIENCE_S: Final = 10.0
"""How long a box may take to do something at once."""

_PIECE_BYTES: Final = 32_768

_MOST_EVENTS: Final = 1000
"""How many events may wait for the program: all that happens in some minutes, or in one with ``live``."""

Reply = dict[str, Any]


class Client:
    """A connection to the control socket, open for the duration of ``async with``.

    ``path`` is the socket; by default that of the service, else of this user's own box. Entering, and every method,
    raises ``ControlUnavailable`` if the box cannot be reached, and ``ControlRefused`` if it refuses the request.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._path = Path(path) if path is not None else socket_to_reach(os.environ)
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._events: asyncio.Queue[Reply | None] = asyncio.Queue()
        self._watchers = 0
        self._reading: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Self:
        try:
            reader, self._writer = await asyncio.open_unix_connection(self._path, limit=16 * LONGEST_LINE_BYTES)
        except OSError as error:
            raise _unreachable(self._path, error) from error
        try:
            async with asyncio.timeout(_PATIENCE_S):
                greeting = await self._line(reader)
            self._check(greeting)
        except BaseException as error:
            await self._close()
            if isinstance(error, TimeoutError):
                raise ControlUnavailable(f"the box does not answer at {self._path}") from None
            raise
        self._reading = asyncio.ensure_future(self._read(reader))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        await self._close()

    async def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    # --- what the box does --------------------------------------------------------------------------------------------

    async def status(self) -> Reply:
        """Return what the box is doing: version, phase, light, fault, muted, session_open, noisy_room and volume."""
        return await self.request("status")

    async def wake(self, word: str = "") -> None:
        """Do what the wake word does; ``word`` chooses one of several."""
        await self.request("wake", word=word)

    async def talk(self) -> None:
        """Do what a press of the talk button does."""
        await self.request("talk")

    async def stop(self) -> None:
        """Silence what sounds: the alarm, an announcement or the answer."""
        await self.request("stop")

    async def hang_up(self) -> None:
        """End the conversation."""
        await self.request("hang-up")

    async def mute(self) -> None:
        """Mute the microphone."""
        await self.request("mute")

    async def unmute(self) -> None:
        """Let the microphone be heard again; refused unless the box's settings allow it."""
        await self.request("unmute")

    async def volume(self, *, percent: int | None = None, change: int | None = None) -> int:
        """Set the volume to a percentage, or change it by some percent; return it."""
        reply = await self.request("volume", percent=percent, change=change)
        return int(reply["volume_percent"])

    async def earcons(self, *, percent: int | None = None) -> int:
        """Set how loud the earcons are, in percent; return it."""
        reply = await self.request("earcons", percent=percent)
        return int(reply["earcon_percent"])

    async def brightness(self, *, percent: int | None = None) -> int:
        """Set how bright the lights are by day, in percent; return it."""
        reply = await self.request("brightness", percent=percent)
        return int(reply["brightness_percent"])

    async def snooze(self) -> None:
        """Let what rings, or what rang last, ring again later."""
        await self.request("snooze")

    async def persona(self, name: str | None = None) -> Reply:
        """Choose who answers; return ``persona`` and ``personas``, ``voice`` and ``voices``."""
        return await self.request("persona", name=name)

    async def voice(self, name: str | None = None) -> Reply:
        """Choose the voice; return the same as ``persona`` does."""
        return await self.request("voice", name=name)

    async def reload(self) -> str:
        """Have the settings read again; return what a person should know about it, empty if all is in force."""
        reply = await self.request("reload")
        return str(reply["remark"])

    async def say(self, text: str, *, chime: bool = False, quiet_hours: QuietHours = "speak") -> Reply:
        """Have a text said once it is its turn; return the ``outcome``, and ``heard_ms`` if it was cut."""
        return await self.request("say", patience_s=None, text=text, chime=chime, quiet_hours=quiet_hours)

    async def ask(
        self, text: str, *, context: str | None = None, chime: bool = False, quiet_hours: QuietHours = "speak"
    ) -> Reply:
        """Have a question asked, and the box listen; return what was ``understood``, and ``answered`` to that.

        The service is given ``context`` with the question; it is not spoken.
        """
        wanted = {"text": text, "context": context, "chime": chime, "quiet_hours": quiet_hours}
        return await self.request("ask", patience_s=None, **wanted)

    async def announce(
        self,
        text: str | None = None,
        *,
        sound: bytes | None = None,
        priority: Literal["normal", "urgent"] = "normal",
        chime: bool = True,
        quiet_hours: QuietHours = "skip",
    ) -> Reply:
        """Have a text announced, or a sound: mono s16 at 24 kHz, at most 60 s; return as ``say`` does.

        An urgent one ends an answer that sounds.
        """
        for at in range(0, len(sound or b""), _PIECE_BYTES):
            await self.request("sound", pcm=base64.b64encode((sound or b"")[at : at + _PIECE_BYTES]).decode())
        wanted = {"text": text, "priority": priority, "chime": chime, "quiet_hours": quiet_hours}
        return await self.request("announce", patience_s=None, **wanted)

    async def timers(self, action: str = "list", **arguments: Any) -> Reply:
        """Return the ``timers`` and ``alarms`` that are set; or set, change or cancel some, as the model does.

        ``action`` may be set_timer, change_timer, pause_timer, resume_timer, cancel_timers, set_alarm, set_reminder,
        cancel_alarms or snooze.
        """
        return await self.request("timers", action=action, arguments=arguments)

    async def why(self, *, most: int = 5) -> list[Reply]:
        """Return the last failures, newest first: at, code, problem, circumstances, remedy, trail."""
        reply = await self.request("why", most=most)
        return list(reply["failures"])

    async def personas(self, action: str = "list", *, name: str = "", text: str = "") -> Reply:
        """Return the personas; or show, draft, drop, activate or undo one, as `edgevoice persona` does."""
        return await self.request("personas", action=action, name=name, text=text)

    async def doctor(self) -> Reply:
        """Return the findings of an examination without sound: ``is_fine`` and ``findings``."""
        return await self.request("doctor", patience_s=None)

    async def pair(self, action: str, *, pairing: str = "", digits: str = "") -> Reply:
        """Take a step in pairing a browser, see docs/page.md; ``wait`` takes as long as the button is not pressed."""
        patience_s = None if action == "wait" else _PATIENCE_S
        return await self.request("pair", patience_s=patience_s, action=action, pairing=pairing, digits=digits)

    async def watch(self, *, words: bool = False, live: bool = False) -> AsyncGenerator[Reply]:
        """Yield what happens from now on, for ever; what is said only with ``words``.

        With ``live`` also the lights, and the microphone's level and wake word's scores 12 times a second. A program
        that does not keep up is disconnected: ``ControlUnavailable``.
        """
        self._watchers += 1
        try:
            await self.request("watch", words=words, live=live)
            while (event := await self._events.get()) is not None:
                yield event
            self._events.put_nowait(None)  # for whoever watches as well
            raise self._lost()
        finally:
            self._watchers -= 1
            if not self._watchers:
                self._events = asyncio.Queue()

    # --- the wire -----------------------------------------------------------------------------------------------------

    async def request(self, command: str, /, *, patience_s: float | None = _PATIENCE_S, **fields: Any) -> Reply:
        """Send a command with those of its fields that are not ``None``; return the reply.

        With ``patience_s`` of ``None`` it may take as long as it likes.
        """
        number = next(self._numbers)
        line = _encoded(
            {"id": number, "do": command, **{name: each for name, each in fields.items() if each is not None}}
        )
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[number] = reply
        try:
            if self._writer is None or self._reading is None or self._reading.done():
                raise self._lost()
            self._writer.write(line)
            async with asyncio.timeout(patience_s):
                return _result(await reply)
        except TimeoutError:
            raise ControlUnavailable(f"the box did not answer within {patience_s:g} s") from None
        finally:
            del self._waiting[number]

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                line = await self._line(reader)
                if "event" in line:
                    self._take_event(line)
                elif (waiting := self._waiting.get(line.get("id", 0))) is not None and not waiting.done():
                    waiting.set_result(line)
        except ControlUnavailable:
            pass  # whoever waits hears of it
        finally:
            if self._writer is not None:
                self._writer.close()
            self._events.put_nowait(None)
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(self._lost())

    def _take_event(self, event: Reply) -> None:
        """Keep an event for the program; one that has left the loop over them wants no more."""
        if self._events.qsize() >= _MOST_EVENTS:
            raise self._lost()
        if self._watchers:
            self._events.put_nowait(event)

    async def _line(self, reader: asyncio.StreamReader) -> Reply:
        try:
            found = json.loads(await reader.readline())
        except (OSError, ValueError):
            raise self._lost() from None
        if not isinstance(found, dict):
            raise self._lost()
        return found

    def _check(self, greeting: Reply) -> None:
        if "error" in greeting:
            _result(greeting)
        if greeting.get("protocol") != PROTOCOL:
            raise ControlUnavailable(
                f"{self._path} speaks another version of the protocol", remedy="Use the client of the box's version."
            )

    def _lost(self) -> ControlUnavailable:
        return ControlUnavailable(f"the box has closed the connection at {self._path}")


def _encoded(request: dict[str, Any]) -> bytes:
    """Return a request as a line. Raises ``ControlRefused`` for one that the box cannot read: its reply has no id.

    The program's own text may be at fault: bytes of a command's argument that are not UTF-8 are half letters in it.
    """
    try:
        line = json.dumps(request, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    except ValueError:
        problem, remedy = _unsendable(request) or ("the request contains itself", "Send plain values.")
        raise ControlRefused(problem, reason="bad-request", remedy=remedy) from None
    if len(line) > LONGEST_LINE_BYTES:
        problem = f"the request is longer than {LONGEST_LINE_BYTES} bytes"
        raise ControlRefused(problem, reason="line-too-long", remedy="Shorten it.")
    return line


def _unsendable(value: Any, name: str = "") -> tuple[str, str] | None:
    """Return what in a request cannot be sent, with where it is, and what to do; ``None`` if there is nothing."""
    match value:
        case str() if found := re.search(r"[\ud800-\udfff]", value):
            # Python keeps each byte of an argument that is not UTF-8 as half a letter.
            code = ord(found[0])
            what = f"the byte 0x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"half a letter, U+{code:04X}"
            problem = f"{name} is not UTF-8: its character {found.start() + 1} is {what}"
            return problem, "Write it in UTF-8; `locale` shows what the terminal uses."
        case float() if not math.isfinite(value):
            return f"{name} is {value}", "Give a finite number."
        case dict():
            with contextlib.suppress(RecursionError):
                each = (_unsendable(inner, f"{name}.{key}" if name else key) for key, inner in value.items())
                names = (_unsendable(key, f"a name in {name or 'the request'}") for key in value)
                return next(filter(None, (*names, *each)), None)
        case list() | tuple():
            with contextlib.suppress(RecursionError):
                items = (_unsendable(inner, f"{name}[{at}]") for at, inner in enumerate(value))
                return next(filter(None, items), None)
        case _:
            pass
    return None


def _result(reply: Reply) -> Reply:
    if reply.get("ok"):
        return reply
    error = reply.get("error", {})
    raise ControlRefused(
        str(error.get("problem", "the box refused")),
        reason=str(error.get("code", "")),
        remedy=str(error.get("remedy", "")),
    )


def _unreachable(path: Path, error: OSError) -> ControlUnavailable:
    match error:
        case PermissionError():
            return ControlUnavailable(f"you may not use the control socket {path}", remedy=JOIN_GROUP)
        case FileNotFoundError() | ConnectionRefusedError():
            return ControlUnavailable(f"no box runs at {path}")
        case _:
            return ControlUnavailable(f"{path}: {error.strerror}")
