"""What the person of a scenario says: the local voice or a recording, s16 at 16 kHz."""

import asyncio
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgevoice.grading.scenario_file import ScenariosInvalid
from edgevoice.grading.scenarios import Say, Suite
from edgevoice.testbed.stage import talker
from edgevoice.wakeword.tuning.recordings import sound_of

Samples = npt.NDArray[np.int16]

AUDIBLE = 300
"""A sample above this is speech, of 32768."""


def speech(step: Say, folder: Path) -> Samples:
    """Return what a step says, without the silence around it; blocks while the voice speaks.

    Raises ``ScenariosInvalid`` if there is nothing to be heard, and ``RecordingRefused`` for an unreadable recording.
    """
    sound = sound_of(folder / step.wav) if step.wav else _spoken(step.say)
    loud = np.flatnonzero(np.abs(sound.astype(np.int32)) > AUDIBLE)
    if not len(loud):
        what = step.wav or f"say = {step.say!r}"
        raise ScenariosInvalid(f"there is nothing to be heard in {what}", remedy="Say it in words, or louder.")
    return sound[loud[0] : loud[-1] + 1]


def _spoken(text: str) -> Samples:
    try:
        return talker.words(text)
    except IndexError:
        return np.zeros(0, np.int16)


async def rehearse(suite: Suite) -> dict[Say, Samples]:
    """Return all that is said in a file of scenarios, made ahead of time: it would take CPU time from the answers."""
    steps = [step for scenario in suite.scenarios for step in scenario.steps if isinstance(step, Say)]
    return {step: await asyncio.to_thread(speech, step, suite.folder) for step in dict.fromkeys(steps)}
