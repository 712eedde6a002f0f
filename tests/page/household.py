"""A box that is none, with everything that the page shows and asks for, and the page in front of it."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from edgevoice.alarms.keeper import Keeper, NoVoice
from edgevoice.alarms.ring_book import MemoryBook
from edgevoice.box.owner_requests import EXAMINE, OwnerRequests
from edgevoice.box.pairing import Pairing
from edgevoice.box.presses import Presses
from edgevoice.box.timers_by_hand import TimersByHand
from edgevoice.control.client import Client
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import Event, TalkHeld, TalkPressed
from edgevoice.core.notices import Notice, PhaseEntered
from edgevoice.core.orders import Light, MuteMicrophone, ShowLight, UnmuteMicrophone
from edgevoice.core.panel_facts import MuteSwitched
from edgevoice.integrations.control.commands import BoxHandles
from edgevoice.integrations.control.server import ControlSocket
from edgevoice.observers.failures import Failure
from edgevoice.page.guard import names_of
from edgevoice.page.link import BoxLink
from edgevoice.page.listening import open_sockets
from edgevoice.page.pairings import Pairings
from edgevoice.page.server import Access, PageServer
from edgevoice.page.session import Means, Tickets
from edgevoice.page.settings_file import SettingsFile
from edgevoice.personas.personas import Personas
from edgevoice.wall_clock import local_now
from tests.integrations.control.conftest import Sampled, Speaker
from tests.waiting import eventually

FAILURES = (
    Failure(
        "2026-03-01T14:02:00+00:00",
        "thinking",
        "no answer within 15 s",
        "Ask again; if it happens often, raise conversation.thinking_s.",
        ("the service had accepted the session", "the network was up"),
    ),
    Failure("2026-03-01T14:01:00+00:00", "microphone-dead", "the microphone delivered only silence", "Check its plug."),
)


@dataclass
class Household:
    """A control socket with a box behind it that does what it is asked; ``said`` is what it spoke."""

    place: Path
    server: ControlSocket
    presses: Presses
    sampled: Sampled
    speaker: Speaker
    said: list[str] = field(default_factory=list)
    facts: list[Event] = field(default_factory=list)
    is_muted: bool = False

    def notify(self, *notices: Notice) -> None:
        """Let things happen."""
        for notice in notices:
            self.server.observe(notice, time.monotonic())

    def show(self, phase: Phase, light: Light, reason: str = "") -> None:
        """Enter a phase with its light."""
        self.notify(PhaseEntered(phase), ShowLight(light, reason))

    def report(self, fact: Event) -> None:
        """Do what a box does with a fact, roughly."""
        self.facts.append(fact)
        match fact:
            case TalkPressed():
                self.show(Phase.LISTENING, Light.LISTENING)
            case TalkHeld():
                self.show(Phase.IDLE, Light.IDLE)
            case MuteSwitched(is_muted=is_muted):
                self.is_muted = is_muted
                self.notify(MuteMicrophone() if is_muted else UnmuteMicrophone())
                self.show(Phase.IDLE, Light.MUTED if is_muted else Light.IDLE)
            case _:
                pass  # nothing that the page asks for

    async def begin_pairing(self) -> None:
        """Begin to pair a browser."""
        async with Client(self.place) as client:
            await client.pair("begin")

    @property
    def digits(self) -> str:
        """The digits that were said last."""
        return "".join(each for each in self.said[-1].partition(".")[0] if each.isdecimal())


async def _say(said: list[str], text: str) -> None:
    said.append(text)


@asynccontextmanager
async def household(
    folder: Path, *, personas: bool = True, examine: Sequence[str] = EXAMINE, may_unmute: bool = False
) -> AsyncIterator[Household]:
    """Run a box until the block ends."""
    place, sampled, speaker = folder / "control.sock", Sampled(), Speaker()
    posted: list[Event] = []
    presses = Presses(posted.append, lambda act: act())
    keeper = Keeper(MemoryBook(), NoVoice(), snooze_s=540)
    async with Personas(folder) as kept:
        said: list[str] = []
        pairing = Pairing(partial(_say, said), presses, time.monotonic)
        handles = BoxHandles(
            "0.2.0",
            lambda: 16_000,
            speaker,
            lambda: "",
            lambda: [asdict(each) for each in FAILURES],
            timers=TimersByHand(keeper).carry_out,
            words=["hey_jarvis"],
            may_unmute=may_unmute,
            for_owner=OwnerRequests(lambda: kept if personas else None, pairing, examine).carry_out,
            live=sampled,
        )
        box = Household(place, ControlSocket(place, handles, group=None), presses, sampled, speaker, said)
        running = asyncio.ensure_future(box.server.run(box.report))
        await eventually(place.exists)
        box.show(Phase.IDLE, Light.IDLE)
        try:
            yield box
            assert not running.done(), running
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@dataclass
class Page:
    """A page that is served; ``pairings`` are those of its folder."""

    port: int
    pairings: Pairings
    means: Means
    server: PageServer

    @property
    def host(self) -> str:
        """What a browser on this machine has in ``Host``."""
        return f"localhost:{self.port}"

    @property
    def origin(self) -> str:
        """Where the page comes from."""
        return f"http://{self.host}"


def sockets() -> list[socket.socket]:
    """Return a socket that listens on a free port of this machine."""
    first, *others = open_sockets(0, lan=False)
    for each in others:
        each.close()
    return [first]


@asynccontextmanager
async def page_of(
    folder: Path,
    control: Path,
    *,
    settings: Path | None = None,
    now: Callable[[], datetime] = local_now,
    lan: bool = False,
    idle_s: float | None = None,
    writer: Path = Path("/nonexistent"),
) -> AsyncIterator[Page]:
    """Serve the page until the block ends."""
    listening = sockets()
    pairings = Pairings(folder, now, days=30)
    means = Means(BoxLink(control), pairings, SettingsFile(settings, writer), Tickets())
    server = PageServer(means, Access(names_of("kitchen", ()), lan, 30))
    running = asyncio.ensure_future(server.run(listening, idle_s=idle_s))
    await asyncio.sleep(0)
    try:
        yield Page(listening[0].getsockname()[1], pairings, means, server)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        for each in listening:
            each.close()


def utc(year: int, month: int, day: int) -> datetime:
    """Return a moment."""
    return datetime(year, month, day, tzinfo=UTC)


def fields_of(message: Any) -> dict[str, Any]:
    """Return a message as what it is."""
    assert isinstance(message, dict)
    return message
