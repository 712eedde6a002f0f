"""What mute, kitchen timers and lost devices do to a conversation in every phase."""

import pytest

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    Device,
    DeviceLost,
    DeviceRestored,
    HearingImpaired,
    HearingRestored,
    LinkLost,
    MutePressed,
    PlaybackDrained,
    ResponseEnded,
    ResponseStatus,
    TalkHeld,
    TalkPressed,
    TimerRang,
)
from edgevoice.core.orders import (
    CloseLink,
    CloseUplink,
    CutPlayback,
    Earcon,
    Light,
    MuteMicrophone,
    PlayEarcon,
    ShowLight,
    StopEarcons,
    UnmuteMicrophone,
)
from tests.core.drive import TO_ANSWERING, TO_SPOKEN, WAKE, WAYS, drive

PRESS = TalkPressed(at_sample=0)
CALLED = [phase for phase in Phase if phase is not Phase.IDLE]
HUNG_UP = [CloseUplink(), CloseLink()]

# --- mute ------------------------------------------------------------------------------------------------------------


def test_mute_closes_the_microphone_and_shows_it() -> None:
    idle = drive()

    assert idle.hear(MutePressed()) == [ShowLight(Light.MUTED), MuteMicrophone(), PlayEarcon(Earcon.MUTED)]
    assert idle.conversation.is_muted


def test_unmute_opens_the_microphone_and_shows_it() -> None:
    muted = drive(MutePressed())

    assert muted.hear(MutePressed()) == [ShowLight(Light.IDLE), UnmuteMicrophone(), PlayEarcon(Earcon.UNMUTED)]
    assert not muted.conversation.is_muted


@pytest.mark.parametrize("phase", [Phase.CONNECTING, Phase.LISTENING])
def test_mute_hangs_up_when_it_is_the_users_turn(phase: Phase) -> None:
    assert drive(*WAYS[phase]).hear(MutePressed()) == [
        ShowLight(Light.MUTED),
        MuteMicrophone(),
        PlayEarcon(Earcon.MUTED),
        *HUNG_UP,
    ]


@pytest.mark.parametrize("phase", [Phase.THINKING, Phase.SPEAKING])
def test_mute_lets_an_answer_be_heard(phase: Phase) -> None:
    answering = drive(*WAYS[phase])

    assert answering.hear(MutePressed()) == [MuteMicrophone(), PlayEarcon(Earcon.MUTED)]
    assert answering.phase is phase


def test_a_muted_box_hangs_up_after_the_answer() -> None:
    muted = drive(*TO_SPOKEN, MutePressed())

    assert muted.hear(PlaybackDrained(1)) == [ShowLight(Light.MUTED), *HUNG_UP]


def test_a_box_unmuted_in_time_listens_on_after_the_answer() -> None:
    unmuted = drive(*TO_SPOKEN, MutePressed(), MutePressed())

    assert unmuted.hear(PlaybackDrained(1)) == [ShowLight(Light.LISTENING)]


@pytest.mark.parametrize("phase", [Phase.THINKING, Phase.SPEAKING])
def test_unmute_during_an_answer_opens_the_microphone_again(phase: Phase) -> None:
    assert drive(*WAYS[phase], MutePressed()).hear(MutePressed()) == [UnmuteMicrophone(), PlayEarcon(Earcon.UNMUTED)]


def test_a_wake_word_heard_just_before_mute_begins_no_conversation() -> None:
    assert drive(MutePressed()).hear(WAKE) == []


def test_the_talk_button_of_a_muted_box_shows_why_it_does_nothing() -> None:
    assert drive(MutePressed()).hear(PRESS) == [PlayEarcon(Earcon.MUTED)]


# --- kitchen timers --------------------------------------------------------------------------------------------------


def test_a_timer_rings_every_three_seconds_for_a_minute() -> None:
    ringing = drive()

    assert ringing.hear(TimerRang()) == [ShowLight(Light.RINGING), PlayEarcon(Earcon.ALARM)]
    assert ringing.wait(59.9) == [PlayEarcon(Earcon.ALARM)] * 19
    assert ringing.wait(0.1) == [ShowLight(Light.IDLE)]
    assert ringing.conversation.deadline is None


def test_the_talk_button_stops_the_ringing_and_nothing_else() -> None:
    ringing = drive(TimerRang())

    assert ringing.hear(PRESS) == [ShowLight(Light.IDLE), StopEarcons()]
    assert ringing.wait(60) == []


def test_the_talk_button_stops_the_ringing_of_a_muted_box() -> None:
    assert drive(MutePressed(), TimerRang()).hear(PRESS) == [ShowLight(Light.MUTED), StopEarcons()]


def test_holding_the_talk_button_stops_the_ringing() -> None:
    assert drive(TimerRang()).hear(TalkHeld()) == [ShowLight(Light.IDLE), StopEarcons()]


def test_the_wake_word_stops_the_ringing_and_begins_a_conversation() -> None:
    orders = drive(TimerRang()).hear(WAKE)

    assert StopEarcons() in orders
    assert ShowLight(Light.CONNECTING) in orders


@pytest.mark.parametrize("phase", CALLED)
def test_a_timer_rings_into_a_conversation_without_ending_it(phase: Phase) -> None:
    called = drive(*WAYS[phase])

    assert called.hear(TimerRang()) == [PlayEarcon(Earcon.ALARM)]
    assert called.wait(3) == [PlayEarcon(Earcon.ALARM)]
    assert called.phase is phase


@pytest.mark.parametrize("phase", CALLED)
def test_the_talk_button_first_stops_the_ringing(phase: Phase) -> None:
    called = drive(*WAYS[phase], TimerRang())

    assert called.hear(PRESS) == [StopEarcons()]
    assert called.phase is phase


@pytest.mark.parametrize("phase", [Phase.CONNECTING, Phase.LISTENING])
def test_the_wake_word_stops_the_ringing_even_if_the_box_is_already_listening(phase: Phase) -> None:
    called = drive(*WAYS[phase], TimerRang())

    assert called.hear(WAKE) == [StopEarcons()]
    assert called.phase is phase


def test_a_second_timer_rings_for_its_own_minute() -> None:
    ringing = drive(TimerRang())
    ringing.wait(50)
    ringing.hear(TimerRang())

    assert PlayEarcon(Earcon.ALARM) in ringing.wait(20)
    assert ringing.wait(40)[-1] == ShowLight(Light.IDLE)


def test_a_timer_that_still_rings_after_the_conversation_is_shown() -> None:
    assert drive(*WAYS[Phase.LISTENING], TimerRang()).hear(MutePressed())[0] == ShowLight(Light.RINGING)


# --- devices ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", list(Device))
def test_a_lost_device_is_shown_until_it_is_back(device: Device) -> None:
    idle = drive()

    assert idle.hear(DeviceLost(device)) == [ShowLight(Light.FAULT, device)]
    assert idle.wait(3600) == []
    assert idle.hear(DeviceRestored(device)) == [ShowLight(Light.IDLE)]


@pytest.mark.parametrize("code", ["microphone-dead", "wakeword-behind"])
def test_a_box_whose_wake_word_fails_shows_it_and_the_button_still_works(code: str) -> None:
    idle = drive()

    assert idle.hear(HearingImpaired(code)) == [ShowLight(Light.FAULT, code)]
    assert idle.hear(PRESS)[0] == ShowLight(Light.CONNECTING)
    assert idle.hear(TalkHeld())[0] == ShowLight(Light.FAULT, code)
    assert idle.hear(HearingRestored()) == [ShowLight(Light.IDLE)]


@pytest.mark.parametrize("call", [WAKE, PRESS], ids=["wake word", "button"])
@pytest.mark.parametrize("device", list(Device))
def test_a_box_without_a_device_begins_no_conversation_and_shows_why(device: Device, call: TalkPressed) -> None:
    broken = drive(DeviceLost(device))

    assert broken.hear(call) == [PlayEarcon(Earcon.TROUBLE)]
    assert broken.phase is Phase.IDLE


def test_a_box_whose_devices_are_back_begins_conversations_again() -> None:
    mended = drive(DeviceLost(Device.SPEAKER), DeviceLost(Device.MICROPHONE), DeviceRestored(Device.MICROPHONE))

    assert mended.hear(DeviceRestored(Device.SPEAKER)) == [ShowLight(Light.IDLE)]
    assert mended.hear(WAKE)[0] == ShowLight(Light.CONNECTING)


def test_a_device_lost_or_restored_twice_counts_once() -> None:
    idle = drive(DeviceLost(Device.SPEAKER))

    assert idle.hear(DeviceLost(Device.SPEAKER)) == []
    assert idle.hear(DeviceRestored(Device.SPEAKER)) == [ShowLight(Light.IDLE)]
    assert idle.hear(DeviceRestored(Device.SPEAKER)) == []


@pytest.mark.parametrize("phase", CALLED)
def test_without_a_speaker_every_conversation_ends(phase: Phase) -> None:
    orders = drive(*WAYS[phase]).hear(DeviceLost(Device.SPEAKER))

    assert [order for order in orders if order != CutPlayback()] == [ShowLight(Light.FAULT, Device.SPEAKER), *HUNG_UP]
    assert (CutPlayback() in orders) is (phase is Phase.SPEAKING)


@pytest.mark.parametrize("phase", [Phase.CONNECTING, Phase.LISTENING])
def test_without_a_microphone_the_users_turn_ends(phase: Phase) -> None:
    orders = drive(*WAYS[phase]).hear(DeviceLost(Device.MICROPHONE))

    assert orders == [ShowLight(Light.FAULT, Device.MICROPHONE), *HUNG_UP]


def test_without_a_microphone_an_answer_is_heard_to_its_end() -> None:
    spoken = drive(*TO_SPOKEN)

    assert spoken.hear(DeviceLost(Device.MICROPHONE)) == []
    assert spoken.hear(PlaybackDrained(1)) == [ShowLight(Light.FAULT, Device.MICROPHONE), *HUNG_UP]


def test_a_microphone_that_is_back_in_time_listens_on_after_the_answer() -> None:
    spoken = drive(*TO_SPOKEN, DeviceLost(Device.MICROPHONE))

    assert spoken.hear(DeviceRestored(Device.MICROPHONE)) == []
    assert spoken.hear(PlaybackDrained(1)) == [ShowLight(Light.LISTENING)]


def test_an_answer_that_fails_on_a_deaf_box_ends_the_conversation() -> None:
    deaf = drive(*TO_ANSWERING, DeviceLost(Device.MICROPHONE))

    assert deaf.hear(ResponseEnded("r1", ResponseStatus.FAILED)) == [
        ShowLight(Light.FAULT, Device.MICROPHONE),
        PlayEarcon(Earcon.TROUBLE),
        *HUNG_UP,
    ]


def test_a_missing_device_is_shown_rather_than_what_failed_for_lack_of_it() -> None:
    failed = drive(WAKE, LinkLost("no-credit", is_retriable=False))

    assert failed.hear(DeviceLost(Device.SPEAKER)) == [ShowLight(Light.FAULT, Device.SPEAKER)]
    assert failed.hear(DeviceRestored(Device.SPEAKER)) == [ShowLight(Light.FAULT, "no-credit")]


def test_a_fault_overrides_the_mute_light_while_it_lasts() -> None:
    failed = drive(WAKE, LinkLost("no-credit", is_retriable=False), MutePressed())

    assert failed.wait(6) == [ShowLight(Light.MUTED)]


def test_ringing_overrides_a_fault() -> None:
    assert drive(DeviceLost(Device.MICROPHONE)).hear(TimerRang())[0] == ShowLight(Light.RINGING)


def test_a_timer_that_ends_by_itself_gives_the_light_back_to_the_fault() -> None:
    broken = drive(DeviceLost(Device.MICROPHONE), TimerRang())

    assert broken.wait(60)[-1] == ShowLight(Light.FAULT, Device.MICROPHONE)


def test_muting_a_ringing_box_still_plays_the_mute_earcon() -> None:
    assert drive(TimerRang()).hear(MutePressed()) == [MuteMicrophone(), PlayEarcon(Earcon.MUTED)]


def test_the_light_is_shown_only_when_it_changes() -> None:
    quiet = drive(MutePressed(), TimerRang())

    assert quiet.hear(TimerRang()) == [PlayEarcon(Earcon.ALARM)]
