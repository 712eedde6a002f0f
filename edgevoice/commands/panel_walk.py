"""`edgevoice panel test`: asks the owner what they see, and for a press of each button."""

import os
import queue
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from edgevoice.core.facts import Event, MutePressed, TalkPressed
from edgevoice.core.gestures import Button
from edgevoice.core.panel_facts import MuteSwitched, VolumeTurned
from edgevoice.panel.opening import open_lamps, open_panel_buttons
from edgevoice.panel.pins import PinFactory, open_pins
from edgevoice.panel.walk import BUTTON_SETTINGS, walk_buttons, walk_knob, walk_lights, walk_switch
from edgevoice.settings.file import load

_PATIENCE_S: Final = 15.0


class AtTerminal:
    """The owner at the terminal; ``presses`` gets what is pressed meanwhile."""

    def __init__(self, presses: "queue.SimpleQueue[Event]", ask: Callable[[str], str] = input) -> None:
        self._presses = presses
        self._ask = ask

    def choose(self, question: str, answers: Sequence[str]) -> str:
        """See `Owner`; the answers are numbered, and a number or the word will do."""
        numbered = "  ".join(f"{number} {answer}" for number, answer in enumerate(answers, 1))
        while True:
            said = self._ask(f"{question}\n  {numbered}: ").strip().lower()
            if said in answers:
                return said
            if said.isdecimal() and 1 <= int(said) <= len(answers):
                return answers[int(said) - 1]

    def count(self, question: str) -> int:
        """See `Owner`."""
        while not (said := self._ask(f"{question} ").strip()).isdecimal():
            pass
        return int(said)

    def press(self, request: str) -> Button | None:
        """See `Owner`."""
        for fact in self._after(request):
            match fact:
                case TalkPressed():
                    return Button.TALK
                case MutePressed():
                    return Button.MUTE
                case VolumeTurned(percent=percent):
                    return Button.VOLUME_UP if percent > 0 else Button.VOLUME_DOWN
                case _:
                    continue  # a long press, or a switch
        return None

    def turn(self, request: str) -> int | None:
        """See `Owner`."""
        return next((fact.percent for fact in self._after(request) if isinstance(fact, VolumeTurned)), None)

    def slide(self, request: str) -> bool | None:
        """See `Owner`."""
        return next((fact.is_muted for fact in self._after(request) if isinstance(fact, MuteSwitched)), None)

    def _after(self, request: str) -> Iterator[Event]:
        """Yield what hands do after a request, until they have done nothing for a while."""
        while not self._presses.empty():
            self._presses.get()
        print(f"{request} ({_PATIENCE_S:.0f} s)")
        while True:
            try:
                yield self._presses.get(timeout=_PATIENCE_S)
            except queue.Empty:
                return


def walk(config: Path | None, *, factory: PinFactory | None = None, ask: Callable[[str], str] = input) -> int:
    """Walk through the panel of the settings; return 1 if anything is wired wrong."""
    settings = load(config, os.environ).settings.panel
    presses: queue.SimpleQueue[Event] = queue.SimpleQueue()
    owner = AtTerminal(presses, ask)
    with ExitStack() as opened:
        if factory is None:
            factory = open_pins(os.environ)
            opened.callback(factory.close)
        lamps = open_lamps(settings, factory)
        for lamp in lamps:
            opened.callback(lamp.close)
        open_panel_buttons(settings, opened, factory, position=lambda: 0, post=presses.put)
        wired = [each for each, name in BUTTON_SETTINGS.items() if getattr(settings, name) != "none"]
        has_switch = settings.mute_is_switch and Button.MUTE in wired
        if has_switch:
            wired.remove(Button.MUTE)
        findings = [*walk_lights(lamps, settings, owner), *walk_buttons(wired, owner)]
        if has_switch:
            findings += walk_switch(owner)
        if settings.volume_knob_a_gpio != "none":
            findings += walk_knob(owner)
    print("\n".join(f"✗ {finding}" for finding in findings) or "✓ everything is wired as the settings say")
    return 1 if findings else 0
