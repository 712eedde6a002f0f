import pytest

from edgevoice.local.mind import phrases, vocabulary
from edgevoice.local.mind.alarm_commands import AlarmRequest, LeftWish
from edgevoice.local.mind.brain import Prompt, Reply, answer, is_complete
from edgevoice.local.mind.calls import RequestedCall
from edgevoice.local.mind.intents import CancelWish, Intent, TimerWish, VolumeWish, Wish, understand
from edgevoice.local.mind.memory_commands import RecallWish
from edgevoice.local.mind.persona_commands import PersonaIntent
from edgevoice.local.mind.questions import asked, question, settled
from edgevoice.local.mind.tool_kinds import DeclaredTool

TOOLS = {
    "set_timer": DeclaredTool(frozenset({"seconds"})),
    "cancel_timers": DeclaredTool(frozenset({"seconds"})),
    "set_volume": DeclaredTool(frozenset({"percent", "change"})),
    "get_current_time": DeclaredTool(frozenset()),
}
TEN_MINUTES = TimerWish(600)
NEEDS_NONE = Wish | RecallWish | PersonaIntent | LeftWish | AlarmRequest


@pytest.mark.parametrize(
    ("intent", "words"),
    [
        (TEN_MINUTES, "A timer for ten minutes?"),
        (TimerWish(5400), "A timer for one hour and thirty minutes?"),
        (CancelWish(600), "Cancel the timer for ten minutes?"),
        (VolumeWish(percent=80), "Volume at eighty percent?"),
        (VolumeWish(change=10), "Volume up?"),
        (VolumeWish(change=-10), "Volume down?"),
        (Wish.CANCEL_TIMERS, "Cancel the timers?"),
        (Wish.GOODBYE, "Goodbye?"),
    ],
)
def test_a_question_states_the_command_and_is_recognised_later(intent: Intent, words: str) -> None:
    assert question(intent) == words
    assert asked(words) == intent
    assert asked(f"I answer on this machine. {words}") == intent


def test_every_command_has_a_question_unless_repeating_it_is_easier() -> None:
    for intent in {intent for command in vocabulary.commands() for intent in understand(command)}:
        words = question(intent)
        assert asked(words) == intent if words is not None else isinstance(intent, NEEDS_NONE)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "Yes?",
        "Okay, ten minutes, starting now.",
        "Hello. How can I help?",
        "What time is it?",
        "Ten minutes",
        "Stop?",
        "A timer for ten minutes?!",
        "Once upon a time, " * 20_000,
        "Once upon a time, " * 20_000 + "?",
    ],
    ids=lambda words: words[:20],
)
def test_only_our_own_questions_count_as_questions(words: str) -> None:
    assert asked(words) is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("yes", [TEN_MINUTES]),
        ("Yes, please.", [TEN_MINUTES]),
        ("hey jarvis yes that is right", [TEN_MINUTES]),
        ("no", []),
        ("no thanks", [Wish.STOP]),
        ("no, twenty", [TimerWish(1200)]),
        ("no twenty minutes", [TimerWish(1200)]),
        ("twenty seconds please", [TimerWish(20)]),
        ("half an hour", [TimerWish(1800)]),
        ("no set a timer for two minutes", [TimerWish(120)]),
        ("volume up", [VolumeWish(change=10)]),
        ("no the other one", []),
        ("the weather", None),
        ("", None),
        ("hey jarvis", None),
    ],
)
def test_an_answer_confirms_corrects_or_refuses(text: str, wanted: list[Intent] | None) -> None:
    assert settled(text, TEN_MINUTES) == wanted


def test_a_correction_keeps_the_unit_that_was_asked_about() -> None:
    assert settled("no three", TimerWish(7200)) == [TimerWish(3 * 3600)]
    assert settled("no forty", TimerWish(45)) == [TimerWish(40)]
    assert settled("thirty", VolumeWish(percent=80)) == [VolumeWish(percent=30)]
    assert settled("no twenty", CancelWish(600)) == [CancelWish(1200)]
    assert settled("no twenty", Wish.GOODBYE) == []


@pytest.mark.parametrize("text", ["yes", "yes please", "no twenty minutes", "fifty percent", "twenty minutes please"])
def test_a_whole_answer_ends_the_turn_early(text: str) -> None:
    assert is_complete(text)


@pytest.mark.parametrize("text", ["no", "okay", "please", "twenty"])
def test_an_answer_that_may_continue_does_not_end_the_turn(text: str) -> None:
    assert not is_complete(text)


def test_an_uncertain_timer_is_asked_about_and_a_certain_one_is_set() -> None:
    call = RequestedCall("set_timer", {"seconds": 600})

    assert answer(Prompt("set a timer for ten minutes", tools=TOOLS)) == Reply(calls=(call,))
    unsure = answer(Prompt("set a timer for ten minutes", is_sure=False, tools=TOOLS))
    assert unsure == Reply("A timer for ten minutes?")
    assert answer(Prompt("yes", last_answer=unsure.speech, tools=TOOLS)) == Reply(calls=(call,))


def test_nothing_is_set_after_a_no_and_the_question_is_over() -> None:
    assert answer(Prompt("no", last_answer="A timer for ten minutes?", tools=TOOLS)) == Reply("Okay.")
    assert not answer(Prompt("yes", last_answer="Okay.", tools=TOOLS)).calls


def test_a_new_command_replaces_the_question() -> None:
    after = answer(Prompt("volume up", last_answer="A timer for ten minutes?", tools=TOOLS))

    assert after.calls == (RequestedCall("set_volume", {"change": 10}),)


def test_an_uncertain_correction_is_asked_about_again() -> None:
    again = answer(Prompt("no twenty", is_sure=False, last_answer="A timer for ten minutes?", tools=TOOLS))

    assert again == Reply("A timer for twenty minutes?")


def test_a_question_in_uncertain_words_is_not_understood() -> None:
    assert answer(Prompt("what time is it", is_sure=False, tools=TOOLS)) == Reply(phrases.NOT_UNDERSTOOD)


def test_two_commands_in_uncertain_words_are_not_understood() -> None:
    reply = answer(Prompt("volume up and goodbye", is_sure=False, tools=TOOLS))

    assert not reply.calls
    assert reply.speech.startswith("Sorry")
