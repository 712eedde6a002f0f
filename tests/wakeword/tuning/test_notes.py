"""Notes: which decisions reach the log, with listening time and audio, and the outcome of each wake."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import LinkLost, LinkOpened, PlaybackStarted, TalkHeld, TurnEnded
from edgevoice.core.notices import Notice, PhaseEntered
from edgevoice.core.orders import OpenLink
from edgevoice.wakeword.decision import Decision, Thresholds
from edgevoice.wakeword.models.shapes import FRAME
from edgevoice.wakeword.tuning.near_misses_log import (
    ConversationOutcome,
    Detection,
    Entry,
    Listening,
    NearMiss,
    NearMissLog,
)
from edgevoice.wakeword.tuning.notes import Notes, Outcomes

FRAME_S = 0.08
QUIET = [0.0] * 10


class Kept(NearMissLog):
    """Keeps in memory what the log would write."""

    def __init__(self, most_clips: int = 0) -> None:
        super().__init__(Path("/nowhere"), most_clips=most_clips)
        self.entries: list[Entry] = []
        self.sounds: list[bytes] = []

    def put(self, entry: Entry, sound: bytes = b"") -> None:
        self.entries.append(entry)
        self.sounds.append(sound)


@dataclass
class Room:
    """A box with given instead of computed scores; its clock is the audio's."""

    log: Kept = field(default_factory=Kept)
    decision: Decision = field(default_factory=lambda: Decision([Thresholds()]))
    frames: int = 0

    def __post_init__(self) -> None:
        self.notes = Notes(["computer"], self.log, self.now, share=0.5, scales=["microwakeword"])

    def now(self) -> datetime:
        return datetime(2026, 5, 1, tzinfo=UTC) + timedelta(seconds=self.frames * FRAME_S)

    def hears(self, scores: list[float], *, is_muted: bool = False, is_speaking: bool = False) -> None:
        for score in scores:
            self.frames += 1
            heard = self.decision.take([score], self.frames * FRAME_S, is_speaking=is_speaking)
            sound = np.full(FRAME, 0 if is_muted else self.frames % 30_000 + 1, np.int16)
            self.notes.take(sound, self.decision, heard, is_speaking=is_speaking)


def test_a_near_miss_is_logged_with_everything_tuning_needs() -> None:
    room = Room()
    room.hears([*[0.0] * 50, 0.31, 0.44, *QUIET], is_speaking=True)

    assert room.log.entries == [
        NearMiss(
            at="2026-05-01T00:00:04.640+00:00",
            listened_s=4.64,
            word="computer",
            peak=0.44,
            held=0.31,
            threshold=0.5,
            floor=0.25,
            is_speaking=True,
            models="microwakeword",
        )
    ]


def test_a_detection_is_logged_with_the_peak_that_followed() -> None:
    room = Room()
    room.hears([0.6, 0.7, 0.93, *QUIET])

    (entry,) = room.log.entries
    assert type(entry) is Detection
    assert (entry.peak, entry.held) == (0.93, 0.7)


def test_listening_time_includes_quiet_hours_and_excludes_muted_ones() -> None:
    room = Room()
    hour = round(3600 / FRAME_S)
    room.hears([0.0] * hour)
    room.hears([0.0] * hour, is_muted=True)
    room.hears([0.0] * 100)
    room.notes.end()

    assert [entry.listened_s for entry in room.log.entries] == [3600.0, 8.0]
    assert all(type(entry) is Listening for entry in room.log.entries)


def test_a_clip_is_two_seconds_with_the_peak_near_its_end() -> None:
    room = Room(Kept(most_clips=1))
    room.hears([*[0.0] * 80, 0.44, *QUIET])

    (sound,) = room.log.sounds
    numbers = np.frombuffer(sound, "<i2")[::FRAME].tolist()
    assert numbers == list(range(63, 88))
    assert len(sound) == 2 * 2 * 16_000


def test_soon_after_the_start_a_clip_holds_what_audio_exists() -> None:
    room = Room(Kept(most_clips=1))
    room.hears([0.0, 0.44, *QUIET])

    assert np.frombuffer(room.log.sounds[0], "<i2")[::FRAME].tolist() == list(range(2, 9))


def test_audio_from_before_a_mute_is_never_kept() -> None:
    room = Room(Kept(most_clips=1))
    room.hears([*[0.0] * 30, 0.44])
    room.hears([0.0] * 3, is_muted=True)
    room.hears([0.0] * 5)

    (entry,) = room.log.entries
    assert isinstance(entry, NearMiss)
    assert room.log.sounds == [b""]


def test_detections_are_logged_without_audio() -> None:
    room = Room(Kept(most_clips=1))
    room.hears([*[0.0] * 30, 0.9, 0.9, *QUIET])

    assert room.log.sounds == [b""]


def test_with_clips_off_no_audio_is_held_in_memory_either() -> None:
    room = Room()
    room.hears([*[0.0] * 30, 0.4, *QUIET])

    assert room.log.sounds == [b""]
    assert not room.notes._sound


WAKE = (OpenLink("computer"), PhaseEntered(Phase.CONNECTING), LinkOpened(), PhaseEntered(Phase.LISTENING))
OVER = PhaseEntered(Phase.IDLE)


def outcomes_of(*notices: Notice) -> list[tuple[int, int, bool]]:
    log = Kept()
    outcomes = Outcomes(log, lambda: datetime(2026, 5, 1, tzinfo=UTC))
    for notice in notices:
        outcomes.observe(notice, 0.0)
    return [
        (entry.turns, entry.answers, entry.is_dismissed)
        for entry in log.entries
        if isinstance(entry, ConversationOutcome)
    ]


@pytest.mark.parametrize(
    ("notices", "expected"),
    [
        ((*WAKE, TurnEnded(), PlaybackStarted(1), TurnEnded(), PlaybackStarted(2), OVER), [(2, 2, False)]),
        ((*WAKE, OVER), [(0, 0, False)]),
        ((*WAKE, TalkHeld(), OVER), [(0, 0, True)]),
        ((*WAKE, TurnEnded(), TalkHeld(), OVER), [(1, 0, False)]),
        ((OpenLink("computer"), PhaseEntered(Phase.CONNECTING), LinkLost("gone", is_retriable=False), OVER), []),
        ((OpenLink(""), LinkOpened(), OVER), []),
        ((*WAKE, OpenLink("computer", resumes=True), LinkOpened(), TurnEnded(), OVER), [(1, 0, False)]),
        ((*WAKE, TurnEnded(), OVER, OpenLink(""), LinkOpened(), OVER), [(1, 0, False)]),
    ],
    ids=["talk", "nobody", "dismissed", "ended by hand", "no session", "button", "resumed", "then the button"],
)
def test_the_outcome_of_a_wake_is_logged_when_the_conversation_ends(
    notices: tuple[Notice, ...], expected: list[tuple[int, int, bool]]
) -> None:
    assert outcomes_of(*notices) == expected
