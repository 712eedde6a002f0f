"""What mute and lost devices do to a conversation in every phase."""

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
)
from edgevoice.core.guest_facts import GuestFailed, GuestRestored
from edgevoice.core.orders import (
    ChangeVolume,
    CloseLink,
    CloseUplink,
    CutPlayback,
    Earcon,
    Light,
    MuteMicrophone,
    PlayEarcon,
    ShowLight,
    UnmuteMicrophone,
)
from edgevoice.core.panel_facts import MuteSwitched, VolumeTurned
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


def test_a_switch_mutes_and_unmutes_as_the_button_does_and_says_nothing_twice() -> None:
    box = drive()
    assert box.hear(MuteSwitched(is_muted=False)) == []

    muted = [ShowLight(Light.MUTED), MuteMicrophone(), PlayEarcon(Earcon.MUTED)]
    assert box.hear(MuteSwitched(is_muted=True)) == muted
    assert box.hear(MuteSwitched(is_muted=True)) == []
    assert box.hear(MuteSwitched(is_muted=False)) == [
        ShowLight(Light.IDLE),
        UnmuteMicrophone(),
        PlayEarcon(Earcon.UNMUTED),
    ]


@pytest.mark.parametrize("phase", list(Phase))
def test_the_volume_can_be_changed_in_every_phase(phase: Phase) -> None:
    assert drive(*WAYS[phase]).hear(VolumeTurned(-5)) == [ChangeVolume(-5)]


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

    said = Earcon.NO_MICROPHONE if device is Device.MICROPHONE else Earcon.ERROR
    assert broken.hear(call) == [PlayEarcon(said)]
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
        PlayEarcon(Earcon.ERROR),
        *HUNG_UP,
    ]


def test_a_missing_device_is_shown_rather_than_what_failed_for_lack_of_it() -> None:
    failed = drive(WAKE, LinkLost("no-credit", is_retriable=False))

    assert failed.hear(DeviceLost(Device.SPEAKER)) == [ShowLight(Light.FAULT, Device.SPEAKER)]
    assert failed.hear(DeviceRestored(Device.SPEAKER)) == [ShowLight(Light.FAULT, "no-credit")]


def test_a_fault_overrides_the_mute_light_while_it_lasts() -> None:
    failed = drive(WAKE, LinkLost("no-credit", is_retriable=False), MutePressed())

    assert failed.wait(6) == [ShowLight(Light.MUTED)]


@pytest.mark.parametrize("fact", [GuestFailed("control", "code", "a problem", "A remedy."), GuestRestored("control")])
def test_what_happens_to_a_guest_changes_nothing_of_the_conversation(fact: GuestFailed | GuestRestored) -> None:
    assert drive().hear(fact) == []
