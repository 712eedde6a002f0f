"""An assistant uses the box through the real SDK, over real pipes; and a box that does not run is explained to it."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from edgevoice.core.announcements import Priority
from edgevoice.core.orders import MuteMicrophone
from edgevoice.integrations import mcp_server
from edgevoice.integrations.mcp_server import BoxTools, McpMissing, server_of
from tests.integrations.control.conftest import Mouth, stand_in


def test_each_tool_does_what_it_says(tmp_path: Path) -> None:
    async def scene() -> None:
        mouth = Mouth()
        mouth.over.set()
        async with stand_in(tmp_path, mouth=mouth) as box:
            tools = BoxTools(box.place)
            assert await tools.say("good day") == {"outcome": "played", "heard_ms": None}
            assert (await tools.ask("Tea?"))["understood"] == "yes to Tea?"
            assert (await tools.announce("dinner", "urgent"))["outcome"] == "played"
            assert (await tools.volume(30))["volume_percent"] == 30
            assert (await tools.stop())["phase"] == "idle"
            assert (await tools.list_timers())["timers"][0]["label"] == "pasta"
            assert await tools.set_timer(60, "pasta") == {"action": "set_timer", "seconds": 60, "label": "pasta"}
            assert await tools.pause_timer("pasta") == {"action": "pause_timer", "label": "pasta"}
            assert await tools.resume_timer(" ") == {"action": "resume_timer"}, "the only one"
            assert await tools.set_alarm("07:00") == {"action": "set_alarm", "time": "07:00", "label": ""}
            assert await tools.cancel_timers("pasta") == {
                "timers": {"action": "cancel_timers", "label": "pasta"},
                "alarms": {"action": "cancel_alarms", "label": "pasta"},
            }
            with pytest.raises(RuntimeError, match="the label is empty"):
                await tools.cancel_timers(" ")
            assert (await tools.why())["failures"][0]["code"] == "x"
            box.server.observe(MuteMicrophone(), 0.0)
            assert (await tools.status())["muted"]
            with pytest.raises(RuntimeError, match=r"muted.*Press the mute button"):
                await tools.ask("Tea?")
        assert mouth.said[2] == (6, Priority.ANNOUNCEMENT, True)
        with pytest.raises(RuntimeError, match="no box runs"):
            await tools.status()

    asyncio.run(scene())


def test_an_assistant_calls_the_tools_over_its_pipes(tmp_path: Path) -> None:
    from mcp import Client, StdioServerParameters, stdio_client  # noqa: PLC0415 - half a second

    async def scene() -> tuple[set[str], Any, Any]:
        mouth = Mouth()
        mouth.over.set()
        async with stand_in(tmp_path, mouth=mouth) as box:
            command = ["-m", "edgevoice", "mcp", "--socket", str(box.place)]
            async with Client(stdio_client(StdioServerParameters(command=sys.executable, args=command))) as client:
                names = {tool.name for tool in (await client.list_tools()).tools}
                said = await client.call_tool("say", {"text": "good day"})
                box.server.observe(MuteMicrophone(), 0.0)
                return names, said, await client.call_tool("ask", {"question": "Tea?"})

    names, said, refused = asyncio.run(scene())

    assert names == {
        *("say", "ask", "announce", "stop", "status", "volume", "why"),
        *("list_timers", "set_timer", "pause_timer", "resume_timer", "set_alarm", "cancel_timers"),
    }
    assert not said.is_error
    assert said.structured_content["outcome"] == "played"
    assert refused.is_error
    assert "the microphone is muted" in refused.content[0].text


def test_without_the_package_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp_server, "has", lambda _module: False)

    with pytest.raises(McpMissing) as missing:
        server_of(None, "1")
    assert "pip install 'mcp>=" in missing.value.remedy
