"""A plain client of the local service: it sends what a test requests and keeps everything it receives."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncGenerator, Iterable
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect, unix_connect

from edgevoice.local.server import OPENAI_PATH, PATH, LocalService
from edgevoice.local.speech.voice import Voice

LIMIT_S = 10.0
QUERY = "?key=test&protocol=realtime"
HEADERS = {"Authorization": "Basic dGVzdDp0ZXN0"}
TOOLS = [
    {"type": "function", "name": "get_current_time", "parameters": {"type": "object", "properties": {}}},
    {
        "type": "function",
        "name": "set_volume",
        "parameters": {"type": "object", "properties": {"percent": {"type": "integer"}, "change": {"type": "integer"}}},
    },
]


def silence(seconds: float) -> bytes:
    return bytes(round(seconds * 24_000) * 2)


def question(voice: Voice, *parts: str | float) -> bytes:
    """Speech and pauses (seconds) as 24 kHz s16, with half a second before and two after."""
    said = (silence(part) if isinstance(part, float) else voice.say(part, 1.0) for part in parts)
    return silence(0.5) + b"".join(said) + silence(2.0)


class Client:
    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.events: list[dict[str, Any]] = []

    async def send(self, kind: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def speak(self, pcm: bytes, chunk_bytes: int = 4800) -> None:
        for start in range(0, len(pcm), chunk_bytes):
            chunk = pcm[start : start + chunk_bytes]
            await self.send("input_audio_buffer.append", audio=base64.b64encode(chunk).decode())

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(LIMIT_S):
            event: dict[str, Any] = json.loads(await self.socket.recv())
        self.events.append(event)
        return event

    async def until(self, kind: str, **fields: Any) -> dict[str, Any]:
        while True:
            event = await self.receive()
            if event["type"] == kind and fields.items() <= event.items():
                return event

    async def ask(self, text: str) -> None:
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        await self.send("conversation.item.create", item=item)
        await self.until("conversation.item.done")
        await self.send("response.create")

    async def answered(self) -> dict[str, Any]:
        response: dict[str, Any] = (await self.until("response.done"))["response"]
        return response

    async def refused(self, kind: str, **fields: Any) -> dict[str, Any]:
        await self.send(kind, event_id="mine", **fields)
        error: dict[str, Any] = (await self.until("error"))["error"]
        assert error["type"] == "invalid_request_error"
        assert error["event_id"] == "mine"
        return error

    def kinds(self, *, without: Iterable[str] = ()) -> list[str]:
        """The event types so far, each run of equal ones once."""
        shown: list[str] = []
        for event in self.events:
            if event["type"] not in without and shown[-1:] != [event["type"]]:
                shown.append(event["type"])
        return shown

    def forget(self) -> Self:
        self.events.clear()
        return self


def openai_address(service: LocalService, query: str = "?model=gpt-realtime") -> str:
    return service.url.replace(PATH, OPENAI_PATH) + query


@contextlib.asynccontextmanager
async def dialled(service: LocalService, address: str = "", **session: Any) -> AsyncGenerator[Client]:
    """A client whose session has been set up; tools, no turn detection unless the session says otherwise."""
    uri = address or service.url + QUERY
    async with connect(uri, additional_headers=HEADERS, compression=None, max_size=None) as socket:
        client = Client(socket)
        await client.until("session.created")
        detection = session.pop("turn_detection", None)
        settings = {"tools": TOOLS, "audio": {"input": {"turn_detection": detection}}, **session}
        await client.send("session.update", session=settings)
        await client.until("session.updated")
        yield client.forget()


@contextlib.asynccontextmanager
async def dialled_unix(path: str, uri: str) -> AsyncGenerator[Client]:
    async with unix_connect(path, uri + QUERY, additional_headers=HEADERS, compression=None) as socket:
        yield Client(socket)
