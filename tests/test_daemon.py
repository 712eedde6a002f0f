"""Who answers, and so whether the minutes are billed; and that a box of which a part has died does not live on."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgevoice import daemon
from edgevoice.assembly import Parts, assemble
from edgevoice.core.facts import Device
from edgevoice.daemon import answers_itself, main
from edgevoice.panel.none import NoPanel
from edgevoice.realtime.endpoint import local
from edgevoice.settings import Service, Settings
from edgevoice.system.credentials import Key
from edgevoice.system.notify import ServiceManager


@pytest.mark.parametrize(
    ("url", "has_key", "is_free"),
    [
        ("local", False, True),
        ("local", True, True),
        ("", False, True),
        ("", True, False),
        ("wss://example.org/", False, False),
        ("wss://example.org/", True, False),
    ],
)
def test_only_a_service_on_the_network_is_billed_and_so_counted(url: str, *, has_key: bool, is_free: bool) -> None:
    key = Key("secret", source="a test") if has_key else None

    assert answers_itself(Settings(service=Service(url=url)), key) is is_free


# --- signs of life ---------------------------------------------------------------------------------------------------


async def nothing_to_prepare() -> None:
    """Prepare nothing."""


def assembled(*, wants_wakeword: bool = True) -> Parts:
    return assemble(
        Settings(),
        lambda: local(Path("/nowhere.sock"), nothing_to_prepare),
        NoPanel(),
        wants_wakeword=wants_wakeword,
    )


def test_the_watchdog_looks_at_the_microphone_and_at_whether_the_wake_word_keeps_up() -> None:
    async def live() -> None:
        parts = assembled()
        assert parts.detector is not None
        parts.microphone.called_at, parts.detector.scored_at, parts.detector.kept_up_at = 7.0, 9.0, 5.0

        assert sorted(daemon._signs_of_life(parts)) == [5.0, 7.0]

    asyncio.run(live())


def test_where_only_the_button_wakes_it_the_watchdog_looks_at_the_microphone() -> None:
    async def live() -> None:
        parts = assembled(wants_wakeword=False)
        parts.microphone.called_at = 7.0

        assert daemon._signs_of_life(parts) == (7.0,)

    asyncio.run(live())


def test_without_a_microphone_the_watchdog_is_fed_only_while_one_is_looked_for() -> None:
    async def live() -> None:
        parts = assembled()
        parts.supervisor._lost[Device.MICROPHONE] = "unplugged"
        parts.supervisor._looked_at = 3.0

        assert daemon._signs_of_life(parts) == (3.0,)

    asyncio.run(live())


# --- parts that die --------------------------------------------------------------------------------------------------


async def run_with(patch: pytest.MonkeyPatch, break_down: Callable[[Parts], Any], *, wants_wakeword: bool) -> None:
    """Run a box without sound of which a part is replaced; it must end by itself."""
    parts = assembled(wants_wakeword=wants_wakeword)

    async def listen_for_ever() -> None:
        await asyncio.Event().wait()

    patch.setattr(parts.supervisor, "run", listen_for_ever)
    break_down(parts)
    async with asyncio.timeout(10):
        await daemon._run(parts, ServiceManager(), asyncio.Event(), lambda _parts: None, [])


async def end_at_once() -> None:
    """Do nothing and return."""


@pytest.mark.parametrize(("part", "name"), [("link", "the link"), ("supervisor", "the sound system")])
def test_a_part_that_ends_by_itself_ends_the_box(monkeypatch: pytest.MonkeyPatch, part: str, name: str) -> None:
    def end_early(parts: Parts) -> None:
        monkeypatch.setattr(getattr(parts, part), "run", end_at_once)

    with pytest.raises(RuntimeError, match=f"{name} has ended by itself"):
        asyncio.run(run_with(monkeypatch, end_early, wants_wakeword=False))


def test_a_wake_word_that_ends_by_itself_ends_the_box(monkeypatch: pytest.MonkeyPatch) -> None:
    def end_early(parts: Parts) -> None:
        assert parts.detector is not None
        monkeypatch.setattr(parts.detector, "run", end_at_once)

    with pytest.raises(RuntimeError, match="the wake word has ended by itself"):
        asyncio.run(run_with(monkeypatch, end_early, wants_wakeword=True))


def test_a_thread_that_wants_to_exit_ends_the_box_and_not_with_its_own_status(monkeypatch: pytest.MonkeyPatch) -> None:
    def leave() -> None:
        raise SystemExit(0)

    def begin(_parts: Parts) -> None:
        asyncio.get_running_loop().call_soon(threading.Thread(target=leave).start)

    with pytest.raises(RuntimeError, match="a part was ended by SystemExit"):
        asyncio.run(run_with(monkeypatch, begin, wants_wakeword=False))


@pytest.mark.parametrize("ending", [SystemExit(0), SystemExit(), RuntimeError("of our own making")], ids=repr)
def test_whatever_ends_the_box_but_its_owner_is_a_failure_that_systemd_restarts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ending: BaseException
) -> None:
    async def end(*_arguments: object) -> None:
        raise ending

    (tmp_path / "edgevoice.toml").touch()
    monkeypatch.setattr(daemon, "_until_signal", end)
    monkeypatch.setattr("edgevoice.journal.start", lambda _level: None)

    assert main(["--config", str(tmp_path / "edgevoice.toml")]) == 1
