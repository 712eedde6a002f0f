"""Converts the conversation's notices into a program's events. Pure: notices in, events out."""

from edgevoice.agent import events
from edgevoice.agent.events import AgentEvent
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    ApprovalSettled,
    PlaybackCut,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    ServiceComplained,
    ToolCall,
    ToolFinished,
    UserStartedSpeaking,
    UserStoppedSpeaking,
)
from edgevoice.core.notices import AudioReceived, Notice, PhaseEntered, Role, TranscriptChanged, UsageTold
from edgevoice.core.orders import CutPlayback, RunTool
from edgevoice.core.recent import Recent
from edgevoice.core.sound.whole_samples import WholeSamples

_MOST_ITEMS = 64
"""Items whose words so far are remembered: a service may invent any number of ids."""


class Observation:
    """What has been seen of one conversation, as far as later events need it.

    ``is_exact``: how much was heard is counted, not estimated.
    """

    def __init__(self, *, is_exact: bool) -> None:
        self._is_exact = is_exact
        self._phase = Phase.IDLE
        self._response_id = ""
        self._status: ResponseStatus | None = None
        self._sounding = ""
        self._cut: str | None = None
        self._waits: list[AgentEvent] = []
        self._joined = WholeSamples()
        self._words = Recent[str, tuple[str, str]](_MOST_ITEMS)
        self._calls: dict[str, ToolCall] = {}

    def take(self, notice: Notice) -> list[AgentEvent]:
        """Take one notice; return the events that a program sees."""
        match notice:
            case AudioReceived(response_id=response_id, pcm=pcm):
                return self._speaking(response_id, pcm)
            case TranscriptChanged():
                return [self._writing(notice)]
            case UserStartedSpeaking():
                return [events.SpeechStarted()]
            case UserStoppedSpeaking():
                return [events.SpeechStopped()]
            case ResponseStarted(response_id=response_id):
                self._response_id, self._status = response_id, None
                return []
            case ResponseEnded(response_id=response_id, status=status):
                self._status = status if response_id == self._response_id else self._status
                return []
            case CutPlayback():
                self._cut = self._sounding or self._response_id
                return []
            case PlaybackCut(items=items):
                return self._interrupted(sum(item.heard_ms for item in items))
            case RunTool(call=call):
                self._calls[call.call_id] = call
                return [events.ToolCallStart(call.call_id, call.name, call.arguments)]
            case ToolFinished(asking=asking) if asking:
                return []  # its result follows, once the user has replied
            case ToolFinished(call_id=call_id, output=output) | ApprovalSettled(call_id=call_id, output=output):
                call = self._calls.pop(call_id, ToolCall(call_id, "", ""))
                return [events.ToolCallResult(call_id, call.name, output)]
            case UsageTold(tokens=tokens):
                return [events.Usage(tokens)]
            case ServiceComplained(code=code, fault=fault):
                return [
                    events.Error(fault or code, f"the service reports an error: {code or 'unnamed'}", is_fatal=False)
                ]
            case PhaseEntered(phase=phase):
                return self._entered(phase)
            case _:
                return []

    def _speaking(self, response_id: str, pcm: bytes) -> list[AgentEvent]:
        if response_id != self._sounding:
            self._sounding, self._joined = response_id, WholeSamples()
        whole = self._joined.take(pcm)
        return [events.Speaking(whole, response_id)] if whole else []

    def _writing(self, changed: TranscriptChanged) -> AgentEvent:
        of = self._response_id if changed.role is Role.ASSISTANT else ""
        before, response_id = self._words.get(changed.item_id) or ("", of)
        self._words[changed.item_id] = changed.text, response_id
        added = changed.text[len(before) :] if changed.text.startswith(before) else None
        return events.Writing(changed.text, changed.role, response_id, changed.item_id, added, changed.is_final)

    def _interrupted(self, heard_ms: int) -> list[AgentEvent]:
        if self._cut is None:
            return []
        cut, waits = events.Interrupted(self._cut, heard_ms, self._is_exact), self._waits
        self._cut, self._waits = None, []
        return [cut, *waits]

    def _entered(self, phase: Phase) -> list[AgentEvent]:
        before, self._phase = self._phase, phase
        if before not in {Phase.THINKING, Phase.SPEAKING} or phase not in {Phase.LISTENING, Phase.IDLE}:
            return []
        was_cut = self._cut is not None
        # An answer that is cut while it is still being generated is cancelled; the service confirms it later.
        status = self._status or (ResponseStatus.CANCELLED if was_cut else ResponseStatus.COMPLETED)
        done: list[AgentEvent] = [events.TurnDone(self._response_id, status, was_cut)]
        if self._sounding and not was_cut:
            done = [events.SpeakingDone(self._sounding), *done]
        self._sounding, self._status = "", None
        if was_cut:
            # How much was heard is reported a moment after the cut, and must come first.
            self._waits, done = done, []
        return done
