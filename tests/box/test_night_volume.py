"""At night answers are no louder than the settings say, and by day as loud as they were."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from msgspec import convert

from edgevoice.box.night_volume import NightVolume, night_volume_of
from edgevoice.settings.schema import Settings

NIGHT = (22 * 60, 6 * 60 + 30)


@pytest.mark.parametrize(
    ("began", "limits", "waits_s"),
    [
        ((21, 50), [100, 30], [600.0, 900.0]),
        ((6, 25), [30, 100], [300.0, 900.0]),
        ((12, 0), [100, 100], [900.0, 900.0]),
    ],
)
def test_the_limit_follows_the_night_and_a_clock_that_is_set_later(
    monkeypatch: pytest.MonkeyPatch, began: tuple[int, int], limits: list[int], waits_s: list[float]
) -> None:
    now, told, slept = datetime(2026, 1, 5, *began, tzinfo=UTC), list[int](), list[float]()

    class Enough(Exception):
        pass

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += timedelta(seconds=seconds)
        slept.append(seconds)
        if len(slept) == 2:
            raise Enough

    monkeypatch.setattr("edgevoice.box.night_volume.asyncio.sleep", sleep)
    with pytest.raises(Enough):
        asyncio.run(NightVolume(NIGHT, 30, told.append, lambda: now).run(lambda _fact: None))

    assert told == limits
    assert slept == waits_s


def test_a_night_without_length_is_no_night(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []

    async def sleep(_seconds: float) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr("edgevoice.box.night_volume.asyncio.sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(
            NightVolume((60, 60), 30, told.append, lambda: datetime(2026, 1, 5, 1, 0, tzinfo=UTC)).run(
                lambda _fact: None
            )
        )
    assert told == [100]


@pytest.mark.parametrize(
    ("panel", "percent", "has_limit"),
    [
        ({"night_from": "22:00", "night_to": "06:30"}, 30, True),
        ({"night_from": "22:00", "night_to": "06:30"}, 100, False),
        ({}, 30, False),
    ],
)
def test_only_a_night_with_a_limit_costs_anything(panel: dict[str, str], percent: int, *, has_limit: bool) -> None:
    settings = convert({"panel": panel, "speaker": {"night_volume_percent": percent}}, Settings)

    assert (night_volume_of(settings, lambda _percent: None) is not None) is has_limit
