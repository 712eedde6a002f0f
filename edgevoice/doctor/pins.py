"""Checks of lights, buttons and the amplifier's pin: is there a chip, may we open it, is a line in use."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgevoice.doctor.findings import Finding, FindingStatus, doubtful, fine, skipped, wrong
from edgevoice.doctor.gpio_lines import Chip, GpioLine, header_chip
from edgevoice.errors import PanelUnavailable
from edgevoice.panel.lamps import SPI_CLOCK, SPI_DATA, SPI_PORT, SPI_REMEDY
from edgevoice.panel.pins import DEFAULT_LIBRARY, open_pins
from edgevoice.settings.schema import Settings

_OURS = "lg"
"""The name under which lgpio claims a line from the kernel."""

_PLAIN = "no pins configured"

_AMPLIFIER = "amplifier.mute_gpio"


@dataclass(frozen=True, slots=True)
class PinReport:
    """What was found. ``library`` is what would drive the pins; ``refusal`` is why it cannot.

    ``misses_spi``: a strip of LEDs is on the Pi's own SPI, whose port is not there.
    """

    chip: Chip | None
    library: str = DEFAULT_LIBRARY
    refusal: PanelUnavailable | None = None
    is_closed: bool = False
    misses_spi: bool = False


def wanted_pins(settings: Settings) -> dict[int, str]:
    """Return the pins that the settings name, each with its setting; lights that share a pin are one line."""
    wanted: dict[int, str] = {}
    if settings.panel.kind in {"auto", "gpio"}:
        for name, pin in settings.panel.pins().items():
            wanted.setdefault(pin, f"panel.{name}")
    if settings.amplifier.mute_gpio != "none":
        # A box without lights may have one as well.
        wanted.setdefault(settings.amplifier.mute_gpio, _AMPLIFIER)
    return wanted


def probe_pins(wanted: Mapping[int, str], environment: Mapping[str, str], folder: Path = Path("/dev")) -> PinReport:
    """Ask the kernel about the lines, and open the pin library without claiming any."""
    library = environment.get("GPIOZERO_PIN_FACTORY", "") or DEFAULT_LIBRARY
    is_closed, chip = False, None
    if library != "mock":
        try:
            chip = header_chip(sorted(wanted), folder)
        except PermissionError:
            is_closed = True
    if library != "mock" and chip is None:
        return PinReport(None, library, is_closed=is_closed)
    try:
        open_pins(environment).close()
    except PanelUnavailable as refusal:
        return PinReport(chip, library, refusal)
    is_on_spi = (wanted.get(SPI_DATA), wanted.get(SPI_CLOCK)) == ("panel.strip_data_gpio", "panel.strip_clock_gpio")
    return PinReport(chip, library, misses_spi=is_on_spi and not (folder / SPI_PORT).exists())


def judge_pins(
    pins: PinReport, wanted: Mapping[int, str], *, kind: str, without_lights: str, box_runs: bool
) -> Finding:
    """Judge; ``box_runs`` says that lines held by lgpio belong to the box itself.

    ``without_lights`` is what the box does if its lights cannot be used, according to the settings.
    """
    finding = _judge_pins(pins, wanted, kind=kind, box_runs=box_runs)
    if finding.mark is not FindingStatus.WRONG or _AMPLIFIER in wanted.values():
        return finding
    match without_lights:
        case "sound" | "auto":
            return doubtful("pins", f"{finding.text}; a sound marks when the box listens", finding.remedy)
        case "listen":
            return doubtful("pins", f"{finding.text}; nothing shows when the box listens", finding.remedy)
        case _:
            return finding


def _judge_pins(pins: PinReport, wanted: Mapping[int, str], *, kind: str, box_runs: bool) -> Finding:
    name = "pins"
    if not wanted:
        return fine(name, f'{_PLAIN}: panel.kind is "{kind}"' if kind in {"terminal", "none"} else _PLAIN)
    if pins.is_closed:
        return wrong(name, "this user may not open the GPIO chip", "sudo usermod -aG gpio $USER, then log in again.")
    if pins.refusal is not None:
        return wrong(name, str(pins.refusal), pins.refusal.remedy, code=pins.refusal.code)
    if pins.library == "mock":
        return fine(name, "GPIOZERO_PIN_FACTORY is mock: lights and buttons are simulated")
    if pins.chip is None:
        text, remedy = "no GPIO chip here", 'On a machine other than a Pi: panel.kind = "terminal" or "none".'
        if _AMPLIFIER in wanted.values():
            remedy = f'On a machine other than a Pi: {_AMPLIFIER} = "none", and panel.kind = "terminal" or "none".'
        elif kind != "gpio":
            return skipped(name, text, remedy)
        return wrong(name, text, remedy, code=PanelUnavailable.code)
    ours = {line for line in pins.chip.lines if line.consumer == _OURS and box_runs}
    taken = [line for line in pins.chip.lines if line.consumer and line not in ours]
    if taken:
        return wrong(name, "; ".join(_who_has(line, wanted) for line in taken), _remedy(taken[0], wanted))
    if pins.misses_spi:
        return wrong(name, f"the LED strip's SPI port /dev/{SPI_PORT} is not there", SPI_REMEDY)
    state = "in use by the box itself" if ours else "free"
    return fine(name, f"{pins.chip.label}: all {len(wanted)} {state}")


def _who_has(line: GpioLine, wanted: Mapping[int, str]) -> str:
    who = "another program that uses lgpio" if line.consumer == _OURS else f'"{line.consumer}"'
    return f"GPIO{line.gpio} ({wanted[line.gpio]}) is taken by {who}"


def _remedy(line: GpioLine, wanted: Mapping[int, str]) -> str:
    if line.consumer == _OURS:
        return f"Stop it, or set {wanted[line.gpio]} to another pin; `sudo lsof /dev/gpiochip*` names it."
    return (
        f'Set {wanted[line.gpio]} to another pin or to "none"; hardware.md lists the pins that each sound board takes.'
    )
