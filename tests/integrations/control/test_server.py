"""The socket answers every line, keeps to its limits, and never waits for a client."""

import asyncio
import json
import random
import socket
from pathlib import Path
from typing import Any

import pytest

from edgevoice.control.client import Client
from edgevoice.core.announcements import Priority
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import TalkHeld
from edgevoice.core.notices import PhaseEntered, Role, TranscriptChanged
from edgevoice.errors import ControlRefused
from edgevoice.integrations.control import server
from edgevoice.integrations.control.commands import Commands
from edgevoice.integrations.control.connection import ControlClient
from tests import virtual_time
from tests.control.test_messages import VALID, mutated
from tests.integrations.control.conftest import Mouth, line_to, stand_in
from tests.waiting import eventually


def test_each_line_gets_one_line_in_order(tmp_path: Path) -> None:
    async def scene() -> list[dict[str, Any]]:
        async with stand_in(tmp_path) as box, line_to(box.place) as line:
            line.writer.write(b'{"id": 1, "do": "status"}\n{"id": 2, "do": "dance"}\n\n{"id": 3, "do": "volume"}')
            line.writer.write_eof()
            return [await line.read() for _ in range(4)]

    status, refused, empty, volume = virtual_time.run(scene())

    assert (status["id"], status["ok"], status["phase"]) == (1, True, "idle")
    assert (refused["id"], refused["error"]["code"]) == (2, "bad-request")
    assert (empty["id"], empty["error"]["code"]) == (None, "bad-request")
    assert volume == {"id": 3, "ok": True, "volume_percent": 50}


def test_a_line_that_is_too_long_ends_the_connection_with_the_reason(tmp_path: Path) -> None:
    async def scene() -> tuple[dict[str, Any], bytes]:
        async with stand_in(tmp_path) as box, line_to(box.place) as line:
            line.writer.write(b'{"do": "' + b"x" * 200_000)
            answer = await line.read()
            return answer, await line.reader.read()

    answer, rest = virtual_time.run(scene())

    assert answer["error"]["code"] == "line-too-long"
    assert rest == b""


def test_a_client_that_asks_too_fast_is_slowed_down_and_still_answered(tmp_path: Path) -> None:
    async def scene() -> tuple[int, float]:
        clock = asyncio.get_running_loop().time
        async with stand_in(tmp_path) as box, line_to(box.place) as line:
            began = clock()
            line.writer.write(b'{"do": "volume"}\n' * 400)
            answers = [await line.read() for _ in range(400)]
            return sum(answer["ok"] for answer in answers), clock() - began

    answered, seconds = virtual_time.run(scene())

    assert answered == 400
    assert seconds == pytest.approx(2.0, abs=0.1)  # 200 at once, then 100 a second


def test_a_client_that_does_not_read_what_it_watches_is_dropped_and_others_go_on(tmp_path: Path) -> None:
    async def scene() -> tuple[int, bool]:
        async with stand_in(tmp_path) as box, line_to(box.place) as deaf, line_to(box.place) as other:
            assert (await deaf.ask(b'{"do": "watch", "words": true}'))["ok"]
            said = TranscriptChanged(Role.ASSISTANT, "item", "words " * 200, is_final=False)
            for _ in range(2000):
                box.server.observe(said, 0.0)
            await asyncio.sleep(0)
            assert (await other.ask(b'{"do": "status"}'))["ok"]
            return len(box.server._clients), deaf.reader.at_eof()

    clients, _ = virtual_time.run(scene())

    assert clients == 1


def test_words_are_sent_only_to_those_who_ask_for_them(tmp_path: Path) -> None:
    async def scene() -> list[list[str]]:
        seen: list[list[str]] = []
        async with stand_in(tmp_path) as box, line_to(box.place) as plain, line_to(box.place) as curious:
            await plain.ask(b'{"do": "watch"}')
            await curious.ask(b'{"do": "watch", "words": true}')
            box.server.observe(TranscriptChanged(Role.USER, "i", "my secret", is_final=True), 0.0)
            box.server.observe(PhaseEntered(Phase.THINKING), 0.0)
            for line, times in ((plain, 1), (curious, 2)):
                events = [await line.read() for _ in range(times)]
                assert all(event["at"] == "2026-03-01T14:02:03.000+00:00" for event in events)
                seen.append([event["event"] for event in events])
        return seen

    assert virtual_time.run(scene()) == [["phase"], ["words", "phase"]]


def test_the_seventeenth_client_is_sent_away_with_the_reason(tmp_path: Path) -> None:
    async def scene() -> dict[str, Any]:
        async with stand_in(tmp_path) as box:
            writers = []
            for _ in range(16):
                reader, writer = await asyncio.open_unix_connection(box.place)
                await reader.readline()
                writers.append(writer)
            reader, writer = await asyncio.open_unix_connection(box.place)
            answer: dict[str, Any] = json.loads(await reader.readline())
            for each in (*writers, writer):
                each.close()
            return answer

    assert virtual_time.run(scene())["error"]["code"] == "too-many-clients"


def test_another_user_is_sent_away_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "is_welcome", lambda _connected, group: group == "nobody")

    async def scene() -> dict[str, Any]:
        async with stand_in(tmp_path) as box:
            reader, writer = await asyncio.open_unix_connection(box.place)
            answer: dict[str, Any] = json.loads(await reader.readline())
            writer.close()
            return answer

    answer = virtual_time.run(scene())

    assert answer["error"]["code"] == "not-allowed"
    assert "usermod -aG edgevoice" in answer["error"]["remedy"]


def test_a_client_that_leaves_before_it_is_greeted_is_no_failure(tmp_path: Path) -> None:
    async def scene() -> bool:
        async with stand_in(tmp_path) as box:
            for _ in range(5):
                with socket.socket(socket.AF_UNIX) as hasty:
                    hasty.connect(str(box.place))
            await asyncio.sleep(0.1)
            async with line_to(box.place) as line:
                return bool((await line.ask(b'{"do": "status"}'))["ok"])

    assert virtual_time.run(scene())


def test_a_fault_of_ours_is_one_refusal_and_one_line_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(*_: object) -> None:
        raise KeyError("what was said")

    monkeypatch.setattr(Commands, "_stop", break_down)
    monkeypatch.setattr("edgevoice.integrations.control.speaking.SpokenRequests._spoken", break_down)

    async def scene() -> list[dict[str, Any]]:
        async with stand_in(tmp_path, mouth=Mouth()) as box, line_to(box.place) as line:
            return [await line.ask(each) for each in (b'{"do": "stop"}', b'{"do": "say", "text": "a"}')]

    assert [answer["error"]["code"] for answer in virtual_time.run(scene())] == ["failed", "failed"]
    fields = [record.fields for record in caplog.records if record.levelname == "ERROR"]  # type: ignore[attr-defined]
    assert fields == [{"command": "stop", "error": "KeyError"}, {"command": "say", "error": "KeyError"}]


def test_a_fault_in_a_connection_ends_that_one_and_not_the_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene() -> bool:
        async with stand_in(tmp_path) as box:
            async with line_to(box.place) as line:
                monkeypatch.setattr(ControlClient, "_answer", None)
                line.writer.write(b'{"do": "stop"}\n')
                assert await line.reader.read() == b""
            monkeypatch.undo()
            async with line_to(box.place) as line:
                return bool((await line.ask(b'{"do": "status"}'))["ok"])

    assert virtual_time.run(scene())
    assert [record.fields for record in caplog.records] == [{"error": "TypeError"}]  # type: ignore[attr-defined]


# --- what takes its time ---------------------------------------------------------------------------------------------


def test_what_is_said_is_answered_when_it_was_heard_and_others_need_not_wait(tmp_path: Path) -> None:
    async def scene() -> list[Any]:
        mouth = Mouth()
        async with stand_in(tmp_path, mouth=mouth) as box, line_to(box.place) as line:
            line.writer.write(b'{"id": 1, "do": "say", "text": "good day"}\n{"id": 2, "do": "status"}\n')
            first = await line.read()
            mouth.over.set()
            return [first["id"], await line.read(), mouth.said]

    first, answer, said = virtual_time.run(scene())

    assert first == 2
    assert answer == {"id": 1, "ok": True, "outcome": "played", "heard_ms": None}
    assert said == [(len("good day"), Priority.ANSWER, False)]


def test_a_question_returns_what_was_understood_and_answered(tmp_path: Path) -> None:
    async def scene() -> dict[str, Any]:
        mouth = Mouth()
        mouth.over.set()
        async with stand_in(tmp_path, mouth=mouth) as box, line_to(box.place) as line:
            return await line.ask(b'{"do": "ask", "text": "Tea?", "chime": true}')

    answer = virtual_time.run(scene())

    assert (answer["understood"], answer["answered"]) == ("yes to Tea?", "very well")


def test_a_program_that_has_closed_its_side_still_gets_its_reply(tmp_path: Path) -> None:
    async def scene() -> dict[str, Any]:
        mouth = Mouth()
        async with stand_in(tmp_path, mouth=mouth) as box, line_to(box.place) as line:
            line.writer.write(b'{"do": "say", "text": "good day"}\n')
            line.writer.write_eof()
            await asyncio.sleep(1)
            mouth.over.set()
            return await line.read()

    assert virtual_time.run(scene())["outcome"] == "played"


def test_the_fifth_request_that_takes_its_time_is_refused(tmp_path: Path) -> None:
    async def scene() -> dict[str, Any]:
        async with stand_in(tmp_path, mouth=Mouth()) as box, line_to(box.place) as line:
            for number in range(5):
                line.writer.write(f'{{"id": {number}, "do": "say", "text": "x"}}\n'.encode())
            return await line.read()

    answer = virtual_time.run(scene())

    assert (answer["id"], answer["error"]["code"]) == (4, "too-many")


def test_a_sound_is_sent_in_pieces_and_then_announced(tmp_path: Path) -> None:
    async def scene() -> list[Any]:
        mouth = Mouth()
        mouth.over.set()
        async with stand_in(tmp_path, mouth=mouth) as box, Client(box.place) as client:
            await client.announce(sound=bytes(100_000), priority="urgent", chime=False)
            with pytest.raises(ControlRefused, match="60 s"):
                await client.announce(sound=bytes(3_000_000))
        return mouth.said

    assert virtual_time.run(scene()) == [(50_000, Priority.ANNOUNCEMENT, False)]


def test_what_a_client_sent_and_did_not_announce_is_forgotten_when_it_leaves(tmp_path: Path) -> None:
    async def scene() -> int:
        async with stand_in(tmp_path, mouth=Mouth()) as box:
            async with Client(box.place) as client:
                await client.request("sound", pcm="AAAA")
                assert box.server._allotment.used == 3
            await eventually(lambda: not box.server._clients)
            await asyncio.sleep(0.1)
            return box.server._allotment.used

    assert virtual_time.run(scene()) == 0


def test_mutated_lines_are_each_answered_and_leave_the_socket_unharmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Commands, "_note", staticmethod(lambda _request: None))
    chance = random.Random(5)
    lines = [mutated(chance.choice(VALID), chance) for _ in range(2000)]

    async def scene() -> list[dict[str, Any]]:
        async with stand_in(tmp_path) as box, line_to(box.place) as line:
            answers = []
            for each in lines:
                line.writer.write(each + b"\n")
                while "event" in (answer := await line.read()):
                    pass
                answers.append(answer)
            return answers

    answers = virtual_time.run(scene())

    assert len(answers) == len(lines)
    assert all(answer["ok"] or answer["error"]["problem"] for answer in answers)


def test_the_socket_is_gone_when_the_box_ends(tmp_path: Path) -> None:
    async def scene() -> bool:
        async with stand_in(tmp_path) as box, Client(box.place) as client:
            await client.hang_up()
            assert box.facts == [TalkHeld()]
        return box.place.exists()

    assert not virtual_time.run(scene())
