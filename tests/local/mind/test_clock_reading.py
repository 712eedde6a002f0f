"""A clock's answer is read as it is written, whichever form a client's tool gives it."""

import json
import time
from collections.abc import Iterator

import pytest

from edgevoice.local.mind.clock_reading import Reading, read_clock

EVENING = (21, 31)
DAY = (2025, 11, 22)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("9:31 PM", EVENING),
        ("9:31:07\u202fPM", EVENING),
        ("9:31pm", EVENING),
        ("9:31 p.m.", EVENING),
        ("9.31 pm", EVENING),
        ("9 PM", (21, 0)),
        ("9:31 AM", (9, 31)),
        ("12:05 AM", (0, 5)),
        ("12:05 PM", (12, 5)),
        ("21:31", EVENING),
        ("21:31:59.123", EVENING),
        ("21h31", EVENING),
        ("24:00", (0, 0)),
        ("09:30", (9, 30)),
        ("It is 9:31 PM on Saturday", EVENING),
        ("2025-11-22T21:31:00+01:00", EVENING),
        ("2025-11-22T21:31:00.000Z", EVENING),
        ("2025-11-22 21:31:00 -0500", EVENING),
        ("UTC+01:00 21:31", EVENING),
        ("Sat Nov 22 2025 21:31:00 GMT+0100 (Central European Standard Time)", EVENING),
        ("11/22/2025, 9:31:07 PM", EVENING),
        ("22.11.2025, 21:31:07", EVENING),
        ({"time": "9:31 PM"}, EVENING),
        ({"currentTime": "9:31 PM", "timezone": "UTC+01:00"}, EVENING),
        ({"timezone": "+01:00", "datetime": "2025-11-22T21:31:00+01:00"}, EVENING),
        ({"sunrise": "07:31", "time": "21:31"}, EVENING),
        ({"utc": "20:31", "local_time": "21:31"}, EVENING),
        ({"result": {"time": "21:31"}}, EVENING),
        ({"content": [{"type": "text", "text": '{"time": "9:31 PM"}'}]}, EVENING),
        ({"hour": 21, "minute": 31}, EVENING),
        ({"hour": 9, "minute": 31, "period": "PM"}, EVENING),
        ({"hour": "21", "minute": "31"}, EVENING),
        (["21:31"], EVENING),
        ("25:99", None),
        ("10:75 and then 21:31", EVENING),
        ({"hour": "late"}, None),
        ({"hour": 99}, None),
        ({"hour": -3}, None),
        ({"hour": 3, "minute": -1}, None),
        ("version 1.2.30", None),
        ("", None),
        ([], None),
        (None, None),
        (True, None),
        (7, None),
        ("[" * 100_000, None),
    ],
)
def test_a_time_is_read_as_it_is_written(output: object, expected: tuple[int, int] | None) -> None:
    text = output if isinstance(output, str) else json.dumps(output)

    assert read_clock(text).time == expected
    if isinstance(output, str) and output.isprintable():
        assert read_clock(json.dumps(output)).time == expected


@pytest.mark.parametrize(
    "output",
    [
        "2025-11-22",
        "2025-11-22T21:31:00Z",
        "November 22, 2025",
        "Saturday, 22nd of November 2025",
        "22 Nov 2025",
        "Sat Nov 22 2025 21:31:00 GMT+0100",
        "11/22/2025, 9:31:07 PM",
        "22/11/2025",
        "22.11.2025",
        "2025/11/22",
        {"date": "2025-11-22", "time": "21:31"},
        {"currentDate": "Nov 22, 2025"},
        {"created": "2020-01-01", "date": "2025-11-22"},
    ],
)
def test_a_date_is_read_as_it_is_written(output: object) -> None:
    text = output if isinstance(output, str) else json.dumps(output)

    assert read_clock(text).date == DAY


@pytest.mark.parametrize("output", ["99/99/2025", "2025-13-40", "March", "the 5th", "0.0.2025"])
def test_text_that_is_not_a_date_gives_no_date(output: str) -> None:
    assert read_clock(output).date is None


@pytest.mark.parametrize(
    "output",
    [
        {"weekday": "Saturday"},
        {"dayOfWeek": "SAT"},
        "Sat Nov 22 2025",
        "Saturday, 22 November",
        {"day": "Saturday"},
        "Sat.",
    ],
)
def test_a_weekday_is_read(output: object) -> None:
    assert read_clock(output if isinstance(output, str) else json.dumps(output)).weekday == "Saturday"


@pytest.mark.parametrize(
    "output",
    ["Sunset is at 16:02", {"date": "2025-11-22", "sun": "Sun rise 07:31"}, "A monthly report", "Saturn", "a frigate"],
)
def test_a_word_that_only_begins_like_a_day_is_none(output: object) -> None:
    assert read_clock(output if isinstance(output, str) else json.dumps(output)).weekday == ""


@pytest.fixture
def _in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "JST-9")
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("_in_tokyo")
@pytest.mark.parametrize(
    "output", [1763814660, 1763814660.5, 1763814660123, "1763814660", {"timestamp": 1763814660}, {"unix": "1763814660"}]
)
def test_seconds_since_the_epoch_are_spoken_in_the_boxs_time_zone(output: object) -> None:
    reading = read_clock(json.dumps(output))

    assert (reading.time, reading.date) == (EVENING, DAY)


@pytest.mark.parametrize("output", [5, 1e30, -1763814660, float("nan"), float("inf")])
def test_a_number_that_is_not_a_plausible_timestamp_gives_no_time(output: float) -> None:
    assert read_clock(json.dumps(output)) == Reading()


@pytest.mark.parametrize(
    ("output", "plain"),
    [
        ("It is half past nine in the evening.", "It is half past nine in the evening."),
        ('"Half past\\n nine"', "Half past nine"),
        ("{} and", ""),
        ('{"odd": "half past nine"}', ""),
        ("unavailable", ""),
        ("word " * 100, ""),
        ("null", ""),
    ],
)
def test_a_tools_own_wording_is_kept(output: str, plain: str) -> None:
    assert read_clock(output).plain == plain
