"""Two clocks that drift apart."""

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from edgevoice.box.drift import DriftWatch


def test_clocks_that_drift_apart_are_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    drifts_ppm = [0.0, 20.0, -20.6, 99.0]
    slept: list[float] = []
    reference: Any = SimpleNamespace(drift_ppm=0.0)

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        reference.drift_ppm = drifts_ppm.pop(0)

    monkeypatch.setattr("asyncio.sleep", sleep)

    asyncio.run(DriftWatch(reference).run(print))

    assert slept == [60.0] * 3
    (record,) = caplog.records
    assert record.msg == "clock-drift"
    assert vars(record)["fields"] == {"ppm": -21, "why": "two cards: the echo is followed"}
