"""`edgevoice talk`: the same box as the service's, with its actions on a screen and its buttons on the keyboard."""

import asyncio
import errno
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgevoice.box.context import BoxContext
from edgevoice.commands import talk as command
from edgevoice.commands.screen import Screen
from edgevoice.core.facts import MutePressed, TalkHeld, TalkPressed
from edgevoice.settings.schema import Settings


class Keyboard:
    """`talk` with `serve` recorded instead of run; the ``lines`` are typed once the box listens."""

    def __init__(self, patch: pytest.MonkeyPatch, folder: Path, lines: str) -> None:
        self.given: list[Any] = []
        self.facts: list[object] = []
        self._file = folder / "edgevoice.toml"
        self._file.write_text('[service]\nurl = "wss://example.org/"\n')
        self._lines = io.StringIO(lines)
        self.shown = io.StringIO()
        for variable in ("STATE_DIRECTORY", "CACHE_DIRECTORY"):
            patch.setenv(variable, str(folder / variable))
        patch.setattr(command, "serve", self._serve)
        patch.setattr(command, "Screen", lambda began: Screen(self.shown, began=began))
        patch.setattr("edgevoice.journal.start", lambda _level: None)
        patch.setattr(sys, "stdin", self._lines)

    def talk(self) -> int:
        return command.talk(self._file)

    async def _serve(
        self, settings: Settings, context: BoxContext, stop: asyncio.Event, started: Callable[[object], None]
    ) -> None:
        self.given = [settings, context]
        loop = asyncio.get_running_loop()
        reading: list[Callable[[], None]] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loop, "add_reader", lambda _file, read: reading.append(read))
            patch.setattr(loop, "remove_reader", lambda _file: reading.clear())
            engine = SimpleNamespace(report=self.facts.append)
            started(SimpleNamespace(engine=engine, microphone=SimpleNamespace(position=640)))
            while reading and not stop.is_set():
                reading[0]()
        assert stop.is_set()


def test_keys_press_the_buttons_and_quit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keyboard = Keyboard(monkeypatch, tmp_path, "\nm\nH\n?\nq\n\n")

    assert keyboard.talk() == 0

    assert keyboard.facts == [TalkPressed(640), MutePressed(), TalkHeld()]
    assert keyboard.shown.getvalue().count("Ctrl-C: quit") == 2, "at the start, and for a key that means nothing"


def test_end_of_input_quits_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert Keyboard(monkeypatch, tmp_path, "").talk() == 0


def test_a_terminal_that_hangs_up_ends_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def hung_up() -> str:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    keyboard = Keyboard(monkeypatch, tmp_path, "")
    monkeypatch.setattr(sys.stdin, "readline", hung_up)

    assert keyboard.talk() == 0


def test_talk_runs_the_same_box_except_wake_word_screen_and_optional_lights(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keyboard = Keyboard(monkeypatch, tmp_path, "q\n")

    keyboard.talk()

    settings, context = keyboard.given
    assert settings.panel.without_lights == "listen"
    assert settings.service.url == "wss://example.org/"
    assert not context.wants_wakeword
    assert isinstance(context.observers[0], Screen)
    assert context.storage.cards == tmp_path / "STATE_DIRECTORY" / "cards.json"
    assert context.storage.sayings == tmp_path / "CACHE_DIRECTORY"
    assert context.dial().host == "example.org"
