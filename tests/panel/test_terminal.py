import io

import pytest

from edgevoice.core.lights import FINER_LIGHTS
from edgevoice.core.orders import Light
from edgevoice.panel.terminal import TerminalPanel


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_without_a_terminal_each_change_is_one_plain_line() -> None:
    stream = io.StringIO()
    panel = TerminalPanel(stream)

    panel.show(Light.IDLE)
    panel.show(Light.LISTENING)
    panel.show(Light.LISTENING)
    panel.show(Light.FAULT, "key-refused")
    panel.close()
    panel.close()

    assert stream.getvalue().splitlines() == [
        "light idle: Ready: say the wake word. Nothing leaves the box",
        "light listening: Listening to you",
        "light fault [key-refused]: The service refused the key: copy it again",
        "light off: Not running",
    ]


def test_on_a_terminal_one_line_is_overwritten() -> None:
    stream = Terminal()
    panel = TerminalPanel(stream)

    panel.show(Light.LISTENING)
    panel.show(Light.SPEAKING)
    panel.close()

    written = stream.getvalue()
    assert written.count("\n") == 1
    assert written.endswith("Not running\n")
    assert written.count("\r\x1b[2K") == 3
    assert written.index("Listening to you") < written.index("Answering")


@pytest.mark.parametrize("light", list(Light))
def test_every_light_has_its_colour_and_fits_a_narrow_terminal(light: Light) -> None:
    stream = Terminal()

    TerminalPanel(stream).show(light, "service-unreachable" if light is Light.FAULT else "")

    line = stream.getvalue().removeprefix("\r\x1b[2K")
    assert line.startswith("\x1b[")
    visible = line.split("\x1b[0m")[0][-1] + line.split("\x1b[0m")[1]
    assert visible.startswith("● ")
    assert len(visible) < 80


def test_colours_can_be_left_out() -> None:
    stream = Terminal()

    TerminalPanel(stream, is_coloured=False).show(Light.LISTENING)

    assert stream.getvalue() == "\r\x1b[2K● Listening to you"


def test_two_lights_never_share_a_colour() -> None:
    written = set()
    different = set(Light) - FINER_LIGHTS
    for light in different:
        stream = Terminal()
        TerminalPanel(stream).show(light)
        written.add(stream.getvalue().split("●")[0])

    assert len(written) == len(different)


def test_an_overwritten_line_comes_back() -> None:
    stream, plain = Terminal(), io.StringIO()
    for panel in (TerminalPanel(stream), TerminalPanel(plain)):
        panel.redraw()
        panel.show(Light.LISTENING)
        panel.redraw()

    assert stream.getvalue().count("Listening to you") == 2
    assert plain.getvalue().count("Listening to you") == 1
