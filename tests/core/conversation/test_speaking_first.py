"""What rings and what is announced: when it sounds, what stops it, what follows, and what is reported of it."""

import pytest
from msgspec.structs import replace

from edgevoice.core.announcements import (
    Announcement,
    AnnouncementDue,
    AnnouncementOutcome,
    AnnouncementWithdrawn,
    ClipCut,
    ClipPlayed,
    Priority,
    RingDue,
    RingOutcome,
    RingWithdrawn,
    StopWordHeard,
)
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    Device,
    DeviceLost,
    DeviceRestored,
    Event,
    LinkOpened,
    MutePressed,
    NearSpeechBegan,
    NearSpeechConfirmed,
    NearSpeechEnded,
    NearSpeechFaded,
    PlaybackDrained,
    TalkHeld,
    TalkPressed,
)
from edgevoice.core.orders import (
    Action,
    CloseLink,
    CloseUplink,
    CutClip,
    CutPlayback,
    DuckPlayback,
    Earcon,
    KeepUplink,
    Light,
    MuteMicrophone,
    OpenLink,
    PlayClip,
    PlayEarcon,
    PlayRing,
    ReportAnnouncement,
    ReportRing,
    RestorePlayback,
    ShowLight,
)
from tests.core.drive import TO_SPEAKING, TO_SPOKEN, WAKE, WAYS, Driven, drive

PASTA = RingDue(1, "pasta")
EGGS = RingDue(2, "eggs")
PRESS = TalkPressed(at_sample=500)
CALLED = [phase for phase in Phase if phase is not Phase.IDLE]
POST = Announcement("post", "post.s16", has_chime=True)
URGENT = Announcement("fire", "fire.s16", Priority.ANNOUNCEMENT)
QUESTION = Announcement("question", "question.s16", listens=True)


def due(*announcements: Announcement) -> list[Event]:
    return [AnnouncementDue(one) for one in announcements]


def rings(orders: list[Action]) -> list[PlayRing]:
    return [order for order in orders if isinstance(order, PlayRing)]


def ringing_for(driven: Driven, seconds: float, *, sounds_s: float = 3.0) -> list[Action]:
    """Let the speaker report each ring that it has sounded."""
    orders, end = list[Action](), driven.now + seconds
    while driven.now < end:
        orders += driven.wait(min(sounds_s, end - driven.now))
        orders += driven.hear(*[ClipPlayed(driven.conversation._first._ring_clip or "")])
        orders += driven.wait(min(2.0, max(0.0, end - driven.now)))
    return orders


# --- rings -----------------------------------------------------------------------------------------------------------


def test_what_is_due_rings_at_once_softly_at_first_and_shows_it() -> None:
    assert drive().hear(PASTA) == [ShowLight(Light.RINGING), PlayRing("pasta", -15.0)]


def test_it_rings_louder_in_steps_with_a_pause_for_an_answer() -> None:
    ringing = drive(PASTA)
    ringing.wait(3)

    assert ringing.hear(ClipPlayed("pasta")) == []
    assert ringing.wait(1.9) == []
    assert ringing.wait(0.1) == [PlayRing("pasta", -12.0)]
    assert [ring.gain_db for ring in rings(ringing_for(ringing, 30))] == [-9.0, -6.0, -3.0, 0.0, 0.0, 0.0]


def test_a_ring_that_nobody_answers_ends_after_ten_minutes_and_is_reported() -> None:
    ringing = drive(PASTA)

    assert not any(isinstance(order, ReportRing) for order in ringing_for(ringing, 599))
    assert ringing_for(ringing, 10)[-2:] == [ShowLight(Light.IDLE), ReportRing(1, RingOutcome.UNANSWERED)]
    assert ringing.conversation.deadline is None


def test_it_goes_on_ringing_beside_a_speaker_that_reports_nothing() -> None:
    ringing = drive(PASTA)

    assert len(rings(ringing.wait(90))) == 3
    assert ringing.hear(ClipPlayed("another")) == []


def test_two_rings_sound_in_turn_each_for_its_own_ten_minutes() -> None:
    ringing = drive(PASTA)
    ringing_for(ringing, 300)

    assert rings(ringing.hear(EGGS)) == [PlayRing("pasta", -15.0)]
    assert {ring.clip_id for ring in rings(ringing_for(ringing, 20))} == {"pasta", "eggs"}
    orders = ringing_for(ringing, 300)
    assert ReportRing(1, RingOutcome.UNANSWERED) in orders
    assert ReportRing(2, RingOutcome.UNANSWERED) not in orders
    assert ringing.hear(PRESS)[-1] == ReportRing(2, RingOutcome.STOPPED)


def test_the_talk_button_stops_what_rings_and_nothing_else() -> None:
    ringing = drive(PASTA, EGGS)

    stopped = [ReportRing(1, RingOutcome.STOPPED), ReportRing(2, RingOutcome.STOPPED)]
    assert ringing.hear(PRESS) == [CutClip(), ShowLight(Light.IDLE), *stopped]
    assert ringing.wait(60) == []


@pytest.mark.parametrize(("is_snooze", "outcome"), [(False, RingOutcome.STOPPED), (True, RingOutcome.SNOOZED)])
def test_a_single_word_stops_what_rings(*, is_snooze: bool, outcome: RingOutcome) -> None:
    ringing = drive(PASTA)

    assert ringing.hear(StopWordHeard(is_snooze)) == [CutClip(), ShowLight(Light.IDLE), ReportRing(1, outcome)]
    assert ringing.hear(StopWordHeard(is_snooze)) == []


def test_holding_the_talk_button_stops_what_rings() -> None:
    assert drive(PASTA).hear(TalkHeld())[:2] == [CutClip(), ShowLight(Light.IDLE)]


def test_the_talk_button_stops_the_ring_of_a_muted_box() -> None:
    assert drive(MutePressed(), PASTA).hear(PRESS)[:2] == [CutClip(), ShowLight(Light.MUTED)]


def test_the_wake_word_stops_what_rings_and_begins_a_conversation() -> None:
    orders = drive(PASTA).hear(WAKE)

    assert orders[:2] == [CutClip(), ShowLight(Light.CONNECTING)]
    assert ReportRing(1, RingOutcome.STOPPED) in orders
    assert OpenLink("hey_jarvis") in orders


@pytest.mark.parametrize("phase", CALLED)
def test_in_a_conversation_the_earcon_alone_rings_softly_and_does_not_end_it(phase: Phase) -> None:
    called = drive(*WAYS[phase])

    assert called.hear(PASTA) == [PlayRing("", -15.0)]
    called.hear(ClipPlayed(""))
    assert called.wait(2) == [PlayRing("", -15.0)]
    assert called.phase is phase


@pytest.mark.parametrize("phase", CALLED)
def test_in_a_conversation_the_talk_button_first_stops_the_ring(phase: Phase) -> None:
    called = drive(*WAYS[phase], PASTA)

    assert called.hear(PRESS) == [CutClip(), ReportRing(1, RingOutcome.STOPPED)]
    assert called.phase is phase


@pytest.mark.parametrize("phase", [Phase.CONNECTING, Phase.LISTENING])
def test_the_wake_word_stops_the_ring_even_if_the_box_is_already_listening(phase: Phase) -> None:
    called = drive(*WAYS[phase], PASTA)

    assert called.hear(WAKE) == [CutClip(), ReportRing(1, RingOutcome.STOPPED)]
    assert called.phase is phase


def test_what_still_rings_after_the_conversation_is_shown_named_and_becomes_louder() -> None:
    called = drive(*WAYS[Phase.LISTENING], PASTA)

    assert called.hear(MutePressed())[0] == ShowLight(Light.RINGING)
    called.hear(ClipPlayed(""))
    assert rings(called.wait(2)) == [PlayRing("pasta", -12.0)]


def test_what_was_cancelled_elsewhere_stops_ringing_without_a_report() -> None:
    ringing = drive(PASTA, EGGS)

    assert ringing.hear(RingWithdrawn(7)) == []
    assert ringing.hear(RingWithdrawn(1)) == []
    assert ringing.hear(RingWithdrawn(2)) == [CutClip(), ShowLight(Light.IDLE)]
    assert ringing.wait(60) == []


def test_a_ring_overrides_a_fault_and_gives_the_light_back() -> None:
    broken = drive(DeviceLost(Device.MICROPHONE))

    assert broken.hear(PASTA)[0] == ShowLight(Light.RINGING)
    assert ShowLight(Light.FAULT, Device.MICROPHONE) in broken.hear(PRESS)


def test_muting_a_ringing_box_still_plays_the_mute_earcon() -> None:
    assert drive(PASTA).hear(MutePressed()) == [MuteMicrophone(), PlayEarcon(Earcon.MUTED)]


def test_people_who_talk_while_it_rings_lower_it_but_do_not_stop_it() -> None:
    ringing = drive(PASTA)

    assert ringing.hear(NearSpeechBegan(0)) == [DuckPlayback()]
    assert ringing.hear(NearSpeechBegan(0)) == []
    assert ringing.hear(NearSpeechConfirmed(0)) == []
    assert ringing.hear(NearSpeechEnded()) == [RestorePlayback()]


@pytest.mark.parametrize("end", [StopWordHeard(), RingWithdrawn(1), EGGS, MutePressed(), DeviceLost(Device.MICROPHONE)])
def test_a_lowered_ring_is_never_left_lowered(end: Event) -> None:
    ringing = drive(PASTA, NearSpeechBegan(0))

    assert RestorePlayback() in ringing.hear(end)
    assert ringing.hear(NearSpeechFaded()) == []


def test_each_ring_begins_at_its_volume_even_if_somebody_spoke_over_the_last() -> None:
    ringing = drive(PASTA, NearSpeechBegan(0))

    assert ringing.wait(30) == [RestorePlayback(), PlayRing("pasta", -12.0)]


def test_a_muted_box_does_not_lower_what_rings() -> None:
    assert drive(MutePressed(), PASTA).hear(NearSpeechBegan(0)) == []


# --- announcements ---------------------------------------------------------------------------------------------------


def test_an_announcement_is_played_shown_and_reported() -> None:
    box = drive()

    assert box.hear(*due(POST)) == [ShowLight(Light.ANNOUNCING), PlayClip("post.s16", has_chime=True)]
    played = ReportAnnouncement("post", AnnouncementOutcome.PLAYED)
    assert box.hear(ClipPlayed("post.s16")) == [ShowLight(Light.IDLE), played]
    assert box.hear(ClipPlayed("post.s16")) == []
    assert box.conversation.deadline is None


def test_one_announcement_sounds_at_a_time_the_most_urgent_first() -> None:
    box = drive(*due(POST))
    second = replace(POST, announcement_id="second", clip_id="second")

    assert box.hear(*due(second, URGENT)) == []
    assert PlayClip("fire.s16") in box.hear(ClipPlayed("post.s16"))
    assert PlayClip("second", has_chime=True) in box.hear(ClipPlayed("fire.s16"))


def test_too_many_announcements_are_refused() -> None:
    box = drive(*due(POST))
    box.hear(*due(*[POST] * 20))

    assert box.hear(*due(POST)) == [ReportAnnouncement("post", AnnouncementOutcome.TOO_MANY)]


@pytest.mark.parametrize("phase", CALLED)
def test_an_announcement_as_urgent_as_an_answer_waits_for_the_end_of_the_conversation(phase: Phase) -> None:
    called = drive(*WAYS[phase])

    assert called.hear(*due(POST)) == []
    assert called.hear(TalkHeld())[-1] == PlayClip("post.s16", has_chime=True)


@pytest.mark.parametrize("phase", [Phase.CONNECTING, Phase.LISTENING, Phase.THINKING])
def test_no_announcement_interrupts_somebody_who_may_be_speaking_or_waits_for_an_answer(phase: Phase) -> None:
    assert drive(*WAYS[phase]).hear(*due(URGENT)) == []


def test_an_urgent_announcement_ends_a_conversation_whose_answer_is_sounding() -> None:
    orders = drive(*TO_SPEAKING).hear(*due(URGENT))

    assert orders == [CutPlayback(), ShowLight(Light.ANNOUNCING), CloseUplink(), CloseLink(), PlayClip("fire.s16")]


def test_the_announcement_follows_an_answer_that_ends_by_itself() -> None:
    called = drive(*TO_SPOKEN, *due(POST), PlaybackDrained(1))

    assert called.wait(6)[-1] == PlayClip("post.s16", has_chime=True)


def test_speech_over_an_announcement_lowers_it_and_then_cuts_it() -> None:
    box = drive(*due(POST))

    assert box.hear(NearSpeechBegan(0)) == [DuckPlayback()]
    assert box.hear(NearSpeechFaded()) == [RestorePlayback()]
    box.hear(NearSpeechBegan(0))
    assert box.hear(NearSpeechConfirmed(0)) == [CutClip(), ShowLight(Light.IDLE), RestorePlayback()]
    assert box.hear(ClipCut("post.s16", 740)) == [ReportAnnouncement("post", AnnouncementOutcome.CUT, 740)]


def test_the_next_announcement_begins_once_the_one_before_is_silent() -> None:
    box = drive(*due(POST, URGENT))

    assert box.hear(PRESS) == [CutClip(), ShowLight(Light.IDLE)]
    assert box.hear(ClipCut("strange", 1)) == []
    cut = ReportAnnouncement("post", AnnouncementOutcome.CUT, 100)
    assert box.hear(ClipCut("post.s16", 100)) == [ShowLight(Light.ANNOUNCING), cut, PlayClip("fire.s16")]


@pytest.mark.parametrize("end", [PRESS, TalkHeld(), AnnouncementWithdrawn("post")])
def test_an_announcement_is_cut_by_hand_or_by_whoever_asked_for_it(end: Event) -> None:
    box = drive(*due(POST))

    assert box.hear(end) == [CutClip(), ShowLight(Light.IDLE)]
    assert box.hear(ClipPlayed("post.s16")) == []


def test_the_wake_word_cuts_an_announcement_and_begins_a_conversation() -> None:
    orders = drive(*due(POST)).hear(WAKE)

    assert orders[:2] == [CutClip(), ShowLight(Light.CONNECTING)]
    assert OpenLink("hey_jarvis") in orders


def test_an_announcement_that_waits_can_be_withdrawn() -> None:
    called = drive(WAKE, *due(POST, URGENT))

    withdrawn = ReportAnnouncement("fire", AnnouncementOutcome.WITHDRAWN)
    assert called.hear(AnnouncementWithdrawn("fire")) == [withdrawn]
    assert called.hear(AnnouncementWithdrawn("fire")) == []
    assert called.hear(AnnouncementWithdrawn("post"))[0] == ReportAnnouncement("post", AnnouncementOutcome.WITHDRAWN)


def test_a_ring_cuts_an_announcement_which_is_repeated_afterwards() -> None:
    box = drive(*due(POST), NearSpeechBegan(0))

    assert box.hear(PASTA) == [
        CutClip(),
        ShowLight(Light.RINGING),
        RestorePlayback(),
        PlayRing("pasta", -15.0),
    ]
    assert box.hear(ClipCut("post.s16", 300)) == []
    assert box.hear(PRESS)[-1] == PlayClip("post.s16", has_chime=True)


def test_without_a_speaker_every_announcement_fails_and_is_reported() -> None:
    box = drive(*due(POST, URGENT))

    orders = box.hear(DeviceLost(Device.SPEAKER))
    failed = [ReportAnnouncement(one, AnnouncementOutcome.NO_SPEAKER) for one in ("post", "fire")]
    assert orders == [CutClip(), ShowLight(Light.FAULT, Device.SPEAKER), *failed]
    assert box.hear(*due(POST)) == [failed[0]]
    box.hear(DeviceRestored(Device.SPEAKER))
    assert PlayClip("fire.s16") in box.hear(*due(URGENT))


def test_a_speaker_lost_before_it_reports_a_cut_does_not_hold_up_the_next_announcement() -> None:
    box = drive(*due(POST), PRESS)

    assert ReportAnnouncement("post", AnnouncementOutcome.NO_SPEAKER) in box.hear(DeviceLost(Device.SPEAKER))


# --- announcements that expect a reply -------------------------------------------------------------------------------


def test_after_a_question_the_box_listens_once_its_echo_is_over() -> None:
    box = drive(*due(QUESTION))

    assert box.hear(ClipPlayed("question.s16")) == [ReportAnnouncement("question", AnnouncementOutcome.PLAYED)]
    assert box.hear(ClipPlayed("question.s16")) == []
    assert box.wait(0.2) == [ShowLight(Light.CONNECTING), KeepUplink(None, has_preroll=False), OpenLink()]
    box.hear(LinkOpened())
    assert box.phase is Phase.LISTENING


def test_whoever_replies_before_the_question_is_over_is_heard_from_their_first_word() -> None:
    box = drive(*due(QUESTION))
    box.hear(NearSpeechBegan(900))

    assert box.hear(NearSpeechConfirmed(900)) == [
        CutClip(),
        ShowLight(Light.CONNECTING),
        RestorePlayback(),
        KeepUplink(900, has_preroll=False),
        OpenLink(),
    ]


def test_the_talk_button_answers_a_question() -> None:
    orders = drive(*due(QUESTION)).hear(PRESS)

    assert orders == [CutClip(), ShowLight(Light.CONNECTING), KeepUplink(500), OpenLink()]


@pytest.mark.parametrize("end", [TalkHeld(), WAKE, NearSpeechConfirmed(0), PRESS, DeviceLost(Device.SPEAKER), PASTA])
def test_a_question_that_was_played_is_reported_once(end: Event) -> None:
    asked = drive(*due(QUESTION))
    asked.hear(ClipPlayed("question.s16"))

    orders = [*asked.hear(end), *asked.hear(ClipCut("question.s16", 0)), *asked.wait(1)]

    assert not any(isinstance(order, ReportAnnouncement) for order in orders)
    assert asked.conversation.deadline is None or asked.phase is not Phase.IDLE or end is PASTA


def test_a_muted_box_asks_but_does_not_listen() -> None:
    muted = drive(MutePressed(), *due(QUESTION))
    muted.hear(ClipPlayed("question.s16"))

    assert muted.wait(1) == [ShowLight(Light.MUTED)]
    assert drive(MutePressed(), *due(QUESTION)).hear(PRESS) == [CutClip(), ShowLight(Light.MUTED)]
