"""What a broker is shown of the box, and what it is not shown."""

from datetime import UTC, datetime

import pytest

from edgevoice.core.announcements import RingDue, RingOutcome
from edgevoice.core.conversation.noisy_room import Noise
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    ItemHeard,
    LinkOpened,
    MutePressed,
    PlaybackCut,
    TalkHeld,
    TalkPressed,
    WakeRequested,
    WakeWordHeard,
)
from edgevoice.core.notices import Notice, PhaseEntered, Role, SpeechHeeded, SpeechIgnored, TranscriptChanged
from edgevoice.core.orders import Light, MuteMicrophone, ReportRing, ResumePlayback, ShowLight
from edgevoice.integrations.control.commands import BoxHandles
from edgevoice.integrations.control.view import BoxView
from edgevoice.integrations.mqtt.state import Event, RingSummary, event_of, reply_of, state_of
from tests.integrations.control.conftest import Speaker

RINGS = (
    RingSummary(1, is_timer=True, due_wall_s=1_800_000_060.4, label="pasta"),
    RingSummary(2, is_timer=True, due_wall_s=1_800_000_000.0),
    RingSummary(5, is_timer=True, due_wall_s=None, label="paused"),
    RingSummary(3, is_timer=False, due_wall_s=1_800_003_600.0, label="pills"),
)


def handles() -> BoxHandles:
    return BoxHandles("1.2", lambda: 7, Speaker(), lambda: "")


def test_the_state_has_everything_that_can_be_read() -> None:
    view = BoxView()
    for notice in (PhaseEntered(Phase.LISTENING), MuteMicrophone(), LinkOpened()):
        view.observe(notice)

    assert state_of(view, handles(), RINGS, minutes_today=3.14159, wake_score=0.9) == {
        "phase": "listening",
        "fault": "none",
        "fault_details": {},
        "next_timer": datetime.fromtimestamp(1_800_000_000, UTC).isoformat(),
        "next_alarm": datetime.fromtimestamp(1_800_003_600, UTC).isoformat(),
        "minutes_today": 3.1,
        "wake_score": 0.9,
        "version": "1.2",
        "link": "ON",
        "noisy_room": "OFF",
        "mute": "ON",
        "volume": 50,
        "earcons": 40,
        "brightness": None,
        "persona": None,
        "voice": None,
    }


def test_a_room_in_which_speech_does_not_interrupt_is_shown_until_it_does_again() -> None:
    view = BoxView()

    def shown() -> object:
        return state_of(view, handles(), (), minutes_today=0, wake_score=None)["noisy_room"]

    view.observe(SpeechIgnored(Noise(ducks=12, false_cuts=0, is_loud=False)))
    assert shown() == "ON"
    view.observe(SpeechHeeded())
    assert shown() == "OFF"


def test_a_fault_comes_with_its_meaning_and_remedy_and_nothing_set_is_unknown() -> None:
    view = BoxView()
    view.observe(ShowLight(Light.FAULT, "key-refused"))

    found = state_of(view, handles(), (), minutes_today=0, wake_score=None)

    assert found["fault"] == "key-refused"
    assert set(found["fault_details"]) == {"code", "meaning", "remedy"}
    assert found["next_timer"] is found["next_alarm"] is None


@pytest.mark.parametrize(
    ("notice", "event"),
    [
        (
            WakeWordHeard("hey_jarvis", 0.98765, 7),
            ("wake", {"event_type": "wake_word", "word": "hey_jarvis", "score": 0.988}),
        ),
        (WakeRequested("", 7), ("wake", {"event_type": "program", "word": ""})),
        (
            PlaybackCut((ItemHeard("a", 0, 700, 900, is_complete=False), ItemHeard("b", 0, 40, 900, is_complete=True))),
            ("interrupted", {"event_type": "interrupted", "heard_ms": 740}),
        ),
        (ResumePlayback(), ("interrupted", {"event_type": "resumed"})),
        (RingDue(1), ("timer", {"event_type": "due"})),
        (ReportRing(3, RingOutcome.SNOOZED), ("alarm", {"event_type": "snoozed"})),
        (ReportRing(99, RingOutcome.STOPPED), ("alarm", {"event_type": "stopped"})),
        (TalkPressed(7), ("button", {"event_type": "talk"})),
        (TalkHeld(), ("button", {"event_type": "talk_held"})),
        (MutePressed(), ("button", {"event_type": "mute"})),
        (PhaseEntered(Phase.IDLE), None),
        (TranscriptChanged(Role.USER, "i", "a secret", is_final=True), None),
    ],
)  # fmt: skip
def test_what_happens_is_an_event(notice: Notice, event: Event | None) -> None:
    rings = {ring.ring_id: ring for ring in RINGS}

    assert event_of(notice, rings.get, words=False) == event


def test_the_name_of_a_timer_leaves_only_with_words() -> None:
    rings = {ring.ring_id: ring for ring in RINGS}

    assert event_of(RingDue(1), rings.get, words=True) == ("timer", {"event_type": "due", "label": "pasta"})
    assert event_of(RingDue(2), rings.get, words=True) == ("timer", {"event_type": "due"})


def test_a_reply_leaves_only_with_words() -> None:
    said = {"outcome": "played", "heard_ms": None, "understood": "yes please", "answered": "Coming."}

    assert reply_of("7", "ask", said, words=False) == {
        "id": "7", "do": "ask", "ok": True, "outcome": "played", "replied": True,
    }  # fmt: skip
    assert reply_of(None, "ask", said, words=True)["understood"] == "yes please"
    assert reply_of("", "say", {"outcome": "cut", "heard_ms": 40}, words=False) == {
        "id": "", "do": "say", "ok": True, "outcome": "cut", "heard_ms": 40,
    }  # fmt: skip
