import json
from typing import Any

import pytest

from edgevoice.local.mind import phrases, vocabulary
from edgevoice.local.mind.brain import Prompt, Reply, answer, is_complete
from edgevoice.local.mind.calls import RequestedCall, ToolResult
from edgevoice.local.mind.intents import Intent, TimerWish, VolumeWish, Wish, is_wake_word_only, understand
from edgevoice.local.mind.numbers import in_digits, spoken, spoken_duration, spoken_ordinal, spoken_year
from edgevoice.local.mind.tool_kinds import DeclaredTool, ToolKind

TOOLS = {
    "get_current_time": DeclaredTool(),
    "set_volume": DeclaredTool(frozenset({"percent", "change"})),
    "set_timer": DeclaredTool(frozenset({"seconds", "label"})),
    "cancel_timers": DeclaredTool(frozenset({"seconds", "label"})),
    "end_conversation": DeclaredTool(),
}


@pytest.mark.parametrize(
    ("said", "intents"),
    [
        ("hey jarvis what time is it", [Wish.TIME]),
        ("What's the time, please?", [Wish.TIME]),
        ("could you tell me what time it is", [Wish.TIME]),
        ("alexa what's the date today", [Wish.DATE]),
        ("what day is it", [Wish.DATE]),
        ("what is today's date", [Wish.DATE]),
        ("set the volume to fifty percent", [VolumeWish(percent=50)]),
        ("set the volume to 35%", [VolumeWish(percent=35)]),
        ("volume one hundred percent", [VolumeWish(percent=100)]),
        ("turn the volume down by twenty percent", [VolumeWish(change=-20)]),
        ("volume up", [VolumeWish(change=10)]),
        ("turn it down", [VolumeWish(change=-10)]),
        ("make it louder", [VolumeWish(change=10)]),
        ("mute", [VolumeWish(percent=0)]),
        ("set a timer for ten minutes", [TimerWish(600)]),
        ("set a forty five second timer", [TimerWish(45)]),
        ("set a timer for an hour", [TimerWish(3600)]),
        ("set a timer for half an hour", [TimerWish(1800)]),
        ("set a timer for one minute and thirty seconds", [TimerWish(90)]),
        ("stop the timer", [Wish.CANCEL_TIMERS]),
        ("cancel all timers", [Wish.CANCEL_TIMERS]),
        ("tell me a story", [Wish.STORY]),
        ("tell me another joke", [Wish.JOKE]),
        ("what can you do", [Wish.HELP]),
        ("say that again", [Wish.REPEAT]),
        ("stop", [Wish.STOP]),
        ("never mind", [Wish.STOP]),
        ("thank you", [Wish.THANKS]),
        ("okay goodbye", [Wish.GOODBYE]),
        ("what time is it and set the volume to fifty percent", [Wish.TIME, VolumeWish(percent=50)]),
        ("who wrote a tale of two cities", []),
        ("hey jarvis play some music bye the be old", []),
        ("help me to find the station in the city", []),
        ("", []),
    ],
)
def test_words_become_intents_in_the_order_they_were_said(said: str, intents: list[Intent]) -> None:
    assert understand(said) == intents
    assert is_complete(said) == bool(intents)


@pytest.mark.parametrize(
    "said", ["hey jarvis", "Alexa.", "hey mycroft", "hey jarvis could you", "um hey jarvis please", "Jarvis, you"]
)
def test_the_wake_word_alone_is_not_a_command(said: str) -> None:
    assert is_wake_word_only(said)
    assert not is_complete(said)
    assert answer(Prompt(said)).speech == "Yes?"


@pytest.mark.parametrize(
    ("said", "call"),
    [
        ("what time is it", RequestedCall("get_current_time", {})),
        ("volume down", RequestedCall("set_volume", {"change": -10})),
        ("set the volume to sixty percent", RequestedCall("set_volume", {"percent": 60})),
        ("set a timer for two minutes", RequestedCall("set_timer", {"seconds": 120, "label": "two minutes"})),
        ("cancel the timer", RequestedCall("cancel_timers", {})),
        ("cancel the ten minute timer", RequestedCall("cancel_timers", {"seconds": 600})),
        ("goodbye", RequestedCall("end_conversation", {})),
    ],
)
def test_the_clients_tools_handle_what_the_client_can_do(said: str, call: RequestedCall) -> None:
    assert answer(Prompt(said, tools=TOOLS)) == Reply(calls=(call,))


@pytest.mark.parametrize(
    ("said", "speech"),
    [
        ("what time is it", phrases.NO_CLOCK),
        ("volume down", phrases.NO_VOLUME),
        ("set a timer for two minutes", phrases.NO_TIMERS),
        ("goodbye", "Goodbye!"),
        ("thanks", "You are welcome."),
        ("what can you do", phrases.HELP),
        ("order a pizza", phrases.NOT_UNDERSTOOD),
        ("", phrases.NOT_UNDERSTOOD),
        (None, phrases.GREETING),
    ],
)
def test_without_tools_every_request_is_answered_in_words(said: str | None, speech: str) -> None:
    assert answer(Prompt(said)) == Reply(speech)


def test_a_volume_tool_without_steps_is_not_asked_for_a_step() -> None:
    only_percent = {"set_volume": DeclaredTool(frozenset({"percent"}))}

    assert answer(Prompt("volume up", tools=only_percent)).speech == phrases.NO_RELATIVE_VOLUME


def test_time_and_date_take_one_reading_of_the_clock() -> None:
    assert len(answer(Prompt("what time is it and what day is it", tools=TOOLS)).calls) == 1


def test_the_second_joke_differs_from_the_first() -> None:
    assert answer(Prompt("tell me a joke", turn=1)) != answer(Prompt("tell me a joke", turn=2))


def test_say_that_again_says_the_last_answer() -> None:
    assert answer(Prompt("repeat that", last_answer="It is noon.")).speech == "It is noon."


def test_a_client_can_have_its_own_words_spoken() -> None:
    for said in ('Say: "Your tea is ready."', "Repeat the following text: Your tea is ready."):
        assert answer(Prompt(directions=said)).speech == "Your tea is ready."
        assert answer(Prompt(said)).speech == "Your tea is ready."


CLOCK = {"time": "18:04", "date": "2025-11-22", "weekday": "Saturday"}


@pytest.mark.parametrize(
    ("said", "name", "arguments", "output", "speech"),
    [
        ("what time is it", "get_current_time", {}, CLOCK, "It is six oh four in the evening."),
        (
            "what day is it",
            "get_current_time",
            {},
            CLOCK,
            "Today is Saturday, the twenty second of November, twenty twenty five.",
        ),
        ("what time is it", "get_current_time", {}, "09:30", "It is nine thirty in the morning."),
        (
            "what time is it",
            "get_current_time",
            {},
            {"datetime": "2025-11-22T13:00:00"},
            "It is one o'clock in the afternoon.",
        ),
        ("what time is it", "get_current_time", {}, [], "The clock gave me no answer."),
        ("volume up", "set_volume", {"change": 10}, {"volume_percent": 60}, "The volume is at sixty percent."),
        ("volume up", "set_volume", {"change": 10}, {"ok": True}, "Okay, a little louder."),
        ("volume 5", "set_volume", {"percent": 5}, "fine", "The volume is at five percent."),
        ("set a timer", "set_timer", {"seconds": 90}, {}, "Okay, one minute and thirty seconds, starting now."),
        ("cancel", "cancel_timers", {}, {"cancelled": 0}, "There is no timer running."),
        ("cancel", "cancel_timers", {}, {"cancelled": 1}, "The timer is cancelled."),
        ("cancel", "cancel_timers", {}, {"ok": True}, "The timer is cancelled."),
        ("cancel", "cancel_timers", {}, {"cancelled": 2}, "The timers are cancelled."),
        ("cancel", "cancel_timers", {"seconds": 600}, {"cancelled": 0}, "There is no such timer running."),
        ("goodbye", "end_conversation", {}, {"ok": True}, "Goodbye!"),
        ("volume up", "set_volume", {"change": 10}, {"error": "no card"}, phrases.TOOL_FAILED),
        ("anything", "a_tool_of_theirs", {}, "null", "That is done."),
    ],
)
def test_a_tools_result_becomes_a_sentence(
    said: str, name: str, arguments: dict[str, Any], output: object, speech: str
) -> None:
    text = output if isinstance(output, str) else json.dumps(output)
    result = ToolResult(RequestedCall(name, arguments), text)

    assert answer(Prompt(said, results=[result], tools=TOOLS)).speech == speech


def test_numbers_survive_conversion_to_words_and_back() -> None:
    assert [int(in_digits(spoken(number))) for number in range(101)] == [*range(101)]
    assert [spoken_ordinal(day) for day in (1, 2, 12, 20, 31)] == [
        "first",
        "second",
        "twelfth",
        "twentieth",
        "thirty first",
    ]
    assert [spoken_year(year) for year in (1999, 2009, 2025, 1905)] == [
        "nineteen ninety nine",
        "two thousand nine",
        "twenty twenty five",
        "nineteen oh five",
    ]
    assert spoken_duration(3661) == "one hour and one minute and one second"


def test_every_command_of_the_recogniser_is_understood_and_no_negated_one() -> None:
    commands = {*vocabulary.commands()}

    assert not {command for command in commands if not understand(command)}
    turned = {around.format(command) for command in commands for around in vocabulary.TURNING}
    assert not {sentence for sentence in turned if understand(sentence)}


@pytest.mark.parametrize("kind", list(ToolKind))
@pytest.mark.parametrize("output", ["[" * 100_000, '{"a":' * 100_000, "[" * 400 + "]" * 400, "null", "7", '"', ""])
def test_whatever_a_tool_returns_is_answered(kind: ToolKind, output: str) -> None:
    call = RequestedCall(kind.value, {"time": "7:00"})

    assert answer(Prompt("what alarms are set", results=[ToolResult(call, output)])).speech
    assert answer(Prompt("cancel that", past=[ToolResult(call, output)], last_answer="Okay, done.")).speech


@pytest.mark.parametrize("kind", [ToolKind.ALARM, ToolKind.REMINDER, ToolKind.TIMERS, ToolKind.SNOOZE])
@pytest.mark.parametrize("output", ["It rings at seven", '"It rings at seven."'])
def test_another_tool_of_our_name_may_answer_in_words(kind: ToolKind, output: str) -> None:
    result = ToolResult(RequestedCall(kind.value, {"time": "7:00"}), output)

    assert answer(Prompt("wake me at seven", results=[result])).speech == "It rings at seven."
