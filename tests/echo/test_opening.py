"""A box whose echo canceller is unavailable runs without one, and the log says so."""

import logging

import pytest

from edgevoice.core.sound.clockfit import ClockFit
from edgevoice.core.sound.rates import FAR_END_HZ, NEAR_END_HZ
from edgevoice.echo import opening
from edgevoice.echo.opening import open_echo
from edgevoice.echo.tier_choice import Chosen
from edgevoice.echo.tiers import EchoPath, Tier
from edgevoice.echo.voice import Models
from edgevoice.errors import EchoUnavailable


def opened(chosen: Chosen) -> tuple[Tier, EchoPath | None]:
    return open_echo(chosen, ClockFit(NEAR_END_HZ), ClockFit(FAR_END_HZ), lambda _fact: None, Models())


@pytest.mark.parametrize("has_path", [True, False])
def test_the_tier_in_force_is_logged_with_its_reason(caplog: pytest.LogCaptureFixture, *, has_path: bool) -> None:
    chosen = Chosen(Tier.HARDWARE if has_path else Tier.NONE, why="the settings say so")

    with caplog.at_level(logging.INFO, "edgevoice"):
        tier, path = opened(chosen)

    assert tier is chosen.tier
    assert (path is not None) is has_path
    (record,) = caplog.records
    assert (record.msg, vars(record)["fields"]) == ("echo-tier", {"tier": str(tier), "why": "the settings say so"})


def test_without_its_libraries_the_box_runs_without_a_canceller(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_given: object, **_options: object) -> EchoPath:
        raise EchoUnavailable("libspeexdsp is missing")

    monkeypatch.setattr(opening, "build", fail)

    assert opened(Chosen(Tier.LINEAR)) == (Tier.NONE, None)
    (record,) = caplog.records
    fields = vars(record)["fields"]
    assert (record.levelno, fields["tier"], fields["wanted"]) == (logging.ERROR, "none", "linear")
    assert "libspeexdsp is missing" in fields["problem"]
