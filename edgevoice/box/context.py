"""Context: what a box is given beside its settings. The daemon, `talk` and the stage differ only here."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from edgevoice.box.answering import answering_service, answers_itself
from edgevoice.box.live_settings import LiveSettings
from edgevoice.core.ports import Observer
from edgevoice.echo.record import EchoRecord, read_record
from edgevoice.host.credentials import Key
from edgevoice.observers.minutes import Minutes
from edgevoice.panel.pins import PinFactory
from edgevoice.realtime.endpoint import Endpoint
from edgevoice.settings.schema import Settings
from edgevoice.store.files import sweep
from edgevoice.store.folders import cache_folder, state_folder
from edgevoice.wakeword.tuning.near_misses_log import NearMissLog


@dataclass(frozen=True, slots=True)
class Storage:
    """What a box keeps from one run to the next; a part that is absent is neither read nor written.

    ``record`` is what the echo's self-test has measured, and ``near_misses`` where the wake word's near misses are
    logged. ``minutes`` counts what the service bills, and is absent where it bills nothing. ``cards`` is the file of
    the cards that the settings name by number, ``sayings`` the folder of the sentences that the box says by itself.
    """

    record: EchoRecord | None = None
    near_misses: NearMissLog | None = None
    minutes: Minutes | None = None
    cards: Path | None = None
    sayings: Path | None = None


@dataclass(frozen=True, slots=True)
class BoxContext:
    """What a box works with, and its observers.

    ``dial`` gives the endpoint of each session. ``observers`` see everything and may run beside the box: a feature that
    needs none of its parts is one more of them. ``live`` are settings that may change while it runs, and ``pins``
    replaces the machine's own.
    """

    dial: Callable[[], Endpoint]
    observers: Sequence[Observer] = ()
    storage: Storage = Storage()
    live: LiveSettings | None = None
    pins: PinFactory | None = None
    wants_wakeword: bool = True


@asynccontextmanager
async def context_of(settings: Settings, key: Key | None, environment: Mapping[str, str]) -> AsyncIterator[BoxContext]:
    """Yield a box's context: the service that answers, and the folders of its user or systemd unit, swept."""
    state, cache = state_folder(environment), cache_folder(environment)
    for folder in (state, cache):
        sweep(folder)
    async with answering_service(settings.service, key, environment) as (dial, watching):
        is_billed = not answers_itself(settings.service, key)
        storage = Storage(
            record=read_record(state),
            near_misses=NearMissLog(state, most_clips=settings.wakeword.keep_near_misses),
            minutes=Minutes(state, settings.budget.daily_minutes) if is_billed else None,
            cards=state / "cards.json",
            sayings=cache,
        )
        yield BoxContext(dial, watching, storage)
