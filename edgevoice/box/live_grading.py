"""Live grading: the observer that scores a share of conversations, where the settings ask for it."""

import logging
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgevoice.core.ports import Observer
from edgevoice.errors import SettingsInvalid
from edgevoice.host.credentials import find_judge_key
from edgevoice.journal import tell
from edgevoice.settings.schema import Settings

if TYPE_CHECKING:
    from edgevoice.grading.held import HeldConversation
    from edgevoice.grading.live import Judged
    from edgevoice.grading.scorers import Score

_log = logging.getLogger(__name__)


def live_grading(settings: Settings, folder: Path, environment: Mapping[str, str]) -> Sequence[Observer]:
    """Return the observer for the settings, none if no conversation is to be scored; ``folder`` keeps the scores.

    Only a box that keeps what was said has a judge. One whose key is missing is left out, and the log says so.
    """
    if not settings.grading.rate:
        return ()
    from edgevoice.grading.live import LiveGrading  # noqa: PLC0415 - not loaded where nothing is scored

    judge = _judge(settings, environment) if settings.memory.enabled and settings.grading.judge_url else None
    return (LiveGrading(folder, settings.grading.rate, lambda: secrets.token_hex(8), judge),)


def _judge(settings: Settings, environment: Mapping[str, str]) -> "Judged | None":
    from edgevoice.grading.judge import judge  # noqa: PLC0415 - it loads an HTTP client
    from edgevoice.grading.scenarios import JudgeSettings  # noqa: PLC0415

    wanted = settings.grading
    model = JudgeSettings(url=wanted.judge_url, model=wanted.judge_model, timeout_s=wanted.judge_timeout_s)
    try:
        key = find_judge_key(wanted.judge_url, environment)
    except SettingsInvalid as error:
        tell(_log, logging.ERROR, "judge-left-out", code=error.code, problem=error.line())
        return None

    async def judged(held: "HeldConversation") -> "Score":
        return await judge(model, key, wanted.judge_criterion, held)

    return judged
