"""The box's MCP servers: nothing without one, and with one only once the box listens."""

import asyncio
from pathlib import Path

import pytest

from edgevoice.box.mcp_servers import McpServers, mcp_source
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import Event
from edgevoice.core.notices import PhaseEntered
from edgevoice.mcp.process import McpProcess
from edgevoice.mcp.server import McpServer
from edgevoice.mcp.source import McpSource
from edgevoice.mcp.wire import Lost, Offered, OfferedTool
from edgevoice.settings.mcp import McpSettings

NEWS = {"url": "https://news.example/mcp", "headers": {"Authorization": "Bearer ${news}"}}
GO = OfferedTool("news__go", "Go.", {"type": "object", "properties": {}})


class Quiet(McpProcess):
    """Starts nothing."""

    async def run(self) -> None:
        self.runs = True

    def retry(self) -> None:
        self.retries = True


def ignore(_event: Event) -> None:
    """Ignore it."""


def quiet(*servers: str) -> tuple[McpSource, Quiet]:
    source = McpSource({name: McpServer(command=name) for name in servers}, process=Quiet)
    assert isinstance(source.process, Quiet)
    return source, source.process


def test_without_a_server_there_is_no_source() -> None:
    assert mcp_source(McpSettings(), {}) is None


def test_a_server_gets_its_secrets_and_one_without_them_is_left_out_by_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "news").write_text("of-news")
    settings = McpSettings(servers={"news": NEWS, "other": NEWS | {"headers": {"Authorization": "Bearer ${other}"}}})

    source = mcp_source(settings, {"CREDENTIALS_DIRECTORY": str(tmp_path), "HOME": str(tmp_path)})

    assert source is not None
    assert source._servers["news"].headers == {"Authorization": "Bearer of-news"}
    assert "of-news" not in repr(source._servers)
    assert source.states["other"].problem.startswith("the secret other is not stored")
    assert source.may_offer("other__anything")
    assert source.may_offer("news__anything")
    assert not source.may_offer("weather__anything")
    assert [record.msg for record in caplog.records] == []


def test_servers_start_only_once_the_box_listens() -> None:
    source, process = quiet("news")

    async def scene() -> None:
        listens = asyncio.Event()

        async def listening() -> None:
            await listens.wait()

        running = asyncio.ensure_future(McpServers(source, listening).run(ignore))
        await asyncio.sleep(0)
        assert not hasattr(process, "runs")
        listens.set()
        await running
        assert process.runs

    asyncio.run(scene())


def test_what_cannot_be_reached_is_tried_at_once_when_a_conversation_begins() -> None:
    source, process = quiet("news")

    async def listening() -> None:
        """Listen already."""

    servers = McpServers(source, listening)
    servers.observe(PhaseEntered(Phase.LISTENING), 0.0)
    assert not hasattr(process, "retries")
    servers.observe(PhaseEntered(Phase.CONNECTING), 0.0)
    assert process.retries


def test_only_what_has_changed_changes_what_is_offered() -> None:
    source, _ = quiet("news")
    changes: list[list[str]] = []
    source.on_change(lambda: changes.append([tool.definition.name for tool in source.tools()]))

    source.offered("news", Offered("news", (GO,)))
    (tool,) = source.tools()
    source.offered("news", Offered("news", (GO,)))
    assert source.tools() == [tool]
    source.lost("news", Lost("news", "it ended", 1.0, is_gone=False))
    assert source.tools() == [tool]
    source.lost("news", Lost("news", "it ended", 2.0, is_gone=True))
    source.lost("news", Lost("news", "it ended", 4.0, is_gone=True))

    assert changes == [["news__go"], []]


def test_a_server_that_stays_away_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    source, _ = quiet("news")

    for again_s in (1.0, 2.0, 4.0):
        source.lost("news", Lost("news", "nothing answers at its address", again_s, is_gone=True))

    assert [record.msg for record in caplog.records] == ["mcp-server-lost"]


def test_waiting_for_the_servers_ends_when_all_are_known_or_the_time_is_over() -> None:
    source, _ = quiet("news", "notes")

    async def scene() -> None:
        await source.known(0.01)
        waiting = asyncio.ensure_future(source.known(60))
        await asyncio.sleep(0)
        source.offered("news", Offered("news", (GO,)))
        await asyncio.sleep(0)
        assert not waiting.done()
        source.lost("notes", Lost("notes", "it ended", 1.0, is_gone=True))
        await waiting

    asyncio.run(scene())


def test_approval_and_time_of_a_tool_are_those_of_its_server() -> None:
    server = McpServer(command="news", requires_approval=["go"], timeout_s=30)
    source = McpSource({"news": server}, process=Quiet)

    source.offered("news", Offered("news", (GO, OfferedTool("news__stop", "", {}))))

    assert [tool.definition.requires_approval for tool in source.tools()] == [True, False]
    assert {tool.definition.timeout_s for tool in source.tools()} == {30}


def test_a_server_is_either_here_or_elsewhere() -> None:
    with pytest.raises(ValueError, match="either a command or a url"):
        McpServer()
    with pytest.raises(ValueError, match="either a command or a url"):
        McpServer(command="news", url="https://news.example/mcp")
