"""Holds a scenario through the library: a program in place of the microphone and the speaker, in real time."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from msgspec import structs

from edgevoice.agent import events
from edgevoice.agent.agent import Agent
from edgevoice.agent.voice import RealtimeVoice
from edgevoice.core.sound.rates import FAR_END_HZ, NEAR_END_HZ
from edgevoice.grading.held import HeldConversation
from edgevoice.grading.scenarios import Ask, Interrupt, Pause, Say, Scenario
from edgevoice.realtime.endpoint import Endpoint
from edgevoice.settings.service import ServiceSettings
from edgevoice.testbed.grading.pacing import before, finished, sounding
from edgevoice.testbed.grading.recording import ConversationRecording
from edgevoice.testbed.stage.events import StepMissed

Samples = npt.NDArray[np.int16]

_PERIOD_S = 0.01
_NEAR_PERIOD = round(NEAR_END_HZ * _PERIOD_S)
_FAR_PERIOD = round(FAR_END_HZ * _PERIOD_S)
"""A sound card's usual period, 10 ms."""

_TAIL_S = 0.1
_ROOM_NOISE = 8
"""Loudest sample of the noise between the words, as on the stage: -72 dBFS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialledVoice(RealtimeVoice):
    """A voice whose service is set by ``settings`` and reached by ``dial``, whatever the environment says."""

    settings: ServiceSettings
    dial: Callable[[], Endpoint] = field(repr=False)

    def service(self, instructions: str) -> ServiceSettings:
        """Return the settings with these instructions."""
        return structs.replace(self.settings, instructions=instructions)

    def resolved(self, environment: Mapping[str, str] = {}) -> Self:  # noqa: ARG002 - it needs no completion
        """Return itself."""
        return self

    @asynccontextmanager
    async def reached(self) -> AsyncIterator[Callable[[], Endpoint]]:
        """Yield the endpoint of each session."""
        yield self.dial


class PulledTape:
    """``FarEndTape`` of a program that plays: what it took, and when; ``clock`` returns monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._pieces: list[bytes] = []
        self._times_s: list[float] = []

    def add(self, piece: bytes) -> None:
        """Take a period of sound that begins to sound now."""
        self._pieces.append(piece)
        self._times_s.append(self._clock())

    def samples(self) -> Samples:
        """Return all samples so far."""
        return np.frombuffer(b"".join(self._pieces), "<i2")

    def frame_at(self, moment_s: float) -> int:
        """Return the sample that was heard at a moment, or the first of the period after it."""
        period = int(np.searchsorted(self._times_s, moment_s, side="right")) - 1
        if period < 0:
            return 0
        return period * _FAR_PERIOD + min(_FAR_PERIOD - 1, int((moment_s - self._times_s[period]) * FAR_END_HZ))

    def first_sound_after(self, moment_s: float) -> float | None:
        """Return when the first sound at or after a moment was heard; ``None`` if there is none yet."""
        sounding = self._sounding(moment_s)
        return self._time_of(int(sounding[0])) if len(sounding) else None

    def last_sound_after(self, moment_s: float, *, gap_s: float) -> float | None:
        """Return when the sound that was heard at a moment ended; ``None`` if there was silence."""
        sounding = self._sounding(moment_s)
        breaks = np.flatnonzero(np.diff(sounding, prepend=self.frame_at(moment_s)) > gap_s * FAR_END_HZ)
        sounding = sounding[: breaks[0]] if len(breaks) else sounding
        return self._time_of(int(sounding[-1])) if len(sounding) else None

    def _sounding(self, moment_s: float) -> npt.NDArray[np.int64]:
        first = self.frame_at(moment_s)
        # What was heard long before is not read again each time.
        recent = np.frombuffer(b"".join(self._pieces[first // _FAR_PERIOD :]), "<i2")
        begin = first // _FAR_PERIOD * _FAR_PERIOD
        found: npt.NDArray[np.int64] = np.flatnonzero(recent) + begin
        return found[found >= first]

    def _time_of(self, frame: int) -> float:
        return self._times_s[frame // _FAR_PERIOD] + frame % _FAR_PERIOD / FAR_END_HZ


class _Person:
    """Speaks into the agent as into a microphone that is always open, and hears what it plays."""

    def __init__(self, agent: Agent, tape: PulledTape) -> None:
        self._agent = agent
        self._tape = tape
        self._words = np.zeros(0, np.int16)
        self._said = asyncio.Event()
        self._noise = np.random.default_rng(20)

    async def say(self, words: Samples) -> None:
        """Say something; return when the last of it has been sent."""
        self._words = words
        self._said.clear()
        await self._said.wait()

    async def live(self) -> None:
        """Speak and listen, period by period, at the pace of a sound card; runs until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            self._tape.add(self._agent.read(_FAR_PERIOD))
            self._speak()
            due += _PERIOD_S
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _speak(self) -> None:
        period = self._noise.integers(-_ROOM_NOISE, _ROOM_NOISE, _NEAR_PERIOD, np.int16, endpoint=True)
        head, self._words = self._words[:_NEAR_PERIOD], self._words[_NEAR_PERIOD:]
        period[: len(head)] += head
        self._agent.send(period.tobytes())
        if not len(self._words):
            self._said.set()


async def hold(
    scenario: Scenario,
    said: Mapping[Say, Samples],
    service: ServiceSettings,
    dial: Callable[[], Endpoint],
    functions: Sequence[Callable[..., Any]],
) -> HeldConversation:
    """Hold one conversation and return it; what goes wrong in it is its ``problem``.

    Raises ``LinkError`` if no session opens.
    """
    instructions = service.instructions if scenario.instructions is None else scenario.instructions
    agent = Agent(
        instructions=instructions,
        tools=functions,
        voice=DialledVoice(settings=service, dial=dial),
        input_rate_hz=NEAR_END_HZ,
        playback="pull",
    )
    recording, tape = ConversationRecording(time.monotonic), PulledTape(time.monotonic)
    for name in events.NAMES:
        agent.on(name, recording.take)
    async with agent:
        person = _Person(agent, tape)
        living = asyncio.create_task(person.live())
        try:
            await _play(scenario, said, agent, person, recording, tape)
            # The fade of a cut is taken after the cut was reported.
            await asyncio.sleep(_TAIL_S)
        except StepMissed as missed:
            recording.failed(str(missed))
        finally:
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)
    return recording.held(tape)


async def _play(
    scenario: Scenario,
    said: Mapping[Say, Samples],
    agent: Agent,
    person: _Person,
    recording: ConversationRecording,
    tape: PulledTape,
) -> None:
    for number, step in enumerate(scenario.steps):
        match step:
            case Say():
                await before(step.over_answer_s, number, recording, tape)
                recording.begin(step.say)
                await person.say(said[step])
                recording.spoken(time.monotonic())
            case Ask(ask=text):
                await before(None, number, recording, tape)
                recording.begin(text, is_spoken=False)
                recording.spoken(time.monotonic())
                asking = asyncio.ensure_future(agent.ask(text))
                # Its errors arrive as events, too.
                asking.add_done_callback(lambda done: done.cancelled() or done.exception())
            case Interrupt(interrupt_after_s=seconds):
                await sounding(seconds, recording, tape)
                agent.interrupt()
            case Pause(pause_s=seconds):
                await before(None, number, recording, tape)
                await asyncio.sleep(seconds)
    await finished(recording)
