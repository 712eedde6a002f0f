"""Which answers could not be interrupted by speech in a noisy room, by what the echo stage reported. Pure.

The simulated box goes on ducking and cutting; the conversation's own rule is applied to what it reported.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from edgevoice.core.conversation.noisy_room import QUIET_S, NoisyRoom
from edgevoice.testbed.bench.echo_scene import SceneEvent


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """How many answers began, in how many of them speech was ignored, and the cuts while it was not."""

    answers: int
    noisy: int
    cuts: int


def left_alone(changes: Iterable[SceneEvent]) -> LeftAlone:
    """Apply the rule to these changes, which are in order of time."""
    room = NoisyRoom(may_ignore=True)
    answers = cuts = 0
    noisy: set[int] = set()
    noise_s = 0.0
    for change in changes:
        if change.at_s - noise_s >= QUIET_S:
            room.forgive()
        match change.what:
            case "answering":
                answers += 1
                room.forgive()
            case "began" if room.is_hopeless:
                noise_s = change.at_s
                room.note_false_duck(change.at_s)
            case "faded" if not room.is_hopeless:
                noise_s = change.at_s
                room.note_false_duck(change.at_s)
                if room.noise is not None:
                    noisy.add(answers)
            case "confirmed" if not room.is_hopeless:
                cuts += 1
            case _:
                pass  # the speech that was heard, or ignored
    return LeftAlone(answers, len(noisy), cuts)
