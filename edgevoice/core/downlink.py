"""Downlink: turns the service's events into facts, pieces of audio and transcripts. No I/O, no clock.

It remembers only what one event needs of an earlier one: names of calls, which responses had sound, words so far.
"""

from dataclasses import dataclass
from typing import TypeVar, assert_never

from edgevoice.core import wire
from edgevoice.core.facts import (
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
from edgevoice.core.notices import Role, TranscriptChanged, UsageTold
from edgevoice.core.transcript import has_words, visible

_MOST_KEPT = 256
"""Things of one kind that are remembered: a service may invent ids without end, and memory ends."""

_LONGEST_WORDS = 20_000

_T = TypeVar("_T")


class _Recent(dict[str, _T]):
    """A dictionary that forgets its oldest entry for each one too many."""

    def __setitem__(self, key: str, value: _T) -> None:
        super().__setitem__(key, value)
        if len(self) > _MOST_KEPT:
            del self[next(iter(self))]


@dataclass(frozen=True, slots=True)
class AudioPiece:
    """A piece of an answer's audio, mono s16 at 24 kHz; may end in the middle of a sample."""

    response_id: str
    item_id: str
    content_index: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class ItemComplete:
    """All of an item's audio has arrived."""

    response_id: str
    item_id: str


@dataclass(frozen=True, slots=True)
class BackchannelPiece:
    """A piece of a backchannel's audio, as that of an answer is; ``pcm`` may end in the middle of a sample."""

    backchannel_id: str
    pcm: bytes


@dataclass(frozen=True, slots=True)
class BackchannelComplete:
    """All of a backchannel's audio has arrived."""

    backchannel_id: str


Arrival = Event | AudioPiece | ItemComplete | BackchannelPiece | BackchannelComplete | TranscriptChanged | UsageTold


class Downlink:
    """One session's downlink; a new session needs a new one."""

    def __init__(self) -> None:
        self._call_names = _Recent[str]()
        self._calls = _Recent[_Recent[ToolCall]]()
        self._with_audio = _Recent[bool]()
        self._words = _Recent[str]()

    def take(self, event: wire.ServerEvent) -> list[Arrival]:
        """Take one event of the service and return what it means, in order."""
        match event:
            case wire.SessionUpdated():
                return [LinkOpened()]
            case wire.ServiceError():
                return [ServiceComplained(event.code)]
            case wire.SpeechStarted():
                return [UserStartedSpeaking()]
            case wire.SpeechStopped():
                return [UserStoppedSpeaking()]
            case wire.Committed():
                return [TurnEnded()]
            case wire.TranscriptionDelta(item_id=item_id, delta=text):
                return [TranscriptChanged(Role.USER, item_id, text or "", is_final=False)]
            case wire.TranscriptionCompleted(item_id=item_id, transcript=text):
                words = text if text and has_words(text) else ""
                return [TranscriptChanged(Role.USER, item_id, words, is_final=True)]
            case wire.ItemAdded(item=item):
                self._remember_name(item)
                return []
            case wire.ArgumentsDone():
                self._remember_call(event)
                return []
            case wire.ResponseCreated(response=response):
                return [ResponseStarted(response.id)]
            case wire.AudioDelta(response_id=response_id, item_id=item_id, content_index=index, delta=pcm):
                if pcm:
                    self._with_audio[response_id] = True
                return [AudioPiece(response_id, item_id, index, pcm)]
            case wire.AudioDone(response_id=response_id, item_id=item_id):
                return [ItemComplete(response_id, item_id)]
            case wire.BackchannelDelta(backchannel_id=backchannel_id, delta=pcm):
                return [BackchannelPiece(backchannel_id, pcm)]
            case wire.BackchannelDone(backchannel_id=backchannel_id):
                return [BackchannelComplete(backchannel_id)]
            case wire.TranscriptDelta(item_id=item_id, delta=text):
                self._words[item_id] = (self._words.get(item_id, "") + (text or ""))[:_LONGEST_WORDS]
                return [self._assistant(item_id, is_final=False)]
            case wire.TranscriptDone(item_id=item_id, transcript=text):
                self._words[item_id] = text if text is not None else self._words.get(item_id, "")
                return [self._assistant(item_id, is_final=True)]
            case wire.ResponseDone():
                return self._response_done(event)
            case wire.SessionCreated() | wire.Unknown():
                return []
            case _:
                assert_never(event)

    def _assistant(self, item_id: str, *, is_final: bool) -> TranscriptChanged:
        return TranscriptChanged(Role.ASSISTANT, item_id, visible(self._words[item_id]), is_final=is_final)

    def _remember_name(self, item: wire.Item) -> None:
        if item.type == "function_call" and item.call_id and item.name:
            self._call_names[item.call_id] = item.name

    def _remember_call(self, done: wire.ArgumentsDone) -> None:
        name = done.name or self._call_names.get(done.call_id, "")
        call = ToolCall(done.call_id, name, done.arguments or "")
        calls = self._calls.get(done.response_id, _Recent[ToolCall]())
        calls[done.call_id] = call
        self._calls[done.response_id] = calls

    def _response_done(self, event: wire.ResponseDone) -> list[Arrival]:
        response = event.response
        calls: dict[str, ToolCall] = self._calls.pop(response.id, _Recent[ToolCall]())
        for item in response.items():
            if item.type == "function_call" and item.call_id and item.status != "incomplete":
                told = calls.get(item.call_id, ToolCall(item.call_id, self._call_names.get(item.call_id, ""), ""))
                # The finished item is the last word; what a service leaves out of it was told before.
                calls[item.call_id] = ToolCall(item.call_id, item.name or told.name, item.arguments or told.arguments)
        has_audio = self._with_audio.pop(response.id, False)
        status = _status(response.status)
        is_complete = status is ResponseStatus.COMPLETED
        ended = ResponseEnded(response.id, status, tuple(calls.values()) if is_complete else (), has_audio=has_audio)
        usage = {key: count for key, count in (response.usage or event.usage or {}).items() if isinstance(count, int)}
        return [ended, UsageTold(usage)] if usage else [ended]


def _status(word: str | None) -> ResponseStatus:
    """Read how a response ended; a word that is not in the protocol counts as a failure, which is heard."""
    try:
        return ResponseStatus(word or "completed")
    except ValueError:
        return ResponseStatus.FAILED
