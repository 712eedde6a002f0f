"""Builds both halves of the sound system from their sections of the settings. No card is opened here."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from edgevoice.audio.card_memory import CardMemory
from edgevoice.audio.card_volume import CardVolumes
from edgevoice.audio.far_end_mixer import SpeakerFact
from edgevoice.audio.hardware_mute import HardwareMute
from edgevoice.audio.microphone import Echo, Microphone
from edgevoice.audio.own_earcons import own_earcons
from edgevoice.audio.ring import FarEndListener
from edgevoice.audio.speaker import Speaker
from edgevoice.audio.supervisor import Supervisor, log_loss
from edgevoice.audio.uplink import Uplink
from edgevoice.core.facts import Device
from edgevoice.core.notices import UplinkSent
from edgevoice.core.ports import Report
from edgevoice.core.sound.clockfit import ClockFit
from edgevoice.core.sound.rates import NEAR_END_HZ
from edgevoice.errors import AudioUnavailable
from edgevoice.settings.sound import MicrophoneSettings, SpeakerSettings

MIXER_FILE: Final = "mixer.json"
"""Where the owner left the control of the speaker's card, beside what `CardMemory` keeps."""


def open_speaker(
    settings: SpeakerSettings,
    post: Callable[[SpeakerFact], None],
    clock: ClockFit,
    *,
    reference: FarEndListener | None,
    amplifier: HardwareMute | None,
    volume_changed: Callable[[int], None],
    ring_percent: int = 100,
) -> Speaker:
    """Return the far end; the parameters are those of `Speaker`; ``post`` is its ``tell``."""
    return Speaker(
        post,
        reference=reference,
        amplifier=amplifier,
        clock=clock,
        volume_changed=volume_changed,
        prefill_ms=settings.prefill_ms,
        volume_percent=settings.volume_percent,
        earcon_percent=settings.earcon_percent,
        ring_percent=ring_percent,
        own_earcons=own_earcons(settings.earcons_folder),
    )


def open_near_end(
    settings: MicrophoneSettings,
    clock: ClockFit,
    *,
    echo: Echo | None,
    hear: Callable[[bytes, int], None] | None,
    send: Callable[[bytes], None],
    watch: Callable[[UplinkSent], None],
    call: Callable[[Callable[[], None]], None],
    is_over_an_answer: Callable[[], bool] = lambda: False,
) -> tuple[Microphone, Uplink]:
    """Return the microphone and the uplink that is fed from it.

    ``hear`` gets each frame for the wake word, ``send`` the audio for the service, and ``watch`` a notice of each
    chunk; ``call`` has a function called in the loop's thread; ``is_over_an_answer`` says whether the speaker sounds.
    The other parameters are those of `Microphone`.
    """

    def pump() -> None:
        if uplink.is_live:
            call(uplink.pump)

    microphone = Microphone(hear or _nobody_hears, pump, echo=echo, clock=clock)
    preroll = round(settings.preroll_s * NEAR_END_HZ)
    uplink = Uplink(microphone, preroll, send, watch, is_over_an_answer=is_over_an_answer)
    return microphone, uplink


def open_supervisor(
    near: MicrophoneSettings,
    far: SpeakerSettings,
    microphone: Microphone,
    speaker: Speaker,
    report: Report,
    *,
    cards: Path | None = None,
    every_channel: Callable[[bytes, int], None] | None = None,
    lost: Callable[[Device, AudioUnavailable], None] = log_loss,
    is_hurried: Callable[[], bool] = lambda: True,
) -> Supervisor:
    """Return the supervisor that opens both streams on the devices in the settings; ``cards``: see `CardMemory`.

    The other parameters are those of `Supervisor`.
    """
    names = {Device.MICROPHONE: near.device, Device.SPEAKER: far.device}
    memory = CardMemory(cards)
    return Supervisor(
        microphone,
        speaker,
        names,
        report,
        channel=near.channel,
        every_channel=every_channel,
        memory=memory,
        volumes=CardVolumes(far.mixer, cards.with_name(MIXER_FILE) if cards is not None else None),
        backends={Device.MICROPHONE: near.backend, Device.SPEAKER: far.backend},
        is_hurried=is_hurried,
        lost=lost,
    )


def _nobody_hears(_frame: bytes, _end: int) -> None:
    """Replace the wake word if only the button wakes the box."""
