"""Real servers, well-behaved and hostile, behind the real child: each is answered for in one line, by name, alone."""

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from edgevoice.mcp.server import McpServer
from tests.mcp.hostile_http import hostile_http
from tests.mcp.living import LIMIT_S, SDK, SMALL, Living, living
from tests.waiting import until

pytestmark = pytest.mark.long

Hostile = tuple[str, list[dict[str, str]]]
"""The address of a hostile server, and what reached another one."""

SECRET = "sk-of-news-123456"


def small(way: str = "", **more: object) -> McpServer:
    return McpServer(command=sys.executable, args=("-I", str(SMALL), way), **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def over_http() -> Iterator[str]:
    # It takes connections from now on, and answers them once the server is loaded.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        number = listening.fileno()
        server = subprocess.Popen([sys.executable, "-I", str(SDK), str(number)], pass_fds=[number])
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
        finally:
            server.kill()
            server.wait()


@pytest.fixture(scope="module")
def hostile() -> Iterator[Hostile]:
    with hostile_http() as made:
        yield made


@pytest.fixture(scope="module")
def tools(over_http: str, hostile: Hostile, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    servers = {
        "good": small(),
        "local": McpServer(command=sys.executable, args=("-I", str(SDK))),
        "remote": McpServer(url=over_http, headers={"Authorization": "Bearer of-news"}),
        "stranger": McpServer(url=over_http),
        "few": small(allow=("echo", "weather"), env={"NEWS_KEY": SECRET}),
        "dying": small(),
        "hanging": small(timeout_s=0.5),
        "flooding": small(),
        "large": small(),
        "growing": small(),
        "once": small("once", env={"PLACE": str(tmp_path_factory.mktemp("once") / "place")}),
        "sleeping": small("sleeping"),
        "garbage": small("garbage"),
        "odd": small("odd"),
        "broken": small("broken", env={"NEWS_KEY": SECRET}),
        "endless": small("endless"),
        "absent": McpServer(command="/nonexistent/server"),
        "redirecting": McpServer(url=f"{hostile[0]}/mcp", headers={"Authorization": "Bearer of-news"}),
        "web": McpServer(url=f"{hostile[0]}/tools"),
        "nowhere": McpServer(url="http://127.0.0.1:9/mcp"),
    }
    with living(servers, but="sleeping") as made:
        yield made


@pytest.fixture(autouse=True)
def nothing_else_is_disturbed(tools: Living) -> Iterator[None]:
    """Whatever one server does, the same process goes on, and so does the same other server."""
    child, other = tools.source.process.pid, tools.call("good__pid")
    yield
    assert tools.source.process.pid == child
    assert tools.call("good__pid") == other


def test_servers_made_with_the_sdk_answer_over_both_transports(tools: Living) -> None:
    for server in ("local", "remote"):
        assert tools.call(f"{server}__add", a=1, b=2) == {"result": 3}
        assert tools.source.states[server].tools == (f"{server}__add", f"{server}__grow")


def test_what_a_server_refuses_reaches_the_model_in_one_line(tools: Living) -> None:
    error = tools.call("local__add", a="one")["error"]

    assert error.startswith("Error executing tool add: 1 validation error")
    assert "\n" not in error
    assert tools.call("good__refuse") == {"error": "no such place"}
    assert tools.call("good__fail") == {"error": "the server good refused the call: no such place"}


@pytest.mark.parametrize("server", ["local", "remote"])
def test_a_server_of_the_newer_protocol_announces_its_changes(tools: Living, server: str) -> None:
    assert tools.call(f"{server}__grow") == {"result": "grown"}
    until(lambda: f"{server}__new" in tools.registry.names)

    assert tools.call(f"{server}__new") == {"text": "new"}


def test_tools_that_appear_and_go_away_change_what_is_offered(tools: Living) -> None:
    assert "growing__new" not in tools.registry.names

    assert tools.call("growing__grow") == {"text": "grown"}
    until(lambda: "growing__new" in tools.registry.names)
    assert tools.call("growing__shrink") == {"text": "shrunk"}
    until(lambda: "growing__new" not in tools.registry.names)

    assert tools.call("growing__new")["error"].startswith("there is no such tool")
    assert any("growing__new" in names for names in tools.changes)


def test_only_allowed_tools_are_offered_and_one_that_does_not_exist_is_logged(tools: Living) -> None:
    assert tools.tools_of("few") == ["few__echo"]
    assert tools.log.of("mcp-tool-left-out", "server=few", "allow names weather, which it does not have")


def test_a_server_that_dies_in_a_call_is_answered_for_and_started_again(tools: Living) -> None:
    before = tools.call("dying__pid")
    offered = len(tools.changes)

    assert tools.call("dying__die") == {"error": "the server dying ended during the call"}
    # The next call waits for the new process.
    until(lambda: tools.call("dying__pid") not in (before, None) and "error" not in tools.call("dying__pid"))

    until(lambda: tools.log.of("mcp-server-lost", "server=dying", "it ended with status 3") != [])
    # The session is not told of a server that is back at once.
    assert len(tools.changes) == offered


def test_a_server_that_does_not_come_back_loses_its_tools(tools: Living) -> None:
    assert "once__echo" in tools.registry.names

    tools.call("once__die")
    until(lambda: "once__echo" not in tools.registry.names)

    assert tools.source.states["once"].problem == "it ended with status 1"


def test_a_call_that_hangs_is_answered_after_its_time_and_the_server_kept(tools: Living) -> None:
    assert tools.call("hanging__hang") == {"error": "hanging__hang did not answer within 0.5 seconds"}

    assert tools.log.of("tool-timeout", "tool=hanging__hang")
    until(lambda: "text" in tools.call("hanging__pid"))
    assert not tools.log.of("mcp-server-lost", "server=hanging")


def test_an_answer_of_10_mb_is_refused_and_the_server_kept(tools: Living) -> None:
    process = tools.call("large__pid")

    assert tools.call("large__large") == {"error": "the server's answer is longer than 1 MiB"}
    assert tools.log.of("mcp-call-failed", "server=large", "tool=large__large")
    assert tools.call("large__long")["error"].startswith("the answer is too long: 1000")
    assert tools.call("large__pid") == process


def test_an_answer_that_is_no_text_or_not_valid_is_said_to_be(tools: Living) -> None:
    assert tools.call("good__picture") == {"text": "(image)"}
    assert "error" in tools.call("good__nonsense")


def test_a_server_that_floods_is_ended_and_the_log_says_so(tools: Living) -> None:
    assert tools.call("flooding__flood") == {"error": "the server flooding ended during the call"}
    until(lambda: tools.log.of("mcp-server-lost", "server=flooding", "it sends without end") != [])


def test_a_line_without_end_is_a_flood(tools: Living) -> None:
    assert tools.source.states["endless"].problem == "it sends without end"
    assert tools.tools_of("endless") == []


def test_a_server_that_hangs_at_its_start_delays_nothing(tools: Living) -> None:
    assert "sleeping__echo" not in tools.registry.names
    assert tools.call("good__echo", words="hello") == {"text": "hello"}


def test_garbage_on_its_output_does_not_keep_a_server_from_working(tools: Living) -> None:
    assert tools.call("garbage__echo", words="hello") == {"text": "hello"}


def test_odd_names_and_huge_schemas_are_left_out_by_name(tools: Living) -> None:
    assert tools.tools_of("odd") == ["odd__echo", "odd__pid", "odd__with_dots_and_slashes"]
    assert tools.log.of("mcp-tool-left-out", "server=odd", "large_schema is left out: its parameters have 300")
    assert tools.log.of("mcp-tool-left-out", "server=odd", "its name cannot be used")


@pytest.mark.parametrize(
    "problem",
    [
        "no_schema is left out: its definition is not valid (inputSchema is missing)",
        "list_as_schema is left out: its definition is not valid (inputSchema is not valid)",
        "words_as_schema is left out: its definition is not valid (inputSchema.properties.x is not valid)",
        "a tool without a name is left out: its definition is not valid (name is missing)",
    ],
)
def test_a_malformed_tool_costs_only_itself_and_one_line_names_it(tools: Living, problem: str) -> None:
    assert "odd__echo" in tools.registry.names
    assert len(tools.log.of("mcp-tool-left-out", "server=odd", problem)) == 1


@pytest.mark.parametrize(
    ("server", "problem"),
    [
        ("broken", "it ended with status 5: no such table: (hidden)"),
        ("absent", "there is no program /nonexistent/server"),
        ("nowhere", "nothing answers at its address"),
        ("stranger", "it answers with HTTP status 401"),
    ],
)
def test_a_server_that_cannot_be_used_is_logged_by_name_with_the_reason(
    tools: Living, server: str, problem: str
) -> None:
    assert tools.source.states[server].problem == problem
    assert tools.log.of("mcp-server-lost", f"server={server}", problem)


def test_a_header_never_follows_a_redirect_to_another_host(tools: Living, hostile: Hostile) -> None:
    problem = "it redirects (HTTP status 307), which is followed only on the same host"

    assert tools.source.states["redirecting"].problem == problem
    assert hostile[1] == []


def test_a_malformed_tool_over_http_costs_only_itself(tools: Living) -> None:
    assert tools.log.of("mcp-tool-left-out", "server=web", "broken is left out: its definition is not valid")


def test_an_answer_of_10_mb_over_http_is_refused_and_the_server_kept(tools: Living) -> None:
    assert tools.call("web__large") == {"error": "the server's answer is longer than 1 MiB"}
    assert tools.log.of("mcp-call-failed", "server=web", "tool=web__large")
    assert tools.call("web__echo") == {"text": "xxxxx"}


def test_a_flood_over_http_ends_the_connection(tools: Living) -> None:
    assert "error" in tools.call("web__flood")
    until(lambda: tools.log.of("mcp-server-lost", "server=web", "it sends without end") != [], LIMIT_S)


def test_a_server_gets_its_own_variables_and_no_key_of_the_box(tools: Living) -> None:
    words = tools.call("good__environment")["text"]

    assert "PATH" in words
    assert "EDGEVOICE" not in words
    assert SECRET not in words


def test_nothing_secret_is_logged(tools: Living) -> None:
    assert not tools.log.of(SECRET)
    assert not tools.log.of("of-news")
