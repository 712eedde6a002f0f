"""Builds the echo path of the chosen tier; if its libraries are missing, the box runs without echo cancellation."""

import logging
from collections.abc import Callable

from edgevoice.core.sound.clockfit import ClockFit
from edgevoice.echo.stage import NearSpeechFact
from edgevoice.echo.tier_choice import Chosen
from edgevoice.echo.tiers import EchoPath, Tier, build
from edgevoice.echo.voice import Models
from edgevoice.errors import EchoUnavailable
from edgevoice.journal import tell

_log = logging.getLogger(__name__)


def open_echo(
    chosen: Chosen,
    near: ClockFit,
    far: ClockFit,
    post: Callable[[NearSpeechFact], None],
    models: Models,
) -> tuple[Tier, EchoPath | None]:
    """Return the tier in force and its path, and log which it is; the parameters are those of `tiers.build`."""
    try:
        path = build(chosen.tier, near, far, post, delay_s=chosen.delay_s, has_mix=chosen.has_mix, models=models)
    except EchoUnavailable as error:
        tell(_log, logging.ERROR, "echo-tier", tier="none", wanted=str(chosen.tier), problem=error.line())
        return Tier.NONE, None
    tell(_log, logging.INFO, "echo-tier", tier=str(chosen.tier), why=chosen.why)
    return chosen.tier, path
