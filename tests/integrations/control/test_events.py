"""What a barge-in and a change of the volume look like to those who watch."""

import pytest

from edgevoice.core.facts import (
    NearSpeechBegan,
    NearSpeechConfirmed,
    NearSpeechFaded,
    PlaybackDrained,
    PlaybackStarted,
)
from edgevoice.core.notices import Notice
from edgevoice.core.orders import CutPlayback, DuckPlayback, RestorePlayback
from edgevoice.core.panel_facts import VolumeChanged
from edgevoice.integrations.control.events import event_of


@pytest.mark.parametrize(
    ("notice", "expected"),
    [
        (NearSpeechBegan(14_400), ("near-speech", {"state": "began", "ago_ms": 100})),
        (NearSpeechConfirmed(12_800), ("near-speech", {"state": "confirmed", "ago_ms": 200})),
        (NearSpeechBegan(99_000), ("near-speech", {"state": "began", "ago_ms": 0})),
        (NearSpeechFaded(), ("near-speech", {"state": "faded", "ago_ms": 0})),
        (PlaybackStarted(1), ("playback", {"state": "started"})),
        (PlaybackDrained(1), ("playback", {"state": "drained"})),
        (DuckPlayback(), ("playback", {"state": "ducked"})),
        (RestorePlayback(), ("playback", {"state": "restored"})),
        (CutPlayback(), ("playback", {"state": "cut"})),
        (VolumeChanged(35), ("volume", {"volume_percent": 35})),
    ],
)
def test_each_step_of_a_barge_in_is_an_event(notice: Notice, expected: object) -> None:
    assert event_of(notice, words=False, position=16_000) == expected
