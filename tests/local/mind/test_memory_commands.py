"""What is said to the memory is understood in the user's own words, and answered from what the tools return."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from edgevoice.errors import ToolRefused
from edgevoice.local.mind import phrases
from edgevoice.local.mind.brain import Prompt, Reply, answer, is_complete
from edgevoice.local.mind.calls import RequestedCall, ToolResult
from edgevoice.local.mind.intents import Intent, Wish, understand
from edgevoice.local.mind.memory_commands import (
    FORGET_EVERYTHING,
    NO_MEMORY,
    NOTHING_YET,
    ForgetWish,
    MemoryWish,
    RecallWish,
    RememberWish,
    SearchWish,
    known,
)
from edgevoice.local.mind.questions import asked, question
from edgevoice.local.mind.tool_kinds import DeclaredTool
from edgevoice.memory import household

TOOLS = dict.fromkeys(("remember", "update_memory", "forget", "search_memory", "forget_everything"), DeclaredTool())


@pytest.mark.parametrize(
    ("said", "wish"),
    [
        ("Remember that the bins go out on Monday", RememberWish("the bins go out on Monday")),
        ("Hey Jarvis, please remember that Anna is allergic to nuts.", RememberWish("Anna is allergic to nuts")),
        ("remember: the code is 1234, please", RememberWish("the code is 1234")),
        ("Could you remember to buy milk for me?", RememberWish("to buy milk")),
        ("remember my keys are in the drawer", RememberWish("my keys are in the drawer")),
        ("make a note that the plumber comes at ten", RememberWish("the plumber comes at ten")),
        ("don't forget that I like my tea strong", RememberWish("I like my tea strong")),
        ("What do you remember?", RecallWish()),
        ("what did I ask you to remember", RecallWish()),
        ("what have I told you to remember", RecallWish()),
        ("what do you know about me", RecallWish()),
        ("what do you remember about the bins", RecallWish("the bins")),
        ("forget the bins", ForgetWish("bins", "the bins")),
        ("Forget that the bins go out on Monday.", ForgetWish("bins go out monday", "the bins go out on Monday")),
        ("please forget about Anna's birthday", ForgetWish("anna birthday", "Anna's birthday")),
        ("forget what I said about the garden", ForgetWish("garden", "the garden")),
        ("forget everything", MemoryWish.FORGET_EVERYTHING),
        ("forget everything you know", MemoryWish.FORGET_EVERYTHING),
        ("clear your memory", MemoryWish.FORGET_EVERYTHING),
        ("what did I say about the kitchen", SearchWish("kitchen", "the kitchen")),
        ("did we say anything about the holidays", SearchWish("holidays", "the holidays")),
        ("search your memory for blue paint", SearchWish("blue paint", "blue paint")),
    ],
)
def test_a_sentence_to_the_memory_is_understood_in_any_words(said: str, wish: Intent) -> None:
    assert understand(said) == [wish]


@pytest.mark.parametrize(
    "said",
    [
        *("remember", "remember that", "do you remember that", "I remember that day", "forget it", "forget that"),
        *("don't forget the bins", "did you forget the bins", "never forget", "forget the", "forget to call Anna"),
        *("what did I say", "what did I say about it", "remember me", "he forgot the bins", "x" * 2000),
        "why should you remember that the bins go out",
    ],
)
def test_a_sentence_that_only_sounds_like_one_to_the_memory_changes_nothing(said: str) -> None:
    assert understand(said) == []


@pytest.mark.parametrize(
    ("said", "intents"),
    [("forget the timer", [Wish.CANCEL_TIMERS]), ("never mind", [Wish.STOP]), ("what do you know", [Wish.HELP])],
)
def test_commands_of_the_timers_keep_their_meaning(said: str, intents: list[Intent]) -> None:
    assert understand(said) == intents


def test_a_pause_within_free_words_does_not_end_the_turn() -> None:
    assert not is_complete("remember that the bins")
    assert not is_complete("what did I say about the")
    assert is_complete("forget everything")


def asks(text: str, *, is_sure: bool = True, last: str = "", **more: Any) -> Reply:
    return answer(Prompt(text, is_sure=is_sure, tools=TOOLS, declared=TOOLS, last_answer=last, **more))


def told(text: str, name: str, arguments: Mapping[str, Any], output: object) -> str:
    written = output if isinstance(output, str) else json.dumps(output)
    return asks(text, results=[ToolResult(RequestedCall(name, arguments), written)]).speech


def test_each_wish_is_a_call_of_the_memorys_tool() -> None:
    note = {"note": "the bins go out on Monday"}
    assert asks("Remember that the bins go out on Monday.").calls == (RequestedCall("remember", note),)
    assert asks("Forget the bins!").calls == (RequestedCall("forget", {"words": "bins"}),)
    assert asks("Forget everything").calls == (RequestedCall("forget_everything", {}),)
    assert asks("What did I say about the kitchen?").calls == (RequestedCall("search_memory", {"words": "kitchen"}),)


def test_without_the_tools_the_answer_says_that_there_is_no_memory() -> None:
    for said in ("remember that it rains", "forget the rain", "forget everything", "what do you remember"):
        assert answer(Prompt(said)) == Reply(NO_MEMORY)


def test_what_cannot_be_heard_for_certain_is_read_back_first() -> None:
    asked_back = asks("remember that the bins go out on monday", is_sure=False)
    assert asked_back == Reply("Shall I remember that the bins go out on monday?")
    assert asks("yes", last=asked_back.speech).calls == (
        RequestedCall("remember", {"note": "the bins go out on monday"}),
    )
    assert asks("no", last=asked_back.speech) == Reply("Okay.")
    assert asks("no, remember that it rains", last=asked_back.speech).calls == (
        RequestedCall("remember", {"note": "it rains"}),
    )
    assert asks("forget the bins", is_sure=False) == Reply("Shall I forget the bins?")
    assert asks("remember to buy milk", is_sure=False) == Reply("Shall I remember to buy milk?")


@pytest.mark.parametrize(
    "wish",
    [
        RememberWish("to buy milk"),
        RememberWish("the bins go out on monday"),
        ForgetWish("bins", "the bins"),
        MemoryWish.FORGET_EVERYTHING,
    ],
)
def test_a_question_about_the_memory_is_recognised_as_the_command_it_asks_about(wish: Intent) -> None:
    assert asked(str(question(wish))) == wish


def test_searching_needs_no_confirmation() -> None:
    assert asks("what did i say about the kitchen", is_sure=False).calls[0].name == "search_memory"
    assert asks("what do you remember", is_sure=False) == Reply(NOTHING_YET)
    assert question(RecallWish()) is None


def test_everything_is_forgotten_only_after_a_second_call_that_the_user_has_agreed_to() -> None:
    first = told("forget everything", "forget_everything", {}, {"done": False, "ask": FORGET_EVERYTHING})
    assert first == FORGET_EVERYTHING
    assert asks("yes", last=first).calls == (RequestedCall("forget_everything", {}),)
    assert asks("no", last=first) == Reply("Okay.")
    assert told("yes", "forget_everything", {}, {"done": True}) == "I have forgotten it all."


def test_results_of_the_memory_become_sentences() -> None:
    assert told("", "remember", {"note": "x"}, {"ok": True}) == "Okay, I will remember that."
    assert told("", "forget", {"words": "bins"}, {"forgotten": ["x"], "turns_of_earlier_conversations": 0}) == (
        "Okay, that is forgotten."
    )
    nothing = {"forgotten": [], "hint": "nothing is remembered with these words"}
    assert told("", "forget", {"words": "bins"}, nothing) == "I remember nothing about bins."
    assert told("", "remember", {}, {"error": "the memory is full: 2100 bytes of 2048"}) == phrases.MEMORY_FULL
    assert told("", "forget", {}, {"error": "the disk is broken"}) == phrases.TOOL_FAILED


def test_a_search_repeats_what_the_user_said_with_its_day_and_not_the_question_itself() -> None:
    found = [
        {"at": "2026-11-29 18:00", "who": "user", "said": "What did I say about the kitchen?"},
        {"at": "2026-11-28 12:00", "who": "assistant", "said": "The kitchen is yellow now."},
        {"at": "2026-11-28 12:00", "who": "user", "said": "We painted the kitchen yellow"},
    ]
    said = told("", "search_memory", {"words": "kitchen"}, found)
    assert said == "On the twenty eighth of November you said: We painted the kitchen yellow."
    assert told("", "search_memory", {"words": "kitchen"}, found[:2]) == (
        "On the twenty eighth of November I said: The kitchen is yellow now."
    )
    assert told("", "search_memory", {"words": "kitchen"}, found[:1]) == "I have found nothing about kitchen."
    for odd in ("[]", "null", "not JSON", "[1]", '{"at": 3}'):
        assert told("", "search_memory", {"words": "kitchen"}, odd) == "I have found nothing about kitchen."
    assert told("", "search_memory", {}, [{"who": "user", "said": "Hello", "at": "once"}]) == "You said: Hello."


def test_what_is_remembered_is_read_from_the_instructions_of_the_session() -> None:
    record = {"people": {"Anna": {"age": 40, "likes": ["tea"]}}, "home": {"heating": True}, "notes": ["It rains"]}
    instructions = "\n\n".join(("Be brief.", household.told(record)))

    assert known(instructions, []) == ["Anna age: 40", "Anna likes: tea", "heating: true", "It rains"]
    assert asks("what do you remember", instructions=instructions).speech == (
        "I remember four things. Anna age: 40. Anna likes: tea. Heating: true. It rains."
    )
    assert asks("what do you remember about the snow", instructions=instructions).calls[0].name == "search_memory"
    assert asks("what do you remember about Anna's tea", instructions=instructions) == Reply(
        "You asked me to remember that Anna likes: tea."
    )
    for odd in ("", "# What you remember\n{broken", "# What you remember\n[1]", "remember\n{}"):
        assert known(odd, []) == []


def test_what_was_remembered_and_forgotten_in_this_conversation_counts() -> None:
    def call(name: str, output: object, **arguments: str) -> ToolResult:
        return ToolResult(RequestedCall(name, arguments), json.dumps(output))

    instructions = household.told({"notes": ["the bins go out on Monday"]})
    past = [call("remember", {"ok": True}, note="it rains"), call("remember", {"error": "full"}, note="too much")]
    assert known(instructions, past) == ["the bins go out on Monday", "it rains"]
    past.append(call("forget", {"forgotten": ["…"]}, words="bins"))
    assert known(instructions, past) == ["it rains"]
    past.append(call("forget_everything", {"done": False, "ask": "…"}))
    assert known(instructions, past) == ["it rains"]
    past.append(call("search_memory", [], words="rain"))
    past.append(call("forget_everything", {"done": True}))
    assert known(instructions, past) == []


def test_help_mentions_the_memory_only_where_there_is_one() -> None:
    assert phrases.HELP_MEMORY in asks("what can you do").speech
    assert answer(Prompt("what can you do")) == Reply(phrases.HELP)


def test_a_refused_note_reaches_the_user_as_words_of_the_memory() -> None:
    with pytest.raises(ToolRefused, match="full"):
        household.with_note({}, "x" * 3000)
