"""`mcp.servers`: what is refused, in one line that never repeats a value."""

from typing import Any

import pytest

from edgevoice.settings.agreement import disagreements
from edgevoice.settings.mcp import McpSettings
from edgevoice.settings.mcp_rules import complaints
from edgevoice.settings.schema import Settings

LOCAL = {"command": "/opt/news/bin/python", "args": ["/opt/news/server.py"], "env": {"NEWS_KEY": "${news}"}}
REMOTE = {"url": "https://news.example/mcp", "headers": {"Authorization": "Bearer ${news}"}}


def test_valid_servers_are_read_as_structs() -> None:
    settings = McpSettings(servers={"local_news": LOCAL, "remote-news": REMOTE | {"allow": ["headlines"]}})

    assert [*complaints(settings.servers)] == []
    local, remote = settings.all_servers().values()
    assert (local.command, local.args, local.env) == ("/opt/news/bin/python", ("/opt/news/server.py",), LOCAL["env"])
    assert (remote.url, remote.headers, remote.allow) == (REMOTE["url"], REMOTE["headers"], ("headlines",))
    assert local.allow is None


@pytest.mark.parametrize(
    ("name", "server", "complaint"),
    [
        ("two__words", LOCAL, "mcp.servers has the name two__words; it must be letters, digits, - and single _"),
        ("n" * 25, LOCAL, "24 characters at most"),
        ("news", "python", "mcp.servers.news must be a table, written [mcp.servers.news]"),
        ("news", LOCAL | {"comand": "x"}, "contains comand; it takes command, args, env, url, headers, allow"),
        ("news", {"command": ["python"]}, "mcp.servers.news.command is wrong; it must be the name or the absolute"),
        ("news", LOCAL | {"args": "x"}, "mcp.servers.news.args is wrong; it must be a list of texts"),
        ("news", LOCAL | {"timeout_s": 0.5}, "timeout_s is wrong; it must be between 1 and 600 seconds"),
        ("news", {}, "must have either a command or a url"),
        ("news", LOCAL | REMOTE, "must have either a command or a url"),
        ("news", LOCAL | {"headers": {"A": "b"}}, "headers is for a server with a url; one with a command takes env"),
        ("news", REMOTE | {"args": ["x"]}, "has a url, so it takes no args and no env; it takes headers"),
        ("news", {"url": "ws://x"}, "url is wrong (its value is not shown)"),
        ("news", {"url": "https://me:secret@x/mcp"}, "url is wrong (its value is not shown)"),
        ("news", {"url": "https://[x"}, "url is wrong (its value is not shown)"),
        (
            "news",
            {"command": "bin/news"},
            "command is not an absolute path; it must be the name of a program, or begin",
        ),
        ("news", {"command": "~/bin/news"}, "command is not an absolute path"),
        ("news", {"command": "a\0b"}, "has a command or args with a NUL in it"),
        ("news", LOCAL | {"env": {"1A": "x"}}, "env.1A is not a name that can be used there"),
        ("news", REMOTE | {"headers": {"A b": "x"}}, 'headers."A b" is not a name that can be used there'),
        (
            "news",
            LOCAL | {"env": {"A": "x\ny"}},
            "env.A is wrong (its value is not shown); it must be one line",
        ),
        ("news", LOCAL | {"env": {"A": "${two words}"}}, "env.A has a ${ that names no secret"),
        (
            "news",
            LOCAL | {"env": {"NEWS_KEY": "abc"}},
            "env.NEWS_KEY is not allowed; keys do not belong",
        ),
        ("news", LOCAL | {"env": {"GITHUB_TOKEN": "abc"}}, "store it as a secret, and write ${NAME} for it"),
        ("news", REMOTE | {"headers": {"X-API-Key": "abc"}}, "headers.X-API-Key is not allowed"),
        ("news", REMOTE | {"headers": {"Authorization": "abc"}}, "headers.Authorization is not allowed"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(name: str, server: Any, complaint: str) -> None:
    lines = [*complaints({name: server})]

    assert any(complaint in line for line in lines), lines
    assert not any(secret in line for secret in ("abc", "secret@", "x\ny") for line in lines)
    assert all("\n" not in line for line in lines)


def test_a_plain_value_needs_no_secret() -> None:
    harmless = {"command": "x", "env": {"UNITS": "metric", "EMPTY_KEY": ""}}

    assert [*complaints({"news": harmless})] == []


def test_the_settings_report_a_wrong_server() -> None:
    wrong = Settings(mcp=McpSettings(servers={"news": {}}))

    assert [each.names for each in disagreements(wrong)] == [("mcp.servers",)]
