"""Echo tiers: how a box avoids hearing itself, from no cancellation at all to being interrupted by speech."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from edgevoice.core.sound.clockfit import ClockFit
from edgevoice.echo.linear import LinearCanceller
from edgevoice.echo.mix import MixReference
from edgevoice.echo.postfilter import Postfilter
from edgevoice.echo.reference import FarEndReference
from edgevoice.echo.room_listener import RoomListener
from edgevoice.echo.speech import NearSpeech
from edgevoice.echo.stage import EchoStage, NearSpeechFact
from edgevoice.echo.suppressor import Suppressor
from edgevoice.echo.surroundings import Surroundings
from edgevoice.echo.voice import Models


class Tier(StrEnum):
    """What removes the box's own sound from what it hears.

    NONE: nothing; wake word and button interrupt. LINEAR: a filter in front of the wake word. SUPPRESSOR: that, and a
    suppressor in front of the uplink, so that speech interrupts: the uplink carries zeros until somebody is known to
    speak over the answer, and then everything from their first sound on. HARDWARE: the device itself cancels; the
    uplink stays open, and speech interrupts.
    """

    NONE = "none"
    LINEAR = "linear"
    SUPPRESSOR = "suppressor"
    HARDWARE = "hardware"

    @property
    def lets_speech_interrupt(self) -> bool:
        """Whether the box listens for speech over its own voice."""
        return self in {Tier.SUPPRESSOR, Tier.HARDWARE}


@dataclass(frozen=True, slots=True)
class EchoPath:
    """Both ends of the stage: ``reference`` takes what the speaker plays, ``stage`` what the microphone hears.

    ``room`` must be notified whose turn it is; it is absent if speech does not interrupt. ``mix`` takes what is
    captured of everything that the speaker emits; it is absent if the box knows only its own sound. ``postfilter``
    clears the near-end for the wake word; it is absent if the box itself cancels nothing.
    """

    reference: FarEndReference
    stage: EchoStage
    room: RoomListener | None = None
    mix: MixReference | None = None
    postfilter: Postfilter | None = None


def build(
    tier: Tier,
    near: ClockFit,
    far: ClockFit,
    tell: Callable[[NearSpeechFact], None],
    *,
    delay_s: float = 0.0,
    has_mix: bool = False,
    models: Models | None = None,
) -> EchoPath | None:
    """Return the echo path of a tier, ``None`` if it needs none. Without its libraries: EchoUnavailable.

    ``near`` and ``far`` are the clocks of the two streams, ``delay_s`` the echo's delay as measured, 0 if it was not.
    ``has_mix`` says that everything the speaker emits will be captured. ``models`` are loaded if speech may interrupt.
    """
    if tier is Tier.NONE:
        return None
    reference = FarEndReference(near, far, delay_s)
    captured = MixReference(reference, near) if has_mix else None
    surroundings = Surroundings()
    room = RoomListener(surroundings) if tier.lets_speech_interrupt else None
    linear = LinearCanceller() if tier in {Tier.LINEAR, Tier.SUPPRESSOR} else None
    postfilter = Postfilter() if linear is not None else None
    stage = EchoStage(
        captured or reference,
        tell,
        linear=linear,
        suppressor=Suppressor() if tier is Tier.SUPPRESSOR else None,
        near_speech=_listener(models or Models(), surroundings) if room is not None else None,
        room=room,
        postfilter=postfilter,
    )
    return EchoPath(reference, stage, room, captured, postfilter)


def _listener(models: Models, surroundings: Surroundings) -> NearSpeech:
    return NearSpeech(models.voice(), surroundings, models.sound(), models.events())
