"""What failed, when, why and what to do: recorded once, without words, and kept over a restart."""

import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edgevoice import errors
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    Device,
    DeviceLost,
    DeviceRestored,
    HearingImpaired,
    HearingRestored,
    LinkLost,
    LinkOpened,
    LoopStalled,
    PlaybackCut,
    PlaybackStarted,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    ServiceComplained,
    TalkPressed,
    ToolCall,
    ToolFinished,
    TurnEnded,
    UserStartedSpeaking,
    WakeWordHeard,
)
from edgevoice.core.guest_facts import GuestFailed, GuestRestored
from edgevoice.core.notices import Notice, PhaseEntered, Role, TranscriptChanged
from edgevoice.core.orders import CloseLink, Earcon, Light, OpenLink, PlayEarcon, RunTool, ShowLight
from edgevoice.errors import EdgevoiceError, KeyRefused
from edgevoice.observers.failures import Failure, problem_of, what_to_do
from edgevoice.observers.flight_recorder import NAME, FlightRecorder, read_failures

BEGUN: tuple[Notice, ...] = (
    WakeWordHeard("hey_jarvis", 0.9, 1),
    OpenLink("hey_jarvis"),
    PhaseEntered(Phase.CONNECTING),
    LinkOpened(),
    PhaseEntered(Phase.LISTENING),
)


class Box:
    """A recorder to which something happens every second from 14:00 on."""

    def __init__(self, folder: Path, *, is_online: bool = True) -> None:
        self.place = folder / NAME
        self.deferred: list[Callable[[], None]] = []
        self.seconds = 0.0
        self.recorder = FlightRecorder(
            self.place, defer=self.deferred.append, is_online=lambda: is_online, now=self._now
        )

    def _now(self) -> datetime:
        return datetime(2026, 3, 1, 14, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def sees(self, *notices: Notice, every_s: float = 1.0) -> list[Failure]:
        for notice in notices:
            self.seconds += every_s
            self.recorder.observe(notice, self.seconds)
        return list(self.recorder.failures)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_an_answer_that_does_not_come_is_explained(box: Box) -> None:
    box.sees(*BEGUN, UserStartedSpeaking(), TurnEnded())
    (failure,) = box.sees(ShowLight(Light.FAULT, "no-answer"), CloseLink(), every_s=15)

    assert failure.at == "2026-03-01T14:00:22+00:00"
    assert failure.sentence() == (
        "no answer within 15 s; the service had accepted the session 18 s before; the network was up"
    )
    assert "conversation.thinking_s" in failure.remedy
    assert failure.trail == (
        (21.0, "the wake word was heard"),
        (20.0, "the service was dialled"),
        (18.0, "the session was open"),
        (16.0, "the user spoke"),
        (15.0, "the user's turn ended"),
    )


def test_a_service_that_cannot_be_reached_is_the_networks_fault_if_there_is_none(tmp_path: Path) -> None:
    box = Box(tmp_path, is_online=False)

    (failure,) = box.sees(
        *BEGUN[:3], LinkLost("service-unreachable", is_retriable=True), ShowLight(Light.FAULT, "service-unreachable")
    )

    assert failure.sentence() == "the service could not be reached; there was no network (no default route)"
    assert failure.remedy.startswith("Check the network")


def test_a_failed_answer_is_recorded_once_although_its_light_comes_later(box: Box) -> None:
    box.sees(*BEGUN, TurnEnded(), ServiceComplained("rate_limit", "service-busy"))
    failed = ResponseEnded("r", ResponseStatus.FAILED, fault="service-busy")
    found = box.sees(failed, PlayEarcon(Earcon.ERROR), ShowLight(Light.FAULT, "service-busy"))

    assert [failure.code for failure in found] == ["service-busy"]
    assert "the service said rate_limit" in found[0].circumstances


def test_the_same_failure_in_another_conversation_is_recorded_again(box: Box) -> None:
    box.sees(*BEGUN, ShowLight(Light.FAULT, "no-answer"), CloseLink(), PhaseEntered(Phase.IDLE))

    assert len(box.sees(*BEGUN, ShowLight(Light.FAULT, "no-answer"))) == 2


def test_a_failed_answer_without_a_code_has_the_general_remedy(box: Box) -> None:
    (failure,) = box.sees(*BEGUN, ResponseEnded("r", ResponseStatus.INCOMPLETE))

    assert failure.problem == "the service began an answer and could not finish it"


def test_an_answer_that_breaks_off_is_explained_by_what_ended_the_session(box: Box) -> None:
    lost = LinkLost("session-ended", is_retriable=True)
    (failure,) = box.sees(*BEGUN, lost, PhaseEntered(Phase.CONNECTING), PlayEarcon(Earcon.ERROR))

    assert failure.sentence() == "the answer broke off; the service closed the session; the network was up"


def test_a_session_that_is_lost_and_found_again_in_silence_is_no_failure(box: Box) -> None:
    lost = LinkLost("session-ended", is_retriable=True)

    assert box.sees(*BEGUN, lost, PhaseEntered(Phase.CONNECTING), OpenLink(resumes=True), LinkOpened()) == []


@pytest.mark.parametrize(
    ("lost", "restored", "code"),
    [
        (DeviceLost(Device.MICROPHONE), DeviceRestored(Device.MICROPHONE), "microphone"),
        (HearingImpaired("wakeword-behind"), HearingRestored(), "wakeword-behind"),
    ],
)
def test_what_lasts_is_recorded_once_until_it_is_over(box: Box, lost: Notice, restored: Notice, code: str) -> None:
    shown = ShowLight(Light.FAULT, code)

    assert len(box.sees(lost, shown, TalkPressed(1), PlayEarcon(Earcon.ERROR), ShowLight(Light.IDLE), shown, lost)) == 1
    assert [failure.code for failure in box.sees(restored, lost, shown)] == [code, code]


def test_hearing_that_is_restored_does_not_restore_a_lost_device(box: Box) -> None:
    box.sees(DeviceLost(Device.SPEAKER), HearingImpaired("microphone-dead"), HearingRestored())

    assert len(box.sees(ShowLight(Light.FAULT, "speaker"))) == 2


def test_a_tool_that_fails_is_named_and_what_it_said_is_not(box: Box) -> None:
    box.sees(*BEGUN, RunTool(ToolCall("1", "set_timer", '{"label": "my secret"}')))
    (failure,) = box.sees(ToolFinished("1", '{"error":"my secret"}'))

    assert failure.problem == "the tool set_timer failed"
    assert "secret" not in json.dumps(failure.trail)
    assert len(box.sees(ToolFinished("2", '{"ok":true}'))) == 1
    assert (
        box.sees(RunTool(ToolCall("3", "my secret", "{}")), ToolFinished("3", '{"error":"x"}'))[0].problem
        == "a tool failed"
    )


def test_to_pause_a_timer_where_none_is_set_is_no_failure(box: Box) -> None:
    refused = ToolFinished("1", '{"error":"0 timers match"}', is_wish_refused=True)

    assert box.sees(*BEGUN, RunTool(ToolCall("1", "pause_timer", "{}")), refused) == []


def test_a_stall_of_the_box_itself_is_named_while_it_may_be_the_cause(box: Box) -> None:
    box.sees(*BEGUN, LoopStalled(2.34))

    assert "the box itself had stalled for 2.3 s" in box.sees(ShowLight(Light.FAULT, "no-answer"))[0].circumstances
    box.sees(CloseLink(), PhaseEntered(Phase.IDLE), every_s=60)
    assert "stalled" not in box.sees(*BEGUN, ShowLight(Light.FAULT, "no-answer"))[0].sentence()


def test_what_a_service_calls_its_error_is_repeated_only_if_it_is_a_plain_code(box: Box) -> None:
    box.sees(*BEGUN, ServiceComplained("the key sk-123 is wrong"))

    (failure,) = box.sees(ShowLight(Light.FAULT, "no-answer"))

    assert "sk-123" not in json.dumps([failure.circumstances, failure.trail])


def test_words_are_never_recorded(box: Box) -> None:
    box.sees(*BEGUN, TranscriptChanged(Role.USER, "i", "my secret", is_final=True), ResponseStarted("my secret"))
    box.sees(PlaybackStarted(1), PlaybackCut(()), ResponseEnded("my secret", ResponseStatus.CANCELLED))
    box.sees(DeviceLost(Device.SPEAKER), DeviceRestored(Device.SPEAKER), ShowLight(Light.FAULT, "no-answer"))
    while box.deferred:
        box.deferred.pop()()

    assert "secret" not in box.place.read_text()


def test_the_last_twenty_failures_outlast_a_restart_and_every_user_may_read_them(box: Box, tmp_path: Path) -> None:
    for _ in range(25):
        box.sees(*BEGUN, ShowLight(Light.FAULT, "no-answer"), CloseLink(), PhaseEntered(Phase.IDLE))
    for write in box.deferred:
        write()

    again = Box(tmp_path)

    assert again.recorder.failures == box.recorder.failures
    assert len(again.recorder.failures) == 20
    assert stat.S_IMODE(box.place.stat().st_mode) == 0o644


def test_the_error_with_which_the_box_ends_is_written_at_once(box: Box) -> None:
    box.recorder.ended(KeyRefused("the service refused the key"))

    (failure,) = read_failures(box.place)

    assert (failure.code, failure.problem) == ("key-refused", "the box stopped: the service refused the key")
    assert failure.remedy.startswith("Copy the key again")


def test_a_disk_that_cannot_be_written_loses_nothing_while_the_box_runs(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    box = Box(tmp_path / "file")

    box.sees(*BEGUN, ShowLight(Light.FAULT, "no-answer"))
    box.deferred.pop()()

    assert len(box.recorder.failures) == 1


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[" * 100_000, '[7, {"at": 1}, {"at": "", "code": "", "problem": "", "remedy": "", "trail": 3}]'],
)
def test_a_file_that_is_not_ours_holds_no_failures(tmp_path: Path, content: str) -> None:
    (tmp_path / NAME).write_text(content)

    assert read_failures(tmp_path / NAME) == []


CODES = sorted(
    {each.code for each in vars(errors).values() if isinstance(each, type) and issubclass(each, EdgevoiceError)}
    | {*Device, errors.MICROPHONE_DEAD, errors.WAKEWORD_BEHIND, "no-answer", "session-spent", "budget-spent", "?"}
)


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_problem_and_a_remedy_in_words(code: str) -> None:
    assert problem_of(code)
    assert what_to_do(code)


def test_a_guest_that_does_not_work_is_recorded_once_until_it_works_again(box: Box) -> None:
    failed = GuestFailed("control", "control-unavailable", "the socket cannot be opened", "Look at the folder.")
    box.sees(failed, failed, HearingImpaired("wakeword-behind"), HearingRestored(), failed)
    assert [each.problem for each in box.recorder.failures if each.code == failed.code] == [
        "control does not work: the socket cannot be opened"
    ]
    box.sees(GuestRestored("mqtt"), failed, GuestRestored("control"), failed)

    found = [each for each in box.recorder.failures if each.code == failed.code]
    assert [each.remedy for each in found] == ["Look at the folder."] * 2


def test_a_guest_that_does_not_work_hides_no_answer_that_breaks_off(box: Box) -> None:
    box.sees(GuestFailed("mqtt", "broker", "gone", "Wait."), *BEGUN, PlayEarcon(Earcon.ERROR))

    assert [each.code for each in box.recorder.failures] == ["answer-broken-off", "broker"]
