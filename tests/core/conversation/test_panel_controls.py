"""What is done at the panel: long presses, the volume, the start and the end of the box."""

import pytest

from edgevoice.core.announcements import Announcement, AnnouncementDue, AnnouncementOutcome, RingDue, RingOutcome
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import Device, DeviceLost, Event, MutePressed, TalkHeld, TurnEnded
from edgevoice.core.orders import (
    CloseLink,
    CutClip,
    Earcon,
    ForgetEverything,
    Light,
    PlayEarcon,
    ReportAnnouncement,
    ReportRing,
    ShowLight,
    ShutDown,
)
from edgevoice.core.panel_facts import (
    BoxStarted,
    BoxStarting,
    BoxStopping,
    BrightnessSet,
    EarconVolumeSet,
    ForgetHeld,
    ShutDownHeld,
    VolumeChanged,
)
from tests.core.drive import TO_CONNECTING, TO_LISTENING, TO_SPEAKING, TO_THINKING, WAKE, WAYS, drive

POST = AnnouncementDue(Announcement("post", "post.s16"))
OTHER = AnnouncementDue(Announcement("other", "other.s16"))


@pytest.mark.parametrize("phase", [Phase.CONNECTING, Phase.LISTENING, Phase.THINKING, Phase.SPEAKING])
def test_holding_mute_for_long_hangs_up_sounds_and_then_forgets(phase: Phase) -> None:
    orders = drive(*WAYS[phase]).hear(ForgetHeld())

    assert CloseLink() in orders
    assert orders[-2:] == [PlayEarcon(Earcon.FORGOTTEN), ForgetEverything()]


def test_holding_both_buttons_ends_everything_and_shuts_the_machine_down() -> None:
    orders = drive(*TO_SPEAKING).hear(ShutDownHeld())

    assert CloseLink() in orders
    assert orders[-1] == ShutDown()


def test_holding_the_talk_button_cancels_what_sounds_and_what_waits() -> None:
    box = drive(POST, OTHER)

    orders = box.hear(TalkHeld(cancels_waiting=True))

    assert ReportAnnouncement("other", AnnouncementOutcome.WITHDRAWN) in orders
    assert CutClip() in orders
    assert box.conversation.light.light is Light.IDLE


def test_a_program_that_hangs_up_leaves_what_waits() -> None:
    box = drive(POST, OTHER)

    assert ReportAnnouncement("other", AnnouncementOutcome.WITHDRAWN) not in box.hear(TalkHeld())


def test_a_box_that_starts_shows_it_until_it_hears_its_wake_word_but_the_button_works_already() -> None:
    box = drive(BoxStarting())
    assert box.conversation.light == ShowLight(Light.STARTING)

    assert box.hear(WAKE)[0] == ShowLight(Light.CONNECTING)
    assert box.hear(TalkHeld())[0] == ShowLight(Light.STARTING)
    assert box.hear(BoxStarted()) == [ShowLight(Light.IDLE)]


def test_a_box_that_stops_hangs_up_and_shows_it() -> None:
    ringing = drive(*TO_LISTENING, RingDue(1))

    orders = ringing.hear(BoxStopping())

    assert ReportRing(1, RingOutcome.STOPPED) in orders
    assert CloseLink() in orders
    assert ringing.conversation.light == ShowLight(Light.STOPPING)


@pytest.mark.parametrize("before", [(), (MutePressed(),), TO_SPEAKING, (POST,)])
def test_a_new_volume_is_shown_for_a_moment(before: tuple[MutePressed, ...]) -> None:
    box = drive(*before)
    usual = box.conversation.light

    assert not any(isinstance(order, ShowLight) for order in box.hear(VolumeChanged(40))), "the phase is the same"
    assert box.conversation.light == ShowLight(Light.VOLUME, level=0.4)
    box.hear(VolumeChanged(45))
    assert box.conversation.light == ShowLight(Light.VOLUME, level=0.45)
    box.wait(1.5)
    assert box.conversation.light == usual


@pytest.mark.parametrize(
    "before", [TO_CONNECTING, TO_LISTENING, TO_THINKING, (RingDue(1),), (DeviceLost(Device.MICROPHONE),)]
)
def test_a_new_volume_never_hides_the_users_turn_a_ring_or_a_fault(before: tuple[TurnEnded, ...]) -> None:
    box = drive(*before)
    usual = box.conversation.light
    box.hear(VolumeChanged(40))

    assert box.conversation.light == usual


@pytest.mark.parametrize("fact", [EarconVolumeSet(20), BrightnessSet(20)], ids=lambda fact: type(fact).__name__)
def test_levels_that_only_an_observer_keeps_change_nothing(fact: Event) -> None:
    assert drive().hear(fact) == []
