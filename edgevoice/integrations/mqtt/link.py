"""The box at an MQTT broker: an observer that shows its state and its events there, and takes orders from there.

It only connects outwards, and again after growing delays. Whatever the broker does, the conversation does not notice.
"""

import asyncio
import contextlib
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from edgevoice.control import messages
from edgevoice.control.messages import AnyRequest, Refused
from edgevoice.core.backoff import Backoff
from edgevoice.core.facts import Event as Fact
from edgevoice.core.facts import WakeWordHeard
from edgevoice.core.guest_facts import GuestFailed, GuestRestored
from edgevoice.core.notices import AudioReceived, Notice, UplinkSent
from edgevoice.core.ports import Observer, Report
from edgevoice.errors import EdgevoiceError
from edgevoice.integrations.control.commands import Allotment, BoxHandles, Commands, Sounds
from edgevoice.integrations.control.connection import Allowance
from edgevoice.integrations.control.view import BoxView
from edgevoice.integrations.mqtt.broker import Broker, BrokerFlooded, BrokerMessage, BrokerUnavailable
from edgevoice.integrations.mqtt.device import DeviceFacts, document
from edgevoice.integrations.mqtt.orders import id_of, request_of
from edgevoice.integrations.mqtt.state import Event, KnownRings, RingSummary, event_of, reply_of, state_of
from edgevoice.integrations.mqtt.topics import Topics
from edgevoice.journal import tell

_log = logging.getLogger(__name__)

_AGAIN: Final = Backoff(first_s=1, factor=2, limit_s=120)
_FLOODED_S: Final = 300.0
"""How long the box stays away from a broker whose clients send more than it can be meant to do."""

_SETTLED_S: Final = 60.0
"""How long a connection must have lasted for the next failure to count as the first."""

_LOOK_EVERY_S: Final = 10.0
"""How often what makes no notice is looked at: timers, minutes, the volume of the earcons."""

_GATHER_S: Final = 0.1
"""How long changes are gathered before the state is published."""

_MOST_EVENTS: Final = 64
_MOST_TASKS: Final = 4

_ORDERS: Final = (20, 2.0)
"""How many orders are obeyed at once, and then each second."""


@dataclass(frozen=True, slots=True)
class MqttMeans:
    """What the link is given beside the box.

    ``connect`` opens a connection; ``rings`` returns what is set; ``minutes_today`` how long sessions were open;
    ``words``: whether what was said may leave the box. ``chance`` returns numbers from 0 to 1 for jitter.
    """

    topics: Topics
    name: str
    connect: Callable[[], AbstractAsyncContextManager[Broker]]
    rings: Callable[[], Awaitable[Sequence[RingSummary]]]
    minutes_today: Callable[[], float]
    words: bool = False
    chance: Callable[[], float] = random.random


class MqttLink(Observer):
    """An observer that keeps a connection to the broker while it runs; ``view`` as in `ControlSocket`."""

    def __init__(self, box: BoxHandles, means: MqttMeans, view: BoxView | None = None) -> None:
        self._box = box
        self._means = means
        self._view = view or BoxView()
        self._wake_score: float | None = None
        self._rings = KnownRings()
        self._outgoing: deque[tuple[str, dict[str, Any]] | Notice] = deque(maxlen=_MOST_EVENTS)
        self._changed = asyncio.Event()
        self._own: deque[Fact] = deque(maxlen=8)
        self._working: set[asyncio.Task[None]] = set()
        self._published: dict[str, bytes] = {}
        self._announced: DeviceFacts | None = None

    def observe(self, notice: Notice, now: float) -> None:  # noqa: ARG002 - Home Assistant has a clock of its own
        """Follow what happens; events of a time without a connection are not sent later."""
        if isinstance(notice, AudioReceived | UplinkSent):
            return
        self._view.observe(notice)
        if isinstance(notice, WakeWordHeard):
            self._wake_score = round(notice.score, 3)
        if any(fact is notice for fact in self._own):
            return  # a button that Home Assistant pressed itself
        if self._event_of(notice) is not None:
            self._outgoing.append(notice)
        self._changed.set()

    async def run(self, report: Report) -> None:
        """Keep a connection until cancelled; report when that fails more than once, and each that there is."""
        loop = asyncio.get_running_loop()
        commands = Commands(self._box, self._view, self._reporting(report))
        tries = 0
        while True:
            began = loop.time()
            try:
                await self._session(commands, report)
            except BrokerUnavailable as error:
                tries = 0 if loop.time() - began >= _SETTLED_S else tries
                delay_s = _FLOODED_S if isinstance(error, BrokerFlooded) else _AGAIN.delay_s(tries, self._means.chance)
                level = logging.WARNING if tries == 0 else logging.DEBUG  # once for each outage
                tell(_log, level, "mqtt-lost", problem=error.line(), again_in_s=round(delay_s, 1))
                if tries > 0 or isinstance(error, BrokerFlooded):  # a broker that was only started again needs nobody
                    report(GuestFailed("mqtt", error.code, str(error), error.remedy))
                tries += 1
                await asyncio.sleep(delay_s)

    def _reporting(self, report: Report) -> Report:
        def note_and_report(fact: Fact) -> None:
            self._own.append(fact)
            report(fact)

        return note_and_report

    # --- one connection -----------------------------------------------------------------------------------------------

    async def _session(self, commands: Commands, report: Report) -> None:
        topics = self._means.topics
        async with self._means.connect() as broker:
            self._published.clear()
            self._outgoing.clear()
            self._announced = None
            try:
                await self._look()
                await self._publish_device(broker)
                await self._publish_if_new(broker, topics.state, self._state())
                await broker.subscribe(topics.command("+"))
                await broker.publish(topics.available, "online", is_retained=True)
                tell(_log, logging.INFO, "mqtt-connected", device=topics.box_id)
                report(GuestRestored("mqtt"))
                await _first_of(self._send(broker), self._look_now_and_then(broker), self._receive(broker, commands))
            finally:
                broker.hurry()
                for task in self._working:
                    task.cancel()
                # Not the will: that is for a box that is gone without a word.
                with contextlib.suppress(BrokerUnavailable):
                    await broker.publish(topics.available, "offline", is_retained=True)

    async def _send(self, broker: Broker) -> None:
        topics = self._means.topics
        while True:
            await self._changed.wait()
            await asyncio.sleep(_GATHER_S)
            self._changed.clear()
            await self._look()
            while self._outgoing:
                topic, fields = self._message_of(self._outgoing.popleft())
                await broker.publish(topic, msgspec.json.encode(fields))
            await self._publish_device(broker)
            await self._publish_if_new(broker, topics.state, self._state())

    def _message_of(self, waiting: tuple[str, dict[str, Any]] | Notice) -> tuple[str, dict[str, Any]]:
        """Return the topic and the content of what waits; a ring is looked up only now: it may have just been set."""
        if isinstance(waiting, tuple):
            return waiting
        name, fields = self._event_of(waiting) or ("", {})
        return self._means.topics.event(name), fields

    def _event_of(self, notice: Notice) -> Event | None:
        return event_of(notice, self._rings.find, words=self._means.words)

    async def _publish_device(self, broker: Broker) -> None:
        """Publish the document if it has changed: the personas that can be chosen may have become others."""
        if (device := self._device()) != self._announced:
            self._announced = device
            topics = self._means.topics
            await self._publish_if_new(broker, topics.document, document(topics, device))

    async def _publish_if_new(self, broker: Broker, topic: str, content: dict[str, Any]) -> None:
        encoded = msgspec.json.encode(content)
        if self._published.get(topic) != encoded:
            await broker.publish(topic, encoded, is_retained=True)
            self._published[topic] = encoded

    async def _look_now_and_then(self, broker: Broker) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            await broker.check()
            self._changed.set()

    async def _look(self) -> None:
        self._rings.take(await self._means.rings())

    def _device(self) -> DeviceFacts:
        chosen = self._box.personas.choices() if self._box.personas is not None else {}
        return DeviceFacts(
            self._means.name,
            self._box.version,
            can_dim=self._box.lights is not None,
            personas=chosen.get("personas", ()),
            voices=chosen.get("voices", ()),
        )

    def _state(self) -> dict[str, Any]:
        minutes, rings = self._means.minutes_today(), self._rings.set
        return state_of(self._view, self._box, rings, minutes_today=minutes, wake_score=self._wake_score)

    # --- orders -------------------------------------------------------------------------------------------------------

    async def _receive(self, broker: Broker, commands: Commands) -> None:
        clock = asyncio.get_running_loop().time
        orders = Allowance(clock, burst=_ORDERS[0], rate_hz=_ORDERS[1])
        warned_at = -_SETTLED_S
        async for message in broker.messages():
            command = self._means.topics.command_of(message.topic)
            if message.is_retained or not orders.admits():
                if clock() - warned_at >= _SETTLED_S:
                    warned_at = clock()
                    why = "was kept by the broker, from some time before" if message.is_retained else "came too fast"
                    tell(_log, logging.WARNING, "mqtt-order-ignored", problem=f"an order {why}")
                continue
            self._obey(command, message, commands)

    def _obey(self, command: str, message: BrokerMessage, commands: Commands) -> None:
        request_id: Any = id_of(command, message.payload)
        try:
            request = request_of(command, message.payload)
            result = commands.carry_out(request, Sounds(Allotment()))
        except Refused as refused:
            self._answer(_refusal(request_id, command, refused))
            return
        self._changed.set()
        if isinstance(result, dict):
            return
        if len(self._working) >= _MOST_TASKS:
            result.close()
            busy = Refused("too-many", f"{_MOST_TASKS} orders are not done yet", "Wait for one.")
            self._answer(_refusal(request_id, command, busy))
            return
        task = asyncio.ensure_future(self._finish(request, command, result))
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _finish(self, request: AnyRequest, command: str, result: Coroutine[Any, Any, dict[str, Any]]) -> None:
        try:
            found = await result
        except Refused as refused:
            self._answer(_refusal(request.id, command, refused))
        except Exception as error:  # noqa: BLE001 - one order must end neither the box nor this connection
            tell(_log, logging.ERROR, "mqtt-order-failed", order=command, error=type(error).__name__)
            failed = Refused("failed", "the box could not do it", EdgevoiceError.remedy)
            self._answer(_refusal(request.id, command, failed))
        else:
            if isinstance(request, messages.AskQuestion | messages.SayText):
                self._answer(reply_of(request.id, command, found, words=self._means.words))
            self._changed.set()

    def _answer(self, fields: dict[str, Any]) -> None:
        self._outgoing.append((self._means.topics.reply, fields))
        self._changed.set()


def _refusal(request_id: Any, command: str, refused: Refused) -> dict[str, Any]:
    named = "" if request_id is None else request_id
    return {"id": named, "do": command[:40], "ok": False, "error": refused.error}


async def _first_of(*works: Coroutine[Any, Any, None]) -> None:
    """Run these until one ends, and raise what it raised; the others are cancelled."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
