"""Holds a scenario on the virtual card: the person speaks to the whole box, wake word included; the tape decides."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import structs

from edgevoice.agent.observation import Observation
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import TalkPressed
from edgevoice.core.notices import Notice, PhaseEntered
from edgevoice.core.orders import CutPlayback
from edgevoice.core.ports import Observer
from edgevoice.errors import EdgevoiceError
from edgevoice.grading.held import HeldConversation
from edgevoice.grading.scenarios import Ask, Interrupt, Pause, Say, Scenario
from edgevoice.realtime.endpoint import Endpoint
from edgevoice.settings.service import ServiceSettings
from edgevoice.testbed.grading.pacing import before, finished, sounding
from edgevoice.testbed.grading.recording import ConversationRecording
from edgevoice.testbed.grading.speech import AUDIBLE
from edgevoice.testbed.stage.events import StepMissed
from edgevoice.testbed.stage.stage import Stage, set_stage
from edgevoice.testbed.stage.talker import rehearse
from edgevoice.testbed.virtual import Tape, VirtualCard

Samples = npt.NDArray[np.int16]

WAKE_WORD = "Hey Jarvis."
_BREATH_S = 0.35
_TAIL_S = 0.3
"""The end of an answer is still on its way through the card when the box has given it all."""

_FOLLOW_UP_S = 20.0


class _Watching(Observer):
    """Passes what happens in the box to a recording, as the events that a program would see."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self.recording = ConversationRecording(lambda: self._now_s)
        self._observation = Observation(is_exact=True)
        self.is_open = False

    def observe(self, notice: Notice, now: float) -> None:
        """Record a notice."""
        self._now_s = now
        match notice:
            case CutPlayback():
                self.recording.decided(now)
            case PhaseEntered(phase=phase):
                self.is_open = phase is not Phase.IDLE
            case _:
                pass
        for event in self._observation.take(notice):
            self.recording.take(event)


@dataclass(frozen=True, slots=True)
class _CardTape:
    """The virtual card's tape of the far end, which begins when the box first plays something."""

    card: VirtualCard

    def samples(self) -> Samples:
        """Return all samples so far."""
        return self.card.far_end.samples()

    def frame_at(self, moment_s: float) -> int:
        """Return the sample that passed the converter at a moment."""
        return self.card.far_end.frame_at(moment_s)

    def first_sound_after(self, moment_s: float) -> float | None:
        """Return when the first sound at or after a moment passed the converter."""
        return self.card.far_end.first_sound_after(moment_s)

    def last_sound_after(self, moment_s: float, *, gap_s: float) -> float | None:
        """Return when the sound that was passing at a moment ended."""
        return self.card.far_end.last_sound_after(moment_s, gap_s=gap_s)


async def hold(
    scenario: Scenario,
    said: Mapping[Say, Samples],
    service: ServiceSettings,
    dial: Callable[[], Endpoint],
    folder: Path,
) -> HeldConversation:
    """Hold one conversation on a card of its own in ``folder``; what goes wrong in it is its ``problem``.

    Raises an ``EdgevoiceError`` if the box or the card cannot start.
    """
    await rehearse(WAKE_WORD)
    if scenario.instructions is not None:
        service = structs.replace(service, instructions=scenario.instructions)
    changes: dict[str, dict[str, Any]] = {
        "service": structs.asdict(service),
        "conversation": {"follow_up_s": _FOLLOW_UP_S},
    }
    if scenario.tools is not None:
        changes["tools"] = {"enabled": list(scenario.tools)}
    watching = _Watching()
    async with set_stage(folder, changes=changes, observers=(watching,), endpoint=dial) as stage:
        tape = _CardTape(stage.card)
        try:
            await _play(scenario, said, stage, watching, tape)
        except EdgevoiceError as error:
            watching.recording.failed(str(error))
        await asyncio.sleep(_TAIL_S)
        return watching.recording.held(tape, sum(each.header.xruns for each in stage.card.far_end_tapes))


async def _play(
    scenario: Scenario, said: Mapping[Say, Samples], stage: Stage, watching: _Watching, tape: _CardTape
) -> None:
    recording = watching.recording
    for number, step in enumerate(scenario.steps):
        match step:
            case Say():
                await before(step.over_answer_s, number, recording, tape)
                wake = () if watching.is_open else (_BREATH_S, WAKE_WORD, _BREATH_S)
                recording.begin(step.say)
                began_s = time.monotonic()
                await stage.talker.say(*wake, said[step], 0.1)
                recording.spoken(_last_word_s(stage.card.near_end, began_s))
            case Interrupt(interrupt_after_s=seconds):
                await sounding(seconds, recording, tape)
                stage.parts.engine.report(TalkPressed(stage.parts.microphone.position))
            case Pause(pause_s=seconds):
                await before(None, number, recording, tape)
                await asyncio.sleep(seconds)
            case Ask():
                raise StepMissed("a box cannot be written to")
    await finished(recording)


def _last_word_s(tape: Tape, began_s: float) -> float:
    """Return when the last of the words that began then passed the microphone's converter."""
    first = max(0, tape.frame_at(began_s))
    loud = np.flatnonzero(np.abs(tape.samples(first).astype(np.int32)) > AUDIBLE)
    return tape.time_of(first + int(loud[-1]) if len(loud) else tape.header.frames)
