"""What each command does to the box, and what it refuses."""

from dataclasses import dataclass
from typing import Any

import pytest

from edgevoice.control import messages
from edgevoice.control.messages import AnyRequest, Refused
from edgevoice.core.announcements import StopWordHeard
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import Event, LinkLost, LinkOpened, TalkHeld, TalkPressed, WakeRequested
from edgevoice.core.guest_facts import GuestFailed, GuestRestored
from edgevoice.core.notices import Notice, PhaseEntered, RingingBegan, RingingEnded
from edgevoice.core.orders import CloseLink, Light, MuteMicrophone, ShowLight, UnmuteMicrophone
from edgevoice.core.panel_facts import BrightnessSet, EarconVolumeSet, MuteSwitched
from edgevoice.integrations.control.commands import Allotment, BoxHandles, Commands, Sounds
from edgevoice.integrations.control.view import BoxView
from tests.integrations.control.conftest import Personas, Speaker, echo_timers

BEGINS: list[Notice] = [PhaseEntered(Phase.CONNECTING), ShowLight(Light.CONNECTING)]


FAILED = [{"code": "no-answer"}, {"code": "key-refused"}]


class Box:
    """Commands with a box that reacts to every fact with ``notices``."""

    def __init__(
        self, *before: Notice, notices: list[Notice] | None = None, may_unmute: bool = False, **more: Any
    ) -> None:
        self.view = BoxView()
        self.facts: list[Event] = []
        self.speaker = Speaker()
        self.sounds = Sounds(Allotment())
        self._notices = notices or []
        for notice in before:
            self.view.observe(notice)
        handles = BoxHandles(
            "1",
            lambda: 7,
            self.speaker,
            lambda: "restart needed for log",
            lambda: FAILED,
            words=["hey_jarvis"],
            may_unmute=may_unmute,
            **more,
        )
        self.commands = Commands(handles, self.view, self._report)

    def _report(self, fact: Event) -> None:
        self.facts.append(fact)
        for notice in self._notices:
            self.view.observe(notice)

    def do(self, request: AnyRequest) -> dict[str, object]:
        result = self.commands.carry_out(request, self.sounds)
        assert isinstance(result, dict)
        return result


def test_waking_begins_a_conversation_with_the_words_settings() -> None:
    box = Box(notices=[*BEGINS])

    assert box.do(messages.Wake(word="hey_jarvis"))["phase"] == "connecting"
    assert box.facts == [WakeRequested("hey_jarvis", 7)]


def test_a_wake_word_that_does_not_exist_is_refused_with_those_that_do() -> None:
    box = Box()

    with pytest.raises(Refused, match="there are: hey_jarvis"):
        box.do(messages.Wake(word="computer"))
    assert box.facts == []


def test_a_box_without_timers_says_so() -> None:
    with pytest.raises(Refused, match="has no timers"):
        Box().do(messages.Timers())


@pytest.mark.parametrize("request_", [messages.Wake(), messages.Talk()])
def test_a_muted_box_is_not_woken(request_: AnyRequest) -> None:
    box = Box(MuteMicrophone())

    with pytest.raises(Refused, match="muted") as refused:
        box.do(request_)
    assert refused.value.code == "muted"
    assert box.facts == []


@pytest.mark.parametrize("request_", [messages.Wake(), messages.Talk()])
@pytest.mark.parametrize(
    ("notices", "code"),
    [([ShowLight(Light.FAULT, "audio-device-missing")], "audio-device-missing"), ([], "not-possible")],
)
def test_a_conversation_that_does_not_begin_is_reported_with_the_fault(
    request_: AnyRequest, notices: list[Notice], code: str
) -> None:
    with pytest.raises(Refused, match="no conversation begins: ") as refused:
        Box(notices=notices).do(request_)

    assert refused.value.code == code
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("before", "facts"),
    [
        ([], [TalkPressed(7)]),
        ([PhaseEntered(Phase.LISTENING)], [TalkPressed(7)]),
        ([RingingBegan()], [TalkPressed(7)]),
        ([ShowLight(Light.SPEAKING)], [TalkPressed(7)]),
    ],
)
def test_talk_is_a_press_of_the_button(before: list[Notice], facts: list[Event]) -> None:
    box = Box(*before, notices=[*BEGINS])

    box.do(messages.Talk())

    assert box.facts == facts


@pytest.mark.parametrize(
    ("before", "facts"),
    [
        ([PhaseEntered(Phase.SPEAKING)], [TalkPressed(7)]),
        ([PhaseEntered(Phase.THINKING)], [TalkPressed(7)]),
        ([RingingBegan()], [TalkHeld()]),
        ([RingingBegan(), RingingEnded()], []),
        ([ShowLight(Light.ANNOUNCING)], [TalkHeld()]),
        ([ShowLight(Light.ANNOUNCING), ShowLight(Light.VOLUME)], [TalkHeld()]),
        ([PhaseEntered(Phase.LISTENING), RingingBegan()], [TalkPressed(7)]),
        ([PhaseEntered(Phase.LISTENING)], []),
        ([], []),
    ],
)
def test_stop_silences_what_sounds_and_nothing_else(before: list[Notice], facts: list[Event]) -> None:
    box = Box(*before)

    box.do(messages.Stop())

    assert box.facts == facts


def test_hanging_up_is_the_long_press() -> None:
    box = Box(PhaseEntered(Phase.SPEAKING), LinkOpened(), notices=[PhaseEntered(Phase.IDLE), CloseLink()])

    assert box.do(messages.HangUp()) == {
        "phase": "idle",
        "light": "off",
        "muted": False,
        "ringing": False,
        "session_open": False,
        "noisy_room": False,
        "fault": None,
        "failing": [],
    }
    assert box.facts == [TalkHeld()]


def test_muting_twice_never_unmutes() -> None:
    box = Box(notices=[MuteMicrophone()])

    assert box.do(messages.Mute())["muted"] is True
    assert box.do(messages.Mute())["muted"] is True
    assert box.facts == [MuteSwitched(is_muted=True)] * 2


def test_only_the_settings_let_a_program_open_the_microphone() -> None:
    with pytest.raises(Refused, match="may not open the microphone") as refused:
        Box(MuteMicrophone()).do(messages.Unmute())
    assert refused.value.code == "unmute-refused"

    box = Box(MuteMicrophone(), notices=[UnmuteMicrophone()], may_unmute=True)
    assert box.do(messages.Unmute())["muted"] is False
    assert box.facts == [MuteSwitched(is_muted=False)]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (messages.SetVolume(), 50),
        (messages.SetVolume(percent=0), 0),
        (messages.SetVolume(change=10), 60),
        (messages.SetVolume(change=-70), 0),
        (messages.SetVolume(change=70), 100),
    ],
)
def test_the_volume_is_set_or_changed_within_its_range(request_: messages.SetVolume, expected: int) -> None:
    box = Box()

    assert box.do(request_) == {"volume_percent": expected}
    assert box.speaker.volume_percent == expected


def test_a_volume_both_set_and_changed_is_refused() -> None:
    with pytest.raises(Refused, match="not both"):
        Box().do(messages.SetVolume(percent=4, change=1))


def test_a_reload_returns_what_is_left_to_do() -> None:
    assert Box().do(messages.Reload()) == {"remark": "restart needed for log"}


@pytest.mark.parametrize(
    "request_", [messages.SayText(text="x"), messages.AskQuestion(text="x"), messages.Announce(text="x")]
)
def test_a_box_without_a_voice_refuses_to_speak(request_: AnyRequest) -> None:
    with pytest.raises(Refused, match="cannot be made to speak"):
        Box().do(request_)


def test_all_programs_together_may_send_a_minute_of_sound() -> None:
    shared = Allotment()
    one, other = Sounds(shared), Sounds(shared)

    assert one.add(bytes(48_000)) == 1.0
    assert one.add(bytes(48_000)) == 2.0
    other.add(bytes(58 * 48_000))
    with pytest.raises(Refused, match="60 s"):
        other.add(b"x")
    assert one.take() == bytes(96_000)
    assert other.add(bytes(48_000)) == 59.0
    assert one.take() == b""


def test_the_last_failures_are_reported() -> None:
    assert Box().do(messages.Why(most=1)) == {"failures": [{"code": "no-answer"}]}


def test_the_status_names_the_fault_with_its_remedy() -> None:
    box = Box(LinkOpened(), LinkLost("no-credit", is_retriable=False), ShowLight(Light.FAULT, "no-credit"))

    found = box.do(messages.GetStatus())

    fault = found["fault"]
    assert isinstance(fault, dict)
    assert (fault["code"], found["session_open"], found["volume_percent"]) == ("no-credit", False, 50)
    assert fault["remedy"].startswith("Add credit")


def test_the_status_names_the_guests_that_do_not_work_until_they_do() -> None:
    failed = GuestFailed("mqtt", "broker-unavailable", "the broker does not answer", "Start it.")
    box = Box(failed, failed)

    expected = {"guest": "mqtt", "code": failed.code, "problem": failed.problem, "remedy": failed.remedy}
    assert box.do(messages.GetStatus())["failing"] == [expected]
    box.view.observe(GuestRestored("mqtt"))
    assert box.do(messages.GetStatus())["failing"] == []


def test_what_is_asked_for_is_logged_without_its_content(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "edgevoice"):
        Box(notices=[*BEGINS]).do(messages.Wake(word="hey_jarvis"))

    assert [record.fields for record in caplog.records] == [{"command": "wake"}]  # type: ignore[attr-defined]


@dataclass
class Lights:
    """Lights that are only dimmed."""

    brightness_percent: int = 100


def test_earcons_and_lights_have_a_level_that_is_reported_and_set() -> None:
    box = Box(lights=Lights())

    assert box.do(messages.SetEarcons()) == {"earcon_percent": 40}
    assert box.do(messages.SetEarcons(percent=0)) == {"earcon_percent": 0}
    assert box.do(messages.SetBrightness()) == {"brightness_percent": 100}
    assert box.do(messages.SetBrightness(percent=5)) == {"brightness_percent": 5}
    assert box.speaker.earcon_percent == 0
    assert box.facts == [EarconVolumeSet(0), BrightnessSet(5)], "so that they are kept"


def test_a_box_that_can_only_be_heard_keeps_its_earcons() -> None:
    box = Box(is_heard_only=True)

    with pytest.raises(Refused, match="only the earcons say when it listens"):
        box.do(messages.SetEarcons(percent=0))
    assert box.do(messages.SetEarcons(percent=1)) == {"earcon_percent": 1}


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        (messages.SetBrightness(percent=5), "no lights that can be dimmed"),
        (messages.SetPersona(name="pirate"), "no personas"),
        (messages.SetVoice(), "no personas"),
        (messages.Snooze(), "no timers"),
    ],
)
def test_what_the_box_does_not_have_is_refused(request_: AnyRequest, problem: str) -> None:
    with pytest.raises(Refused, match=problem) as refused:
        Box().do(request_)

    assert refused.value.code == "not-possible"


def test_what_rings_is_snoozed_as_the_single_word_does_it() -> None:
    box = Box(RingingBegan(), timers=echo_timers)

    assert box.do(messages.Snooze())["ringing"]
    assert box.facts == [StopWordHeard(is_snooze=True)]


def test_what_rang_last_is_snoozed_by_the_tool() -> None:
    box = Box(timers=echo_timers)

    result = box.commands.carry_out(messages.Snooze(), box.sounds)

    assert not isinstance(result, dict)
    with pytest.raises(StopIteration) as done:
        result.send(None)
    assert done.value.value["action"] == "snooze"


def test_without_a_name_the_personas_and_voices_are_listed() -> None:
    box = Box(personas=Personas())

    assert (
        box.do(messages.SetPersona())
        == box.do(messages.SetVoice())
        == {
            "persona": "default",
            "personas": ["default", "pirate"],
            "voice": "Sarah",
            "voices": ["Sarah"],
        }
    )


@pytest.mark.parametrize(
    ("request_", "name", "value"),
    [(messages.SetPersona(name="pirate"), "persona", "pirate"), (messages.SetVoice(name="Sarah"), "voice", "Sarah")],
)
def test_with_a_name_one_is_chosen(request_: AnyRequest, name: str, value: str) -> None:
    box = Box(personas=Personas())

    result = box.commands.carry_out(request_, box.sounds)

    assert not isinstance(result, dict)
    with pytest.raises(StopIteration) as done:
        result.send(None)
    assert done.value.value[name] == value
