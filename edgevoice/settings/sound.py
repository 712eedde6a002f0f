"""The settings of ``[microphone]``, ``[speaker]``, ``[amplifier]`` and ``[echo]``."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from edgevoice.settings.fields import AbsolutePath, Gpio, NotEmpty, Percent

Backend = Literal["auto", "alsa", "portaudio"]
"""What captures, or plays."""


class MicrophoneSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The near-end: the sound card that hears the room.

    device: The card's name; `edgevoice devices` lists those present.
    backend: What reads it. "alsa": ALSA itself, which wakes the box less often while nobody talks to it. "portaudio":
        PortAudio. "auto": ALSA where the device is a card and not a sound server.
    channel: Which of the card's channels hears you, from 0; `edgevoice doctor` shows the level of each.
    preroll_s: How much from before the wake word goes to the service, so that no word is lost.
    zeros_s: After this much time with nothing but zeros the fault light shows that the microphone is off or dead; 0
        disables this, for devices that deliver zeros in a quiet room.
    """

    device: NotEmpty = "default"
    backend: Backend = "auto"
    channel: Annotated[int, Meta(ge=0, le=15)] = 0
    preroll_s: Annotated[float, Meta(ge=0, le=5)] = 2.0
    zeros_s: Annotated[float, Meta(ge=0, le=3600)] = 30.0


class SpeakerSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The far-end: the sound card that answers.

    device: The card's name; `edgevoice devices` lists those present.
    backend: What plays on it. "alsa": ALSA itself, which silences a cut answer in 4 to 7 ms and sleeps in silence;
        it needs a card whose buffer can be written again. "portaudio": PortAudio, which needs up to 25 ms. "auto":
        ALSA where the card allows it.
    mixer: What sets the volume. "software": the box itself. The name of a control, such as "PCM", as `amixer scontrols`
        lists it: that control of the card, as far as it goes, so that quiet answers lose no resolution; 100 percent is
        where you left it. "auto": such a control, if the card has one that is surely the volume and plays for no other
        program; `edgevoice doctor` says which.
    volume_percent: How loud the answers are when the box starts.
    night_volume_percent: How loud the answers are at most between panel.night_from and panel.night_to.
    earcon_percent: How loud the earcons are, whatever the volume of the answers; if it is set by hand, what rings goes
        up or down with it.
    earcons_folder: A folder with earcons of your own, such as muted.wav: WAV files of 16 bits and at most 10 s, named
        as `edgevoice earcons list` does. Empty for none.
    prefill_ms: How much audio is buffered before playback begins: less is quicker, more survives a bad network.
    """

    device: NotEmpty = "default"
    backend: Backend = "auto"
    mixer: NotEmpty = "auto"
    volume_percent: Percent = 70
    night_volume_percent: Percent = 100
    earcon_percent: Percent = 40
    earcons_folder: AbsolutePath = ""
    prefill_ms: Annotated[int, Meta(ge=20, le=500)] = 80


class EchoSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the box avoids hearing itself.

    tier: What may interrupt it while it speaks. "none": the wake word, if you are louder than the answer, and the talk
        button; the service hears silence meanwhile. "linear": the same, but the wake word is also detected under the
        answer. "suppressor": whatever you say. "hardware": whatever you say, because the device cancels its own echo.
        "auto": what `edgevoice doctor --echo` has measured in this room, else none.
    noisy_room: What it does where speech cannot be told from what goes on in the room, as beside a loud television.
        "wake-word": only the wake word and the talk button interrupt, until the answer is over or the room is quiet.
        "speech": whatever you say interrupts all the same; noise may lower or cut the answer, too.
    reference: What it takes for its own echo. "own": what it plays itself. The name of a device that captures all that
        the machine plays (an ALSA loopback, or a sound server's monitor as "pulse:NAME.monitor"): also the music of
        other programs, so that it hears you over that; see docs/home-assistant.md.
    tail_ms: How long the room still echoes after playback has ended.
    """

    tier: Literal["auto", "none", "linear", "suppressor", "hardware"] = "auto"
    noisy_room: Literal["wake-word", "speech"] = "wake-word"
    reference: NotEmpty = "own"
    tail_ms: Annotated[int, Meta(ge=0, le=1000)] = 200

    @property
    def has_mix(self) -> bool:
        """Whether the reference is to be captured."""
        return self.reference != "own"


class AmplifierSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The amplifier's mute pin: mutes it while the box starts and stops, and at once when an answer is cut.

    mute_gpio: The pin that mutes it: SD_MODE of a MAX98357A, XSMT of a PCM5102.
    mute_active_high: Whether a high level mutes; false if a low level does.
    """

    mute_gpio: Gpio | Literal["none"] = "none"
    mute_active_high: bool = False
