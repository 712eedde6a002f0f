"""How an answer is interrupted in the quick box: by hand, by the box's own detection, by the service's."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import numpy as np
import pytest

from edgevoice.core.facts import (
    NearSpeechBegan,
    NearSpeechConfirmed,
    ServiceComplained,
    TalkPressed,
    UserStartedSpeaking,
)
from tests.e2e.quick_box import QuickBox
from tests.waiting import eventually

Step = Callable[[QuickBox], Awaitable[None]]


async def nothing(_box: QuickBox) -> None:
    """Continue at once."""


async def a_second_is_heard(box: QuickBox) -> None:
    await eventually(lambda: int(np.count_nonzero(box.card.tape)) > 24_000)


async def the_service_complained(box: QuickBox) -> None:
    await box.happens(ServiceComplained)


async def press(box: QuickBox) -> None:
    box.engine.report(TalkPressed(box.ears.position))


async def hear_it_ourselves(box: QuickBox) -> None:
    """Detect the speech that the service is about to detect too."""
    box.engine.report(NearSpeechBegan(box.ears.position))
    box.engine.report(NearSpeechConfirmed(box.ears.position))


async def let_the_service_hear_it(box: QuickBox) -> None:
    await box.happens(UserStartedSpeaking, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruption:
    """One way to interrupt an answer: ``by`` interrupts it, during the user's words or before them.

    ``before`` prepares the box, ``ready`` waits for the moment, ``then`` waits for the result.
    """

    by: Step
    is_over_speech: bool = False
    before: Step = nothing
    ready: Step = a_second_is_heard
    then: Step = nothing


BY_HAND = Interruption(by=press)
BY_EAR = Interruption(by=hear_it_ourselves, is_over_speech=True)
BY_SERVICE = Interruption(by=let_the_service_hear_it, is_over_speech=True)

EACH_WAY = pytest.mark.parametrize(
    "interruption", [BY_HAND, BY_EAR, BY_SERVICE], ids=["by hand", "by ear", "by the service"]
)
