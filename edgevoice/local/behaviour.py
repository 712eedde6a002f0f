"""How a local service behaves; the place where a test substitutes an opponent.

Everything on the wire passes a `Behaviour`. The base class is a well-behaved service; a subclass overrides what it
wants to break, and finds on the `OpenConnection` what it needs for that: other events, raw frames, a close, an abort.
"""

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal, Protocol

from edgevoice.local.mind import brain
from edgevoice.local.refusals import RequestRefused
from edgevoice.local.response_status import Cut
from edgevoice.local.speech.listener import Heard
from edgevoice.local.speech.recogniser import Recogniser

_REFUSALS = {
    HTTPStatus.BAD_REQUEST: ("invalid_request", "The address needs key and protocol=realtime"),
    HTTPStatus.UNAUTHORIZED: ("invalid_api_key", "Invalid authorization credentials"),
    HTTPStatus.PAYMENT_REQUIRED: ("payment_required", "The account has no credit left"),
    HTTPStatus.FORBIDDEN: ("forbidden", "The key may not open sessions"),
    HTTPStatus.NOT_FOUND: ("not_found", "No such path"),
    HTTPStatus.TOO_MANY_REQUESTS: ("too_many_sessions", "Too many sessions are open"),
    HTTPStatus.SERVICE_UNAVAILABLE: ("unavailable", "The service is restarting"),
}


@dataclass(frozen=True, slots=True)
class UpgradeRefusal:
    """An upgrade answered with an HTTP error; the body is ``{"error": {"code", "message"}}``."""

    status: int
    code: str
    message: str

    @classmethod
    def of(cls, status: int) -> "UpgradeRefusal":
        """Return the refusal with the usual text for ``status``."""
        code, message = _REFUSALS.get(HTTPStatus(status), ("refused", HTTPStatus(status).phrase))
        return cls(status, code, message)


class OpenConnection(Protocol):
    """One open connection, as a behaviour sees it."""

    def new_id(self, prefix: str) -> str:
        """Return the next id of a kind."""
        ...

    async def put(self, event: Mapping[str, Any]) -> None:
        """Write an event to the wire unchanged."""
        ...

    async def put_frame(self, frame: str | bytes) -> None:
        """Write a frame to the wire, JSON or not."""
        ...

    async def close(self, code: int, reason: str) -> None:
        """Close the connection with a code and a reason."""
        ...

    def abort(self, how: Literal["end", "reset"] = "end") -> None:
        """Drop the connection without a close frame, with TCP's orderly end or a reset."""
        ...

    def freeze(self) -> None:
        """Stop reading, including pings."""
        ...


class ServiceControls(Protocol):
    """What a behaviour may make the service do unprompted, for one client."""

    @property
    def line(self) -> OpenConnection:
        """The client's connection."""
        ...

    @property
    def audio_ms(self) -> int:
        """How much audio the client has sent."""
        ...

    @property
    def turn_item_id(self) -> str | None:
        """The item that the current turn will become; None while the user is silent."""
        ...

    async def hear(self, heard: Heard, *, may_answer: bool = True) -> None:
        """Treat something as heard from the user, and send and do what follows."""
        ...

    async def say_backchannel(self, words: str, skipped: str | None = None, *, runs_on: bool = False) -> None:
        """Say a backchannel while the user speaks, or report why it was ``skipped``; it is not an answer.

        Returns when all of it is sent or the client has cleared it; at once if it ``runs_on``.
        """
        ...

    async def end_answer(self, reason: Cut) -> bool:
        """End the running answer; return whether there was one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """A well-behaved service; ``refuse`` answers every upgrade with that status, ``delay_open_s`` delays each.

    Without a ``ping_interval_s`` it never checks whether the client is still there.
    """

    refuse: int | None = None
    delay_open_s: float = 0.0
    ping_interval_s: float | None = 20.0

    async def refusal(self) -> UpgradeRefusal | None:
        """Decide about an upgrade whose address and key are valid."""
        if self.delay_open_s > 0:
            await asyncio.sleep(self.delay_open_s)
        return UpgradeRefusal.of(self.refuse) if self.refuse is not None else None

    def for_client(self) -> "Behaviour":
        """Return the behaviour towards one more client, whose upgrade was accepted."""
        return self

    @property
    def hears_turns(self) -> bool:
        """Whether turns are found in the client's audio; else they come through `ServiceControls.hear` only."""
        return True

    def ears(self, recogniser: Recogniser) -> Recogniser:
        """Return the recogniser for the client's speech."""
        return recogniser

    async def attend(self, service: ServiceControls) -> None:
        """Do what the service does unprompted; cancelled some time after the client has left."""

    async def left(self) -> None:
        """Notice that the client has left, whoever closed the connection."""

    async def pause(self, seconds: float, cut: asyncio.Future[Any]) -> None:
        """Wait between two pieces of an answer; return at once if it is ``cut``."""
        await asyncio.wait({cut}, timeout=seconds)

    async def sending(self, line: OpenConnection, event: Mapping[str, Any]) -> None:
        """Send what the service wants to send."""
        await line.put(event)

    async def unreadable(self, line: OpenConnection, refusal: RequestRefused) -> RequestRefused | None:  # noqa: ARG002 - a hook
        """Return the refusal for a frame that is not an event; None for no refusal."""
        return refusal

    async def received(self, line: OpenConnection, event: Mapping[str, Any]) -> Mapping[str, Any] | None:  # noqa: ARG002 - a hook
        """Return the client's event as the service should see it; None hides it."""
        return event

    async def obeyed(self, event: Mapping[str, Any]) -> None:
        """Notice that the client's event was obeyed or refused."""

    def answer(self, request: brain.Prompt) -> brain.Reply:
        """Return what to answer."""
        return brain.answer(request)


_GARBAGE: tuple[str | bytes, ...] = (
    '{"type":"response.output_audio.delta","delta":"AAAA',
    '{"errorType":"SESSION_RESOURCES_EXHAUSTED"}',
    b"\x00\xff\xfe not json",
    "[]",
    "null",
    '{"type":17,"event_id":{}}',
    '{"type":"response.output_audio.delta","response_id":9,"item_id":[],"output_index":"x","content_index":{},"delta":3}',
    '{"type":"response.output_audio.delta","response_id":"resp_none","item_id":"none","delta":"*** no base64 ***"}',
    '{"type":"response.done","response":"yes"}',
    '{"type":"response.done","response":{"id":null,"status":4,"output":"none"}}',
    '{"type":"conversation.item.added","item":[1,2,3]}',
    '{"type":"input_audio_buffer.speech_started","audio_start_ms":"soon","item_id":7}',
    '{"type":"error","error":"plain text"}',
    '{"type":"error","message":"top level only"}',
    '{"type":"session.updated","session":null}',
    '{"type":"edgevoice.never_heard_of","nested":{"a":[{"b":null}]}}',
    "",
    "\u2028 not json either",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nonsense(Behaviour):
    """A service that sends a frame of garbage before every event, except audio deltas, for speed."""

    async def sending(self, line: OpenConnection, event: Mapping[str, Any]) -> None:
        """Send garbage, then the event."""
        if event["type"] != "response.output_audio.delta":
            # The event's own number selects the frame, so that a run can be repeated.
            number = int(str(event["event_id"]).rpartition("_")[2])
            await line.put_frame(next(itertools.islice(_GARBAGE, number % len(_GARBAGE), None)))
        await line.put(event)
