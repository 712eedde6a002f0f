"""Speech by the service: has a text spoken in a session of its own, where no voice is installed in the box."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from msgspec import structs

from edgevoice.core.facts import FAILURES, LinkLost, LinkOpened, ResponseEnded
from edgevoice.core.protocol.downlink import Arrival, AudioPiece
from edgevoice.errors import AnswerFailed, BudgetSpent, LinkError, ServiceUnreachable
from edgevoice.realtime.endpoint import Endpoint
from edgevoice.realtime.link import Link
from edgevoice.realtime.session import session_of
from edgevoice.settings.service import ServiceSettings

_INSTRUCTIONS: Final = (
    "You are the voice of a loudspeaker. Say exactly what the user writes, word for word, and nothing else."
)
_LIMIT_S: Final = 60.0
_LONGEST_BYTES: Final = 2 * 24_000 * 300

Samples = npt.NDArray[np.int16]


class Budget(Protocol):
    """What may be used of the service today: `observers.minutes.Minutes`."""

    @property
    def left_s(self) -> float:
        """The seconds that are left."""
        ...

    def add(self, seconds: float) -> None:
        """Count a session of so many seconds."""
        ...


class ServiceSpeech:
    """Speaks with the voice of the service: ``dial`` returns its endpoint, ``service`` its settings.

    What is spoken counts as minutes of the ``budget``; once that is used up, nothing is spoken. Without one, nothing is
    billed.
    """

    def __init__(
        self, dial: Callable[[], Endpoint], service: Callable[[], ServiceSettings], budget: Budget | None = None
    ) -> None:
        self._dial = dial
        self._service = service
        self._budget = budget

    async def say(self, text: str) -> Samples:
        """Return a text spoken, mono s16 at 24 kHz. Raises ``LinkError``, ``AnswerFailed`` or ``BudgetSpent``."""
        if self._budget is not None and self._budget.left_s <= 0:
            raise BudgetSpent("today's minutes are used up")
        settings = structs.replace(self._service(), instructions=_INSTRUCTIONS)
        session = _Session()
        link = Link(
            self._dial,
            lambda _word: session_of(settings, []),
            session.take,
            connect_s=settings.connect_s,
            pong_s=settings.pong_s,
            lost=session.lost.append,
        )
        running = asyncio.ensure_future(link.run())
        loop = asyncio.get_running_loop()
        opened_at: float | None = None
        try:
            link.open()
            async with asyncio.timeout(_LIMIT_S):
                await session.opened
                opened_at = loop.time()
                link.send_text(text)
                link.create_response(may_call_tools=False)
                await session.done
        except TimeoutError:
            raise ServiceUnreachable(f"the service did not say it within {_LIMIT_S:.0f} s") from None
        finally:
            ending = (running, session.opened, session.done)
            for waited in ending:
                waited.cancel()
            await asyncio.gather(*ending, return_exceptions=True)
            if self._budget is not None and opened_at is not None:
                self._budget.add(loop.time() - opened_at)
        return session.samples


class _Session:
    """What arrives in one session: ``opened`` and ``done`` are its two steps, and fail with it."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.done: asyncio.Future[None] = loop.create_future()
        self.lost: list[LinkError] = []
        self._spoken = bytearray()

    @property
    def samples(self) -> Samples:
        """What was spoken."""
        return np.frombuffer(bytes(self._spoken[: len(self._spoken) // 2 * 2]), "<i2").astype(np.int16)

    def take(self, arrivals: list[Arrival]) -> None:
        """Take what has arrived on the link."""
        for arrival in arrivals:
            match arrival:
                case LinkOpened() if not self.opened.done():
                    self.opened.set_result(None)
                case AudioPiece(pcm=pcm) if len(self._spoken) < _LONGEST_BYTES:
                    self._spoken.extend(pcm)
                case ResponseEnded(status=status) if not self.done.done():
                    if status in FAILURES:
                        self.done.set_exception(AnswerFailed("the service could not say it"))
                    else:
                        self.done.set_result(None)
                case LinkLost():
                    for waited in (self.opened, self.done):
                        if not waited.done():
                            waited.set_exception(self.lost[-1])
                case _:
                    pass  # words, and what is of no interest here
