import asyncio
import sys

import pytest

from edgevoice.alarms.keeper import Keeper, NoVoice
from edgevoice.alarms.ring_book import MemoryBook
from edgevoice.alarms.tools import AlarmTools
from edgevoice.settings.schema import Settings
from edgevoice.tools.built_in import built_in


class Speaker:
    volume_percent = 70


def test_every_tool_that_the_settings_enable_by_default_is_built_in() -> None:
    async def offered() -> set[str]:
        alarms = AlarmTools(Keeper(MemoryBook(), NoVoice()))
        source = built_in(Speaker(), lambda _event: None, alarms.functions())
        return {tool.definition.name for tool in source.tools()}

    assert asyncio.run(offered()) == set(Settings().tools.enabled)


def test_the_library_that_reads_docstrings_is_not_needed_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "docstring_parser", None)

    test_every_tool_that_the_settings_enable_by_default_is_built_in()
