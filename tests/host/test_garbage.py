"""When garbage is collected, and from which objects."""

import asyncio
import gc
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgevoice.box import daemon
from edgevoice.box.context import BoxContext
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.notices import PhaseEntered
from edgevoice.host.garbage import Collector, spare_what_is_there
from edgevoice.settings.schema import Settings
from edgevoice.settings.service import ServiceSettings

pytestmark = pytest.mark.usefixtures("frees_what_is_frozen")


class Knot:
    """A reference cycle, as libraries leave behind after a session."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def by_order_alone() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def test_garbage_of_a_conversation_is_collected_when_it_ends_and_not_before() -> None:
    left = weakref.ref(Knot())

    for phase in (Phase.CONNECTING, Phase.LISTENING, Phase.THINKING, Phase.SPEAKING):
        Collector().observe(PhaseEntered(phase), time.monotonic())
        assert left() is not None, phase
    Collector().observe(PhaseEntered(Phase.IDLE), time.monotonic())

    assert left() is None


def test_collections_that_the_start_had_disabled_are_enabled_when_it_is_over() -> None:
    assert not gc.isenabled()

    spare_what_is_there()

    assert gc.isenabled()


def test_objects_from_startup_are_frozen_and_later_ones_are_still_collected() -> None:
    early, garbage = Knot(), weakref.ref(Knot())
    spared = weakref.ref(early)

    spare_what_is_there()
    del early
    late = weakref.ref(Knot())
    Collector().observe(PhaseEntered(Phase.IDLE), time.monotonic())

    assert garbage() is None, "what was garbage at the start is not kept for life"
    assert spared() is not None
    assert late() is None


def test_the_daemon_freezes_startup_objects_and_collects_after_each_conversation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    left: list[weakref.ref[Knot]] = []
    spared_at: list[int] = []

    async def serve(_settings: object, context: BoxContext, _stop: object, started: Any) -> None:
        started(None)
        await asyncio.sleep(0.001)
        spared_at.append(gc.get_freeze_count())
        left.append(weakref.ref(Knot()))
        for observer in context.observers:
            observer.observe(PhaseEntered(Phase.IDLE), time.monotonic())

    monkeypatch.setattr(daemon, "serve", serve)
    monkeypatch.setattr(daemon, "_SETTLED_S", 0.0)
    settings = Settings(service=ServiceSettings(url="ws://127.0.0.1:9/"))

    asyncio.run(daemon._until_signal(settings, None, lambda: settings))

    assert spared_at[0] > 1000
    assert gc.get_freeze_count() == 0, "the last search, at the end, finds everything"
    assert left[0]() is None
