"""Every kind of lamp keeps the promises of the lights: one suite for all of them."""

import io
import sys
from collections.abc import Callable
from types import SimpleNamespace

import gpiozero
import pytest

from edgevoice.core.light_frames import Colour, apa102
from edgevoice.core.lights import LIVE_LIGHTS, Led
from edgevoice.core.orders import Light
from edgevoice.core.panel_spec import STATES, PanelState, seen_on_row
from edgevoice.core.ports import Panel
from edgevoice.errors import PanelUnavailable
from edgevoice.panel.audible import HeardPanel
from edgevoice.panel.lamps import Lamp, open_led, open_rgb, open_strip
from edgevoice.panel.lights import Lights
from edgevoice.panel.mock import MockPins
from edgevoice.panel.none import NoPanel
from edgevoice.panel.terminal import TerminalPanel

DATA, CLOCK = 5, 6


class Spi:
    """The SPI functions of lgpio, for one strip."""

    error = OSError

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.is_open = False
        self.refusal: OSError | None = None

    def spi_open(self, port: int, channel: int, rate_hz: int, flags: int) -> int:
        if self.refusal is not None:
            raise self.refusal
        assert (port, channel, flags) == (0, 0, 0)
        assert rate_hz <= 10_000_000
        self.is_open = True
        return 7

    def spi_write(self, handle: int, data: bytes) -> None:
        assert self.is_open
        assert handle == 7
        self.written.append(data)

    def spi_close(self, handle: int) -> None:
        assert handle == 7
        self.is_open = False


@pytest.fixture
def spi(monkeypatch: pytest.MonkeyPatch) -> Spi:
    fake = Spi()
    monkeypatch.setitem(sys.modules, "lgpio", fake)
    return fake


class Opened(SimpleNamespace):
    lamp: Lamp
    levels: Callable[[], list[float]]


def plain(pins: MockPins, _spi: Spi) -> Opened:
    lamp = open_led("listening", 17, tuple(Led), factory=pins, is_active_high=True, is_dimmed=False)
    return Opened(lamp=lamp, levels=lambda: [float(pins.pin("GPIO17").state)])


def dimmed(pins: MockPins, _spi: Spi) -> Opened:
    lamp = open_led("listening", 17, tuple(Led), factory=pins, is_active_high=True, is_dimmed=True)
    return Opened(lamp=lamp, levels=lambda: [float(pins.pin("GPIO17").state)])


def rgb(pins: MockPins, _spi: Spi) -> Opened:
    wired = {"red": 17, "green": 27, "blue": 22}
    lamp = open_rgb(wired, factory=pins, is_active_high=True)
    return Opened(lamp=lamp, levels=lambda: [float(pins.pin(f"GPIO{pin}").state) for pin in wired.values()])


def strip(pins: MockPins, spi: Spi) -> Opened:
    lamp = open_strip(3, data_gpio=10, clock_gpio=11, factory=pins)
    return Opened(lamp=lamp, levels=lambda: [byte / 255 for byte in shown(spi.written[-1], 3)])


def clocked_strip(pins: MockPins, _spi: Spi) -> Opened:
    lamp = open_strip(3, data_gpio=DATA, clock_gpio=CLOCK, factory=pins)
    return Opened(lamp=lamp, levels=lambda: [byte / 255 for byte in shown(clocked(pins), 3)])


LAMPS = [plain, dimmed, rgb, strip, clocked_strip]


def shown(data: bytes, pixels: int) -> bytes:
    """Return the colours that a strip takes from the bytes: blue, green, red of each pixel."""
    assert data[:4] == bytes(4)
    words = [data[4 + 4 * place : 8 + 4 * place] for place in range(pixels)]
    assert all(word[0] == 0xFF for word in words)
    assert not any(data[4 + 4 * pixels :]), "ones would light a further pixel"
    assert len(data) - 4 - 4 * pixels >= 4
    return b"".join(word[1:] for word in words)


def clocked(pins: MockPins) -> bytes:
    """Return the last frame of 3 pixels on the pins: the level of the data at each rise of the clock."""
    level, bits = False, []
    for change in pins.changes():
        if change.gpio == DATA:
            level = change.is_high
        elif change.is_high:
            bits.append(level)
    size = 8 * len(apa102([Colour(0, 0, 0)] * 3))
    last = bits[-size:]
    return bytes(sum(bit << 7 - place for place, bit in enumerate(last[at : at + 8])) for at in range(0, size, 8))


@pytest.fixture(params=LAMPS, ids=lambda kind: kind.__name__)
def opened(request: pytest.FixtureRequest, spi: Spi) -> Opened:
    pins = MockPins()
    found: Opened = request.param(pins, spi)
    found.pins = pins
    return found


def show(opened: Opened, light: Light, reason: str = "", *, seconds: float = 0.0, brightness: float = 1.0) -> None:
    opened.lamp.write(tuple(colour.scaled(brightness) for colour in opened.lamp.frame(light, reason, seconds)))


@pytest.mark.parametrize("light", sorted(LIVE_LIGHTS))
def test_while_audio_may_leave_something_is_lit_even_at_the_least_brightness(opened: Opened, light: Light) -> None:
    for tenths in range(30):
        if all(max(colour) == 0 for colour in opened.lamp.frame(light, "", tenths / 10)):
            continue  # a pause of the pattern, which test_light_frames bounds
        show(opened, light, seconds=tenths / 10, brightness=0.1)
        assert max(opened.levels()) > 0


def test_an_idle_box_is_dark_and_has_nothing_to_play(opened: Opened) -> None:
    show(opened, Light.IDLE)

    assert max(opened.levels()) == 0
    assert opened.lamp.seconds_to_next(Light.IDLE, "", 0.0) is None


def test_a_brightness_of_nothing_is_dark(opened: Opened) -> None:
    show(opened, Light.LISTENING, brightness=0.0)

    assert max(opened.levels()) == 0


def test_closing_turns_it_dark_once(opened: Opened, spi: Spi) -> None:
    show(opened, Light.LISTENING)
    opened.lamp.close()
    opened.lamp.close()

    assert not spi.is_open
    assert not any(opened.pins.is_output(gpio) for gpio in range(28))
    if spi.written:
        assert not any(shown(spi.written[-1], 3))


def test_a_strip_that_cannot_be_turned_off_is_released_all_the_same(spi: Spi, monkeypatch: pytest.MonkeyPatch) -> None:
    lamp = strip(MockPins(), spi).lamp

    def refuse(handle: int, data: bytes) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(spi, "spi_write", refuse)
    with pytest.raises(OSError, match="Input/output"):
        lamp.close()
    assert not spi.is_open


def test_a_dimmed_led_is_as_bright_as_it_looks() -> None:
    pins = MockPins()
    led = dimmed(pins, Spi())
    show(led, Light.LISTENING, brightness=0.5)

    assert led.levels() == [0.25]


def test_a_strip_is_dark_from_the_moment_it_is_opened(spi: Spi) -> None:
    strip(MockPins(), spi)

    assert not any(shown(spi.written[0], 3))


def test_without_lgpio_the_programs_own_clock_drives_the_strip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "lgpio", raising=False)
    pins = MockPins()
    lamp = open_strip(3, data_gpio=10, clock_gpio=11, factory=pins)

    assert lamp.least_s > 0
    assert pins.is_output(10)
    lamp.close()


def test_spi_that_is_switched_off_is_one_line_with_the_remedy(spi: Spi) -> None:
    spi.refusal = OSError(2, "No such file or directory: /dev/spidev0.0")

    with pytest.raises(PanelUnavailable, match=r"^LED strip: the SPI port /dev/spidev0.0 cannot be used") as caught:
        open_strip(3, data_gpio=10, clock_gpio=11, factory=MockPins())
    assert "raspi-config nonint do_spi 0" in caught.value.line()


@pytest.mark.parametrize(("kind", "taken"), [(rgb, 22), (clocked_strip, CLOCK)])
def test_a_pin_in_use_is_named_and_no_other_stays_open(kind: Callable[[MockPins, Spi], Opened], taken: int) -> None:
    pins = MockPins()
    with gpiozero.LED(taken, pin_factory=pins), pytest.raises(PanelUnavailable, match=f"GPIO{taken} cannot be used"):
        kind(pins, Spi())

    assert not any(pins.is_output(gpio) for gpio in range(28))


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_every_state_of_the_specification_is_shown(opened: Opened, state: PanelState) -> None:
    levels = []
    for tenths in range(30):
        opened.lamp.write(opened.lamp.frame(state.light, state.reason, tenths / 10, 0.5))
        levels.append(max(opened.levels()))

    assert (max(levels) > 0) is (seen_on_row(state) != "dark")


@pytest.mark.parametrize(
    "panel",
    [
        lambda: Lights([]),
        lambda: TerminalPanel(io.StringIO()),
        HeardPanel,
        lambda: HeardPanel(NoPanel()),
        NoPanel,
    ],
    ids=["lights", "terminal", "heard", "heard beside", "none"],
)
def test_every_panel_shows_every_state_again_and_again_and_closes_twice(panel: Callable[[], Panel]) -> None:
    shown = panel()
    for state in (*STATES, *STATES):
        shown.show(state.light, state.reason, 0.5)
        shown.show(state.light, state.reason, 0.5)
    shown.close()
    shown.close()
