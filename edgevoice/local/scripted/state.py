"""What a script needs to know about its session: ids, the progress of the answer, what was heard."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, assert_never

from edgevoice.local.scripted import script
from edgevoice.local.speech.recogniser import Recogniser

DONE = "response.done"


@dataclass(slots=True)
class Answering:
    """How far an answer has been sent, and where the script wants it; it stops there if it ``holds``."""

    until: str = DONE
    times: int = 1
    holds: bool = False
    count: int = 0
    is_done: bool = False
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def of(cls, step: script.AnswerStep) -> "Answering":
        """Return the state of an answer that has not begun."""
        return cls(step.until or DONE, step.times, holds=step.until is not None and not step.runs_on)

    def sent(self, kind: str) -> None:
        """Note an event that was sent."""
        self.count += kind == self.until
        self.is_done |= kind == DONE
        if self.count >= self.times or self.is_done:
            self.reached.set()

    async def pause(self) -> None:
        """Return at once, or when the script lets the answer continue."""
        if self.holds and self.reached.is_set():
            await self.may_go_on.wait()

    async def go_on(self, until: str) -> None:
        """Let the answer continue; return when an event of that type is sent, or the whole answer."""
        self.until, self.times, self.count, self.holds = until, 1, 0, False
        if not self.is_done:
            self.reached.clear()
        self.may_go_on.set()
        await self.reached.wait()


@dataclass(slots=True)
class Names:
    """The ids that a script refers to as ``$turn``, ``$response``, ``$item``, ``$call`` and ``$client``."""

    known: dict[str, str | None] = field(
        default_factory=lambda: dict.fromkeys(("turn", "response", "item", "call", "client"))
    )

    def note(self, event: Mapping[str, Any]) -> None:
        """Note the ids in an event that the service sends."""
        match event:
            case {"type": "input_audio_buffer.speech_started" | "input_audio_buffer.committed", "item_id": item_id}:
                self.known["turn"] = item_id
            case {"type": "response.created", "response": {"id": response_id}}:
                self.known["response"] = response_id
            case {"type": "response.output_item.added", "item": {"id": item_id, **rest}}:
                self.known["item"] = item_id
                if isinstance(call_id := rest.get("call_id"), str):
                    self.known["call"] = call_id
            case _:
                pass

    def note_client(self, event: Mapping[str, Any]) -> None:
        """Note the id of an event that the client has sent."""
        event_id = event.get("event_id")
        self.known["client"] = event_id if isinstance(event_id, str) else None


@dataclass(slots=True)
class Outgoing:
    """Changes the events that the service wants to send; ``names`` are the ids that were in them."""

    greeting: Literal["full", "sparse", "none"]
    changes: list[script.ChangeStep] = field(default_factory=list)
    names: Names = field(default_factory=Names)

    def made(self, event: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the event as it should be sent; None if it should not."""
        self.names.note(event)
        made: Mapping[str, Any] | None = event
        if event["type"] == "session.created":
            made = self._greeted(event)
        for change in self.changes:
            if made is not None and change.change == event["type"]:
                made = script.changed(made, change)
        return made

    def _greeted(self, event: Mapping[str, Any]) -> Mapping[str, Any] | None:
        match self.greeting:
            case "full":
                return event
            case "sparse":
                session = event["session"]
                return {**event, "session": {key: session[key] for key in ("type", "object", "id")}}
            case "none":
                return None
            case _:
                assert_never(self.greeting)


class ScriptedHearing:
    """What the service hears: what the script says, else what the real recogniser finds. ``turns`` are the turns."""

    def __init__(self) -> None:
        self._recogniser: Recogniser | None = None
        self._latest = ""
        self.scripted: str | None = None
        self.turns: asyncio.Queue[str] = asyncio.Queue()

    def with_recogniser(self, recogniser: Recogniser) -> "ScriptedHearing":
        """Use this recogniser where the script says nothing; return self."""
        self._recogniser = recogniser
        return self

    def words(self, speech: bytes) -> str:
        """Return what was said in ``speech`` (16 kHz mono s16). Implements `Recogniser`: called in a thread."""
        scripted = self.scripted
        if scripted is None and self._recogniser is not None:
            self._latest = self._recogniser.words(speech) if speech else ""
        return self._latest if scripted is None else scripted

    def turn_heard(self) -> None:
        """Use the latest words as those of a turn."""
        self.turns.put_nowait(self._latest)
