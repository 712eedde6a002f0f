"""`edgevoice ctl` against a real socket of a box that is none."""

import asyncio
import json
import threading
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from edgevoice.commands.root import app
from edgevoice.core.announcements import AnnouncementOutcome, Priority
from edgevoice.core.conversation.noisy_room import Noise
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import TalkHeld, TalkPressed
from edgevoice.core.guest_facts import GuestFailed
from edgevoice.core.notices import PhaseEntered, Role, SpeechIgnored, TranscriptChanged, UsageTold
from edgevoice.core.orders import Light, ShowLight
from edgevoice.observers.status_file import NAME, StatusFile
from edgevoice.wall_clock import local_now
from tests.integrations.control.conftest import Ended, Mouth, StandIn, stand_in
from tests.waiting import until


class Running:
    """A box in a thread of its own, so that a command can run as a person runs it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()))

    def __enter__(self) -> StandIn:
        self._thread.start()
        assert self._ready.wait(10)
        return self.box

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def in_loop(self, act: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(act)

    async def _live(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        mouth = self.mouth = Mouth()
        mouth.over.set()
        async with stand_in(self._folder, remark="", mouth=mouth) as self.box:
            self.box.then = lambda _fact: self.box.server.observe(PhaseEntered(Phase.CONNECTING), 0.0)
            self._ready.set()
            await self._stop.wait()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[StandIn]:
    with Running(tmp_path) as running:
        yield running


def ctl(box: StandIn, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["ctl", arguments[0], "--socket", str(box.place), *arguments[1:]])


def test_commands_do_what_they_say(box: StandIn) -> None:
    results = [ctl(box, *arguments) for arguments in (["wake"], ["talk"], ["stop"], ["hang-up"], ["mute"])]

    assert [result.exit_code for result in results] == [0] * 5, results
    assert box.facts[1:3] == [TalkPressed(7), TalkHeld()]


def test_the_volume_is_shown_set_and_changed(box: StandIn) -> None:
    shown = [ctl(box, "volume", *given).stdout for given in ([], ["40"], ["+10"], ["-20"])]

    assert shown == ["50 %\n", "40 %\n", "50 %\n", "30 %\n"]
    for wrong in ("loud", "300", "+-5", "٣"):
        refused = ctl(box, "volume", wrong)
        assert (refused.exit_code, "expected 0 to 100 percent" in refused.output) == (2, True)


def test_earcons_lights_personas_and_snooze_have_commands(box: StandIn) -> None:
    assert [ctl(box, "earcons", *given).stdout for given in ([], ["20"])] == ["40 %\n", "20 %\n"]
    # Beside `volume +10`, "+10" would be taken for a change, and be 10.
    for wrong in ("101", "+10", "-10", "x", "٣"):
        refused = ctl(box, "earcons", wrong)
        assert (refused.exit_code, f"{wrong}: expected 0 to 100 percent, such as 40" in refused.stderr) == (2, True)
    assert ctl(box, "earcons").stdout == "20 %\n"
    assert "no lights that can be dimmed" in ctl(box, "brightness", "20").stderr
    assert ctl(box, "persona").stdout == "* default\n  pirate\n"
    assert ctl(box, "persona", "pirate").stdout == "* pirate\n  default\n"
    assert ctl(box, "voice", "Sarah").stdout == "* Sarah\n"
    assert ctl(box, "snooze").exit_code == 0


def test_the_status_is_for_people_and_for_programs(box: StandIn) -> None:
    box.server.observe(ShowLight(Light.FAULT, "no-credit"), 0.0)

    shown, data = ctl(box, "status"), ctl(box, "status", "--json")

    assert "no-credit" in shown.stdout
    assert "→ Add credit" in shown.stdout
    assert json.loads(data.stdout)["fault"]["code"] == "no-credit"


def test_the_status_says_that_speech_does_not_interrupt_in_this_room(box: StandIn) -> None:
    assert "Room" not in ctl(box, "status").stdout
    box.server.observe(SpeechIgnored(Noise(ducks=12, false_cuts=0, is_loud=False)), 0.0)

    assert "\nRoom     too loud to tell speech from it: interrupt with the wake word" in ctl(box, "status").stdout
    assert json.loads(ctl(box, "status", "--json").stdout)["noisy_room"] is True


def test_a_reload_without_remarks_says_that_all_is_in_force(box: StandIn) -> None:
    assert ctl(box, "reload").stdout.startswith("Everything is in force")


def test_the_last_failures_are_for_people_and_for_programs(box: StandIn) -> None:
    assert "no answer\n    → Ask again." in ctl(box, "why").stdout
    assert json.loads(ctl(box, "why", "--json").stdout)["failures"][0]["code"] == "x"


def test_what_is_set_is_listed(box: StandIn) -> None:
    assert ctl(box, "timers").stdout == (
        "timer: label=pasta seconds_left=60\ntimer: seconds_left=0\nalarm: rings=07:00\n"
    )
    assert json.loads(ctl(box, "timers", "--json").stdout)["timers"][0]["label"] == "pasta"


def test_the_status_names_what_does_not_work_with_its_remedy(box: StandIn) -> None:
    box.server.observe(GuestFailed("mqtt", "broker-unavailable", "the broker\x1b[2J is gone", "Start it."), 0.0)

    assert ctl(box, "status").stdout.endswith("\nFailing  mqtt: the broker is gone\n         → Start it.\n")


def test_a_box_whose_socket_cannot_be_opened_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status = StatusFile(tmp_path / NAME, "1.2.3", defer=lambda write: write(), now=local_now)
    status.observe(GuestFailed("mqtt", "broker-unavailable", "the broker is gone", "Start it."), 0.0)
    monkeypatch.setattr("edgevoice.commands.status.SERVICE_FILE", tmp_path / NAME)
    monkeypatch.setattr("edgevoice.control.client.socket_to_reach", lambda _environment: tmp_path / "none.sock")

    assert CliRunner().invoke(app, ["ctl", "status"]).stderr.startswith("no box runs at")
    status.observe(GuestFailed("control", "control-unavailable", "the socket is taken", "Stop the other."), 0.0)
    result = CliRunner().invoke(app, ["ctl", "status"])

    expected = "the box runs, but nothing can be asked of it: the socket is taken. Stop the other.\n"
    assert (result.exit_code, result.stderr) == (1, expected)
    given = CliRunner().invoke(app, ["ctl", "status", "--socket", str(tmp_path / "none.sock")])
    assert given.stderr.startswith("no box runs at")


def test_a_refusal_is_one_line_with_the_remedy(box: StandIn) -> None:
    result = ctl(box, "unmute")

    assert result.exit_code == 1
    assert result.stderr == (
        "a program may not open the microphone. Press the mute button, or set control.may_unmute = true.\n"
    )


def test_without_a_box_the_remedy_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["ctl", "status", "--socket", str(tmp_path / "none.sock")])

    assert result.exit_code == 1
    assert result.stderr.startswith("no box runs at ")


def test_texts_and_recordings_are_said(tmp_path: Path) -> None:
    running = Running(tmp_path)
    recording = tmp_path / "gong.WAV"
    with wave.open(str(recording), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes(bytes(2 * 2400))
    with running as box:
        assert ctl(box, "say", "good day", "--chime").stdout == ""
        running.mouth.ended = Ended(AnnouncementOutcome.CUT, 740)
        assert ctl(box, "announce", "dinner", "--urgent", "--no-chime").stdout == "It was interrupted after 0.7 s.\n"
        assert ctl(box, "announce", str(recording)).exit_code == 0
        assert ctl(box, "announce", str(tmp_path / "none.wav")).exit_code == 1
        (tmp_path / "song.mp3").write_bytes(b"ID3" + bytes(200))
        assert "is neither a WAV nor a FLAC nor an Ogg file" in ctl(box, "announce", str(tmp_path / "song.mp3")).stderr
        asked = ctl(box, "ask", "Tea?")
        data = ctl(box, "ask", "Tea?", "--json")

    assert running.mouth.said[:3] == [
        (8, Priority.ANSWER, True),
        (6, Priority.ANNOUNCEMENT, False),
        (2400, Priority.ANSWER, True),
    ]
    assert asked.stdout == "understood: yes to Tea?\nanswered:   very well\n"
    assert json.loads(data.stdout)["understood"] == "yes to Tea?"


def show(box: StandIn) -> None:
    """Show some notices to those who watch, and disconnect them."""
    box.server.observe(ShowLight(Light.FAULT, "no-credit"), 0.0)
    box.server.observe(TranscriptChanged(Role.USER, "i", "good\x1b[2J day", is_final=False), 0.0)
    box.server.observe(TranscriptChanged(Role.USER, "i", "good day", is_final=True), 0.0)
    box.server.observe(UsageTold({"audio": 12}), 0.0)
    for client in box.server._clients:
        client._writer.close()


@pytest.mark.parametrize("as_json", [False, True])
def test_watching_shows_events_until_the_box_ends(tmp_path: Path, *, as_json: bool) -> None:
    running = Running(tmp_path)
    with running as box:
        seen: list[Result] = []
        watching = threading.Thread(target=lambda: seen.append(ctl(box, "watch", "--words", *["--json"] * as_json)))
        watching.start()
        until(lambda: any(client.watches for client in tuple(box.server._clients)))
        running.in_loop(lambda: show(box))
        watching.join(10)
    (result,) = seen

    lines = result.stdout.splitlines()
    assert result.exit_code == 1
    assert "closed the connection" in result.stderr
    if as_json:
        assert [json.loads(line)["event"] for line in lines] == ["light", "words", "words", "usage"]
    else:
        assert lines == [
            "14:02:03.000  light light=fault fault=no-credit",
            "14:02:03.000  user: good day …",
            "14:02:03.000  user: good day",
            '14:02:03.000  usage tokens={"audio": 12}',
        ]
