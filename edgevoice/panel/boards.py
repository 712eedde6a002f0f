"""Boards that people can buy: pins, sound card, occupied pins. Data only: opens nothing and needs no other package.

Pins are Broadcom numbers; ``None`` means not wired. As a program, `python3 boards.py` lists the names, and `python3
boards.py NAME overlay|card|driver|usb|settings` prints one thing about a board, for an installer without a venv.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType

I2S = MappingProxyType({18: "I2S bit clock", 19: "I2S word clock", 20: "I2S data in", 21: "I2S data out"})
I2C = MappingProxyType({2: "I2C data", 3: "I2C clock"})


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardPins:
    """What the settings need to know about a board, with the names used in [panel] and [amplifier]."""

    listening_led_gpio: int | None = 17
    speaking_led_gpio: int | None = 27
    status_led_gpio: int | None = 22
    talk_button_gpio: int | None = 23
    mute_button_gpio: int | None = 24
    led: str = "plain"
    strip_pixels: int | None = None
    strip_data_gpio: int | None = None
    strip_clock_gpio: int | None = None
    led_active_high: bool = True
    button_pull_up: bool = True
    amplifier_mute_gpio: int | None = None
    amplifier_mute_active_high: bool = False

    def used(self) -> dict[str, int]:
        """Return the pins that are wired, by the name of their setting."""
        values = {setting_of(each.name): getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in values.items() if name.endswith("_gpio") and value is not None}


def setting_of(name: str) -> str:
    """Return the full name of a setting that `BoardPins` has."""
    is_amplifier = name.startswith("amplifier_")
    return f"amplifier.{name.removeprefix('amplifier_')}" if is_amplifier else f"panel.{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardCard:
    """A board's sound card.

    ``overlay`` holds lines for the boot configuration, config.txt; ``driver`` is what must be installed for them,
    empty if Raspberry Pi OS includes it; ``card`` is ALSA's name for the card, empty if it is not known before the
    card is plugged in; ``echo`` says what to expect of its echo. If the board lacks a microphone or a speaker, a USB
    sound card provides it.
    """

    overlay: tuple[str, ...] = ()
    driver: str = ""
    card: str = ""
    has_microphone: bool = True
    has_speaker: bool = True
    has_mixer: bool = True
    echo: str = "Does not cancel its own echo: edgevoice doctor --echo finds out what may interrupt the box."


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A board.

    ``taken`` are pins that it or its driver needs; ``on_board`` are the settings whose lights and buttons are on the
    board; ``lights`` says which of its lights can be used; ``uncertain`` lists what is not verified; ``sources`` says
    where the rest comes from.
    """

    name: str
    title: str
    sources: tuple[str, ...]
    pins: BoardPins = field(default_factory=BoardPins)
    card: BoardCard = field(default_factory=BoardCard)
    taken: Mapping[int, str] = field(default_factory=dict)
    on_board: tuple[str, ...] = ()
    lights: str = "LEDs that you wire yourself."
    notes: tuple[str, ...] = ()
    uncertain: tuple[str, ...] = ()


GPIO = Board(
    name="gpio",
    title="Plain GPIO, and a sound card of any kind",
    sources=("edgevoice/settings/schema.py: the defaults of [panel]",),
    card=BoardCard(echo="Depends on the card: edgevoice doctor --echo measures it."),
)
"""Three LEDs and two buttons on plain pins that neither I2S, I2C nor SPI uses, next to each other on the header."""

USB_SPEAKERPHONE = Board(
    name="usb-speakerphone",
    title="USB speakerphone (Jabra Speak and the like)",
    sources=("OHF-Voice/linux-voice-assistant: examples/Jabra Speak 410/DOCS.md", "linux: sound/usb (snd-usb-audio)"),
    card=BoardCard(
        has_microphone=False,
        has_speaker=False,
        echo='Cancels its own echo: edgevoice doctor --echo should find "hardware", and whatever you say interrupts.',
    ),
    notes=(
        "scripts/setup finds it on any USB port and points edgevoice_mic and edgevoice_dac at it.",
        "Its own mute button is visible only as exact zeros; the talk button of the box still works then.",
    ),
)

I2S_DUPLEX = Board(
    name="i2s",
    title="I2S microphone (INMP441, SPH0645) and MAX98357A amplifier",
    sources=(
        "raspberrypi/linux: googlevoicehat-soundcard-overlay.dts, sound/soc/bcm/googlevoicehat-codec.c",
        "adafruit/Raspberry-Pi-Installer-Scripts: i2smic.py",
    ),
    card=BoardCard(overlay=("dtoverlay=googlevoicehat-soundcard",), card="sndrpigooglevoi", has_mixer=False),
    taken={**I2S, 16: "amplifier on (SD_MODE), driven by the kernel"},
    notes=("The card supports only S32, 48 kHz and stereo: use edgevoice_mic and edgevoice_dac, never hw:.",),
)

MAX98357A = Board(
    name="max98357a",
    title="MAX98357A amplifier on I2S, with a USB microphone",
    sources=(
        "raspberrypi/linux: overlays/README (max98357a), sound/soc/codecs/max98357a.c",
        "adafruit/Raspberry-Pi-Installer-Scripts: i2samp.py",
    ),
    pins=BoardPins(amplifier_mute_gpio=4),
    card=BoardCard(
        overlay=("dtoverlay=max98357a,no-sdmode",),
        card="MAX98357A",
        has_microphone=False,
        has_mixer=False,
        echo="Microphone and amplifier have two clocks: edgevoice doctor --echo measures what that costs.",
    ),
    taken=I2S,
    notes=(
        "With no-sdmode, edgevoice drives GPIO 4 itself, so that a cut answer is muted in the amplifier.",
        "Driven by GPIO 4, the amplifier plays only the left channel; the box plays the same on both.",
    ),
)

_RESPEAKER_PINS = BoardPins(
    listening_led_gpio=None,
    speaking_led_gpio=None,
    status_led_gpio=None,
    led="strip",
    strip_pixels=3,
    strip_data_gpio=10,
    strip_clock_gpio=11,
    talk_button_gpio=17,
    mute_button_gpio=25,
)
_STRIP = ("panel.strip_data_gpio", "panel.strip_clock_gpio")
_RESPEAKER_TAKEN = MappingProxyType({**I2C, **I2S, 12: "APA102 power (one project)"})

RESPEAKER_V1 = Board(
    name="respeaker-2mic-v1",
    title="Seeed ReSpeaker 2-Mics Pi HAT v1 (WM8960), Keyestudio's clone",
    sources=(
        "Seeed-Studio/seeed-linux-dtoverlays: overlays/rpi, v1_0",
        "rhasspy/wyoming-satellite: examples/2mic_service.py (LEDs)",
    ),
    pins=_RESPEAKER_PINS,
    card=BoardCard(
        overlay=("dtoverlay=respeaker-2mic-v1_0", "dtparam=spi=on"),
        driver="the overlay from Seeed-Studio/seeed-linux-dtoverlays, in /boot/firmware/overlays",
        card="seeed2micvoicec",
    ),
    taken=_RESPEAKER_TAKEN,
    on_board=("panel.talk_button_gpio", *_STRIP),
    lights="The three APA102 on the board, on SPI 0.",
    uncertain=(
        "The card's name with Seeed's overlay: seeed2micvoicec is the older driver's name (seeed-2mic-voicecard).",
        "That Keyestudio's clone (KS0314) is wired the same way.",
    ),
)

RESPEAKER_V2 = replace(
    RESPEAKER_V1,
    name="respeaker-2mic-v2",
    title="Seeed ReSpeaker 2-Mics Pi HAT v2 (TLV320AIC3104)",
    sources=("Seeed-Studio/seeed-linux-dtoverlays: overlays/rpi, v2_0", "florian-asche/PiCompose"),
    card=replace(RESPEAKER_V1.card, overlay=("dtoverlay=respeaker-2mic-v2_0", "dtparam=spi=on")),
    uncertain=(),
)

VOICE_BONNET = Board(
    name="adafruit-voice-bonnet",
    title="Adafruit Voice Bonnet (WM8960)",
    sources=(
        "adafruit/Raspberry-Pi-Installer-Scripts: converted_shell_scripts/voice_bonnet.sh",
        "three projects' code: board.D17, DotStar(board.D6, board.D5, 3)",
    ),
    pins=replace(_RESPEAKER_PINS, strip_data_gpio=5, strip_clock_gpio=6),
    card=BoardCard(
        overlay=("dtoverlay=seeed-2mic-voicecard", "dtoverlay=i2s-mmap"),
        driver="the driver that Adafruit's voice_bonnet.sh builds (seeed-2mic-voicecard)",
        card="seeed2micvoicec",
    ),
    taken={**I2C, **I2S},
    on_board=("panel.talk_button_gpio", *_STRIP),
    lights="The three DotStars (APA102) on the board, on GPIO 5 and 6.",
    uncertain=("Whether the driver still builds for the kernels of Bookworm and Trixie.",),
)

_AIY_PINS = BoardPins(
    listening_led_gpio=25,
    speaking_led_gpio=25,
    status_led_gpio=25,
    talk_button_gpio=23,
    mute_button_gpio=None,
)
_AIY_FACE = ("panel.listening_led_gpio", "panel.speaking_led_gpio", "panel.status_led_gpio", "panel.talk_button_gpio")

AIY_HAT = Board(
    name="aiy-voice-hat-v1",
    title="Google AIY Voice HAT v1 (MAX98357A, ICS-43432)",
    sources=("google/aiyprojects-raspbian: docs/voice.md, src/aiy/board.py", "raspberrypi/linux: googlevoicehat"),
    pins=_AIY_PINS,
    card=BoardCard(overlay=("dtoverlay=googlevoicehat-soundcard",), card="sndrpigooglevoi", has_mixer=False),
    taken={**I2S, 16: "amplifier on (SD_MODE), driven by the kernel"},
    on_board=_AIY_FACE,
    lights="The lamp in its button, on GPIO 25, shows everything.",
    notes=("The card supports only S32, 48 kHz and stereo: use edgevoice_mic and edgevoice_dac, never hw:.",),
)

AIY_BONNET = Board(
    name="aiy-voice-bonnet-v2",
    title="Google AIY Voice Bonnet v2 (ALC5645)",
    sources=("google/aiyprojects-raspbian: docs/voice.md, src/aiy/board.py",),
    pins=_AIY_PINS,
    card=BoardCard(driver="Google's aiy-voicebonnet-soundcard-dkms, which is no longer maintained"),
    taken={**I2C, **I2S},
    on_board=_AIY_FACE,
    lights="The lamp in its button, on GPIO 25; the coloured one is on a KTD2027B, which edgevoice does not drive.",
    uncertain=(
        "The card's name, and whether an overlay line is needed: an EEPROM on the board asks for it.",
        "Whether the driver still builds for the kernels of Bookworm and Trixie.",
        "Whether GPIO 25 is free for us while Google's LED driver is loaded.",
    ),
)

HIFIBERRY_DAC = Board(
    name="hifiberry-dac",
    title="HiFiBerry DAC and others with a PCM5102A, with a USB microphone",
    sources=("raspberrypi/linux: hifiberry-dac-overlay.dts", "TI SLAS764B (XSMT)"),
    card=BoardCard(
        overlay=("dtoverlay=hifiberry-dac",),
        card="sndrpihifiberry",
        has_microphone=False,
        has_mixer=False,
        echo="Microphone and DAC have two clocks: edgevoice doctor --echo measures what that costs.",
    ),
    taken=I2S,
    notes=("The overlay has no mute pin; if you can reach XSMT, wire it to a free pin and set amplifier.mute_gpio.",),
)

BOARDS: Mapping[str, Board] = MappingProxyType(
    {
        board.name: board
        for board in (
            GPIO,
            USB_SPEAKERPHONE,
            I2S_DUPLEX,
            MAX98357A,
            RESPEAKER_V1,
            RESPEAKER_V2,
            VOICE_BONNET,
            AIY_HAT,
            AIY_BONNET,
            HIFIBERRY_DAC,
        )
    }
)

_GROUND, _POWER_3, _POWER_5 = "ground", "3.3 V", "5 V"

HEADER: tuple[int | str, ...] = (
    *(_POWER_3, _POWER_5, 2, _POWER_5, 3, _GROUND, 4, 14, _GROUND, 15),
    *(17, 18, 27, _GROUND, 22, 23, _POWER_3, 24, 10, _GROUND),
    *(9, 25, 11, 8, _GROUND, 7, 0, 1, 5, _GROUND),
    *(6, 12, 13, _GROUND, 19, 16, 26, 20, _GROUND, 21),
)
"""The 40-pin header of every Pi since the B+, pin 1 first: a Broadcom number, or the pin's other function."""


def header_pin(gpio: int) -> int:
    """Return the header pin that has this Broadcom number."""
    return HEADER.index(gpio) + 1


def settings_of(board: Board) -> str:
    """Return a board's settings as TOML: the panel, the amplifier, the two devices."""
    values = {setting_of(each.name): getattr(board.pins, each.name) for each in fields(board.pins)}
    if board.pins.amplifier_mute_gpio is None:
        del values["amplifier.mute_active_high"]
    if board.pins.led != "strip":
        values = {name: value for name, value in values.items() if not name.startswith("panel.strip_")}
    if board.pins.led == "plain":
        del values["panel.led"]
    lines = ["[panel]", *_assignments("panel.", values), "", "[amplifier]", *_assignments("amplifier.", values)]
    if board.card.overlay or board.card.driver or of_usb(board):
        lines += ["", "[microphone]", 'device = "edgevoice_mic"', "", "[speaker]", 'device = "edgevoice_dac"']
    return "\n".join(lines)


def of_usb(board: Board) -> tuple[str, ...]:
    """Return which of the sections microphone and speaker belong to a USB sound card."""
    halves = {"microphone": board.card.has_microphone, "speaker": board.card.has_speaker}
    return tuple(name for name, is_its_own in halves.items() if not is_its_own)


def _assignments(section: str, values: Mapping[str, object]) -> Iterator[str]:
    for name, value in values.items():
        if name.startswith(section):
            text = '"none"' if value is None else f'"{value}"' if isinstance(value, str) else str(value).lower()
            yield f"{name.removeprefix(section)} = {text}"


def main(arguments: Sequence[str]) -> int:
    """Print the names, or one thing about one board; return 2 for an unknown name or thing."""
    if not arguments:
        sys.stdout.write("".join(f"{name}\n" for name in BOARDS))
        return 0
    name, thing = (*arguments, "settings")[:2]
    board = BOARDS.get(name)
    if board is None:
        sys.stderr.write(f"there is no board {name}; these are known: {', '.join(BOARDS)}\n")
        return 2
    told = {
        "overlay": "\n".join(board.card.overlay),
        "card": board.card.card,
        "driver": board.card.driver,
        "usb": "\n".join(of_usb(board)),
        "settings": settings_of(board),
    }
    if thing not in told:
        sys.stderr.write(f"a board has no {thing}; it has {', '.join(told)}\n")
        return 2
    sys.stdout.write(f"{told[thing]}\n" if told[thing] else "")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
