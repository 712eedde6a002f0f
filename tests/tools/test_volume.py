import asyncio
from typing import Any

import pytest

from edgevoice.errors import ToolRefused
from edgevoice.tools.functions import FunctionTool
from edgevoice.tools.volume import volume_tool
from tests.tools.calling import called


class Speaker:
    volume_percent = 70


def ask(speaker: Speaker, arguments: str) -> Any:
    tool = FunctionTool(volume_tool(speaker))
    return asyncio.run(called(tool, arguments))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('{"percent": 30}', 30),
        ('{"percent": 0}', 0),
        ('{"change": -15}', 55),
        ('{"change": 50}', 100),
        ('{"change": -100}', 0),
        ('{"percent": null, "change": 10}', 80),
        ("{}", 70),
    ],
)
def test_the_volume_can_be_set_or_changed_and_is_returned(arguments: str, expected: int) -> None:
    speaker = Speaker()

    assert ask(speaker, arguments) == {"volume_percent": expected}
    assert speaker.volume_percent == expected


@pytest.mark.parametrize("arguments", ['{"percent": 101}', '{"percent": -1}', '{"change": 101}'])
def test_a_volume_out_of_range_changes_nothing(arguments: str) -> None:
    speaker = Speaker()

    with pytest.raises(ToolRefused):
        ask(speaker, arguments)
    assert speaker.volume_percent == 70


def test_setting_and_changing_the_volume_at_once_is_refused() -> None:
    with pytest.raises(ToolRefused, match="percent or change, not both"):
        ask(Speaker(), '{"percent": 30, "change": 10}')


def test_the_schema_gives_the_range_without_any_of() -> None:
    parameters = FunctionTool(volume_tool(Speaker())).definition.parameters

    assert parameters["properties"]["percent"] == {
        "type": "integer",
        "minimum": 0,
        "maximum": 100,
        "description": "the new volume in percent",
    }
    assert "required" not in parameters
