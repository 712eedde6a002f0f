"""Panel specification: for each state of the box what is seen and heard, and by when; printed into the documentation.

The patterns are those that the box plays (`lights`, `light_frames`), and the sounds those that its orders name. No I/O,
no clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from edgevoice.core.light_frames import colour_name, colour_of, frame_at
from edgevoice.core.lights import DARK, Led, patterns_on, words
from edgevoice.core.orders import Earcon, Light

ROWS: Final = (3, 12)
"""The lengths of the strips that are drawn and described."""

_AT_ONCE_MS: Final = 50
"""By when a light shows what the box knows, and what a hand has done: less is not noticed as a delay."""


@dataclass(frozen=True, slots=True)
class PanelState:
    """One state of the box; ``since`` is what ``deadline_ms`` is counted from.

    ``reason`` is the code of a fault, and ``is_provisional`` says that the state ends by itself after a moment.
    ``sounds``: the earcons that may go with it. Those that name a fault are spoken where there is a local voice.
    """

    name: str
    light: Light
    since: str
    deadline_ms: int = _AT_ONCE_MS
    reason: str = ""
    sounds: tuple[Earcon, ...] = ()
    is_provisional: bool = False


STATES: Final = (
    PanelState("starting", Light.STARTING, "the program runs", 3000),
    PanelState("idle", Light.IDLE, "the wake word is loaded, or the conversation over", sounds=(Earcon.DONE,)),
    PanelState("connecting", Light.CONNECTING, "wake word or button", sounds=(Earcon.AWAKE,)),
    PanelState("listening", Light.LISTENING, "the session is open", 250),
    PanelState("hearing you now", Light.HEARING, "the service reports speech"),
    PanelState("thinking", Light.THINKING, "the service reports the end of the turn", sounds=(Earcon.APPROVAL,)),
    PanelState("tool running", Light.WORKING, "the call is complete"),
    PanelState("speaking", Light.SPEAKING, "first sound of the answer"),
    PanelState("ducked", Light.DUCKED, "somebody may be speaking over it"),
    PanelState("muted", Light.MUTED, "button or switch", sounds=(Earcon.MUTED, Earcon.UNMUTED)),
    PanelState("timer ringing", Light.RINGING, "the time has come", sounds=(Earcon.TIMER,)),
    PanelState(
        "volume change",
        Light.VOLUME,
        "button, knob or tool",
        sounds=(Earcon.VOLUME, Earcon.VOLUME_END),
        is_provisional=True,
    ),
    PanelState("announcement", Light.ANNOUNCING, "it begins", sounds=(Earcon.CHIME,)),
    PanelState(
        "no network",
        Light.FAULT,
        "the box gives up connecting",
        reason="service-unreachable",
        sounds=(Earcon.NO_NETWORK,),
        is_provisional=True,
    ),
    PanelState(
        "bad key",
        Light.FAULT,
        "the service refuses",
        reason="key-refused",
        sounds=(Earcon.BAD_KEY,),
        is_provisional=True,
    ),
    PanelState(
        "no credit",
        Light.FAULT,
        "the service refuses",
        reason="no-credit",
        sounds=(Earcon.NO_CREDIT,),
        is_provisional=True,
    ),
    PanelState(
        "budget spent",
        Light.FAULT,
        "wake word or button, or the limit in a conversation",
        reason=Earcon.BUDGET_SPENT.value,
        sounds=(Earcon.BUDGET_SPENT,),
        is_provisional=True,
    ),
    PanelState(
        "no microphone", Light.FAULT, "it is found to be gone", reason="microphone", sounds=(Earcon.NO_MICROPHONE,)
    ),
    PanelState("no speaker", Light.FAULT, "it is found to be gone", reason="speaker"),
    PanelState(
        "wrong clock",
        Light.FAULT,
        "the certificate is refused",
        reason="clock-wrong",
        sounds=(Earcon.WRONG_CLOCK,),
        is_provisional=True,
    ),
    PanelState("stopping", Light.STOPPING, "the service manager or Ctrl-C"),
    PanelState("dead (watchdog)", Light.OFF, "the last sign of life", 40_000),
)


_ON_ROWS: Final[Mapping[Light, str]] = {
    Light.STARTING: "fills, then is full for a moment",
    Light.CONNECTING: "one pixel runs",
    Light.THINKING: "odd and even pixels in turn",
    Light.WORKING: "one pixel goes to and fro",
    Light.SPEAKING: "breathes",
    Light.MUTED: "the two ends flash",
    Light.VOLUME: "a bar as long as the volume, whose end blinks",
    Light.STOPPING: "empties, then is dark for a moment",
}


def seen_on_led(state: PanelState) -> str:
    """Return in words what a single LED does."""
    lit = [pattern for pattern in patterns_on(tuple(Led), state.light, state.reason) if pattern != DARK]
    return words(lit[0]) if lit else "dark"


def seen_in_colour(state: PanelState) -> str:
    """Return the name of the colour that an RGB LED and a strip have, "dark" if they are."""
    frame = frame_at(1, state.light, state.reason, 0.0)
    return colour_name(colour_of(state.light, state.reason)) if any(frame[0]) else "dark"


def seen_on_row(state: PanelState) -> str:
    """Return in words what a row of pixels does."""
    return _ON_ROWS.get(state.light, seen_on_led(state))
