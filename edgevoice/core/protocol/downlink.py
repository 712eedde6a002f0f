"""Downlink: turns the service's events into facts, pieces of audio and transcripts. No I/O, no clock.

It remembers only what one event needs from an earlier one: names of calls, which responses had sound, words so far, and
which response is open, because an event may leave out the ids of what it belongs to.
"""

from typing import assert_never

from msgspec import Struct

from edgevoice.core.facts import (
    FAILURES,
    CallMade,
    Event,
    LinkOpened,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    ServiceComplained,
    ToolCall,
    TurnEnded,
    UserStartedSpeaking,
    UserStoppedSpeaking,
)
from edgevoice.core.notices import Role, ServiceStateChanged, TranscriptChanged, UsageTold
from edgevoice.core.protocol import complaints, wire
from edgevoice.core.protocol.transcript import Transcript, has_words
from edgevoice.core.protocol.transcription import Transcription
from edgevoice.core.recent import Recent

_MOST_KEPT = 64
"""Entries of one kind that are remembered: a service may invent any number of ids, and memory is limited."""

_MOST_SPOKEN = 8
"""Answers whose words are remembered, 20,000 characters each: one is being spoken, and a few may be late."""

_MOST_ARGUMENTS = 2**18
"""Characters of arguments, over all calls that wait for the end of their responses."""

NAMELESS = "nameless:"
"""Prefix of ids that we invent when the service sends none; the service does not know them."""

WRITTEN = f"{NAMELESS}text"
"""Prefix of the ids of what the user says in writing."""

_Place = tuple[str, str]
"""The id of a response, and that of an item or a call."""


_Piece = wire.AudioDelta | wire.AudioDone | wire.TranscriptDelta | wire.TranscriptDone
"""Events that carry a piece of an answer: its sound, or the words in it."""


class AudioPiece(Struct, frozen=True):
    """A piece of an answer's audio, mono s16 at 24 kHz; it may end in the middle of a sample."""

    response_id: str
    item_id: str
    content_index: int
    pcm: bytes


class ItemComplete(Struct, frozen=True):
    """All of an item's audio has arrived."""

    response_id: str
    item_id: str


class BackchannelPiece(Struct, frozen=True):
    """A piece of a backchannel's audio, like an answer's; ``pcm`` may end in the middle of a sample."""

    backchannel_id: str
    pcm: bytes


class BackchannelComplete(Struct, frozen=True):
    """All of a backchannel's audio has arrived."""

    backchannel_id: str


Arrival = (
    Event
    | AudioPiece
    | ItemComplete
    | BackchannelPiece
    | BackchannelComplete
    | TranscriptChanged
    | UsageTold
    | ServiceStateChanged
)


class Downlink:
    """One session's downlink; a new session needs a new one.

    ``rewrites``: whether deltas of the user's words are expected to be rewrites, like Inworld's.
    """

    def __init__(self, *, rewrites: bool = True) -> None:
        self._call_names = Recent[str, str](_MOST_KEPT)
        self._calls = Recent[_Place, ToolCall](_MOST_KEPT)
        self._with_audio = Recent[str, bool](_MOST_KEPT)
        self._words = Recent[str, Transcript](_MOST_SPOKEN)
        self._heard = Transcription(rewrites=rewrites)
        self._known = Recent[str, bool](_MOST_KEPT)
        self._items = Recent[str, str](_MOST_KEPT)
        self._open = ""
        self._is_due = False
        self._turn = f"{NAMELESS}turn"
        self._unnamed = 0

    def take(self, event: wire.ServerEvent) -> list[Arrival]:
        """Take one event of the service and return its meaning, in order."""
        return [*self._unannounced(event), *self._meaning(event)]

    def _meaning(self, event: wire.ServerEvent) -> list[Arrival]:
        match event:
            case wire.SessionUpdated(session=wire.SessionBody(memory_state=str(state))):
                return [LinkOpened(), ServiceStateChanged(state)]
            case wire.SessionUpdated():
                return [LinkOpened()]
            case wire.ServiceError():
                codes = event.codes
                return [ServiceComplained(event.code, complaints.fault_of(codes), complaints.has_broken(codes))]
            case wire.SpeechStarted():
                self._turn = self._name("turn")
                return [UserStartedSpeaking()]
            case wire.SpeechStopped():
                return [UserStoppedSpeaking()]
            case wire.Committed(item_id=item_id):
                self._turn = item_id or self._turn
                self._is_due = True
                return [TurnEnded()]
            case wire.TranscriptionDelta(item_id=item_id, delta=text):
                item_id = item_id or self._turn
                return [TranscriptChanged(Role.USER, item_id, self._heard.add(item_id, text or ""), is_final=False)]
            case wire.TranscriptionCompleted(item_id=item_id, transcript=text):
                item_id = item_id or self._turn
                words = self._heard.complete(item_id, text if text and has_words(text) else "")
                return [TranscriptChanged(Role.USER, item_id, words, is_final=True)]
            case wire.ItemAdded():
                self._remember_item(event)
                return []
            case wire.ArgumentsDone():
                return self._call_made(event.response_id, event.call_id, event.name, event.arguments)
            case wire.OutputItemDone(item=item, response_id=response_id):
                return self._item_done(self._response(response_id), item)
            case wire.ResponseCreated(response=response):
                return [self._response_created(response.id, response.metadata.edgevoice)]
            case wire.AudioDelta() | wire.AudioDone() | wire.TranscriptDelta() | wire.TranscriptDone():
                return [self._meaning_of_piece(event)]
            case wire.BackchannelDelta(backchannel_id=backchannel_id, delta=pcm):
                return [BackchannelPiece(backchannel_id, pcm)]
            case wire.BackchannelDone(backchannel_id=backchannel_id):
                return [BackchannelComplete(backchannel_id)]
            case wire.ResponseDone():
                return self._response_done(event)
            case wire.SessionCreated() | wire.TranscriptionFailed() | wire.Unknown():
                return []
            case _:
                assert_never(event)

    def _meaning_of_piece(self, piece: _Piece) -> AudioPiece | ItemComplete | TranscriptChanged:
        response_id, item_id = self._place(piece)
        match piece:
            case wire.AudioDelta(content_index=index, delta=pcm):
                if pcm:
                    self._with_audio[response_id] = True
                return AudioPiece(response_id, item_id, index, pcm)
            case wire.AudioDone():
                return ItemComplete(response_id, item_id)
            case wire.TranscriptDelta(delta=text):
                spoken = self._spoken(item_id)
                spoken.add(text or "")
                return TranscriptChanged(Role.ASSISTANT, item_id, spoken.text, is_final=False)
            case wire.TranscriptDone(transcript=text):
                spoken = self._spoken(item_id) if text is None else Transcript(text)
                spoken.finish()
                self._words[item_id] = spoken
                return TranscriptChanged(Role.ASSISTANT, item_id, spoken.text, is_final=True)
            case _:
                assert_never(piece)

    def _spoken(self, item_id: str) -> Transcript:
        words = self._words.get(item_id)
        if words is None:
            words = self._words[item_id] = Transcript()
        return words

    def _name(self, what: str) -> str:
        self._unnamed += 1
        return f"{NAMELESS}{what} {self._unnamed}"

    def _unannounced(self, event: wire.ServerEvent) -> list[Arrival]:
        """Begin an answer whose beginning was not reported, so that what arrives of it is not lost."""
        match event:
            case wire.AudioDelta(response_id=response_id, delta=pcm) if pcm:
                pass
            case wire.TranscriptDelta(response_id=response_id) | wire.OutputItemAdded(response_id=response_id):
                pass
            case wire.ArgumentsDone(response_id=response_id):
                pass
            case wire.ResponseDone(response=wire.Response(id=response_id, status=status)) if status != "cancelled":
                pass
            case _:
                return []
        # Not while another response is open: its end has not arrived, and a service may invent any number of ids.
        is_new = not self._open and (response_id not in self._known if response_id else self._is_due)
        return [self._response_created(response_id)] if is_new else []

    def _response_created(self, response_id: str, request: str = "") -> ResponseStarted:
        self._is_due = False
        self._open = response_id or self._name("response")
        self._known[self._open] = True
        return ResponseStarted(self._open, request)

    def _response(self, response_id: str) -> str:
        """Return which response an event belongs to: without an id, to the open one.

        An event with an unknown id also belongs to the open response if that began without an id.
        """
        is_told = response_id and (response_id in self._known or not self._open.startswith(NAMELESS))
        return response_id if is_told else self._open

    def _place(self, event: _Piece) -> _Place:
        """Return the response and the item of an event: without an id, the item that the response is speaking."""
        response_id = self._response(event.response_id)
        if event.item_id:
            self._items[response_id] = event.item_id
        return response_id, self._items.get(response_id) or f"{NAMELESS}item of {response_id}"

    def _remember_item(self, added: wire.ItemAdded) -> None:
        item = added.item
        if item.is_call and item.call_id and item.name:
            self._call_names[item.call_id] = item.name
        if isinstance(added, wire.OutputItemAdded) and item.type == "message" and item.id:
            self._items[self._response(added.response_id)] = item.id

    def _item_done(self, response_id: str, item: wire.Item) -> list[Arrival]:
        if item.status == "incomplete":
            return []
        if item.is_call and item.arguments is not None:
            return self._call_made(response_id, item.call_id or "", item.name, item.arguments)
        return [ItemComplete(response_id, item.id)] if item.type == "message" and item.id else []

    def _call_made(self, response: str, call_id: str, name: str | None, arguments: str | None) -> list[Arrival]:
        if not call_id:
            return []  # it could not be answered; the finished response may carry the call in full
        place = self._response(response), call_id
        call = ToolCall(call_id, name or self._call_names.get(call_id, ""), arguments or "")
        is_told = self._calls.get(place) == call
        self._calls[place] = call
        if (length := sum(len(call.arguments) for call in self._calls.values())) > _MOST_ARGUMENTS:
            raise wire.LimitExceeded(f"calls of tools with {length} characters of arguments")
        return [CallMade(place[0], call)] if call.name and not is_told else []

    def _response_done(self, event: wire.ResponseDone) -> list[Arrival]:
        response = event.response
        response_id = self._response(response.id)
        if response_id == self._open:
            self._open = ""
        calls = {call_id: self._calls.pop((of, call_id)) for of, call_id in [*self._calls] if of == response_id}
        for item in response.items():
            if item.is_call and item.call_id and item.status != "incomplete":
                told = calls.get(item.call_id, ToolCall(item.call_id, self._call_names.get(item.call_id, ""), ""))
                # The finished item is authoritative; what a service leaves out of it was sent before.
                calls[item.call_id] = ToolCall(item.call_id, item.name or told.name, item.arguments or told.arguments)
        has_audio = self._with_audio.pop(response_id, False)
        status, codes = status_of(response.status), response.trouble().codes
        ended = ResponseEnded(
            response_id,
            status,
            tuple(calls.values()) if status is ResponseStatus.COMPLETED else (),
            has_audio=has_audio,
            fault=complaints.failure_of(codes) if status in FAILURES else "",
            # Not for a word that is not in the protocol.
            has_broken=response.status == ResponseStatus.FAILED and (not codes or complaints.has_broken(codes)),
        )
        usage = event.counts()
        return [ended, UsageTold(usage)] if usage else [ended]


def status_of(word: str | None) -> ResponseStatus:
    """Return how a response ended; a word that is not in the protocol counts as a failure, which is audible."""
    try:
        return ResponseStatus(word or "completed")
    except ValueError:
        return ResponseStatus.FAILED
