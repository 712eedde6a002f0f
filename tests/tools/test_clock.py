from datetime import UTC, datetime, timedelta, timezone

from edgevoice.tools.clock import clock_tool
from edgevoice.tools.functions import FunctionTool
from edgevoice.wall_clock import local_now


def test_the_clock_returns_time_date_weekday_and_time_zone() -> None:
    moment = datetime(2026, 3, 1, 18, 4, 59, tzinfo=timezone(timedelta(hours=1), "CET"))

    assert clock_tool(lambda: moment)() == {
        "time": "18:04",
        "date": "2026-03-01",
        "weekday": "Sunday",
        "timezone": "CET",
    }


def test_the_boxs_clock_is_the_machines_in_its_time_zone() -> None:
    now = local_now()

    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)
    assert now.tzname()


def test_the_clock_takes_no_arguments_from_the_model() -> None:
    definition = FunctionTool(clock_tool()).definition

    assert definition.name == "get_current_time"
    assert definition.parameters == {"type": "object", "properties": {}}
