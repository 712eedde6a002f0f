"""An answer that was requested by name is told from others, if the service repeats names."""

import pytest

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    PlaybackDrained,
    PlaybackStarted,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    TurnEnded,
    UserStartedSpeaking,
)
from edgevoice.core.orders import CancelResponse
from tests.core.drive import TO_LISTENING, Driven, drive

NAMED = (TurnEnded("q1"), ResponseStarted("r1", "q1"), PlaybackStarted(1))
HEARD = (*NAMED, ResponseEnded("r1", ResponseStatus.COMPLETED, has_audio=True), PlaybackDrained(1))
OVER = ResponseEnded("other", ResponseStatus.COMPLETED, has_audio=True)


def repeating() -> Driven:
    """Return a conversation with a service that has repeated a name."""
    return drive(*TO_LISTENING, *HEARD)


@pytest.mark.parametrize("name", ["", "q1"], ids=["nobody's", "an earlier one's"])
def test_another_answer_that_begins_meanwhile_is_cancelled_and_ours_awaited(name: str) -> None:
    asked = repeating()
    asked.hear(TurnEnded("q2"))

    assert CancelResponse("other") in asked.hear(ResponseStarted("other", name))
    assert not asked.conversation.admits("other")
    asked.hear(OVER)
    assert asked.phase is Phase.THINKING
    asked.hear(ResponseStarted("r2", "q2"))
    assert asked.conversation.admits("r2")


def test_the_answer_to_the_users_own_turn_has_no_name() -> None:
    asked = repeating()
    asked.hear(TurnEnded("q2"), UserStartedSpeaking(), TurnEnded())
    asked.hear(ResponseStarted("r2"), PlaybackStarted(2))

    assert asked.phase is Phase.SPEAKING


def test_a_service_that_has_repeated_no_name_is_not_judged_by_it() -> None:
    asked = drive(*TO_LISTENING, TurnEnded("q1"))

    assert asked.hear(ResponseStarted("r1"), PlaybackStarted(1))
    assert asked.phase is Phase.SPEAKING


def test_a_service_that_stops_repeating_names_loses_one_answer_only() -> None:
    asked = repeating()
    asked.hear(TurnEnded("q2"), ResponseStarted("r2"), ResponseEnded("r2", ResponseStatus.COMPLETED, has_audio=True))
    asked.wait(60)  # no answer has come, and the box has hung up

    asked.hear(*TO_LISTENING, TurnEnded("q3"), ResponseStarted("r3"), PlaybackStarted(3))
    assert asked.phase is Phase.SPEAKING
