"""A box without a card: real link, engine, conversation and local service, with audio at eight times the speed.

A task calls the speaker's and the microphone's callbacks, so that every sample that would be heard is kept. All of it
lives in one loop, so it runs in virtual time (``tests.virtual_time``) and needs no more than its computing.
"""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import soxr

from edgevoice.agent.mailbox import Mailbox
from edgevoice.audio import microphone, speaker
from edgevoice.audio.microphone import Microphone
from edgevoice.audio.speaker import Speaker
from edgevoice.audio.uplink import Uplink
from edgevoice.box.session_configuration import SessionConfiguration
from edgevoice.core.conversation.conversation import Conversation
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.conversation.policy import Policy
from edgevoice.core.notices import Notice
from edgevoice.core.orders import CutPlayback
from edgevoice.core.ports import Observer
from edgevoice.core.sound.rates import FAR_END_HZ, NEAR_END_HZ
from edgevoice.engine import Adapters, Engine
from edgevoice.local.behaviour import Behaviour
from edgevoice.local.mind.brain import Prompt, Reply
from edgevoice.local.server import LocalService
from edgevoice.local.speech.voice import HibariVoice
from edgevoice.personas.speaking import SpeakingPersona
from edgevoice.personas.tools import PersonaTools
from edgevoice.realtime.endpoint import local
from edgevoice.realtime.link import Link
from edgevoice.settings.service import ServiceSettings
from edgevoice.testbed.stage.events import Note, Seen
from edgevoice.tools.clock import clock_tool
from edgevoice.tools.functions import FunctionSource
from edgevoice.tools.registry import Registry
from edgevoice.tools.runner import ToolLimits, ToolRunner
from tests.fakes import Diary, FakePanel
from tests.waiting import eventually

Samples = npt.NDArray[np.int16]
_T = TypeVar("_T")

_TICK_S = 0.0025
"""How often 20 ms of sound pass in each direction."""

_PACE = 24.0
"""The service sends three times as fast as this box plays, as services do."""

_NOISE_S_PER_WORD = 0.3


class NoiseVoice:
    """Speaks every sentence as its own noise, never silent, so that a tape shows which sentence it contains."""

    def say(self, sentence: str, speed: float) -> bytes:
        chance = np.random.default_rng(zlib.crc32(sentence.strip().encode()))
        size = round(_NOISE_S_PER_WORD * 24_000 * len(sentence.split()))
        loud = chance.integers(800, 6000, size) * chance.choice([-1, 1], size)
        return bytes(loud.astype("<i2").tobytes())


def noise_of(*sentences: str) -> Samples:
    """The audio of sentences as the service sends it."""
    return np.frombuffer(b"".join(NoiseVoice().say(sentence, 1.0) for sentence in sentences), np.int16)


class OneQuestion:
    """Recognises the same words in everything."""

    def words(self, speech: bytes) -> str:
        return "what time is it"


def spoken_question() -> Samples:
    """The question as the microphone hears it, after a short pause."""
    spoken = np.frombuffer(HibariVoice.load().say("What time is it?", 1.0), np.int16)
    heard = soxr.resample(spoken, FAR_END_HZ, NEAR_END_HZ).astype(np.int16)
    return np.concatenate([np.zeros(1600, np.int16), heard])


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted(Behaviour):
    """A well-behaved service that gives these replies, one after the other."""

    replies: list[Reply] = field(default_factory=list)

    def answer(self, request: Prompt) -> Reply:
        return self.replies.pop(0)


class QuickCard:
    """Calls both callbacks; ``tape`` is all audio from the speaker. ``is_held`` stops the speaker's side."""

    def __init__(self, ears: Microphone, mouth: Speaker) -> None:
        self._ears = ears
        self._mouth = mouth
        self._said = np.zeros(0, np.int16)
        self._pieces: list[bytes] = []
        self.is_held = False

    @property
    def frames(self) -> int:
        return len(self._pieces) * speaker.PERIOD

    @property
    def tape(self) -> Samples:
        return np.frombuffer(b"".join(self._pieces), np.int16)

    @property
    def is_quiet(self) -> bool:
        """Whether everything that was to be said has been."""
        return not len(self._said)

    def say(self, samples: Samples) -> None:
        self._said = np.concatenate([self._said, samples])

    async def run(self) -> None:
        clock = asyncio.get_running_loop().time
        due = clock()
        while True:
            self._pass()
            due += _TICK_S
            await asyncio.sleep(max(0.0, due - clock()))

    def _pass(self) -> None:
        heard = np.zeros(microphone.PERIOD, np.int16)
        head, self._said = self._said[: len(heard)], self._said[len(heard) :]
        heard[: len(head)] = head
        self._ears.callback(heard.tobytes(), len(heard), None, 0)
        for _ in range(0 if self.is_held else 2):
            pcm, _flag = self._mouth.callback(None, speaker.PERIOD, None, 0)
            self._pieces.append(pcm)


@dataclass(frozen=True, slots=True)
class QuickBox:
    """What a test needs of the running box. ``cuts`` holds the tape positions at which cuts were ordered."""

    engine: Engine
    conversation: Conversation
    ears: Microphone
    card: QuickCard
    seen: Seen
    folder: Path
    cuts: list[int] = field(default_factory=list)

    @property
    def phase(self) -> Phase:
        return self.conversation.phase

    def all_of(self, kind: type[_T]) -> list[_T]:
        return [notice for _, notice in self.seen.all_of(kind)]

    async def happens(self, kind: type[Any], times: int = 1) -> None:
        """Wait until a kind of event has happened this many times since the start."""
        await eventually(lambda: len(self.all_of(kind)) >= times)

    def wire(self, origin: str) -> Iterator[dict[str, Any]]:
        """Every event that the client or the server has sent, in order."""
        for line in (self.folder / "wire-1.jsonl").read_text().splitlines():
            entry = json.loads(line)
            if entry["from"] == origin and isinstance(entry["event"], dict):
                yield entry["event"]


@asynccontextmanager
async def quick_box(
    folder: Path, behaviour: Behaviour, policy: Policy, speaking: SpeakingPersona | None = None
) -> AsyncIterator[QuickBox]:
    """Run a box and its local service until the block ends; ``speaking`` are its personas."""
    socket = folder / "service.sock"
    service = LocalService(
        unix_path=socket, behaviour=behaviour, record=folder, pace=_PACE, voice=NoiseVoice(), recogniser=OneQuestion()
    )
    async with service, _box(folder, socket, policy, speaking) as box:
        yield box


@asynccontextmanager
async def _box(folder: Path, socket: Path, policy: Policy, speaking: SpeakingPersona | None) -> AsyncIterator[QuickBox]:
    class Cuts(Observer):
        """Records when the box cut, by the card's clock."""

        def observe(self, notice: Notice, _now: float) -> None:
            if isinstance(notice, CutPlayback):
                box.cuts.append(card.frames)

    clock = asyncio.get_running_loop().time
    mailbox, seen = Mailbox(), Seen()
    functions = PersonaTools(speaking).functions() if speaking is not None else ()
    registry = Registry([FunctionSource([clock_tool(), *functions])])
    session = SessionConfiguration(ServiceSettings, (), registry.definitions, speaking=speaking)
    ears = Microphone(lambda _frame, _end: None, lambda: uplink.pump())  # noqa: PLW0108 - not there yet
    mouth = Speaker(mailbox.report, prefill_ms=80, volume_percent=100, earcon_percent=40)
    link = Link(
        lambda: local(socket, _nothing_to_prepare),
        session.begin,
        mailbox.take,
        connect_s=5,
        earlier=session.earlier,
    )
    session.follow(link.update)
    uplink = Uplink(ears, 0, link.send_audio, lambda sent: seen.notes.append(Note(clock(), sent)))
    tools = ToolRunner(registry, mailbox.report, ToolLimits(timeout_s=5))
    conversation = Conversation(policy, lambda: 0.5)
    adapters = Adapters(link, uplink, mouth, FakePanel(Diary()), tools)
    engine = Engine(conversation, adapters, clock, [Cuts(), seen, *([speaking] if speaking is not None else [])])
    mailbox.deliver_to(engine)
    card = QuickCard(ears, mouth)
    box = QuickBox(engine, conversation, ears, card, seen, folder)
    engine.start()
    running = [asyncio.create_task(card.run()), asyncio.create_task(link.run())]
    try:
        yield box
        assert not any(task.done() for task in running), "a fault of ours"
    finally:
        engine.stop()
        tools.close()
        for task in running:
            task.cancel()
        ends = await asyncio.gather(*running, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends


async def _nothing_to_prepare() -> None:
    """Do nothing: the service is already running."""
