"""What programs have the box say: texts and sounds, in quiet hours or not, and questions with their answers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, assert_never

import numpy as np
import numpy.typing as npt

from edgevoice.control.messages import (
    LONGEST_SOUND_S,
    SOUND_HZ,
    Announce,
    AskQuestion,
    QuietHours,
    Refused,
    SayText,
    Spoken,
)
from edgevoice.core.announcements import AnnouncementOutcome, Priority
from edgevoice.errors import EdgevoiceError

Samples = npt.NDArray[np.int16]

LONGEST_SOUND_BYTES = 2 * SOUND_HZ * LONGEST_SOUND_S

_REFUSALS = {
    AnnouncementOutcome.TOO_MANY: ("too-many", "too many announcements wait already", "Try again later."),
    AnnouncementOutcome.NO_SPEAKER: ("speaker", "the speaker is gone", "Check its plug."),
    AnnouncementOutcome.WITHDRAWN: ("withdrawn", "it was withdrawn", "Ask again."),
}


class SaidOutcome(Protocol):
    """How something that was to be said ended."""

    @property
    def outcome(self) -> AnnouncementOutcome:
        """How it ended."""
        ...

    @property
    def heard_ms(self) -> int:
        """How much was heard of one that was cut, in milliseconds."""
        ...


class AskedOutcome(Protocol):
    """How a question ended."""

    @property
    def ended(self) -> SaidOutcome:
        """How the question itself ended."""
        ...

    @property
    def understood(self) -> str:
        """What the user replied."""
        ...

    @property
    def answered(self) -> str:
        """What the box answered to that."""
        ...


class Mouth(Protocol):
    """What says and asks something, see ``box.announcements``."""

    def say(self, samples: Samples, *, priority: Priority, has_chime: bool) -> Awaitable[SaidOutcome]:
        """Say this when it is its turn; mono s16 at 24 kHz."""
        ...

    def ask(self, question: str, samples: Samples, *, has_chime: bool, context: str) -> Awaitable[AskedOutcome]:
        """Ask this when it is its turn, and listen; the service is given ``context`` with it."""
        ...


@dataclass(frozen=True, slots=True)
class SpokenRequests:
    """Carries out what is to be said. ``synthesise`` turns text into sound and may raise an ``EdgevoiceError``.

    ``is_quiet`` returns whether it is within quiet hours; ``quiet_over`` waits for their end; ``is_deaf`` returns
    whether the box could not hear a reply.
    """

    mouth: Mouth
    synthesise: Callable[[str], Awaitable[Samples]]
    is_quiet: Callable[[], bool]
    quiet_over: Callable[[], Awaitable[None]]

    async def carry_out(self, request: Spoken, sound: bytes, *, is_deaf: bool) -> dict[str, Any]:
        """Return the fields of the reply once it was heard or cut. Raises ``Refused``."""
        match request:
            case AskQuestion(text=text, chime=chime, context=context):
                if is_deaf:
                    raise Refused("muted", "the microphone is muted: no reply could be heard", "Press the mute button.")
                await self._mind_quiet_hours(request.quiet_hours)
                asked = await self.mouth.ask(text, await self._spoken(text), has_chime=chime, context=context)
                fields = _fields(asked.ended)
                return {**fields, "understood": asked.understood, "answered": asked.answered}
            case SayText(text=text, chime=chime):
                await self._mind_quiet_hours(request.quiet_hours)
                samples, priority = await self._spoken(text), Priority.ANSWER
            case Announce(text=said, chime=chime):
                samples = await self._announced(said, sound)
                await self._mind_quiet_hours(request.quiet_hours)
                priority = Priority.ANNOUNCEMENT if request.priority == "urgent" else Priority.ANSWER
            case _:
                assert_never(request)
        return _fields(await self.mouth.say(samples, priority=priority, has_chime=chime))

    async def _announced(self, text: str | None, sound: bytes) -> Samples:
        if (text is None) is (not sound):
            raise Refused("bad-request", "give a text, or send a sound before it, and not both")
        if text is not None:
            return await self._spoken(text)
        return np.frombuffer(sound[: len(sound) // 2 * 2], "<i2").astype(np.int16)

    async def _spoken(self, text: str) -> Samples:
        try:
            samples = await self.synthesise(text)
        except EdgevoiceError as error:
            raise Refused(error.code, str(error), error.remedy) from error
        if not len(samples):
            raise Refused("bad-request", "there is nothing in the text that can be spoken", "Write words.")
        return samples

    async def _mind_quiet_hours(self, wish: QuietHours) -> None:
        if wish == "speak" or not self.is_quiet():
            return
        if wish == "skip":
            raise Refused("quiet-hours", "these are quiet hours", "Try again later, or with quiet_hours = wait.")
        await self.quiet_over()


def _fields(ended: SaidOutcome) -> dict[str, Any]:
    if (refused := _REFUSALS.get(ended.outcome)) is not None:
        raise Refused(*refused)
    return {"outcome": ended.outcome, "heard_ms": ended.heard_ms if ended.outcome is AnnouncementOutcome.CUT else None}
