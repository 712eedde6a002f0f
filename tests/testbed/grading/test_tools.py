import asyncio
from typing import Any

import pytest

from edgevoice.alarms.keeper import Keeper, NoVoice
from edgevoice.alarms.ring_book import MemoryBook
from edgevoice.alarms.tools import AlarmTools
from edgevoice.grading.scenario_file import ScenariosInvalid, parse
from edgevoice.testbed.grading.tools import BUILT_IN, functions
from edgevoice.tools.built_in import built_in
from edgevoice.tools.functions import FunctionTool
from edgevoice.tools.tool import ToolContext

DOOR = {
    "name": "open_door",
    "description": "Open a door of the house.",
    "parameters": {"which": "string", "wide": "boolean"},
    "result": {"opened": True},
}


def tools_of(**scenario: Any) -> dict[str, FunctionTool]:
    base = {"name": "a", "steps": [{"say": "Open up."}], "scorers": [{"scorer": "cost"}]}
    suite = parse({"scenario": [{**base, **scenario}], "tool": [DOOR]}, "mine.toml")
    tools = [FunctionTool(function) for function in functions(suite.scenarios[0], suite.tool)]
    return {tool.definition.name: tool for tool in tools}


class Speaker:
    volume_percent = 50


def test_the_model_may_call_the_boxs_own_tools_and_those_of_the_file() -> None:
    assert [*tools_of()] == [*BUILT_IN, "open_door"]
    alarms = AlarmTools(Keeper(MemoryBook(), NoVoice())).functions()
    assert [tool.definition.name for tool in built_in(Speaker(), lambda _fact: None, alarms).tools()] == [*BUILT_IN]


def test_a_timer_can_be_set_though_nothing_rings() -> None:
    async def call() -> Any:
        tool = tools_of()["set_timer"]
        return await tool.call(tool.check('{"seconds": 60}'), ToolContext())

    assert asyncio.run(call()) == {"rings_in_seconds": 60, "label": "", "timers_running": 1}


def test_a_scenario_may_name_those_that_it_allows() -> None:
    assert [*tools_of(tools=["open_door", "set_timer"])] == ["open_door", "set_timer"]
    assert [*tools_of(tools=[])] == []


def test_a_tool_that_does_not_exist_is_named() -> None:
    with pytest.raises(ScenariosInvalid, match="a: there is no tool open_window; there are get_current_time, "):
        tools_of(tools=["open_window"])


def test_a_simulated_tool_is_described_to_the_model_and_returns_what_the_file_says() -> None:
    tool = tools_of()["open_door"]

    async def call() -> Any:
        return await tool.call(tool.check('{"which": "front", "wide": true}'), ToolContext())

    assert tool.definition.description == "Open a door of the house."
    assert tool.definition.parameters["properties"] == {"which": {"type": "string"}, "wide": {"type": "boolean"}}
    assert tool.definition.parameters["required"] == ["which", "wide"]
    assert asyncio.run(call()) == {"opened": True}


def test_the_tools_of_one_conversation_change_nothing_of_another() -> None:
    async def louder(tools: dict[str, FunctionTool], arguments: str) -> Any:
        tool = tools["set_volume"]
        return await tool.call(tool.check(arguments), ToolContext())

    assert asyncio.run(louder(tools_of(), '{"change": 10}')) == {"volume_percent": 80}
    assert asyncio.run(louder(tools_of(), "{}")) == {"volume_percent": 70}
