"""Check of the volume: whether a control of the card sets it, or the box itself."""

from edgevoice.audio.card_volume import AUTO, SOFTWARE, FoundControl, look_for_control
from edgevoice.audio.devices import silent_stderr
from edgevoice.doctor.findings import Finding, doubtful, fine
from edgevoice.settings.sound import SpeakerSettings

_NAME = "volume"

_SILENT_DB = -200.0
"""ALSA gives the lowest step of a control that mutes there as -99999.99 dB."""


def probe_volume(settings: SpeakerSettings) -> FoundControl:
    """Look for the control that these settings want."""
    with silent_stderr():
        return look_for_control(settings.device, settings.mixer)


def judge_volume(settings: SpeakerSettings, found: FoundControl) -> Finding:
    """Judge: without a control the box sets the volume itself, which is as good but at its softest."""
    if (scale := found.scale) is not None:
        lowest = "silence" if scale.lowest_db < _SILENT_DB else f"{scale.lowest_db:.0f} dB"
        text = f'set by the control "{scale.name}" of {found.place.ctl}, which goes down to {lowest}'
        return fine(_NAME, f"{text} and is at {scale.level_db:.0f} dB", level_db=scale.level_db)
    if settings.mixer == SOFTWARE:
        return fine(_NAME, "set in software, as speaker.mixer says")
    names = ", ".join(f'"{name}"' for name in found.others)
    if settings.mixer == AUTO:
        return fine(_NAME, f"set in software: {found.why}" + (f"; speaker.mixer could name {names}" if names else ""))
    remedy = f"Set speaker.mixer to one of {names}, or to" if names else "Set speaker.mixer to"
    return doubtful(_NAME, f"set in software: {found.why}", f'{remedy} "software".')
