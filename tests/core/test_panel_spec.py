"""The written specification of the panel is what the box shows and sounds, at once, and no two states look alike."""

from itertools import combinations

import pytest

from edgevoice.core.announcements import Announcement, AnnouncementDue, RingDue
from edgevoice.core.facts import (
    BudgetTold,
    Device,
    DeviceLost,
    Event,
    LinkLost,
    LinkOpened,
    MutePressed,
    NearSpeechBegan,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    ToolFinished,
    TurnEnded,
    UserStartedSpeaking,
)
from edgevoice.core.light_frames import frame_at
from edgevoice.core.lights import FAULT_EARCONS, Led, Pattern, patterns_on, said_of
from edgevoice.core.orders import Earcon, Light, PlayClip, PlayEarcon, PlayRing
from edgevoice.core.panel_facts import BoxStarted, BoxStarting, BoxStopping, VolumeChanged, VolumeTurned
from edgevoice.core.panel_spec import ROWS, STATES, PanelState, seen_in_colour, seen_on_led, seen_on_row
from tests.core.drive import CALL, TO_ANSWERING, TO_CONNECTING, TO_LISTENING, TO_SPEAKING, WAKE, drive

BY_NAME = {state.name: state for state in STATES}
CALLED = ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL,))
ASKED = ToolFinished("c1", "{}", asking="Shall I?")
WAYS: dict[str, tuple[Event, ...]] = {
    "starting": (BoxStarting(),),
    "idle": (BoxStarting(), BoxStarted()),
    "connecting": TO_CONNECTING,
    "listening": TO_LISTENING,
    "hearing you now": (*TO_LISTENING, UserStartedSpeaking()),
    "thinking": (*TO_LISTENING, UserStartedSpeaking(), TurnEnded()),
    "tool running": (*TO_ANSWERING, CALLED),
    "speaking": TO_SPEAKING,
    "ducked": (*TO_SPEAKING, NearSpeechBegan(1)),
    "muted": (MutePressed(),),
    "timer ringing": (RingDue(1),),
    "volume change": (VolumeChanged(40),),
    "announcement": (AnnouncementDue(Announcement("post", "post", has_chime=True)),),
    "no network": (WAKE, LinkLost("service-unreachable", is_retriable=False)),
    "bad key": (WAKE, LinkLost("key-refused", is_retriable=False)),
    "no credit": (WAKE, LinkLost("no-credit", is_retriable=False)),
    "budget spent": (BudgetTold(0.0), WAKE),
    "no microphone": (DeviceLost(Device.MICROPHONE),),
    "no speaker": (DeviceLost(Device.SPEAKER),),
    "wrong clock": (WAKE, LinkLost("clock-wrong", is_retriable=False)),
    "stopping": (*TO_SPEAKING, BoxStopping()),
}


def test_the_specification_has_every_state_that_a_person_can_meet() -> None:
    assert set(BY_NAME) == {*WAYS, "dead (watchdog)"}
    assert {state.light for state in STATES} == set(Light)


@pytest.mark.parametrize("name", WAYS)
def test_each_state_is_shown_with_the_fact_that_leads_to_it(name: str) -> None:
    state = BY_NAME[name]
    *before, last = WAYS[name]
    box = drive(*before)
    earlier = box.conversation.light
    box.hear(last)
    shown = box.conversation.light

    assert (shown.light, shown.reason) == (state.light, state.reason)
    assert shown != earlier


def sounded(*facts: Event) -> set[Earcon]:
    """Return the earcons that the last of these facts leads to."""
    *before, last = facts
    found: set[Earcon] = set()
    for order in drive(*before).hear(last):
        match order:
            case PlayEarcon(earcon=earcon):
                found.add(earcon)
            case PlayRing():
                found.add(Earcon.TIMER)
            case PlayClip(has_chime=True):
                found.add(Earcon.CHIME)
            case _:
                pass
    return found


@pytest.mark.parametrize(
    "name", ["timer ringing", "announcement", "no network", "bad key", "no credit", "budget spent"]
)
def test_each_state_sounds_as_it_is_written(name: str) -> None:
    assert sounded(*WAYS[name]) == set(BY_NAME[name].sounds)


def test_what_sounds_later_or_before_is_written_with_its_state() -> None:
    muted, unmuted = sounded(MutePressed()), sounded(MutePressed(), MutePressed())
    lost, woken = WAYS["no microphone"], WAKE

    assert muted | unmuted == set(BY_NAME["muted"].sounds)
    assert sounded(*lost, woken) == set(BY_NAME["no microphone"].sounds)
    assert sounded(*WAYS["tool running"], ASKED) == set(BY_NAME["thinking"].sounds)
    assert sounded(VolumeTurned(5)) == set(), "the speaker sounds it, because it knows whether an end is reached"


@pytest.mark.parametrize("state", [state for state in STATES if state.is_provisional], ids=lambda state: state.name)
def test_what_is_provisional_ends_by_itself(state: PanelState) -> None:
    box = drive(*WAYS[state.name])
    box.wait(30)

    assert box.conversation.light.light is Light.IDLE


def rhythm(state: PanelState) -> tuple[Pattern, ...]:
    """Return what one LED plays, without what is dark."""
    return tuple(
        each for each in patterns_on(tuple(Led), state.light, state.reason) if any(step.level for step in each.steps)
    )


@pytest.mark.parametrize(("first", "second"), list(combinations(STATES, 2)), ids=lambda state: state.name)
def test_any_two_states_differ_by_a_rhythm_that_people_tell_apart(first: PanelState, second: PanelState) -> None:
    if {first.light, second.light} == {Light.OFF, Light.IDLE}:
        return  # a lit LED always means more than "ready"
    one, other = rhythm(first), rhythm(second)
    if not one or not other or one[0].is_steady or other[0].is_steady:
        assert one != other
        return
    assert unlike(one[0], other[0])


def unlike(one: Pattern, other: Pattern) -> bool:
    """Return whether two rhythms differ in the number of flashes, or by half in one of what people notice of them."""
    lit = [[step.duration_s for step in each.steps if step.level] for each in (one, other)]
    if len(lit[0]) != len(lit[1]):
        return True
    noticed = [(each.duration_s, flashes[0], flashes[-1]) for each, flashes in zip((one, other), lit, strict=True)]
    return any(max(pair) >= 1.5 * min(pair) for pair in zip(*noticed, strict=True))


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_the_words_follow_the_patterns(state: PanelState) -> None:
    is_dark = not any(any(colour) for at in range(20) for colour in frame_at(1, state.light, state.reason, at / 10))

    assert (seen_on_led(state) == "dark") is is_dark
    assert (seen_in_colour(state) == "dark") is is_dark
    assert (seen_on_row(state) == "dark") is is_dark
    assert ROWS == (3, 12)


def test_the_volume_is_a_bar_as_long_as_it_is_loud_and_its_end_blinks() -> None:
    def lit(level: float, seconds: float) -> int:
        return sum(any(colour) for colour in frame_at(12, Light.VOLUME, "", seconds, level))

    assert [lit(level, 0.0) for level in (0.0, 0.5, 1.0)] == [1, 6, 12]
    assert [lit(level, 0.3) for level in (0.0, 0.5, 1.0)] == [0, 5, 11]


def test_a_fault_that_has_no_words_sounds_as_an_error() -> None:
    assert said_of("settings-invalid") is Earcon.ERROR
    assert said_of("service-busy") is Earcon.NO_SERVICE
    assert Earcon.ERROR not in FAULT_EARCONS


def test_a_session_that_opens_is_listening_even_if_it_was_woken_by_hand() -> None:
    assert drive(WAKE, LinkOpened()).conversation.light.light is Light.LISTENING
    assert drive(*TO_ANSWERING, ResponseStarted("r1")).conversation.light.light is Light.THINKING
