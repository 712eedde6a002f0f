"""Local services that react to an interruption as real ones have been seen to do, and worse."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgevoice.local.behaviour import OpenConnection
from tests.e2e.quick_box import Scripted

Event = Mapping[str, Any]

ACTIVE = (
    '{"type":"error","event_id":"event_x","error":{"type":"invalid_request_error",'
    '"code":"conversation_already_has_active_response","message":"resp_s_1 is running","param":null,"event_id":null}}'
)


def response_of(event: Event) -> str:
    """The id of the response that an event belongs to, empty when it belongs to none."""
    return str(event.get("response_id") or event.get("response", {}).get("id", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelsNothing(Scripted):
    """Finds nothing to cancel under the given id, and sends its whole answer."""

    async def received(self, line: OpenConnection, event: Event) -> Event:
        return {**event, "response_id": "resp_gone"} if event["type"] == "response.cancel" else event


@dataclass(frozen=True, slots=True, kw_only=True)
class EndsWhileCancelled(Scripted):
    """Its ``response.done`` crosses with the cancellation, which then finds nothing to cancel."""

    held: list[Event] = field(default_factory=list)

    async def sending(self, line: OpenConnection, event: Event) -> None:
        if event["type"] == "response.done" and response_of(event) == "resp_s_1":
            self.held.append(event)
        else:
            await line.put(event)

    async def received(self, line: OpenConnection, event: Event) -> Event:
        if event["type"] == "response.cancel":
            await line.put(self.held[0])
        return event


@dataclass(frozen=True, slots=True, kw_only=True)
class MisreadsCorrections(Scripted):
    """Misreads values in corrections, and refuses them for those, in its own words."""

    reads: Mapping[str, object]

    async def received(self, line: OpenConnection, event: Event) -> Event:
        is_correction = event["type"] in {"conversation.item.truncate", "conversation.item.delete"}
        return {**event, **self.reads} if is_correction else event


@dataclass(frozen=True, slots=True, kw_only=True)
class Deaf(Scripted):
    """Ignores some events: no acknowledgement, no error."""

    to: frozenset[str]

    async def received(self, line: OpenConnection, event: Event) -> Event | None:
        return None if event["type"] in self.to else event


@dataclass(frozen=True, slots=True, kw_only=True)
class EndsLate(Scripted):
    """Holds back the end of its first answer until another answer sends the event ``until``."""

    until: str
    told: Mapping[str, object] = field(default_factory=dict)
    held: list[Event] = field(default_factory=list)

    async def sending(self, line: OpenConnection, event: Event) -> None:
        if event["type"] == "response.done" and response_of(event) == "resp_s_1":
            self.held.append({**event, "response": {**event["response"], **self.told}})
            return
        await line.put(event)
        if self.held and event["type"] == self.until and response_of(event) != "resp_s_1":
            await line.put(self.held.pop())


@dataclass(frozen=True, slots=True, kw_only=True)
class TellsWhy(Scripted):
    """Reports an end of its own choice for its first answer."""

    told: Mapping[str, object]

    async def sending(self, line: OpenConnection, event: Event) -> None:
        if event["type"] == "response.done" and response_of(event) == "resp_s_1":
            event = {**event, "response": {**event["response"], **self.told}}
        await line.put(event)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundsLate(Scripted):
    """Keeps sending its first answer, mixed with everything that comes after it."""

    story: list[Event] = field(default_factory=list)
    ends: list[Event] = field(default_factory=list)

    async def sending(self, line: OpenConnection, event: Event) -> None:
        is_of_story = response_of(event) == "resp_s_1"
        if is_of_story and event["type"] == "response.output_audio.delta":
            self.story.append(event)
        await line.put(event)
        if event["type"] == "response.done" and is_of_story:
            self.ends.append(event)
        for late in self.story[-4:] if self.ends else []:
            await line.put(late)


@dataclass(frozen=True, slots=True, kw_only=True)
class Complains(Scripted):
    """Answers every correction with these frames before it carries it out."""

    frames: tuple[str, ...]

    async def received(self, line: OpenConnection, event: Event) -> Event:
        if event["type"] == "conversation.item.truncate":
            for frame in self.frames:
                await line.put_frame(frame)
        return event


@dataclass(frozen=True, slots=True, kw_only=True)
class BusyWithAnother(Scripted):
    """Refuses the first ``response.create`` because an announced answer has not ended yet; it ends later."""

    refused: list[Event] = field(default_factory=list)

    async def received(self, line: OpenConnection, event: Event) -> Event | None:
        if event["type"] != "response.create" or self.refused:
            return event
        self.refused.append(event)
        await line.put({"type": "response.created", "response": {"id": "resp_busy", "status": "in_progress"}})
        await line.put_frame(ACTIVE)
        await line.put({"type": "response.done", "response": {"id": "resp_busy", "status": "completed", "output": []}})
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class BusyWithTheInterrupted(Scripted):
    """Refuses the first ``response.create`` because the interrupted answer has not ended, and ends that afterwards."""

    held: list[Event] = field(default_factory=list)
    refused: list[Event] = field(default_factory=list)

    async def sending(self, line: OpenConnection, event: Event) -> None:
        if event["type"] == "response.done" and response_of(event) == "resp_s_1":
            self.held.append(event)
        else:
            await line.put(event)

    async def received(self, line: OpenConnection, event: Event) -> Event | None:
        if event["type"] != "response.create" or self.refused:
            return event
        self.refused.append(event)
        await line.put_frame(ACTIVE)
        await line.put(self.held[0])
        return None
