"""The checks of a panel other than the default one, through the real character device. Standard library only.

The settings are written before a start that happens anyway, see ``wire``: each start is expensive in emulation.
"""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from tests.virtual_pi import service
from tests.virtual_pi.board import LISTENING, MUTE, SPEAKING, STATUS, TALK, Refused, run, taken, until
from tests.virtual_pi.machine import SETTINGS, Guest, with_settings

VOLUME_UP, VOLUME_DOWN, KNOB_A, KNOB_B = 5, 6, 12, 13
RED, GREEN, BLUE = LISTENING, SPEAKING, STATUS
"""An RGB LED is on the pins of the three lights."""

STEP_PERCENT = 5
HOLD_S, BOTH_HOLD_S = 3.0, 5.0
DIMMED = (0.01, 0.85)
"""For which share of a time an LED that is dimmed is on; one that cannot be dimmed is on for none of it, or all.

0.09 is wanted for 0.3 as bright to the eye, and 0.25 for half; 0.3 and 0.6 were measured: pulses end late on this
machine, whose one processor also answers.
"""

_POWEROFF = Path("/run/systemd/system/poweroff.target")
_LOGIND = Path("/etc/systemd/system/systemd-logind.service")
"""Masked in the image, to start sooner."""

_RULES = Path("/etc/polkit-1/rules.d/49-edgevoice-poweroff.rules")


@contextlib.contextmanager
def wired(guest: Guest) -> Iterator[None]:
    """Give the box another panel at its next start: of colours, with a switch and a knob, and with a taken pin."""
    for line in (VOLUME_UP, VOLUME_DOWN, KNOB_A, KNOB_B, MUTE):
        guest.board.open(line)
    pins = {
        "volume_up_gpio": VOLUME_UP,
        "volume_down_gpio": VOLUME_DOWN,
        "volume_knob_a_gpio": KNOB_A,
        "volume_knob_b_gpio": KNOB_B,
    }
    values = {"led": '"rgb"', "mute_is_switch": "true", **{name: str(pin) for name, pin in pins.items()}}
    _set(values)
    with taken(VOLUME_DOWN):
        yield


def has_colours(guest: Guest) -> str:
    """Use the panel that was wired before the last start."""
    _require_line("button-missing", "volume down button", VOLUME_DOWN)
    turned = [_volume_after(guest, move) for move in ("press", "clockwise", "back")]
    if turned != [STEP_PERCENT, STEP_PERCENT, -STEP_PERCENT]:
        raise Refused(f"volume button, a step of the knob and one back change the volume by {turned}")
    muted_s = _switch(guest)
    green = _hold(guest)
    return (
        f"volume button and knob by {STEP_PERCENT}; muted {muted_s:.2f} s after the switch; listening is blue with "
        f"{green:.0%} of green; {HOLD_S:.0f} s of talk end it; a taken pin is named"
    )


def goes_on_without_a_light(guest: Guest) -> str:
    """Start the box with LEDs that are dimmed, one of whose pins is taken."""
    _set({"led": '"dimmed"', "mute_is_switch": "false", "shuts_down": "true"})
    service.stop()
    with taken(SPEAKING):
        service.wait_for_start()
        until(service.is_ready, 40, "it does not start", pause_s=0.5)
        _require_line("light-missing", "speaking LED", SPEAKING)
        until(lambda: guest.board.share(STATUS, 0.1) == 1, 20, "the status light is not on")
        service.ask("brightness", percent=50)
        time.sleep(0.3)
        share = guest.board.share(STATUS, 1.0)
        service.ask("brightness", percent=100)
    if not DIMMED[0] <= share <= DIMMED[1]:
        raise Refused(f"at half its brightness the status light is on for {share:.0%} of the time")
    return f"named with its remedy, the others shine; half as bright is {share:.0%} of the time"


def shuts_down(guest: Guest) -> str:
    """Hold both buttons until logind, which polkit lets, starts what would end the machine."""
    # It started without the rule, and without logind.
    if not any(line.startswith("cannot-shut-down") and "scripts/setup" in line for line in service.own_log()):
        raise Refused("the log does not say that the buttons cannot shut down yet")
    # In place of systemd's own target, which would do so, one that does nothing.
    _POWEROFF.write_text("[Unit]\nDefaultDependencies=no\n", encoding="utf-8")
    masked = _LOGIND.readlink()
    _LOGIND.unlink()
    run("install", "-D", "-m", "644", f"systemd/{_RULES.name}", str(_RULES))
    try:
        run("systemctl", "daemon-reload")
        run("systemctl", "start", _LOGIND.name)
        guest.wait_until_ready()
        took_s = _hold_both(guest)
    finally:
        run("systemctl", "stop", "poweroff.target", _LOGIND.name, may_fail=True)
        _POWEROFF.unlink()
        _RULES.unlink()
        _LOGIND.symlink_to(masked)
        run("systemctl", "daemon-reload")
        guest.files_before.add("d /var/lib/systemd/linger")  # logind makes it
    return f"poweroff.target {took_s:.1f} s after both buttons went down, by logind, polkit and the rule that ships"


def _hold_both(guest: Guest) -> float:
    began = time.monotonic()
    guest.board.close(TALK)
    guest.board.close(MUTE)
    try:
        until(_is_powered_off, BOTH_HOLD_S + 30, "nothing shuts the machine down", pause_s=0.5)
    except Refused as refused:
        raise Refused(f"{refused}: {[line for line in service.own_log() if 'shut-down' in line]}") from None
    finally:
        guest.board.open(TALK)
        guest.board.open(MUTE)
    if (took_s := time.monotonic() - began) < BOTH_HOLD_S:
        raise Refused(f"the machine is shut down after {took_s:.1f} s of holding")
    return took_s


def _is_powered_off() -> bool:
    return service.properties("poweroff.target", "ActiveState")["ActiveState"] == "active"


def _set(values: dict[str, str]) -> None:
    SETTINGS.write_text(with_settings(SETTINGS.read_text(encoding="utf-8"), "panel", values), encoding="utf-8")


def _require_line(event: str, what: str, pin: int) -> None:
    """Require that the current process has logged a missing part in one line, with the remedy."""
    lines = [line for line in service.own_log() if line.startswith(event)]
    if len(lines) != 1 or not all(each in lines[0] for each in (what, f"GPIO{pin} ", "gpioinfo")):
        raise Refused(f"a taken pin is logged by {lines}")


def _volume_after(guest: Guest, move: str) -> int:
    before = _volume()
    match move:
        case "press":
            guest.board.press(VOLUME_UP)
        case "clockwise":
            guest.board.turn(KNOB_A, KNOB_B)
        case _:
            guest.board.turn(KNOB_B, KNOB_A)
    with contextlib.suppress(Refused):
        until(lambda: _volume() != before, 2, "nothing changes", pause_s=0.1)
    time.sleep(0.2)
    return _volume() - before


def _volume() -> int:
    return int(service.ask("volume")["volume_percent"])


def _switch(guest: Guest) -> float:
    began = time.monotonic()
    guest.board.close(MUTE)
    until(lambda: service.ask("status")["muted"], 3, "the closed switch does not mute", pause_s=0.05)
    muted_s = time.monotonic() - began
    until(lambda: guest.board.lights.is_dark(BLUE, 0.5), 3, "white stays on though it is muted")
    until(lambda: guest.board.lights.was_lit(RED, began + muted_s + 0.5), 4, "no red flash says that it is muted")
    guest.board.open(MUTE)
    until(lambda: not service.ask("status")["muted"], 3, "the open switch does not end it", pause_s=0.05)
    return muted_s


def _hold(guest: Guest) -> float:
    """Hold the talk button until the conversation that it has begun ends; return the share of green meanwhile."""
    until(lambda: service.ask("status")["phase"] == "idle", 10, "it does not come to rest", pause_s=0.1)
    began = time.monotonic()
    guest.board.close(TALK)
    try:
        until(lambda: service.ask("status")["phase"] == "listening", 2, "it does not listen", pause_s=0.05)
        time.sleep(0.1)
        green = guest.board.share(GREEN, 0.5)
        if not (DIMMED[0] <= green <= DIMMED[1] and guest.board.lights.is_lit(BLUE, 0.4)):
            raise Refused(f"listening is not blue with a little green, which is on for {green:.0%} of the time")
        until(lambda: service.ask("status")["phase"] == "idle", HOLD_S + 1, "holding does not end it", pause_s=0.05)
        held_s = time.monotonic() - began
    finally:
        guest.board.open(TALK)
    if held_s < HOLD_S:
        raise Refused(f"it ended after {held_s:.1f} s of holding")
    return green
