"""When the person of a scenario may say the next thing: after the answer, or over it."""

import asyncio
import time

from edgevoice.testbed.grading.recording import ConversationRecording, FarEndTape
from edgevoice.testbed.stage.events import StepMissed

ANSWER_LIMIT_S = 60.0
"""How long an answer may take, with its tools and all of its sound."""

_TRANSCRIPT_LIMIT_S = 3.0
"""How long the transcript of what was said may be later than the answer."""

_POLL_S = 0.02


async def before(over_answer_s: float | None, number: int, recording: ConversationRecording, tape: FarEndTape) -> None:
    """Wait until the person may say the next thing: after the answer, or over it."""
    if over_answer_s is not None:
        await sounding(over_answer_s, recording, tape)
    elif number:
        await finished(recording)


async def finished(recording: ConversationRecording) -> None:
    """Wait until the answer is over and has been heard, and a moment longer for the transcript of what was said."""
    await recording.wait_until(lambda: recording.is_answered, "the end of the answer", ANSWER_LIMIT_S)
    try:
        await recording.wait_until(lambda: recording.is_over, "the transcript", _TRANSCRIPT_LIMIT_S)
    except StepMissed:
        return  # a service without transcripts heard nothing, as far as a scorer can tell


async def sounding(seconds: float, recording: ConversationRecording, tape: FarEndTape) -> None:
    """Wait until the answer has sounded for so many seconds; ``StepMissed`` if it does not, or is over before."""
    await recording.wait_until(lambda: recording.has_sound, "the sound of the answer", ANSWER_LIMIT_S)
    while True:
        since_s = recording.sounding_since(tape)
        if since_s is not None and time.monotonic() >= since_s + seconds:
            return
        if recording.is_answered:
            raise StepMissed(f"the answer was over before it could be interrupted after {seconds:g} s")
        await asyncio.sleep(_POLL_S)
