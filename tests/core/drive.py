"""Drives a conversation with facts in virtual time: arrange with facts, assert the orders."""

from msgspec.structs import replace

from edgevoice.core.conversation.conversation import Conversation
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.conversation.policy import Policy
from edgevoice.core.facts import (
    DeadlinePassed,
    Event,
    LinkLost,
    LinkOpened,
    PlaybackStarted,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    ToolCall,
    TurnEnded,
    UserStartedSpeaking,
    UserStoppedSpeaking,
    WakeWordHeard,
)
from edgevoice.core.orders import Action, CloseLink, CloseUplink, Earcon, Light, MarkTurn, PlayEarcon, ShowLight

OPEN_MICROPHONE = Policy(
    connect_s=12,
    no_speech_s=8,
    follow_up_s=6,
    answer_s=15,
    progress_s=15,
    session_s=600,
    echo_tail_s=0.2,
    hears_itself=False,
)
HALF_DUPLEX = replace(OPEN_MICROPHONE, hears_itself=True)

WAKE = WakeWordHeard("hey_jarvis", 0.9, at_sample=32_000)
NETWORK_GONE = LinkLost("service-unreachable", is_retriable=True)
COMPLETED = ResponseEnded("r1", ResponseStatus.COMPLETED, has_audio=True)
CALL = ToolCall("c1", "set_timer", '{"minutes":3}')
OTHER_CALL = ToolCall("c2", "get_time", "")

HUNG_UP = [ShowLight(Light.IDLE), CloseUplink(), CloseLink()]
"""What a box does at the end, when nothing sounds."""


def ended_by(limit: Earcon) -> list[Action]:
    """Return what a box does when a limit ends the conversation and nothing sounds."""
    return [ShowLight(Light.FAULT, limit.value), CloseUplink(), CloseLink(), PlayEarcon(limit)]


TO_CONNECTING = (WAKE,)
TO_LISTENING = (WAKE, LinkOpened())
TO_THINKING = (*TO_LISTENING, UserStartedSpeaking(), UserStoppedSpeaking(), TurnEnded())
TO_ANSWERING = (*TO_THINKING, ResponseStarted("r1"))
TO_SPEAKING = (*TO_ANSWERING, PlaybackStarted(1))
TO_SPOKEN = (*TO_SPEAKING, COMPLETED)
TO_TOOLS = (*TO_ANSWERING, ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL, OTHER_CALL)))

WAYS: dict[Phase, tuple[Event, ...]] = {
    Phase.IDLE: (),
    Phase.CONNECTING: TO_CONNECTING,
    Phase.LISTENING: TO_LISTENING,
    Phase.THINKING: TO_THINKING,
    Phase.SPEAKING: TO_SPEAKING,
}
"""The shortest way into each phase."""


class Driven:
    """A conversation and its virtual time."""

    def __init__(self, policy: Policy) -> None:
        self.conversation = Conversation(policy, chance=lambda: 0.0)
        self.now = 1000.0
        self.conversation.start()

    @property
    def phase(self) -> Phase:
        return self.conversation.phase

    @property
    def waits_s(self) -> float | None:
        """The time from now to the deadline."""
        at = self.conversation.deadline
        return None if at is None else round(at - self.now, 6)

    def hear(self, *facts: Event) -> list[Action]:
        """Handle facts at one instant; return the resulting orders except pure bookkeeping."""
        return [action for action in self.hear_all(*facts) if not isinstance(action, MarkTurn)]

    def hear_all(self, *facts: Event) -> list[Action]:
        """Handle facts at one instant; return every resulting order."""
        return [action for fact in facts for action in self.conversation.handle(fact, self.now)]

    def wait(self, seconds: float) -> list[Action]:
        """Let time pass and fire every deadline when it is due; return the resulting orders."""
        end, actions = self.now + seconds, list[Action]()
        while (at := self.conversation.deadline) is not None and at <= end:
            self.now = max(self.now, at)
            actions += self.hear(DeadlinePassed())
        self.now = end
        return actions

    def oversleep(self, seconds: float) -> list[Action]:
        """Let time pass and fire a deadline only afterwards, as a busy machine does."""
        self.now += seconds
        return self.wait(0)


def drive(*facts: Event, policy: Policy = OPEN_MICROPHONE) -> Driven:
    """Return a conversation that has handled these facts at one instant."""
    driven = Driven(policy)
    driven.hear(*facts)
    return driven
