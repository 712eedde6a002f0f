"""Recorded clients: their speech, waits and events are replayed against the local service."""

import base64
import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
from websockets.asyncio.client import connect

from edgevoice.local.audio_format import AudioFormat
from edgevoice.local.scripted.script import filled
from edgevoice.local.server import LocalService
from edgevoice.local.speech.recogniser import PhonemeRecogniser
from edgevoice.local.speech.voice import HibariVoice
from tests.local.client import HEADERS, Client, openai_address, question

FOLDER = Path(__file__).parent.parent / "data" / "clients"


def lines_of(name: str) -> list[dict[str, Any]]:
    text = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


class Played:
    """A recorded client: it speaks, waits and sends as in the file, with the ids of this conversation.

    An awaited event may have arrived already since it last spoke: here the audio of a turn is sent at once.
    """

    def __init__(self, client: Client, voice: HibariVoice, form: AudioFormat) -> None:
        self._client = client
        self._voice = voice
        self._form = form
        self._names: dict[str, str | None] = {}
        self._came: Counter[str] = Counter()
        self._awaited: Counter[str] = Counter()

    async def take(self, step: dict[str, Any]) -> None:
        match step:
            case {"say": words, **where}:
                self._came.clear()
                self._awaited.clear()
                await self._say(self._form.encode(question(self._voice, words), 24_000), **where)
            case {"await": kind}:
                self._awaited[kind] += 1
                while self._came[kind] < self._awaited[kind]:
                    await self._receive()
            case {"send": event}:
                await self._client.socket.send(json.dumps(filled(event, self._names)))
            case _:
                raise AssertionError(step)

    async def _say(self, audio: bytes, **where: str) -> None:
        if where:
            part = {"type": "input_audio", "audio": base64.b64encode(audio).decode()}
            item = {"type": "message", "role": "user", "content": [part]}
            await self._client.send("conversation.item.create", item=item)
        else:
            await self._client.speak(audio)

    async def _receive(self) -> None:
        event = await self._client.receive()
        self._came[event["type"]] += 1
        if event["type"] in {"conversation.item.added", "conversation.item.created"}:
            item = event["item"]
            match item:
                case {"type": "function_call"}:
                    self._names |= {"call": item["call_id"], "call_item": item["id"]}
                case {"role": "assistant"}:
                    self._names["answer"] = item["id"]
                case {"role": "user"}:
                    self._names["question"] = item["id"]
                case _:
                    pass  # a tool's output: no step names it


async def conversation(
    lines: list[dict[str, Any]], voice: HibariVoice, recogniser: PhonemeRecogniser
) -> list[dict[str, Any]]:
    """Play the lines of a file, and return everything that came."""
    head, *steps = lines
    form = msgspec.convert({"type": head.get("format", "audio/pcm")}, AudioFormat)
    headers = HEADERS | head.get("headers", {})
    async with (
        LocalService(voice=voice, recogniser=recogniser, pace=8.0) as service,
        connect(openai_address(service), additional_headers=headers, compression=None, max_size=None) as socket,
    ):
        client = Client(socket)
        played = Played(client, voice, form)
        for step in steps:
            await played.take(step)
    return client.events
