"""Runs a soak: dialogues with faults in them, one after the other, until the time is up."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgevoice.testbed.soak.box import DaemonProcess, SoakBroken, running_box
from edgevoice.testbed.soak.faults import InjectedFault, World, draw
from edgevoice.testbed.soak.proxy import FaultProxy
from edgevoice.testbed.soak.record import Episode, FaultKind, Moment, QuestionAsked, Record
from edgevoice.testbed.soak.service import LocalServiceCommand
from edgevoice.testbed.soak.shim import Shim
from edgevoice.testbed.stage.talker import Talker, rehearse
from edgevoice.testbed.virtual import VirtualCard
from edgevoice.testbed.virtual.card import MICROPHONE, SPEAKER

WAKE_WORD = "Hey Jarvis."
QUESTIONS = ("What time is it?", "What day is it today?", "Set the volume to fifty percent.", "Tell me a joke.")

_WATCHDOG_S = 6.0
_HEARD_LIMIT_S = 4.0
_ANSWER_LIMIT_S = 15.0
_OVER_LIMIT_S = 60.0
_RECOVERY_LIMIT_S = 30.0
"""How long to wait for recovery, so that a late one is reported with its time; the judge's limit is 10 s."""

_SETTLING_S = 1.5
"""After a conversation: closing the link may take a second."""

_MOST_LATE_S = 600.0
"""How much longer than asked for a soak may take to come to its least number of faults."""

_SAMPLE_S = 1.0

# The card has no air between its sides; see stage_settings().
_SETTINGS = f"""\
[service]
url = "ws://127.0.0.1:{{port}}/api/v1/realtime/session"
dialect = "inworld"
[microphone]
device = "{MICROPHONE}"
[speaker]
device = "{SPEAKER}"
[echo]
tier = "hardware"
[panel]
kind = "gpio"
[conversation]
follow_up_s = 1
[log]
level = "debug"
"""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SoakOptions:
    """The options of a soak: duration, seed and faults; it ends after ``minutes``, but not before ``least_faults``."""

    minutes: float
    seed: int
    kinds: Sequence[FaultKind] = tuple(FaultKind)
    least_faults: int = 0


async def soak(order: SoakOptions, folder: Path, tell: Tell) -> Record:
    """Run it in ``folder``, which keeps the daemon's log; return the record, even if the daemon ended early.

    ``tell`` gets a line for each fault.
    """
    await rehearse(WAKE_WORD, *QUESTIONS)
    record = Record(order.seed, _WATCHDOG_S / 2)
    chance = random.Random(order.seed)
    (folder / "state").mkdir(exist_ok=True)
    with VirtualCard() as card:
        async with LocalServiceCommand() as service, FaultProxy(service.port, random.Random(order.seed)) as proxy:
            world = World(card, proxy, service, Shim(folder, folder / "state"))
            settings = _SETTINGS.format(port=proxy.port)
            environment = {**world.shim.environment, "EDGEVOICE_API_KEY": "c29hazpzb2Fr"}
            try:
                async with running_box(folder, card, settings, environment, watchdog_s=_WATCHDOG_S) as box:
                    # Lists shared by both: what was seen is kept even if the daemon ends.
                    record.phases, record.fed, record.log = box.phases, box.fed, box.log
                    await _Soak(order, world, box, record, chance, tell).run()
            except SoakBroken as error:
                record.troubles.append(str(error))
                record.ended_s = record.ended_s or time.monotonic()
            record.wakes = record.log.get("wakeword-heard", 0)
    for event in ("crashed", "traceback", "stopped"):
        if record.log.get(event):
            record.troubles.append(f"the daemon's log has {record.log[event]} times {event}")
    return record


class _Soak:
    """One soak under way."""

    def __init__(
        self, order: SoakOptions, world: World, box: DaemonProcess, record: Record, chance: random.Random, tell: Tell
    ) -> None:
        self._order = order
        self._world = world
        self._box = box
        self._record = record
        self._chance = chance
        self._tell = tell
        self._talker = Talker(world.card)

    async def run(self) -> None:
        record = self._record
        record.began_s = time.monotonic()
        sampling = asyncio.create_task(self._sample())
        try:
            # Once without a fault: what a first conversation loads is not a leak.
            await self._converse()
            await self._rest()
            faults = draw(self._chance, self._order.kinds)
            end_s = record.began_s + 60 * self._order.minutes
            last_s = end_s + _MOST_LATE_S
            while time.monotonic() < end_s or (
                len(record.episodes) < self._order.least_faults and time.monotonic() < last_s
            ):
                await self._round(next(faults))
        finally:
            sampling.cancel()
            await asyncio.gather(sampling, return_exceptions=True)
            record.ended_s = time.monotonic()

    async def _sample(self) -> None:
        while True:
            self._record.samples.append(self._box.sample())
            await asyncio.sleep(_SAMPLE_S)

    async def _round(self, fault: InjectedFault) -> None:
        box, record = self._box, self._record
        talking = await self._inject(fault)
        began_s = time.monotonic()
        await self._world.do(fault)
        ended_s = time.monotonic()
        since_s = began_s if fault.kind.takes_the_card else 0.0
        is_back = await box.until(lambda: box.listens(streams_since_s=since_s), _RECOVERY_LIMIT_S)
        recovered_s = time.monotonic() if is_back else None
        record.episodes.append(Episode(fault.kind, fault.moment, began_s, ended_s, recovered_s))
        took = f"listens again {recovered_s - ended_s:.2f} s later" if recovered_s is not None else "NEVER CAME BACK"
        self._tell(f"{fault.kind}, {fault.moment}, {ended_s - began_s:.1f} s: {took}")
        await talking
        await self._be_over(f"{fault.kind} ({fault.moment})")
        # A box that claims to listen must prove it by hearing and answering.
        await self._converse()
        await self._rest()

    async def _inject(self, fault: InjectedFault) -> "asyncio.Task[None]":
        """Talk until the fault's moment comes, if it does; return the talking, which may continue."""
        since_s, moment = time.monotonic(), fault.moment
        if moment is Moment.AT_REST:
            # Wake a box that can still hear during the fault: at rest it writes nothing and sends nothing.
            return asyncio.create_task(asyncio.sleep(0) if fault.kind.takes_the_card else self._say())
        talking = asyncio.create_task(self._say())
        phase = "listening" if moment is Moment.ASKING else "speaking"
        limit_s = _HEARD_LIMIT_S if moment is Moment.ASKING else _ANSWER_LIMIT_S
        if not await self._box.until(lambda: self._box.has_been(phase, since_s), limit_s):
            self._tell(f"the box never reached {phase}, so the fault had no such moment")
        return talking

    async def _say(self) -> None:
        self._record.calls += 1
        await self._talker.say(WAKE_WORD, 0.3, self._chance.choice(QUESTIONS), 0.1)

    async def _converse(self) -> None:
        """Ask one question without a fault, and wait until the conversation is over."""
        box, since_s = self._box, time.monotonic()
        overflows = box.overflows
        await self._say()
        is_heard = await box.until(lambda: bool(box.heard) and box.heard[-1] >= since_s, _HEARD_LIMIT_S)
        is_answered = is_heard and await box.until(lambda: box.has_been("speaking", since_s), _ANSWER_LIMIT_S)
        self._record.asked.append(QuestionAsked(since_s, is_heard, is_answered, box.overflows - overflows))
        if not is_answered:
            self._tell(f"a question was {'not answered' if is_heard else 'not heard'}")
        await self._be_over("a conversation")

    async def _be_over(self, after: str) -> None:
        if not await self._box.until(lambda: self._box.phase == "idle", _OVER_LIMIT_S):
            self._record.troubles.append(f"after {after} the box stayed {self._box.phase} for {_OVER_LIMIT_S:g} s")

    async def _rest(self) -> None:
        await asyncio.sleep(_SETTLING_S)
        self._record.rests.append(await self._box.rest())
