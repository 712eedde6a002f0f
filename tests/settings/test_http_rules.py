"""`tools.http`: what is refused, in one line that never repeats a value that may be a secret."""

import math
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from edgevoice.settings.agreement import disagreements
from edgevoice.settings.assistant import ToolsSettings
from edgevoice.settings.http_rules import complaints_about_http
from edgevoice.settings.schema import Settings

TOWN = {"type": "string", "maxLength": 80, "description": "the town"}
FORECAST: dict[str, Any] = {
    "description": "Get the weather forecast.",
    "url": "https://weather.example/v1/{town}?days={days}&key=${weather}",
    "headers": {"Authorization": "Bearer ${weather}", "Accept-Language": "en"},
    "parameters": {
        "type": "object",
        "properties": {"town": TOWN, "days": {"type": "integer", "minimum": 1, "maximum": 7}},
        "required": ["town"],
    },
    "result": "/daily/0",
    "timeout_s": 5,
}


def parameters(**properties: Any) -> dict[str, Any]:
    return {
        "parameters": {"properties": {"town": TOWN, "days": {"type": "integer"}} | properties, "required": ["town"]}
    }


def test_a_valid_tool_is_read_as_a_struct() -> None:
    settings = ToolsSettings(http={"get_forecast": FORECAST})

    assert [*complaints_about_http(settings.http)] == []
    tool = settings.http_tools()["get_forecast"]
    assert (tool.method, tool.result, tool.required) == ("GET", "/daily/0", ("town",))
    assert [*tool.properties] == ["town", "days"]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"methd": "GET"}, "contains methd; it takes description, url, method"),
        ({"method": "get"}, 'method is wrong; it must be "GET", "POST", "PUT", "PATCH" or "DELETE"'),
        ({"url": "ftp://weather.example"}, "url is wrong (its value is not shown)"),
        ({"url": "https://me:hunter2@weather.example/{town}"}, "url is wrong (its value is not shown)"),
        ({"url": "https://weather.example/{town"}, "url is wrong (its value is not shown)"),
        ({"url": "https://weather.example/{to wn}"}, "url is wrong (its value is not shown)"),
        ({"url": "https://{town}.example/"}, "has an argument or a secret in its host"),
        ({"url": "https://${weather}.example/"}, "has an argument or a secret in its host"),
        ({"url": "https://weather.example/{city}"}, "url names {city}, which is not one of its parameters"),
        ({"url": "https://weather.example/{days}"}, "needs days in its path"),
        ({"url": "https://weather.example/?api_key=hunter2"}, "contains what seems to be a key"),
        ({"headers": {"Authorization": "hunter2"}}, "headers.Authorization is not allowed"),
        ({"headers": {"A b": "x"}}, "is not a name that can be used there"),
        ({"headers": {"X-Town": "{town}"}}, "headers contains an argument in braces"),
        ({"body": {"town": "{town}"}}, "body is not for the method GET"),
        ({"method": "POST", "body": {"a": ["{city}"]}}, "body names {city}, which is not one of its parameters"),
        ({"result": "daily"}, "result is wrong; it must be a JSON pointer"),
        ({"timeout_s": 0}, "timeout_s is wrong; it must be between 1 and 600 seconds"),
        ({"parameters": {"oneOf": []}}, "parameters contains oneOf; it takes type, properties, required"),
        ({"parameters": {"type": "array"}}, 'parameters.type must be "object"'),
        ({"parameters": {"properties": []}}, "must have a table of properties"),
        ({"parameters": {"required": ["town"]}}, "required names town, which is not one of its properties"),
        (parameters(**{"a-b": TOWN}), "has the name a-b; it must be letters, digits and _"),
        (parameters(day="x"), "parameters.properties.day must be a table whose type is"),
        (parameters(day={"type": "object"}), "must be a table whose type is"),
        (parameters(day={"type": "string", "format": "date"}), "contains format; for the type string it takes"),
        (parameters(day={"type": "integer", "minimum": "1"}), "has a limit that is not a number"),
        (parameters(day={"type": "number", "minimum": math.nan}), "parameters.properties.day.minimum is wrong"),
        (parameters(day={"type": "number", "default": math.inf}), "not a date, nan or inf"),
        ({"method": "POST", "body": {"a": [1, -math.inf]}}, "body.a[1] is wrong; it must be what JSON can express"),
        (parameters(day={"type": "string", "pattern": "("}), "or a pattern that is not a regular expression"),
        (parameters(day={"type": "string", "enum": "a"}), "a list as enum"),
        (parameters(days={"type": "array"}), "parameters.properties.days.items must be a table"),
    ],
    ids=str,
)
def test_an_invalid_part_is_named_in_one_line(changes: dict[str, Any], complaint: str) -> None:
    first, *_ = complaints_about_http({"get_forecast": FORECAST | changes})

    assert complaint in first
    assert first.startswith("tools.http.get_forecast")
    assert "hunter2" not in first


def test_a_tool_needs_a_name_a_table_a_description_and_an_address() -> None:
    assert [*complaints_about_http({"a-b": FORECAST, "b": 1, "c": {"url": "https://x.example"}, "d": {}})] == [
        "tools.http.a-b is not a name for a tool; it must be letters, digits and _, 64 characters at most",
        "tools.http.b must be a table, written [tools.http.b]",
        "tools.http.c has no description",
        "tools.http.d has no description",
    ]


def test_the_settings_report_them() -> None:
    settings = Settings(tools=ToolsSettings(http={"a": {}}))

    assert [each.text for each in disagreements(settings)] == ["tools.http.a has no description"]


def test_the_example_in_the_documentation_is_valid() -> None:
    page = Path(__file__).parents[2] / "docs" / "memory-and-tools.md"
    (block,) = (each for each in re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL) if "tools.http" in each)

    declared = tomllib.loads(block)["tools"]["http"]

    assert [*complaints_about_http(declared)] == []
    assert ToolsSettings(http=declared).http_tools()["get_forecast"].required == ("town",)
