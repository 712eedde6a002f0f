"""Gestures: what presses and holds of the panel's buttons mean. Edges and times in, gestures out; no pins, no clock.

One machine for all buttons, because two that are held together mean something of their own. A press is reported with
its first edge, so debouncing adds no delay. A long hold of the mute button, or of both, takes back the press that began
it: whoever wants everything forgotten did not want to mute as well.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Final, assert_never

BOUNCE_S: Final = 0.05
"""How long after an edge, in seconds, a contact counts as bouncing; a finger's presses are further apart."""

REPEATS_AFTER_S: Final = 0.5
REPEATS_EACH_S: Final = 0.25
"""When a volume button that is held repeats, and how often: from silence to full in five seconds."""

MUTE_HOLD_S: Final = 10.0
BOTH_HOLD_S: Final = 5.0
"""How long the mute button, or both, must be held: nobody does that by leaning on the box."""


class Button(StrEnum):
    """A button of the panel; the value is the word shown to people."""

    TALK = "talk"
    MUTE = "mute"
    VOLUME_UP = "volume up"
    VOLUME_DOWN = "volume down"


class Gesture(Enum):
    """What a person did."""

    TALK_PRESSED = auto()
    TALK_HELD = auto()
    MUTE_PRESSED = auto()
    MUTE_HELD = auto()
    BOTH_HELD = auto()
    LOUDER = auto()
    SOFTER = auto()


_PRESSED: Final = {
    Button.TALK: Gesture.TALK_PRESSED,
    Button.MUTE: Gesture.MUTE_PRESSED,
    Button.VOLUME_UP: Gesture.LOUDER,
    Button.VOLUME_DOWN: Gesture.SOFTER,
}
_REPEATING: Final = frozenset({Button.VOLUME_UP, Button.VOLUME_DOWN})
_MAIN: Final = (Button.TALK, Button.MUTE)


class Contact:
    """The debouncing of one contact: edges in, presses out.

    The first edge of a press counts. A spike that is over when we look does not count.
    """

    def __init__(self) -> None:
        self._is_pressed = False
        self._calm_at_s = float("-inf")

    @property
    def is_pressed(self) -> bool:
        """Whether the button has been pressed and not yet released."""
        return self._is_pressed

    def closes(self, now_s: float, *, is_still_closed: bool) -> bool:
        """Take the edge of a closing contact; return whether it is a press."""
        if now_s < self._calm_at_s:
            self._calm_at_s = now_s + BOUNCE_S
            return False
        if not is_still_closed:
            return False
        self._is_pressed = True
        self._calm_at_s = now_s + BOUNCE_S
        return True

    def opens(self, now_s: float) -> None:
        """Take the edge of an opening contact."""
        is_bouncing = now_s < self._calm_at_s
        if is_bouncing or self._is_pressed:
            self._calm_at_s = now_s + BOUNCE_S
        if not is_bouncing:
            self._is_pressed = False


@dataclass(slots=True)
class _Press:
    """A press that lasts: when something more of it is due, ``None`` if nothing is; ``is_spent``: it was a hold."""

    due_s: float | None
    is_spent: bool = False


class Gestures:
    """The machine of all buttons; ``talk_hold_s``: how long the talk button must be held to count as held.

    Without ``can_shut_down`` both buttons held together mean nothing. Times are monotonic seconds; ``deadline`` is when
    ``tick`` is due, ``None`` when nothing is.
    """

    def __init__(self, talk_hold_s: float, *, can_shut_down: bool = False) -> None:
        self._holds_s = {Button.TALK: talk_hold_s, Button.MUTE: MUTE_HOLD_S}
        self._can_shut_down = can_shut_down
        self._contacts = {button: Contact() for button in Button}
        self._presses: dict[Button, _Press] = {}
        self._both_due_s: float | None = None

    @property
    def deadline(self) -> float | None:
        """When the next hold or repeat is due."""
        dues = [press.due_s for press in self._presses.values() if press.due_s is not None]
        return min([*dues, *([self._both_due_s] if self._both_due_s is not None else [])], default=None)

    def closes(self, button: Button, now_s: float, *, is_still_closed: bool) -> list[Gesture]:
        """Take the edge of a closing contact; ``is_still_closed``: it was so when the edge was looked at."""
        if not self._contacts[button].closes(now_s, is_still_closed=is_still_closed):
            return []
        after_s = REPEATS_AFTER_S if button in _REPEATING else self._holds_s[button]
        self._presses[button] = _Press(now_s + after_s)
        if button in _MAIN and all(each in self._presses and not self._presses[each].is_spent for each in _MAIN):
            # From here on neither is a hold of its own, not even when the other is released.
            for each in _MAIN:
                self._presses[each].due_s = None
            self._both_due_s = now_s + BOTH_HOLD_S if self._can_shut_down else None
        return [_PRESSED[button]]

    def opens(self, button: Button, now_s: float) -> None:
        """Take the edge of an opening contact."""
        self._contacts[button].opens(now_s)
        if not self._contacts[button].is_pressed:
            self._release(button)

    def tick(self, now_s: float, is_closed: Callable[[Button], bool]) -> list[Gesture]:
        """Return the holds and repeats that are due; ``is_closed`` asks a contact itself.

        To the debouncer, a tap shorter than the bounce time is still pressed, so the contact is asked.
        """
        for button in [each for each in self._presses if not is_closed(each)]:
            self._release(button)
        found: list[Gesture] = []
        if self._both_due_s is not None and self._both_due_s <= now_s:
            self._both_due_s = None
            found += [Gesture.MUTE_PRESSED, Gesture.BOTH_HELD]
            for each in _MAIN:
                self._presses[each].is_spent = True
        for button, press in self._presses.items():
            if press.due_s is None or press.due_s > now_s:
                continue
            press.due_s = now_s + REPEATS_EACH_S if button in _REPEATING else None
            press.is_spent = True
            match button:
                case Button.TALK:
                    found.append(Gesture.TALK_HELD)
                case Button.MUTE:
                    found += [Gesture.MUTE_PRESSED, Gesture.MUTE_HELD]
                case Button.VOLUME_UP | Button.VOLUME_DOWN:
                    found.append(_PRESSED[button])
                case _:
                    assert_never(button)
        return found

    def _release(self, button: Button) -> None:
        self._presses.pop(button, None)
        if button in _MAIN:
            self._both_due_s = None
