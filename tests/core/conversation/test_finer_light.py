"""The finer lights follow who speaks and what works, and end with that."""

from edgevoice.core.facts import (
    NearSpeechBegan,
    NearSpeechFaded,
    ResponseEnded,
    ResponseStatus,
    ToolFinished,
    UserStartedSpeaking,
    UserStoppedSpeaking,
)
from edgevoice.core.orders import Light
from tests.core.drive import CALL, TO_ANSWERING, TO_LISTENING, TO_SPEAKING, Driven, drive


def shown(box: Driven) -> str:
    return box.conversation.light.light.value


def test_it_shows_that_it_hears_somebody_only_while_they_speak() -> None:
    box = drive(*TO_LISTENING, UserStartedSpeaking())
    assert shown(box) == Light.HEARING

    box.hear(UserStoppedSpeaking())
    assert shown(box) == Light.LISTENING


def test_it_shows_a_tool_only_until_it_has_returned() -> None:
    box = drive(*TO_ANSWERING, ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,)))
    assert shown(box) == Light.WORKING

    box.hear(ToolFinished("c1", "{}"))
    assert shown(box) == Light.THINKING


def test_it_shows_a_lowered_answer_only_while_it_is_lowered() -> None:
    box = drive(*TO_SPEAKING, NearSpeechBegan(1))
    assert shown(box) == Light.DUCKED

    box.hear(NearSpeechFaded())
    assert shown(box) == Light.SPEAKING
