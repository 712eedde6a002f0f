import fcntl
from pathlib import Path

import pytest

from edgevoice.doctor import gpio_lines
from edgevoice.doctor import pins as pins_module
from edgevoice.doctor.findings import FindingStatus
from edgevoice.doctor.gpio_lines import Chip, GpioLine, header_chip
from edgevoice.doctor.pins import PinReport, judge_pins, probe_pins, wanted_pins
from edgevoice.errors import PanelUnavailable
from edgevoice.panel.mock import MockPins
from edgevoice.settings.panel import PanelSettings
from edgevoice.settings.schema import Settings
from edgevoice.settings.sound import AmplifierSettings

WANTED = {17: "panel.listening_led_gpio", 23: "panel.talk_button_gpio"}


def chip(*held: GpioLine) -> PinReport:
    return PinReport(Chip(Path("/dev/gpiochip0"), "pinctrl-bcm2711", held))


def judged(
    pins: PinReport, *, kind: str = "auto", without_lights: str = "refuse", box_runs: bool = False
) -> tuple[FindingStatus, str]:
    finding = judge_pins(pins, WANTED, kind=kind, without_lights=without_lights, box_runs=box_runs)
    return finding.mark, finding.text


def test_unused_pins_are_fine() -> None:
    assert judged(chip(GpioLine(17, "GPIO17", ""))) == (FindingStatus.FINE, "pinctrl-bcm2711: all 2 free")


def test_a_line_held_by_the_kernel_is_named_with_its_user_and_our_setting() -> None:
    mark, text = judged(chip(GpioLine(17, "GPIO17", "hifiberry-amp reset")))

    assert mark is FindingStatus.WRONG
    assert text == 'GPIO17 (panel.listening_led_gpio) is taken by "hifiberry-amp reset"'


def test_lgpio_is_the_box_itself_only_while_the_box_runs() -> None:
    held = chip(GpioLine(17, "GPIO17", "lg"), GpioLine(23, "GPIO23", "lg"))

    assert judged(held, box_runs=True) == (FindingStatus.FINE, "pinctrl-bcm2711: all 2 in use by the box itself")
    assert "another program that uses lgpio" in judged(held)[1]


def test_a_machine_without_pins_is_broken_only_if_pins_are_configured() -> None:
    assert judged(PinReport(None))[0] is FindingStatus.SKIPPED
    assert judged(PinReport(None), kind="gpio")[0] is FindingStatus.WRONG
    plain = judge_pins(PinReport(None), {}, kind="terminal", without_lights="refuse", box_runs=False)
    closed = judge_pins(PinReport(None, is_closed=True), WANTED, kind="auto", without_lights="refuse", box_runs=False)
    assert plain.mark is FindingStatus.FINE
    assert "gpio $USER" in closed.remedy


def test_a_library_that_does_not_open_the_pins_says_why() -> None:
    pins = PinReport(chip().chip, refusal=PanelUnavailable("lgpio cannot be loaded"))

    assert judged(pins) == (FindingStatus.WRONG, "lgpio cannot be loaded")


@pytest.mark.parametrize(
    ("without_lights", "end"),
    [("sound", "; a sound marks when the box listens"), ("listen", "; nothing shows when the box listens")],
)
def test_unavailable_lights_are_doubtful_where_the_box_runs_without_them(without_lights: str, end: str) -> None:
    pins = PinReport(chip().chip, refusal=PanelUnavailable("lgpio cannot be loaded"))
    wanted = WANTED | {4: "amplifier.mute_gpio"}

    assert judged(pins, without_lights=without_lights) == (FindingStatus.DOUBTFUL, f"lgpio cannot be loaded{end}")
    assert (
        judge_pins(pins, wanted, kind="auto", without_lights=without_lights, box_runs=False).mark is FindingStatus.WRONG
    )


def test_the_mock_pins_are_reported_as_such_and_really_opened(tmp_path: Path) -> None:
    pins = probe_pins(WANTED, {"GPIOZERO_PIN_FACTORY": "mock"}, tmp_path)

    assert pins == PinReport(None, "mock")
    assert judged(pins)[0] is FindingStatus.FINE


@pytest.mark.parametrize(
    ("has_spi", "data_gpio", "is_missed"), [(False, 10, True), (True, 10, False), (False, 5, False)]
)
def test_a_strip_whose_spi_is_switched_off_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_spi: bool, data_gpio: int, is_missed: bool
) -> None:
    monkeypatch.setattr(pins_module, "header_chip", lambda _wanted, _folder: chip().chip)
    monkeypatch.setattr(pins_module, "open_pins", lambda _environment: MockPins())
    if has_spi:
        (tmp_path / "spidev0.0").touch()
    wanted = wanted_pins(Settings(panel=PanelSettings(led="strip", strip_data_gpio=data_gpio)))
    found = probe_pins(wanted, {}, tmp_path)
    finding = judge_pins(found, wanted, kind="auto", without_lights="refuse", box_runs=False)

    assert (finding.mark is FindingStatus.WRONG) is ("/dev/spidev0.0 is not there" in finding.text) is is_missed
    assert ("raspi-config nonint do_spi 0" in finding.remedy) is is_missed


def test_a_machine_without_a_gpio_chip_needs_no_library(tmp_path: Path) -> None:
    assert probe_pins(WANTED, {}, tmp_path) == PinReport(None)


def test_the_pins_wanted_are_those_of_the_settings() -> None:
    panel = PanelSettings(speaking_led_gpio="none", status_led_gpio="none", mute_button_gpio="none")

    assert wanted_pins(Settings(panel=panel, amplifier=AmplifierSettings(mute_gpio=4))) == {
        17: "panel.listening_led_gpio",
        23: "panel.talk_button_gpio",
        4: "amplifier.mute_gpio",
    }
    assert wanted_pins(Settings(panel=PanelSettings(kind="none"))) == {}


def test_a_box_without_lights_needs_the_pin_of_its_amplifier() -> None:
    wanted = wanted_pins(Settings(panel=PanelSettings(kind="none"), amplifier=AmplifierSettings(mute_gpio=4)))
    finding = judge_pins(PinReport(None), wanted, kind="none", without_lights="listen", box_runs=False)

    assert wanted == {4: "amplifier.mute_gpio"}
    assert (finding.mark, finding.code) == (FindingStatus.WRONG, "panel-unavailable")
    assert 'amplifier.mute_gpio = "none"' in finding.remedy


def test_the_kernels_answers_are_parsed_as_linux_gpio_h_defines_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No GPIO here: the layout is checked against the sizes and offsets of linux/gpio.h, 68 and 256 bytes."""
    (tmp_path / "gpiochip0").touch()
    (tmp_path / "gpiochip4").touch()
    asked: list[int] = []

    def answer(descriptor: int, request: int, argument: bytes) -> bytes:
        asked.append(request)
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        if request == 0x8044B401:
            label = b"pinctrl-rp1" if name == "gpiochip4" else b"raspberrypi-exp"
            return name.encode().ljust(32, b"\0") + label.ljust(32, b"\0") + (54).to_bytes(4, "little")
        assert request == 0xC100B405
        gpio = int.from_bytes(argument[64:68], "little")
        used, consumer = (1, b"spi0 CS0") if gpio == 17 else (2, b"")
        return (
            f"GPIO{gpio}".encode().ljust(32, b"\0")
            + consumer.ljust(32, b"\0")
            + argument[64:72]
            + used.to_bytes(8, "little")
            + bytes(176)
        )

    monkeypatch.setattr(fcntl, "ioctl", answer)
    found = header_chip([17, 23, 60], tmp_path)

    assert found == Chip(
        tmp_path / "gpiochip4", "pinctrl-rp1", (GpioLine(17, "GPIO17", "spi0 CS0"), GpioLine(23, "GPIO23", ""))
    )
    assert len(asked) == 2 + 1 + 2
    assert gpio_lines._LINE.size == 256
