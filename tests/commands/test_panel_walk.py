"""`edgevoice panel test` on mock pins: what a person types and presses."""

import queue
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgevoice.commands import panel_walk
from edgevoice.commands.panel_walk import AtTerminal, walk
from edgevoice.core.facts import Event, MutePressed, TalkHeld, TalkPressed
from edgevoice.core.gestures import Button
from edgevoice.core.panel_facts import MuteSwitched, VolumeTurned
from edgevoice.panel.mock import MockPins

CONFIG = '[panel]\nkind = "gpio"\n'


def config(tmp_path: Path) -> Path:
    place = tmp_path / "edgevoice.toml"
    place.write_text(CONFIG)
    return place


class Pressing(AtTerminal):
    """Presses each button when it is asked for."""

    pins: MockPins

    def press(self, request: str) -> Button | None:
        pin = 23 if "talk" in request else 24
        # Before the wait, which would drop what was pressed earlier.
        found: list[Button | None] = []
        self.pins.press(pin)
        found.append(Button.TALK if pin == 23 else Button.MUTE)
        self.pins.release(pin)
        return found[0]


@pytest.mark.parametrize(("first", "status"), [("listening", 0), ("2", 1)])
def test_a_walk_ends_with_what_is_wired_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], first: str, status: int
) -> None:
    Pressing.pins = pins = MockPins()
    monkeypatch.setattr(panel_walk, "AtTerminal", Pressing)
    said = iter(["what?", "\u00b2", first, "2", "3"])

    assert walk(config(tmp_path), factory=pins, ask=lambda _question: next(said)) == status

    shown = capsys.readouterr().out
    assert ("everything is wired" in shown) is (status == 0)
    assert ("listening is wired as speaking" in shown) is (status == 1)
    pins.close()


def test_presses_are_named_by_their_buttons_and_only_those_after_the_request_count(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(panel_walk, "_PATIENCE_S", 0.01)

    class Presses(queue.SimpleQueue[Event]):
        """Is empty when it is asked, as after a press that came too early."""

        def empty(self) -> bool:
            return True

    def pressed(*facts: Event) -> Button | None:
        presses = Presses()
        for fact in facts:
            presses.put(fact)
        return AtTerminal(presses).press("Press it.")

    assert pressed(TalkPressed(0)) is Button.TALK
    assert pressed(TalkHeld(), MutePressed()) is Button.MUTE
    assert pressed(VolumeTurned(5)) is Button.VOLUME_UP
    assert pressed(VolumeTurned(-5)) is Button.VOLUME_DOWN
    assert pressed() is None
    assert "Press it." in capsys.readouterr().out


def test_an_earlier_press_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel_walk, "_PATIENCE_S", 0.01)
    presses: queue.SimpleQueue[Event] = queue.SimpleQueue()
    presses.put(MutePressed())

    assert AtTerminal(presses).press("Press it.") is None


def test_a_number_is_asked_for_until_it_is_one() -> None:
    said = iter(["\u00b2", "many", "12"])

    assert AtTerminal(queue.SimpleQueue(), lambda _question: next(said)).count("How many?") == 12


def test_a_turn_and_a_move_are_told_from_presses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel_walk, "_PATIENCE_S", 0.01)

    class Presses(queue.SimpleQueue[Event]):
        """Is empty when it is asked, so that nothing is dropped."""

        def empty(self) -> bool:
            return True

    presses = Presses()
    owner = AtTerminal(presses)
    for fact in (TalkPressed(0), VolumeTurned(-5), MutePressed(), MuteSwitched(is_muted=True)):
        presses.put(fact)

    assert (owner.turn("Turn it."), owner.slide("Slide it.")) == (-5, True)
    assert (owner.turn("Turn it."), owner.slide("Slide it.")) == (None, None)


@pytest.mark.parametrize("status", [0, 1])
def test_a_switch_and_a_knob_are_walked_through_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    class Moving(Pressing):
        """Moves what is asked for, or nothing."""

        def _after(self, request: str) -> Iterator[Event]:
            if status == 0:
                yield MuteSwitched(is_muted=True) if "switch" in request else VolumeTurned(5)

    Pressing.pins = pins = MockPins()
    monkeypatch.setattr(panel_walk, "AtTerminal", Moving)
    place = tmp_path / "edgevoice.toml"
    place.write_text(CONFIG + "mute_is_switch = true\nvolume_knob_a_gpio = 5\nvolume_knob_b_gpio = 6\n")
    said = iter(["1", "2", "3", "1"])

    assert walk(place, factory=pins, ask=lambda _question: next(said)) == status

    found = [line for line in capsys.readouterr().out.splitlines() if line.startswith("✗")]
    assert [("switch" in line, "knob" in line) for line in found] == [(True, False), (False, True)] * status
    pins.close()
