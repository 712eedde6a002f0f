"""A script has tools called in sequence, and answers with what they returned."""

import json
from typing import Any

import pytest

from edgevoice.local.mind.calls import RequestedCall, ToolResult
from edgevoice.local.scripted.play import ScriptBroken
from edgevoice.local.scripted.results import in_json, in_words
from edgevoice.local.scripted.script import AnswerStep, Call, Expect, Step
from tests.local.client import Client
from tests.local.talking import MESSAGE, SETUP, play, setup

PAST = [
    ToolResult(RequestedCall("weather", {}), '{"temperature": 3}'),
    ToolResult(RequestedCall("weather", {}), '{"temperature": 12, "sky": ["grey", "a \\"veil\\""], "a/b": null}'),
    ToolResult(RequestedCall("note", {}), "plain text"),
]
OUTPUT = Expect("conversation.item.create", {"item": {"type": "function_call_output"}})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It is ${weather/temperature} degrees and ${weather/sky/0}.", "It is 12 degrees and grey."),
        ("${weather/a~1b} ${note}", "null plain text"),
        ("${weather/sky}", '["grey", "a \\"veil\\""]'),
        ("$turn costs $5 {really}", "$turn costs $5 {really}"),
    ],
)
def test_values_of_the_latest_result_stand_in_the_words(text: str, words: str) -> None:
    assert in_words(text, PAST) == words


def test_values_in_arguments_stay_json() -> None:
    written = in_json('{"sky": "${weather/sky/1}", "by": ${weather/temperature}, "note": "${note}"}', PAST)

    assert json.loads(written) == {"sky": 'a "veil"', "by": 12, "note": "plain text"}


@pytest.mark.parametrize(
    "text",
    ["${wind}", "${weather/wind}", "${weather/sky/7}", "${weather/sky/x}", "${note/a}", "${weather/temperature/0}"],
)
def test_a_value_that_is_not_there_is_named(text: str) -> None:
    with pytest.raises(LookupError) as missing:
        in_words(text, PAST)
    assert text in str(missing.value)


async def answered(client: Client) -> list[dict[str, Any]]:
    await client.send("response.create")
    output: list[dict[str, Any]] = (await client.answered())["output"]
    return output


async def returns(client: Client, call: dict[str, Any], output: str) -> None:
    item = {"type": "function_call_output", "call_id": call["call_id"], "output": output}
    await client.send("conversation.item.create", item=item)
    await client.until("conversation.item.done")


def steps(*last: Step) -> tuple[Step, ...]:
    return (
        SETUP,
        Expect("conversation.item.create"),
        Expect("response.create"),
        AnswerStep(calls=(Call("find", '{"name": "Anna"}'), Call("clock"))),
        OUTPUT,
        OUTPUT,
        Expect("response.create"),
        *last,
    )


async def two_calls(client: Client) -> None:
    await setup(client, providerData={"auto_tool_response": False})
    await client.send("conversation.item.create", item=MESSAGE)
    found, clock = await answered(client)
    assert json.loads(found["arguments"]) == {"name": "Anna"}
    await returns(client, found, '{"city": "Paris"}')
    await returns(client, clock, '"noon"')


def test_several_calls_are_followed_by_one_that_uses_their_results_and_by_words_that_do() -> None:
    async def talk(client: Client) -> None:
        await two_calls(client)
        (weather,) = await answered(client)
        assert json.loads(weather["arguments"]) == {"city": "Paris", "at": "noon"}
        await returns(client, weather, '{"degrees": 12}')
        (said,) = await answered(client)
        assert said["content"][0]["transcript"] == "It is 12 degrees in Paris."

    play(
        talk,
        *steps(
            AnswerStep(calls=(Call("weather", '{"city": "${find/city}", "at": "${clock}"}'),)),
            OUTPUT,
            Expect("response.create"),
            AnswerStep("It is ${weather/degrees} degrees in ${find/city}."),
        ),
    )


def test_a_script_that_uses_a_result_that_is_not_there_is_broken_and_says_where() -> None:
    async def talk(client: Client) -> None:
        await two_calls(client)
        await answered(client)

    with pytest.raises(ScriptBroken, match=r"step 8 .*\$\{find/country\}: the result of find has no such value"):
        play(talk, *steps(AnswerStep("${find/country}")))
