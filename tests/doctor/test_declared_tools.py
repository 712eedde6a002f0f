from pathlib import Path

from edgevoice.doctor.declared_tools import examine_declared_tools
from edgevoice.doctor.findings import FindingStatus
from edgevoice.settings.assistant import ToolsSettings

WEATHER = {
    "description": "Get the weather.",
    "url": "https://weather.example/now",
    "headers": {"Authorization": "Bearer ${weather}"},
}


def test_a_declared_tool_without_its_secret_is_named(tmp_path: Path) -> None:
    finding = examine_declared_tools(ToolsSettings(http={"get_weather": WEATHER}), {}, tmp_path)

    assert finding.mark is FindingStatus.DOUBTFUL
    assert finding.text == "get_weather lacks the secret weather"
    assert "docs/memory-and-tools.md" in finding.remedy


def test_a_secret_that_the_service_will_be_given_counts_as_stored(tmp_path: Path) -> None:
    (tmp_path / "etc" / "credstore").mkdir(parents=True)
    (tmp_path / "etc" / "credstore" / "edgevoice.weather").write_text("hidden", encoding="ascii")

    finding = examine_declared_tools(ToolsSettings(http={"get_weather": WEATHER}), {}, tmp_path)

    assert (finding.mark, finding.text) == (FindingStatus.FINE, "web services: get_weather")


def test_a_readable_secret_counts_as_stored(tmp_path: Path) -> None:
    (tmp_path / "weather").write_text("hidden", encoding="ascii")
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path)}

    finding = examine_declared_tools(ToolsSettings(http={"get_weather": WEATHER}), environment, tmp_path)

    assert finding.mark is FindingStatus.FINE
