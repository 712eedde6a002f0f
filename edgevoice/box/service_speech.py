"""Speech by the service: has a text spoken in a session of its own, where no voice is installed in the box."""

import asyncio
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import structs

from edgevoice.core.facts import FAILURES, LinkLost, LinkOpened, ResponseEnded
from edgevoice.core.protocol.downlink import Arrival, AudioPiece
from edgevoice.errors import AnswerFailed, LinkError, ServiceUnreachable
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


class ServiceSpeech:
    """Speaks with the voice of the service: ``dial`` returns its endpoint, ``service`` its settings."""

    def __init__(self, dial: Callable[[], Endpoint], service: Callable[[], ServiceSettings]) -> None:
        self._dial = dial
        self._service = service

    async def say(self, text: str) -> Samples:
        """Return a text spoken, mono s16 at 24 kHz. Raises ``LinkError`` or ``AnswerFailed``."""
        spoken = bytearray()
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        lost: list[LinkError] = []

        def take(arrivals: list[Arrival]) -> None:
            for arrival in arrivals:
                match arrival:
                    case LinkOpened() if not opened.done():
                        opened.set_result(None)
                    case AudioPiece(pcm=pcm) if len(spoken) < _LONGEST_BYTES:
                        spoken.extend(pcm)
                    case ResponseEnded(status=status) if not done.done():
                        if status in FAILURES:
                            done.set_exception(AnswerFailed("the service could not say it"))
                        else:
                            done.set_result(None)
                    case LinkLost():
                        for waited in (opened, done):
                            if not waited.done():
                                waited.set_exception(lost[-1])
                    case _:
                        pass  # words, and what is of no interest here

        settings = structs.replace(self._service(), instructions=_INSTRUCTIONS)
        link = Link(
            self._dial,
            lambda _word: session_of(settings, []),
            take,
            connect_s=settings.connect_s,
            pong_s=settings.pong_s,
            lost=lost.append,
        )
        running = asyncio.ensure_future(link.run())
        try:
            link.open()
            async with asyncio.timeout(_LIMIT_S):
                await opened
                link.send_text(text)
                link.create_response(may_call_tools=False)
                await done
        except TimeoutError:
            raise ServiceUnreachable(f"the service did not say it within {_LIMIT_S:.0f} s") from None
        finally:
            for waited in (running, opened, done):
                waited.cancel()
            await asyncio.gather(running, opened, done, return_exceptions=True)
        return np.frombuffer(bytes(spoken[: len(spoken) // 2 * 2]), "<i2").astype(np.int16)
