"""Opponent: a service that keeps talking and being interrupted, and records every truncation.

It runs as a child, so that its work is not counted as the box's: ``python -m edgevoice.testbed.bench.opponent SOCKET
BOOK SEED NTH LOADED LISTENS``. It interrupts every NTH answer itself, none if that is 0: at a random moment, or, if
LISTENS is 1, as soon as it hears a sound. From answer LOADED on, each comes with bursts of late deltas of the one
before it, which must not be heard. For each answer it writes one line of JSON into BOOK once the client has reported
what was heard.
"""

import asyncio
import base64
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from websockets.asyncio.server import ServerConnection, unix_serve
from websockets.exceptions import ConnectionClosed

from edgevoice.core.sound.rates import WIRE_HZ

ANSWER_S = 8.0
_DELTA_MS = 100
_STRAYS = 3
PAUSE_S = 1.4

_BURST = 16
_BURSTS_S = 0.06
"""Deltas in a burst, and seconds between bursts: 27 times as much as is spoken."""

_SOUND = 200
"""The softest sample that it takes for a sound, in units of s16: a word begins with louder ones."""

LESSONS = 2
"""The first answers, which it does not interrupt: they let a box learn its room."""


def answer_audio(number: int) -> npt.NDArray[np.int16]:
    """Return the sound of answer ``number``: unique noise, never silent, so that a tape shows every sample."""
    chance = np.random.default_rng(number)
    size = round(ANSWER_S * WIRE_HZ)
    loud = chance.integers(800, 6000, size)
    sound: npt.NDArray[np.int16] = (loud * chance.choice([-1, 1], size)).astype(np.int16)
    return sound


class _Session:
    """One client, answer after answer."""

    def __init__(
        self,
        connection: ServerConnection,
        book: Path,
        chance: random.Random,
        *,
        every_nth: int,
        loaded_from: int,
        listens: bool,
    ) -> None:
        self._connection = connection
        self._book = book
        self._chance = chance
        self._every_nth = every_nth
        self._loaded_from = loaded_from
        self._listens = listens
        self._told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._sound: asyncio.Future[float] | None = None

    async def run(self) -> None:
        reading = asyncio.create_task(self._read())
        try:
            await self._send("session.updated", session={"type": "realtime"})
            number = 0
            while True:
                number += 1
                await self._answer(number)
        except ConnectionClosed:
            return
        finally:
            reading.cancel()

    async def _read(self) -> None:
        async for frame in self._connection:
            event = json.loads(frame)
            if event["type"] in {"conversation.item.truncate", "conversation.item.delete", "response.cancel"}:
                self._told.put_nowait(event)
            elif event["type"] == "input_audio_buffer.append" and self._sound is not None and not self._sound.done():
                heard = np.frombuffer(base64.b64decode(event["audio"]), "<i2")
                if np.abs(heard.astype(np.int32)).max(initial=0) >= _SOUND:
                    self._sound.set_result(time.monotonic())

    async def _answer(self, number: int) -> None:
        ids = {"response_id": f"resp_{number}", "item_id": f"item_{number}"}
        sound = answer_audio(number).tobytes()
        await self._send("response.created", response={"id": ids["response_id"], "status": "in_progress"})
        step = 2 * WIRE_HZ * _DELTA_MS // 1000
        pieces = [sound[at : at + step] for at in range(0, len(sound), step)]
        # All but the last arrive at once, as from a service that is far faster than speech.
        for piece in pieces[:-_STRAYS]:
            await self._delta(ids, piece)
        bursts = asyncio.create_task(self._bursts(number - 1)) if number >= self._loaded_from else None
        interrupts = self._every_nth > 0 and number > LESSONS and number % self._every_nth == 0
        entry: dict[str, object] = {"number": number}
        if interrupts:
            entry["heard_s"] = await self._moment()
            await self._send("input_audio_buffer.speech_started", audio_start_ms=0, item_id=f"user_{number}")
            entry["said_s"] = time.monotonic()
        told = [await self._told.get()]
        if bursts is not None:
            bursts.cancel()
            await asyncio.gather(bursts, return_exceptions=True)
        for piece in pieces[-_STRAYS:]:
            await self._delta(ids, piece)
        await self._send("response.done", response={"id": ids["response_id"], "status": "cancelled", "output": []})
        if interrupts:
            await self._send("input_audio_buffer.speech_stopped", audio_end_ms=0, item_id=f"user_{number}")
            await self._send("input_audio_buffer.committed", item_id=f"user_{number}")
        # A second truncation of the same answer would be a fault: give it time to arrive. And an answer begins only
        # when the person has finished speaking.
        await asyncio.sleep(PAUSE_S)
        while not self._told.empty():
            told.append(self._told.get_nowait())
        with self._book.open("a") as book:
            book.write(json.dumps({**entry, "told": told}) + "\n")

    async def _moment(self) -> float:
        """Wait for the moment to interrupt; return it, in monotonic seconds."""
        if not self._listens:
            await asyncio.sleep(self._chance.uniform(0.25, 0.9))
            return time.monotonic()
        self._sound = asyncio.get_running_loop().create_future()
        return await self._sound

    async def _bursts(self, number: int) -> None:
        """Send the rest of an answer that was cut long ago, over and over."""
        ids = {"response_id": f"resp_{number}", "item_id": f"item_{number}"}
        piece = answer_audio(number)[-WIRE_HZ * _DELTA_MS // 1000 :].tobytes()
        while True:
            for _ in range(_BURST):
                await self._delta(ids, piece)
            await asyncio.sleep(_BURSTS_S)

    async def _delta(self, ids: dict[str, str], piece: bytes) -> None:
        await self._send(
            "response.output_audio.delta", **ids, content_index=0, delta=base64.b64encode(piece).decode("ascii")
        )

    async def _send(self, kind: str, **fields: object) -> None:
        await self._connection.send(json.dumps({"type": kind, **fields}))


async def _serve(socket: Path, book: Path, seed: int, *, every_nth: int, loaded_from: int, listens: bool) -> None:
    async def handle(connection: ServerConnection) -> None:
        await connection.recv()
        chance = random.Random(seed)
        how = {"every_nth": every_nth, "loaded_from": loaded_from}
        await _Session(connection, book, chance, **how, listens=listens).run()

    async with unix_serve(handle, str(socket), compression=None):
        print("ready", flush=True)
        # The parent's end of the pipe closes with the parent.
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    _, _socket, _book, _seed, _nth, _loaded, _listens = sys.argv
    _how = {"every_nth": int(_nth), "loaded_from": int(_loaded)}
    asyncio.run(_serve(Path(_socket), Path(_book), int(_seed), **_how, listens=_listens == "1"))
