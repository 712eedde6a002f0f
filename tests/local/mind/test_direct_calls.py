"""A program or a test can have any tool called with any arguments, by writing the call."""

import pytest

from edgevoice.local.mind.brain import Prompt, Reply, answer
from edgevoice.local.mind.calls import RequestedCall, ToolResult
from edgevoice.local.mind.direct_calls import direct_calls, due, spoken_result
from edgevoice.local.mind.tool_kinds import DeclaredTool

TOOLS = dict.fromkeys(("get_weather", "home__switch", "set_timer"), DeclaredTool())
PARIS, LYON = (RequestedCall("get_weather", {"city": city}) for city in ("Paris", "Lyon"))
SWITCH = RequestedCall("home__switch", {})


@pytest.mark.parametrize(
    ("text", "rounds"),
    [
        ('call get_weather {"city": "Paris"}', [[PARIS]]),
        ('Please use the tool get_weather with arguments {"city":"Paris"}.', [[]]),
        ('please use the tool get_weather with arguments {"city":"Paris"}.', [[PARIS]]),
        ("run home__switch!", [[SWITCH]]),
        ('call get_weather {"city": "Paris"} and call get_weather {"city": "Lyon"}', [[PARIS, LYON]]),
        ('call get_weather {"city": "Paris"}, then call home__switch', [[PARIS], [SWITCH]]),
        (
            'call get_weather {"city": "Paris"} and run home__switch; then call get_weather {"city": "Lyon"}',
            [[PARIS, SWITCH], [LYON]],
        ),
        ('call set_timer {"seconds": [1, {"a": null}]}', [[RequestedCall("set_timer", {"seconds": [1, {"a": None}]})]]),
    ],
)
def test_calls_are_read_round_by_round(text: str, rounds: list[list[RequestedCall]]) -> None:
    assert direct_calls(text, TOOLS) == ([] if rounds == [[]] else rounds)


@pytest.mark.parametrize(
    "text",
    [
        *("call me", "call get_wind", "call get_weather now", 'call get_weather {"city": ', "use the volume", ""),
        *("call get_weather [1]", "do not call get_weather", "call get_weather and", "call get_weather call set_timer"),
        "call get_weather " + '{"a":' * 3000,
    ],
)
def test_anything_else_is_no_call(text: str) -> None:
    assert direct_calls(text, TOOLS) == []


def test_each_round_waits_for_the_results_of_all_before_it() -> None:
    rounds = [[PARIS, LYON], [SWITCH]]

    assert [list(due(rounds, results)) for results in (0, 2, 3)] == [[PARIS, LYON], [SWITCH], []]


def test_the_answer_after_the_last_round_says_all_results() -> None:
    text = 'call get_weather {"city": "Paris"} then call home__switch'
    weather, switched = ToolResult(PARIS, '{"temperature": 12, "sky": "grey"}'), ToolResult(SWITCH, '{"ok": true}')

    assert answer(Prompt(text, tools=TOOLS)) == Reply(calls=(PARIS,))
    assert answer(Prompt(text, tools=TOOLS, results=[weather])) == Reply(calls=(SWITCH,))
    said = answer(Prompt(text, tools=TOOLS, results=[weather, switched]))
    assert said == Reply("Temperature 12, sky grey. That is done.")
    # A client that allows no more calls gets the results so far.
    assert answer(Prompt(text, declared=TOOLS, results=[weather])) == Reply("Temperature 12, sky grey.")
    assert answer(Prompt(text, declared=TOOLS)).speech == "Sorry, that did not work."


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ('"The train leaves at nine."', "The train leaves at nine."),
        ("the door is open", "The door is open."),
        ('{"result": {"doorOpen": false, "rooms": ["hall", "attic"]}}', "Door open no, rooms hall, rooms attic."),
        ("true", "That is done."),
        ("null", "That is done."),
        ("", "That is done."),
        ('{"error": "no such city"}', "Error no such city."),
        ("[" * 5000, "[" * 300 + "."),
    ],
)
def test_any_result_is_said_in_words(output: str, said: str) -> None:
    assert spoken_result(ToolResult(PARIS, output)) == said
