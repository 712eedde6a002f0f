"""The tool that asks Home Assistant is there if the settings and a stored token say so."""

from pathlib import Path

import pytest

from edgevoice.box.home_tool import home_tool
from edgevoice.settings.integrations import HomeSettings
from edgevoice.settings.schema import Settings

WANTED = Settings(home=HomeSettings(url="http://homeassistant.local:8123"))


def test_without_an_address_there_is_no_tool() -> None:
    assert home_tool(Settings(), {}) is None


def test_with_an_address_and_a_token_there_is_one_tool(tmp_path: Path) -> None:
    (tmp_path / "home_assistant_token").write_text("abc\n")

    source = home_tool(WANTED, {"CREDENTIALS_DIRECTORY": str(tmp_path)})

    assert source is not None
    assert [tool.definition.name for tool in source.tools()] == ["home"]


def test_without_a_token_the_log_says_how_to_store_it(caplog: pytest.LogCaptureFixture) -> None:
    assert home_tool(WANTED, {}) is None

    (record,) = caplog.records
    assert record.msg == "home-left-out"
    assert "home_assistant_token" in record.__dict__["fields"]["problem"]
