"""Which echo tier applies, and why: the setting's, or for "auto" what the self-test measured for these devices."""

from dataclasses import dataclass, replace

from edgevoice.echo.record import EchoRecord
from edgevoice.echo.tiers import Tier
from edgevoice.settings.schema import Settings


@dataclass(frozen=True, slots=True)
class Chosen:
    """The tier that applies; ``delay_s`` is the echo's delay, 0 if it was not measured; ``why`` is for the log.

    ``has_mix`` says that everything the speaker emits will be captured, and be the reference.
    """

    tier: Tier
    delay_s: float = 0.0
    why: str = "the settings say so"
    has_mix: bool = False


def choose(settings: Settings, record: EchoRecord | None) -> Chosen:
    """Return the tier from the settings; "auto" takes what was measured with these devices, else none."""
    return replace(_chosen(settings, record), has_mix=settings.echo.has_mix)


def _chosen(settings: Settings, record: EchoRecord | None) -> Chosen:
    is_ours = record is not None and (record.microphone, record.speaker) == (
        settings.microphone.device,
        settings.speaker.device,
    )
    delay_s = record.delay_ms / 1000 if record is not None and is_ours else 0.0
    if settings.echo.tier != "auto":
        return Chosen(Tier(settings.echo.tier), delay_s)
    if record is None:
        return Chosen(Tier.NONE, why='never measured: "edgevoice doctor --echo" does')
    if not is_ours:
        return Chosen(Tier.NONE, why='measured with other devices: "edgevoice doctor --echo" measures again')
    return Chosen(Tier(record.tier), delay_s, why="measured by the self-test")
