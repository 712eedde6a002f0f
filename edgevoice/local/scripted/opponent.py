"""The local service as an opponent: it follows a script, and fails if its client does not."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgevoice.local.behaviour import Behaviour, OpenConnection, ServiceControls, UpgradeRefusal
from edgevoice.local.mind import brain
from edgevoice.local.refusals import RequestRefused
from edgevoice.local.scripted.play import Play, ScriptBroken, Sleep
from edgevoice.local.scripted.script import Script, ScriptedSession
from edgevoice.local.speech.recogniser import Recogniser


@dataclass(slots=True)
class _Book:
    """What has been played so far."""

    plays: list[Play] = field(default_factory=list)
    refused: int = 0
    broken: ScriptBroken | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def note_broken(self, broken: ScriptBroken) -> None:
        """Keep the first error: the others follow from it."""
        self.broken = self.broken or broken
        self.news.set()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opponent(Behaviour):
    """Play a script, one session for each connection; strict about everything that it does not allow.

    ``sleep`` waits during delays, and between the pieces of an answer; tests pass one that jumps.
    """

    script: Script
    ping_interval_s: float | None = None
    sleep: Sleep = asyncio.sleep
    _book: _Book = field(default_factory=_Book)

    def check(self) -> None:
        """Raise ScriptBroken if a client broke the script, or a step is still unused."""
        if self._book.broken is not None:
            raise self._book.broken
        for play in self._book.plays:
            play.check()
        if self._next() is not None:
            raise ScriptBroken(f"session {self._met + 1}: no client connected")

    async def over(self) -> None:
        """Wait until the script has been played to its end or is broken, then `check`."""
        while self._book.broken is None and not (
            self._next() is None and all(play.is_over for play in self._book.plays)
        ):
            self._book.news.clear()
            await self._book.news.wait()
        self.check()

    async def refusal(self) -> UpgradeRefusal | None:
        """Decide about an upgrade as the script says; an extra connection is refused and breaks the script."""
        session = self._next()
        if session is None:
            self._book.note_broken(
                ScriptBroken(f"the script is over after session {self._met}, but another client connected")
            )
            return UpgradeRefusal.of(503)
        await self.sleep(session.terms.delay_open_s)
        if session.terms.refuse is None:
            return None
        self._book.refused += 1
        self._book.news.set()
        return UpgradeRefusal.of(session.terms.refuse)

    def for_client(self) -> Behaviour:
        """Return the behaviour of the next session."""
        session = self._next() or ScriptedSession()
        play = Play(session, self._met + 1, self.sleep, self._book.note_broken)
        self._book.plays.append(play)
        return _Played(ping_interval_s=self.ping_interval_s, play=play, news=self._book.news)

    @property
    def _met(self) -> int:
        return len(self._book.plays) + self._book.refused

    def _next(self) -> ScriptedSession | None:
        sessions = self.script.sessions
        return sessions[self._met] if self._met < len(sessions) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Played(Behaviour):
    """One session; the `Play` decides, this class delegates."""

    play: Play
    news: asyncio.Event

    @property
    def hears_turns(self) -> bool:
        return self.play.terms.turns == "heard"

    def ears(self, recogniser: Recogniser) -> Recogniser:
        return self.play.hearing.with_recogniser(recogniser)

    async def attend(self, service: ServiceControls) -> None:
        try:
            await self.play.run(service)
        finally:
            self.news.set()

    async def left(self) -> None:
        await self.play.left()
        self.news.set()

    async def pause(self, seconds: float, cut: asyncio.Future[Any]) -> None:
        passing = asyncio.ensure_future(self.play.pause(seconds))
        ends: list[asyncio.Future[Any]] = [passing, cut]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            passing.cancel()

    async def sending(self, line: OpenConnection, event: Mapping[str, Any]) -> None:
        await self.play.sending(line, event)

    async def unreadable(self, line: OpenConnection, refusal: RequestRefused) -> RequestRefused | None:
        return await self.play.unreadable(line, refusal)

    async def received(self, line: OpenConnection, event: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return await self.play.received(line, event)

    async def obeyed(self, event: Mapping[str, Any]) -> None:  # noqa: ARG002 - a hook
        self.play.obeyed()

    def answer(self, request: brain.Prompt) -> brain.Reply:
        return self.play.answer(request)
