"""The demonstration's script: what the person says, and what must happen before they say the next thing."""

import asyncio
from dataclasses import dataclass, field

from edgevoice.core.facts import (
    LinkOpened,
    PlaybackCut,
    PlaybackStarted,
    ToolFinished,
    TurnEnded,
    UserStartedSpeaking,
    WakeWordHeard,
)
from edgevoice.core.notices import PhaseEntered, Role, TranscriptChanged, UplinkSent
from edgevoice.core.orders import CutPlayback, OpenLink, RunTool, TruncateItem
from edgevoice.testbed.stage.stage import Stage

_SOON_S = 8.0
_ANSWER_S = 20.0
_LONGEST_STORY_S = 120.0


@dataclass(frozen=True, slots=True)
class ScenarioStep:
    """A step of the script, and when it happened, in monotonic seconds."""

    name: str
    at_s: float


@dataclass(slots=True)
class Played:
    """The steps that have happened so far; any that is missing at the end has failed.

    ``decided_s``: when the detector's thread decided, in monotonic seconds, a moment before the loop received it.
    """

    steps: list[ScenarioStep] = field(default_factory=list)
    decided_s: float = 0.0

    def add(self, name: str, at_s: float) -> None:
        """Record that a step happened."""
        self.steps.append(ScenarioStep(name, at_s))

    def at(self, name: str) -> float:
        """Return when a step happened, in monotonic seconds."""
        return next(step.at_s for step in self.steps if step.name == name)


WORDS = (
    "Hey Jarvis.",
    "What time is it?",
    "Tell me a story.",
    "What day is it today?",
    "Set the volume to fifty percent.",
    "Goodbye.",
)
"""Everything that the person says."""

STEPS = (
    "wake word heard",
    "session open",
    "first audio sent",
    "question understood",
    "tool called",
    "tool answered",
    "answer sounds",
    "answer over",
    "follow-up understood without the wake word",
    "story sounds",
    "barge-in",
    "playback cut",
    "service informed of what was heard",
    "next question answered",
    "volume changed by a tool",
    "goodbye",
    "hung up",
)
"""Every step, in order: the demonstration has passed when all of them have happened."""


async def play(stage: Stage, played: Played) -> None:
    """Hold the conversation; a step that does not happen in time raises ``StepMissed``."""
    await _first_question(stage, played)
    await _interrupted_story(stage, played)
    await _volume(stage, played)
    await _goodbye(stage, played)


async def _first_question(stage: Stage, played: Played) -> None:
    seen = stage.seen
    # A person does not wait for a box: the question follows the wake word after a breath.
    saying = asyncio.create_task(stage.talker.say(0.3, "Hey Jarvis.", 0.35, "What time is it?", 0.2))
    at_s, _ = await seen.wait_for(WakeWordHeard, "the wake word's detection", _SOON_S)
    played.add("wake word heard", at_s)
    played.decided_s = stage.parts.detector.detected_at if stage.parts.detector is not None else at_s
    await seen.wait_for(OpenLink, "dialling", _SOON_S)
    at_s, _ = await seen.wait_for(LinkOpened, "the opening of the session", _SOON_S)
    played.add("session open", at_s)
    # The first may have been sent just before the session was open.
    await seen.wait_for(UplinkSent, "the first audio sent", _SOON_S)
    played.add("first audio sent", seen.first(UplinkSent, "the first audio sent")[0])
    await saying
    await _understood(stage, played, "question understood", "time")
    at_s, _ = await seen.wait_for(RunTool, "the tool call", _ANSWER_S, lambda run: run.call.name == "get_current_time")
    played.add("tool called", at_s)
    at_s, _ = await seen.wait_for(ToolFinished, "the tool's answer", _SOON_S)
    played.add("tool answered", at_s)
    await _sounds(stage, played, "answer sounds")
    played.add("answer over", await _listening(stage))


async def _interrupted_story(stage: Stage, played: Played) -> None:
    seen = stage.seen
    await asyncio.sleep(0.5)
    await stage.talker.say("Tell me a story.", 0.2)
    await _understood(stage, played, "follow-up understood without the wake word", "story")
    await _sounds(stage, played, "story sounds")
    await asyncio.sleep(4.0)
    saying = asyncio.create_task(stage.talker.say("What day is it today?", 0.2))
    at_s, _ = await seen.wait_for(UserStartedSpeaking, "the service's detection of the barge-in", _SOON_S)
    played.add("barge-in", at_s)
    await seen.wait_for(CutPlayback, "the cut", _SOON_S)
    at_s, _ = await seen.wait_for(PlaybackCut, "the cut's report", _SOON_S)
    played.add("playback cut", at_s)
    at_s, _ = await seen.wait_for(TruncateItem, "the truncation", _SOON_S)
    played.add("service informed of what was heard", at_s)
    await saying
    await seen.wait_for(TurnEnded, "the end of the turn", _ANSWER_S)
    await _sounds(stage, played, "next question answered")
    await _listening(stage)


async def _volume(stage: Stage, played: Played) -> None:
    await asyncio.sleep(0.5)
    await stage.talker.say("Set the volume to fifty percent.", 0.2)
    await stage.seen.wait_for(RunTool, "the volume tool", _ANSWER_S, lambda run: run.call.name == "set_volume")
    await stage.seen.wait_for(ToolFinished, "the volume tool's answer", _SOON_S)
    await stage.seen.wait_for(PlaybackStarted, "the answer", _ANSWER_S)
    at_s = await _listening(stage)
    if stage.parts.speaker.volume_percent == 50:
        played.add("volume changed by a tool", at_s)


async def _goodbye(stage: Stage, played: Played) -> None:
    await asyncio.sleep(0.5)
    await stage.talker.say("Goodbye.", 0.2)
    at_s, _ = await stage.seen.wait_for(
        RunTool, "the goodbye", _ANSWER_S, lambda run: run.call.name == "end_conversation"
    )
    played.add("goodbye", at_s)
    at_s, _ = await stage.seen.wait_for(PhaseEntered, "hanging up", _ANSWER_S, lambda entered: entered.phase == "idle")
    played.add("hung up", at_s)
    # The end of the farewell is still on its way through the card.
    await asyncio.sleep(0.3)


async def _understood(stage: Stage, played: Played, name: str, word: str) -> None:
    """Wait until the service has transcribed what was said, and the transcript contains ``word``."""

    def fits(words: TranscriptChanged) -> bool:
        return words.role is Role.USER and words.is_final and word in words.text.lower()

    at_s, _ = await stage.seen.wait_for(TranscriptChanged, f'the word "{word}" in the transcript', _ANSWER_S, fits)
    played.add(name, at_s)


async def _sounds(stage: Stage, played: Played, name: str) -> None:
    at_s, _ = await stage.seen.wait_for(PlaybackStarted, "the sound of the answer", _ANSWER_S)
    played.add(name, at_s)


async def _listening(stage: Stage) -> float:
    at_s, _ = await stage.seen.wait_for(
        PhaseEntered, "the end of the answer", _LONGEST_STORY_S, lambda entered: entered.phase == "listening"
    )
    return at_s
