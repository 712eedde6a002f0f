"""Converts the conversation's notices into a program's events. Pure: notices in, events out."""

from dataclasses import dataclass, field

from edgevoice.agent import events
from edgevoice.agent.events import AgentEvent
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    ApprovalSettled,
    Event,
    ItemHeard,
    LinkOpened,
    PlaybackCut,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    ServiceComplained,
    ToolCall,
    ToolFinished,
    UserFact,
    UserStartedSpeaking,
    UserStoppedSpeaking,
)
from edgevoice.core.notices import AudioReceived, Notice, PhaseEntered, Role, TranscriptChanged, UsageTold
from edgevoice.core.orders import CreateResponse, CutPlayback, RunTool
from edgevoice.core.recent import Recent
from edgevoice.core.sound.whole_samples import WholeSamples

_MOST_ITEMS = 64
"""Items whose words so far, or whose responses, are remembered: a service may invent any number of ids."""

_ANSWERING = (Phase.THINKING, Phase.SPEAKING)


@dataclass(slots=True)
class _Turn:
    """The answer in progress.

    ``response_id`` and ``status``: its latest response, and how that ended. ``is_due``: another one was asked for.
    ``calls``: the tools that run for it; ``has_called``: some have run. ``sounding``: the responses whose sound has
    come and has not been played to its end.
    """

    response_id: str = ""
    status: ResponseStatus | None = None
    is_due: bool = False
    has_called: bool = False
    calls: set[str] = field(default_factory=set)
    sounding: list[str] = field(default_factory=list)

    @property
    def is_received(self) -> bool:
        """Whether the service has nothing to add."""
        return self.status is not None and not self.is_due and not self.calls

    def played(self) -> list[AgentEvent]:
        """Return the end of each response that is complete, now that what has come was played."""
        is_open = self.status is None and self.sounding[-1:] == [self.response_id]
        done = self.sounding[:-1] if is_open else self.sounding
        self.sounding = self.sounding[len(done) :]
        return [events.SpeakingDone(response_id) for response_id in done]


class Observation:
    """What has been seen of one conversation, as far as later events need it.

    ``is_exact``: how much was heard is counted, not estimated.
    """

    def __init__(self, *, is_exact: bool) -> None:
        self._is_exact = is_exact
        self._phase = Phase.IDLE
        self._fact: Event | None = None
        self._turn = self._before = _Turn()
        self._latest = ""
        self._cut: list[str] | None = None
        self._waits: list[AgentEvent] = []
        self._joined = WholeSamples()
        self._words = Recent[str, tuple[str, str]](_MOST_ITEMS)
        self._responses = Recent[str, str](_MOST_ITEMS)
        self._calls: dict[str, ToolCall] = {}

    def take(self, notice: Notice) -> list[AgentEvent]:
        """Take one notice; return the events that a program sees."""
        if isinstance(notice, Event):
            self._fact = notice
        match notice:
            case AudioReceived():
                return self._speaking(notice)
            case LinkOpened():
                self._words.clear()  # a service may number its items anew in each session
            case TranscriptChanged():
                return [self._writing(notice)]
            case UserStartedSpeaking():
                return [events.SpeechStarted()]
            case UserStoppedSpeaking():
                return [events.SpeechStopped()]
            case ResponseStarted(response_id=response_id):
                self._latest = self._turn.response_id = response_id
                self._turn.status, self._turn.is_due = None, False
            case ResponseEnded(response_id=response_id, status=status) if response_id == self._turn.response_id:
                self._turn.status = status
            case CreateResponse():
                self._turn.is_due = True
            case CutPlayback():
                self._cut, self._turn.sounding = self._turn.sounding or [self._latest], []
            case PlaybackCut(items=items):
                return self._interrupted(items)
            case UsageTold(tokens=tokens):
                return [events.Usage(tokens)]
            case ServiceComplained(code=code, fault=fault):
                text = f"the service reports an error: {code or 'unnamed'}"
                return [events.Error(fault or code, text, is_fatal=False)]
            case PhaseEntered(phase=phase):
                return self._entered(phase)
            case RunTool() | ToolFinished() | ApprovalSettled():
                return self._tool(notice)
            case _:
                pass  # of no interest to a program
        return []

    def last(self, closed: events.Closed) -> list[AgentEvent]:
        """Return the last event of the conversation; it waits for what must come before it."""
        if self._cut is None:
            return [closed]
        self._waits.append(closed)
        return []

    def rest(self) -> list[AgentEvent]:
        """Return what waits to be known how much was heard of an answer that was cut: nobody reports that any more."""
        waits, self._waits, self._cut = self._waits, [], None
        return waits

    def _speaking(self, received: AudioReceived) -> list[AgentEvent]:
        response_id = received.response_id
        if self._turn.sounding[-1:] != [response_id]:
            self._turn.sounding.append(response_id)
            self._joined = WholeSamples()
        self._responses[received.item_id] = response_id
        whole = self._joined.take(received.pcm)
        return [events.Speaking(whole, response_id)] if whole else []

    def _writing(self, changed: TranscriptChanged) -> AgentEvent:
        of = self._latest if changed.role is Role.ASSISTANT else ""
        before, response_id = self._words.get(changed.item_id) or ("", of)
        self._words[changed.item_id] = changed.text, response_id
        added = changed.text[len(before) :] if changed.text.startswith(before) else None
        return events.Writing(changed.text, changed.role, response_id, changed.item_id, added, changed.is_final)

    def _tool(self, notice: RunTool | ToolFinished | ApprovalSettled) -> list[AgentEvent]:
        match notice:
            case RunTool(call=call):
                self._calls[call.call_id] = call
                self._turn.calls.add(call.call_id)
                self._turn.has_called = True
                return [events.ToolCallStart(call.call_id, call.name, call.arguments)]
            case ToolFinished(call_id=call_id, asking=asking) if asking:
                self._turn.calls.discard(call_id)
                return []  # its result follows, once the user has replied
            case ToolFinished(call_id=call_id, output=output) | ApprovalSettled(call_id=call_id, output=output):
                self._turn.calls.discard(call_id)
                call = self._calls.pop(call_id, ToolCall(call_id, "", ""))
                return [events.ToolCallResult(call_id, call.name, output)]

    # --- how an answer ends -------------------------------------------------------------------------------------------

    def _interrupted(self, items: tuple[ItemHeard, ...]) -> list[AgentEvent]:
        if self._cut is None:
            return []
        cut = self._cut
        heard = [self._responses.get(item.item_id) for item in items if item.heard_ms]
        response_id = next((each for each in reversed(cut) if each in heard), cut[0] if items else cut[-1])
        of_it = (item.heard_ms for item in items if self._responses.get(item.item_id) in {None, response_id})
        before = [events.SpeakingDone(each) for each in cut[: cut.index(response_id)]]
        return [*before, events.Interrupted(response_id, sum(of_it), self._is_exact), *self.rest()]

    def _entered(self, phase: Phase) -> list[AgentEvent]:
        before, self._phase = self._phase, phase
        if before not in _ANSWERING:
            self._begun(phase)
            return []
        if phase in _ANSWERING:
            return self._turn.played() if phase is Phase.THINKING else []
        if phase is Phase.CONNECTING and not (self._turn.sounding or self._turn.has_called):
            return []  # nothing of it was heard: it is answered in the next session
        return self._over(phase)

    def _begun(self, phase: Phase) -> None:
        if phase is Phase.THINKING:
            self._turn = _Turn(self._latest if isinstance(self._fact, ResponseStarted) else "")
        elif phase is Phase.SPEAKING:
            # Nobody had spoken: the answer that was cut goes on.
            self._turn = self._before
            self._turn.sounding = [self._turn.response_id]

    def _over(self, phase: Phase) -> list[AgentEvent]:
        turn = self._before = self._turn
        self._turn = _Turn()
        was_cut = self._cut is not None
        was_interrupted = was_cut or isinstance(self._fact, UserFact | UserStartedSpeaking)
        if turn.is_received and turn.status is not None:
            status = turn.status
        elif was_interrupted:
            # An answer that is cut while it is still being generated is cancelled; the service confirms it later.
            status = ResponseStatus.CANCELLED
        else:
            # If only its end is missing, an answer is taken as complete.
            status = ResponseStatus.COMPLETED if phase is Phase.LISTENING else ResponseStatus.FAILED
        if turn.status is None and status is ResponseStatus.COMPLETED:
            turn.status = status
        done: list[AgentEvent] = [*turn.played(), events.TurnDone(turn.response_id, status, was_interrupted)]
        if was_cut:
            # How much was heard is reported a moment after the cut, and must come first.
            self._waits, done = done, []
        return done
