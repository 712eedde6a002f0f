"""The stage: virtual card, mock pins, the local service as a child, and the daemon in this process's loop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from edgevoice.box.assembly import Parts
from edgevoice.box.context import BoxContext
from edgevoice.box.running import serve
from edgevoice.core.ports import Observer
from edgevoice.local.process import LocalServiceProcess
from edgevoice.panel.mock import MockPins
from edgevoice.realtime.endpoint import Endpoint, local
from edgevoice.settings.schema import Settings
from edgevoice.testbed.stage.events import Seen
from edgevoice.testbed.stage.talker import Talker
from edgevoice.testbed.virtual import AcousticPath, Drift, VirtualCard

_START_LIMIT_S = 120.0
"""The first time, a Zero 2 W compiles the wake word's library and builds its front end."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A running box and everything around it. ``records`` is where the local service stores what it received."""

    settings: Settings
    parts: Parts
    card: VirtualCard
    pins: MockPins
    talker: Talker
    seen: Seen
    records: Path


def stage_settings(changes: Mapping[str, Mapping[str, Any]] | None = None) -> Settings:
    """Return the settings of the stage, with ``changes`` by section and key.

    Without a room no sound passes from the virtual card's speaker to its microphone, as with a speakerphone that
    cancels its own echo: so speech interrupts. Answers are at full volume, also those to noise, which is like a
    whisper, so that the tape holds exactly what was received.
    """
    document: dict[str, dict[str, Any]] = {
        "service": {"url": "local"},
        "microphone": {"device": "edgevoice_mic"},
        "speaker": {"device": "edgevoice_dac", "volume_percent": 100},
        "echo": {"tier": "hardware"},
        "conversation": {"whisper": "off"},
        "panel": {"kind": "gpio"},
    }
    for section, keys in (changes or {}).items():
        document.setdefault(section, {}).update(keys)
    return msgspec.convert(document, Settings)


@asynccontextmanager
async def set_stage(
    folder: Path,
    *,
    changes: Mapping[str, Mapping[str, Any]] | None = None,
    observers: Sequence[Observer] = (),
    endpoint: Callable[[], Endpoint] | None = None,
    wants_wakeword: bool = True,
    room: AcousticPath | None = None,
    drift: Drift | None = None,
    equip: Callable[[Settings, BoxContext], BoxContext] = lambda _settings, context: context,
) -> AsyncIterator[Stage]:
    """Run the box in ``folder`` until the block ends; an error of the daemon ends the block.

    ``endpoint`` replaces the local service, which is then not started. In a ``room`` the box hears itself, and
    ``changes`` should set its echo tier; ``drift`` gives its two sides clocks of their own. ``equip`` adds to what the
    box is given.
    """
    settings = stage_settings(changes)
    records = folder / "service"
    records.mkdir(parents=True, exist_ok=True)
    with VirtualCard(folder / "card", room=room, drift=drift) as card:
        card.install()
        if endpoint is not None:
            context = equip(settings, BoxContext(endpoint, observers, wants_wakeword=wants_wakeword))
            async with _play(settings, context, card, records) as stage:
                yield stage
            return
        async with LocalServiceProcess(record=records) as process:
            dial = lambda: local(process.socket_path, process.ensure)  # noqa: E731 - one endpoint for each dial
            starting = asyncio.create_task(process.ensure())
            context = equip(settings, BoxContext(dial, observers, wants_wakeword=wants_wakeword))
            async with _play(settings, context, card, records) as stage:
                await starting
                yield stage


@asynccontextmanager
async def _play(settings: Settings, context: BoxContext, card: VirtualCard, records: Path) -> AsyncIterator[Stage]:
    seen, pins, stop = Seen(), MockPins(), asyncio.Event()
    listening: asyncio.Future[Parts] = asyncio.get_running_loop().create_future()
    context = replace(context, observers=(seen, *context.observers), pins=pins)
    daemon = asyncio.create_task(serve(settings, context, stop, listening.set_result))
    try:
        both: set[asyncio.Future[Any]] = {daemon, listening}
        done, _ = await asyncio.wait(both, timeout=_START_LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
        if daemon in done:
            await daemon
        parts = await asyncio.wait_for(listening, 0)
        yield Stage(settings, parts, card, pins, Talker(card), seen, records)
    finally:
        stop.set()
        await daemon
