"""The parts of an agent, joined as the box joins its own: engine, conversation, link, gate and tools. Opens nothing."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgevoice.agent.sound import ProgramMicrophone, ProgramSpeaker
from edgevoice.audio.uplink import Uplink
from edgevoice.core.conversation.conversation import Conversation
from edgevoice.core.conversation.timing import Manners
from edgevoice.core.facts import Event
from edgevoice.core.notices import Notice
from edgevoice.core.ports import Observer
from edgevoice.core.protocol.downlink import Arrival
from edgevoice.engine import Adapters, Engine
from edgevoice.errors import LinkError
from edgevoice.panel.none import NoPanel
from edgevoice.realtime.endpoint import Endpoint
from edgevoice.realtime.link import Link
from edgevoice.settings.schema import ServiceSettings
from edgevoice.tools.registry import Registry
from edgevoice.tools.runner import ToolRunner

_FOR_EVER_S = 1e9
"""A program decides by itself when a conversation is over."""


class _Watch(Observer):
    def __init__(self, watch: Callable[[Notice], None]) -> None:
        self._watch = watch

    def observe(self, notice: Notice, now: float) -> None:  # noqa: ARG002 - what a program sees has no times
        self._watch(notice)


@dataclass(frozen=True, slots=True)
class Parts:
    """What an agent consists of while it is open."""

    engine: Engine
    conversation: Conversation
    link: Link
    microphone: ProgramMicrophone
    uplink: Uplink
    speaker: ProgramSpeaker
    tools: ToolRunner


def join(
    service: ServiceSettings,
    endpoint: Callable[[], Endpoint],
    session: Callable[[], dict[str, Any]],
    registry: Registry,
    watch: Callable[[Notice], None],
    lost: Callable[[LinkError], None],
    *,
    input_rate_hz: int,
    tool_timeout_s: float,
) -> Parts:
    """Return the parts; to be called in the loop.

    ``watch`` sees every notice; ``lost`` gets the error with which a session ends.
    """
    loop = asyncio.get_running_loop()
    engine: Engine

    def report(event: Event) -> None:
        engine.report(event)

    def report_from_thread(event: Event) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(report, event)

    def take(arrivals: list[Arrival]) -> None:
        engine.take(arrivals)

    microphone = ProgramMicrophone(input_rate_hz)
    speaker = ProgramSpeaker(report_from_thread, report)
    link = Link(
        endpoint,
        lambda _word: session(),
        take,
        connect_s=service.connect_s,
        pong_s=service.pong_s,
        lost=lost,
    )
    uplink = Uplink(microphone, 0, link.send_audio, rate_hz=input_rate_hz)
    tools = ToolRunner(registry, report, timeout_s=tool_timeout_s)
    conversation = Conversation(timing_of(service), random.random)
    engine = Engine(conversation, Adapters(link, uplink, speaker, NoPanel(), tools), time.monotonic, (_Watch(watch),))
    return Parts(engine, conversation, link, microphone, uplink, speaker, tools)


def timing_of(service: ServiceSettings) -> Manners:
    """Return how a program's conversation behaves: as the box's, but it waits for the user for ever."""
    return Manners(
        connect_s=service.connect_s,
        no_speech_s=_FOR_EVER_S,
        follow_up_s=_FOR_EVER_S,
        session_s=_FOR_EVER_S,
        may_answer_tools=service.may_answer_tools,
        hears_itself=False,
    )
