"""A control socket of a box that is none, in virtual time or real."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from edgevoice.control.messages import Examine, ForOwner, Pair, PersonasByHand, Refused
from edgevoice.core.announcements import AnnouncementOutcome, Priority
from edgevoice.core.facts import Event
from edgevoice.integrations.control.commands import BoxHandles
from edgevoice.integrations.control.server import ControlSocket
from edgevoice.integrations.control.speaking import Samples, SpokenRequests
from tests.waiting import eventually

NOW = datetime(2026, 3, 1, 14, 2, 3, tzinfo=UTC)


@dataclass
class Speaker:
    """A loudspeaker that is only turned up and down."""

    volume_percent: int = 50
    earcon_percent: int = 40


class Personas:
    """Two personas and a voice that can be chosen; the voice "broken" is a fault of ours."""

    def __init__(self) -> None:
        self.persona = "default"

    def choices(self) -> dict[str, Any]:
        return {"persona": self.persona, "personas": ["default", "pirate"], "voice": "Sarah", "voices": ["Sarah"]}

    async def choose(self, name: str) -> dict[str, Any]:
        if name != "pirate":
            raise Refused("bad-request", "there is no such persona")
        self.persona = name
        return self.choices()

    async def speak_with(self, voice: str) -> dict[str, Any]:
        if voice == "broken":
            raise RuntimeError("a fault of ours")
        return self.choices()


@dataclass(frozen=True)
class Ended:
    """How something that was said ended."""

    outcome: AnnouncementOutcome = AnnouncementOutcome.PLAYED
    heard_ms: int = 0


@dataclass(frozen=True)
class Asked:
    """How a question ended."""

    ended: Ended
    understood: str = ""
    answered: str = ""


class Mouth:
    """Says everything as soon as ``over`` is set; ``said`` is how many samples, how urgent, and with which chime."""

    def __init__(self, ended: Ended | None = None) -> None:
        self.ended = ended or Ended()
        self.over = asyncio.Event()
        self.said: list[tuple[int, Priority, bool]] = []
        self.contexts: list[str] = []

    async def say(self, samples: Samples, *, priority: Priority, has_chime: bool) -> Ended:
        self.said.append((len(samples), priority, has_chime))
        await self.over.wait()
        return self.ended

    async def ask(self, question: str, samples: Samples, *, has_chime: bool, context: str) -> Asked:
        self.contexts.append(context)
        return Asked(
            await self.say(samples, priority=Priority.ANSWER, has_chime=has_chime), f"yes to {question}", "very well"
        )


async def letters(text: str) -> Samples:
    """Turn each letter into a sample."""
    return np.zeros(len(text.strip()), np.int16)


async def at_once() -> None:
    """Do not wait."""


async def echo_timers(action: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return what was asked for."""
    if arguments.get("label") == "none":
        raise Refused("bad-request", "no such timer")
    listed = {
        "timers": [{"label": "pasta", "seconds_left": 60}, {"label": "", "seconds_left": 0}],
        "alarms": [{"kind": "alarm", "rings": "07:00"}],
    }
    return {"action": action, **arguments} if arguments or action != "list" else {"action": action, **listed}


class Sampled:
    """A box whose lights and level a test sets; ``looks`` counts how often they were asked for."""

    def __init__(self) -> None:
        self.lamps: list[dict[str, Any]] = [{"leds": ["listening"], "pixels": [[1.0, 1.0, 1.0]]}]
        self.level_db = -40.0
        self.looks = 0

    def lights(self) -> list[dict[str, Any]]:
        self.looks += 1
        return list(self.lamps)

    def level(self) -> dict[str, Any]:
        return {"level_db": self.level_db, "words": [{"word": "hey_jarvis", "score": 0.25, "threshold": 0.5}]}


async def echo_owner(request: ForOwner) -> dict[str, Any]:
    """Return what was asked for."""
    match request:
        case PersonasByHand(action=action, name=name):
            return {"action": action, "name": name}
        case Pair(action="answer", digits="000000"):
            raise Refused("wrong-digits", "these are not the digits")
        case Pair():
            return {"pairing": request.pairing or "begun"}
        case Examine():
            return {"is_fine": True, "findings": []}


@dataclass
class StandIn:
    """A socket with its box: what is reported to it, and what it answers with (``then``)."""

    server: ControlSocket
    place: Path
    speaker: Speaker
    sampled: Sampled
    facts: list[Event] = field(default_factory=list)
    then: Callable[[Event], None] = lambda _fact: None

    def report(self, fact: Event) -> None:
        self.facts.append(fact)
        self.then(fact)


@asynccontextmanager
async def stand_in(
    folder: Path, *, remark: str = "", may_unmute: bool = False, mouth: Mouth | None = None
) -> AsyncIterator[StandIn]:
    """Run a socket until the block ends."""
    speaking = SpokenRequests(mouth, letters, lambda: False, at_once) if mouth is not None else None
    failures = [{"at": "2026-03-01T14:02:00+00:00", "code": "x", "problem": "no answer", "remedy": "Ask again."}]
    speaker, place, sampled = Speaker(), folder / "control.sock", Sampled()
    handles = BoxHandles(
        "1",
        lambda: 7,
        speaker,
        lambda: remark,
        lambda: failures,
        speaking,
        echo_timers,
        words=["hey_jarvis"],
        may_unmute=may_unmute,
        for_owner=echo_owner,
        live=sampled,
        personas=Personas(),
    )
    box = StandIn(ControlSocket(place, handles, group=None, now=lambda: NOW), place, speaker, sampled)
    running = asyncio.ensure_future(box.server.run(box.report))
    await eventually(place.exists)
    try:
        yield box
        assert not running.done(), running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


class Line:
    """One client that sends and reads bare lines."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def read(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await self.reader.readline())
        return found

    async def ask(self, line: bytes) -> dict[str, Any]:
        self.writer.write(line + b"\n")
        return await self.read()


@asynccontextmanager
async def line_to(place: Path) -> AsyncIterator[Line]:
    """Connect, and read the greeting."""
    reader, writer = await asyncio.open_unix_connection(place)
    line = Line(reader, writer)
    assert (await line.read())["protocol"] == 1
    try:
        yield line
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
