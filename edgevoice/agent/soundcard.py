"""The machine's sound card for an agent, with the box's echo cancellation: the user may speak over the answer."""

from collections.abc import Callable
from typing import Literal

from edgevoice.agent.mailbox import Mailbox
from edgevoice.agent.sound import OpenSound
from edgevoice.agent.speech_models import MODELS
from edgevoice.audio.opening import open_near_end, open_speaker, open_supervisor
from edgevoice.core.sound.clockfit import ClockFit
from edgevoice.core.sound.rates import FAR_END_HZ, NEAR_END_HZ
from edgevoice.echo.opening import open_echo
from edgevoice.echo.tier_choice import Chosen
from edgevoice.echo.tiers import Tier
from edgevoice.errors import AudioUnavailable
from edgevoice.settings.sound import MicrophoneSettings, SpeakerSettings


class SoundCard:
    """``Sound`` of this machine: ``Agent(sound=SoundCard())`` listens and speaks on its own.

    ``microphone``, ``speaker``: the cards' names as `edgevoice devices` lists them. ``echo``: what removes the answer
    from what the microphone hears: "suppressor" in the program, "hardware" if the device does it or headphones make it
    unnecessary, "none" for nothing: then speech is not heard while the answer sounds.
    """

    is_exact = True

    def __init__(
        self,
        *,
        microphone: str = "default",
        speaker: str = "default",
        echo: Literal["suppressor", "hardware", "none"] = "suppressor",
        volume_percent: int = 70,
    ) -> None:
        self._near = MicrophoneSettings(device=microphone, preroll_s=0)
        # The mixer of the machine is not a program's to move.
        self._far = SpeakerSettings(device=speaker, mixer="software", volume_percent=volume_percent)
        self._tier = Tier(echo)

    @property
    def hears_itself(self) -> bool:
        """Whether the answer comes back through the microphone."""
        return self._tier is not Tier.HARDWARE

    def open(
        self, mailbox: Mailbox, send: Callable[[bytes], None], lost: Callable[[AudioUnavailable], None]
    ) -> OpenSound:
        """Return both ends; the running parts open the cards, and reopen them after they were unplugged."""
        near, far = ClockFit(NEAR_END_HZ), ClockFit(FAR_END_HZ)
        _, echo = open_echo(Chosen(self._tier), near, far, mailbox.post, MODELS)
        reference = echo.reference if echo is not None else None
        speaker = open_speaker(
            self._far, mailbox.post, far, reference=reference, amplifier=None, volume_changed=lambda _percent: None
        )
        microphone, uplink = open_near_end(
            self._near,
            near,
            echo=echo.stage if echo is not None else None,
            hear=None,
            send=send,
            watch=mailbox.notify,
            call=mailbox.call,
            is_over_an_answer=lambda: not speaker.is_silent,
        )
        supervisor = open_supervisor(
            self._near, self._far, microphone, speaker, mailbox.report, lost=lambda _device, error: lost(error)
        )
        return OpenSound(uplink, speaker, supervisor.run())
