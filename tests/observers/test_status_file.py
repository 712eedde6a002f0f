"""The file behind `edgevoice status`: written on changes only, readable by every user, with nothing that was said."""

import json
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edgevoice.core.conversation.noisy_room import Noise
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import LinkOpened, TurnEnded
from edgevoice.core.guest_facts import GuestFailed, GuestRestored
from edgevoice.core.notices import (
    AudioReceived,
    Notice,
    PhaseEntered,
    Role,
    SpeechHeeded,
    SpeechIgnored,
    TranscriptChanged,
)
from edgevoice.core.orders import Light, MuteMicrophone, ShowLight, UnmuteMicrophone
from edgevoice.core.panel_facts import MuteSwitched
from edgevoice.observers.status_file import Status, StatusFile

NOON = "2026-03-01T12:00:00+00:00"


class Box:
    """A status file that is written when the test says so."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.deferred: list[Callable[[], None]] = []
        self.writes = 0
        self.file = StatusFile(
            place, "1.2.3", defer=self.deferred.append, now=lambda: datetime(2026, 3, 1, 12, tzinfo=UTC)
        )

    def shown(self) -> Status:
        while self.deferred:
            self.writes += 1
            self.deferred.pop()()
        found = Status.read(self.place)
        assert found is not None
        return found

    def sees(self, *notices: Notice) -> Status:
        for number, notice in enumerate(notices):
            self.file.observe(notice, float(number))
        return self.shown()


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "cache" / "status.json")


def test_a_start_is_written_with_version_and_process(box: Box) -> None:
    assert box.shown() == Status(version="1.2.3", pid=os.getpid(), started=NOON)


def test_every_user_may_read_it(box: Box) -> None:
    box.shown()

    assert stat.S_IMODE(box.place.stat().st_mode) == 0o644


def test_a_finished_conversation_is_kept_also_after_the_next_start(box: Box) -> None:
    talking = box.sees(PhaseEntered(Phase.CONNECTING), LinkOpened(), PhaseEntered(Phase.LISTENING))
    assert (talking.is_talking, talking.conversation) == (True, None)

    over = box.sees(TurnEnded(), LinkOpened(), TurnEnded(), PhaseEntered(Phase.IDLE))

    assert over.is_talking is False
    assert over.conversation == {"ended": NOON, "seconds": 2.0, "turns": 2}
    assert Box(box.place).shown().conversation == over.conversation


def test_changes_within_a_conversation_are_not_written(box: Box) -> None:
    box.sees(PhaseEntered(Phase.LISTENING))
    writes = box.writes

    box.sees(
        *[PhaseEntered(phase) for phase in (Phase.THINKING, Phase.SPEAKING, Phase.LISTENING)],
        AudioReceived("r", "i", b"12"),
        TranscriptChanged(Role.USER, "i", "a secret", is_final=True),
        ShowLight(Light.SPEAKING),
    )

    assert box.writes == writes
    assert "secret" not in box.place.read_text()


def test_changes_that_come_together_are_written_once(box: Box) -> None:
    box.sees(PhaseEntered(Phase.CONNECTING), MuteMicrophone(), ShowLight(Light.FAULT, "no-credit"))

    assert box.writes == 1


def test_muting_and_its_end_are_shown(box: Box) -> None:
    assert box.sees(MuteMicrophone()).is_muted
    assert not box.sees(UnmuteMicrophone()).is_muted


def test_why_the_box_muted_itself_is_shown_until_its_microphone_is_opened(box: Box) -> None:
    muted = box.sees(MuteSwitched(is_muted=True, why="a file is damaged"), MuteMicrophone())
    assert (muted.is_muted, muted.why_muted) == (True, "a file is damaged")

    assert box.sees(UnmuteMicrophone(), MuteSwitched(is_muted=True), MuteMicrophone()).why_muted == ""


def test_a_fault_is_shown_and_remembered_until_a_conversation_succeeds(box: Box) -> None:
    fault = box.sees(PhaseEntered(Phase.CONNECTING), ShowLight(Light.FAULT, "no-credit"), PhaseEntered(Phase.IDLE))
    assert (fault.fault, fault.last_fault) == ("no-credit", {"code": "no-credit", "at": NOON})

    over = box.sees(ShowLight(Light.IDLE))
    assert (over.fault, over.last_fault) == ("", fault.last_fault)
    assert Box(box.place).shown().last_fault == fault.last_fault

    broken = box.sees(
        LinkOpened(), PhaseEntered(Phase.LISTENING), ShowLight(Light.FAULT, "session-ended"), PhaseEntered(Phase.IDLE)
    )
    assert broken.last_fault == {"code": "session-ended", "at": NOON}
    assert box.sees(LinkOpened(), PhaseEntered(Phase.LISTENING), PhaseEntered(Phase.IDLE)).last_fault is None


def test_a_noisy_room_is_shown_with_its_reason_until_a_conversation_without_noise(box: Box) -> None:
    noisy = SpeechIgnored(Noise(ducks=12, false_cuts=1, is_loud=True))
    found = {"since": NOON, "ducks": 12, "false_cuts": 1, "is_loud": True}

    assert box.sees(LinkOpened(), PhaseEntered(Phase.SPEAKING), noisy).noisy_room == {**found, "until": ""}
    over = box.sees(PhaseEntered(Phase.IDLE), SpeechHeeded())
    assert over.noisy_room == {**found, "until": NOON}
    assert box.sees(LinkOpened(), PhaseEntered(Phase.LISTENING)).noisy_room == over.noisy_room

    assert box.sees(PhaseEntered(Phase.IDLE)).noisy_room is None


def test_a_noisy_room_also_ends_if_the_box_stopped_during_it(box: Box) -> None:
    box.sees(LinkOpened(), SpeechIgnored(Noise(ducks=12, false_cuts=0, is_loud=False)))

    after = Box(box.place).shown().noisy_room

    assert after is not None
    assert after["until"] == NOON


def test_the_result_of_a_reload_is_kept_until_nothing_is_left_to_do(box: Box) -> None:
    box.file.remark("restart needed for speaker")
    assert box.shown().remark == "restart needed for speaker"

    box.file.remark("")
    assert box.shown().remark == ""


def test_the_end_is_written_at_once(box: Box) -> None:
    box.file.ended("no such card. Plug it in.")

    found = Status.read(box.place)
    assert found is not None
    assert (found.pid, found.problem) == (0, "no such card. Plug it in.")


def test_an_unwritable_folder_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    box = Box(tmp_path / "file" / "status.json")

    box.deferred.pop()()

    assert Status.read(box.place) is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "7",
        '{"unknown": 1}',
        '{"pid": "x"}',
        '{"pid": true}',
        "[" * 99_999,
        '{"conversation": 3}',
        '{"last_fault": []}',
        '{"noisy_room": "loud"}',
    ],
)
def test_a_foreign_file_is_not_a_status(tmp_path: Path, content: str) -> None:
    (tmp_path / "status.json").write_text(content)

    assert Status.read(tmp_path / "status.json") is None


def test_a_file_of_ours_is_json_for_other_programs(box: Box) -> None:
    box.shown()

    assert json.loads(box.place.read_text())["version"] == "1.2.3"


def test_a_box_that_ended_in_mid_conversation_is_no_longer_in_one(box: Box) -> None:
    box.sees(PhaseEntered(Phase.LISTENING))
    box.file.ended("it was stopped")

    assert box.shown().is_talking is False


def test_times_are_kept_no_finer_than_people_need(tmp_path: Path) -> None:
    place = tmp_path / "status.json"
    file = StatusFile(
        place, "1", defer=lambda write: write(), now=lambda: datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)
    )
    file.observe(LinkOpened(), 1.0)
    file.observe(PhaseEntered(Phase.IDLE), 3.27)

    found = Status.read(place)
    assert found is not None
    assert (found.started, found.conversation) == (NOON, {"ended": NOON, "seconds": 2.3, "turns": 0})


def test_an_overlong_file_is_not_a_status(tmp_path: Path) -> None:
    place = tmp_path / "status.json"
    place.write_text("{" + 70_000 * " " + "}")

    assert Status.read(place) is None


def test_what_the_echo_is_taken_from_is_kept_while_the_box_runs(box: Box) -> None:
    box.file.note_echo_reference("hw:Loopback,1", "it has stopped")
    assert box.shown().echo_reference == {"device": "hw:Loopback,1", "used": False, "why": "it has stopped"}

    box.file.note_echo_reference("hw:Loopback,1", "")
    assert box.shown().echo_reference == {"device": "hw:Loopback,1", "used": True, "why": ""}

    assert Box(box.place).shown().echo_reference is None


def test_the_guests_that_do_not_work_are_shown_until_they_do_or_the_box_ends(box: Box) -> None:
    broken = (GuestFailed(guest, "code", f"{guest} is broken", "Repair it.") for guest in ("control", "mqtt"))
    shown = box.sees(*broken)
    assert [*shown.failing()] == [
        ("control", "control is broken", "Repair it."),
        ("mqtt", "mqtt is broken", "Repair it."),
    ]

    shown = box.sees(GuestRestored("control"))
    assert [name for name, _, _ in shown.failing()] == ["mqtt"]

    box.file.ended("the box stopped")
    ended = Status.read(box.place)
    assert ended is not None
    assert [*ended.failing()] == []
    assert [*box.sees(GuestRestored("mqtt")).failing()] == []


def test_a_file_whose_guests_were_changed_by_hand_says_nothing_of_them(box: Box) -> None:
    box.sees(PhaseEntered(Phase.IDLE))
    kept = json.loads(box.place.read_text()) | {"guests": {"control": "broken"}}
    box.place.write_text(json.dumps(kept))

    found = Status.read(box.place)

    assert found is not None
    assert [*found.failing()] == []
