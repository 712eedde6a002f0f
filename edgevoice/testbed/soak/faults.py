"""The faults: their order, drawn from a seed, and how each is applied to the box and undone."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgevoice.testbed.soak.proxy import FaultProxy
from edgevoice.testbed.soak.record import FaultKind, Moment
from edgevoice.testbed.soak.service import LocalServiceCommand
from edgevoice.testbed.soak.shim import Shim
from edgevoice.testbed.virtual import VirtualCard

_HOUR_S = 3600
_GONE_S = 0.3
"""How long no stream can be opened while a sound server restarts; its old streams stay dead."""


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """A fault to come: its kind, its moment in a dialogue, and how long it lasts."""

    kind: FaultKind
    moment: Moment
    lasts_s: float


def draw(chance: random.Random, kinds: Sequence[FaultKind]) -> Iterator[InjectedFault]:
    """Yield faults for ever; every kind occurs once before any is repeated."""
    while True:
        for kind in chance.sample(kinds, len(kinds)):
            # Without a session there is no link to lose, and a stall is over before there is one.
            needs_link = kind.takes_the_link or kind is FaultKind.STALL
            moments = [Moment.ASKING, Moment.ANSWERING] if needs_link else list(Moment)
            yield InjectedFault(kind, chance.choice(moments), _lasts_s(kind, chance))


def _lasts_s(kind: FaultKind, chance: random.Random) -> float:
    match kind:
        case FaultKind.STALL:
            return 1.0
        case FaultKind.LINK_CUT:
            # The box dials four times within some five seconds.
            return chance.uniform(0.3, 3.0)
        case FaultKind.SOUND_SERVER_KILLED:
            return _GONE_S
        case FaultKind.CARD_UNPLUGGED:
            return chance.uniform(1.0, 6.0)
        case FaultKind.SERVICE_RESTART | FaultKind.CLOCK_JUMP:
            return 0.0
        case FaultKind.LOSS | FaultKind.DISK_FULL:
            return chance.uniform(3.0, 6.0)


@dataclass(frozen=True, slots=True)
class World:
    """Everything around the box that can fail."""

    card: VirtualCard
    proxy: FaultProxy
    service: LocalServiceCommand
    shim: Shim

    async def do(self, fault: InjectedFault) -> None:
        """Let a fault happen; return when it is over.

        A killed sound server ends both streams (ENODEV) and is back at once. The wall clock jumps an hour ahead, and
        back the next time.
        """
        self._begin(fault.kind)
        await asyncio.sleep(fault.lasts_s)
        await self._end(fault.kind)

    def _begin(self, kind: FaultKind) -> None:
        match kind:
            case FaultKind.LINK_CUT:
                self.proxy.cut()
            case FaultKind.STALL:
                self.proxy.stall()
            case FaultKind.LOSS:
                self.proxy.lose()
            case FaultKind.CARD_UNPLUGGED | FaultKind.SOUND_SERVER_KILLED:
                self.card.unplug()
            case FaultKind.DISK_FULL:
                self.shim.fill_disk()
            case FaultKind.CLOCK_JUMP:
                self.shim.set_clock(0 if self.shim.ahead_s else _HOUR_S)
            case FaultKind.SERVICE_RESTART:
                pass  # no duration of its own: it ends when the service is ready

    async def _end(self, kind: FaultKind) -> None:
        match kind:
            case FaultKind.LINK_CUT:
                await self.proxy.restore()
            case FaultKind.STALL | FaultKind.LOSS:
                self.proxy.flow()
            case FaultKind.SERVICE_RESTART:
                await self.service.kill()
                await self.service.start()
            case FaultKind.CARD_UNPLUGGED | FaultKind.SOUND_SERVER_KILLED:
                self.card.plug_in()
            case FaultKind.DISK_FULL:
                self.shim.empty_disk()
            case FaultKind.CLOCK_JUMP:
                pass  # the jump itself takes no time
