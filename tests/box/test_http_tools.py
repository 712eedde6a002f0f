"""Declared web services: what the box offers of them, and what it does without a secret."""

from pathlib import Path

from edgevoice.box.http_tools import http_source, missing_secrets
from edgevoice.box.preflight import find_what_is_named
from edgevoice.errors import SettingsInvalid
from edgevoice.settings.assistant import ToolsSettings
from edgevoice.settings.schema import Settings

OPEN = {"description": "Get the tide.", "url": "https://sea.example/tide"}
CLOSED = {
    "description": "Get the weather.",
    "url": "https://weather.example/now?key=${weather}",
    "headers": {"Authorization": "Bearer ${weather}", "X-House": "${house}"},
}
BOTH = ToolsSettings(http={"get_weather": CLOSED, "get_tide": OPEN})


def stored(folder: Path, **secrets: str) -> dict[str, str]:
    for name, secret in secrets.items():
        (folder / name).write_text(secret, encoding="ascii")
    return {"CREDENTIALS_DIRECTORY": str(folder)}


def ignore(_tool: str, _error: SettingsInvalid) -> None:
    """Miss nothing."""


def test_without_a_declared_tool_there_is_no_source() -> None:
    assert http_source(ToolsSettings(), {}, ignore) is None


def test_a_tool_whose_secret_is_not_stored_is_left_out_and_named(tmp_path: Path) -> None:
    missing: list[str] = []

    def note(tool: str, error: SettingsInvalid) -> None:
        missing.append(f"{tool}: {error}")

    source = http_source(BOTH, stored(tmp_path, weather="hunter2"), note)

    assert source is not None
    assert [tool.definition.name for tool in source.tools()] == ["get_tide"]
    assert missing == ["get_weather: the secret house is not stored"]
    assert [*missing_secrets(BOTH, stored(tmp_path))] == [("get_weather", "house")]


def test_secrets_go_into_the_address_escaped_and_into_the_headers_as_they_are(tmp_path: Path) -> None:
    source = http_source(BOTH, stored(tmp_path, weather="a&b=c", house="1"), ignore)

    assert source is not None
    weather = source.tools()[0]
    assert weather._address({}) == "https://weather.example/now?key=a%26b%3Dc"
    assert weather._headers["Authorization"] == "Bearer a&b=c"


def test_the_settings_are_valid_without_the_secret_and_declared_tools_need_not_be_enabled() -> None:
    assert find_what_is_named(Settings(tools=BOTH), {}) is None
