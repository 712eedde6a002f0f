"""A program's view of the control socket: results, refusals and a box that is gone."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Self

import pytest

from edgevoice.control import Client as ExportedClient
from edgevoice.control import client, place
from edgevoice.control.client import Client
from edgevoice.control.place import SERVICE_SOCKET, ControlPlace, own_place, socket_to_reach
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import TalkHeld, TalkPressed, WakeRequested
from edgevoice.core.notices import PhaseEntered
from edgevoice.core.orders import MuteMicrophone
from edgevoice.core.panel_facts import MuteSwitched
from edgevoice.errors import ControlRefused, ControlUnavailable
from tests import virtual_time
from tests.integrations.control.conftest import stand_in


def test_every_command_reaches_the_box_and_returns_its_result(tmp_path: Path) -> None:
    async def scene() -> None:
        async with stand_in(tmp_path, remark="restart needed for log") as box, Client(str(box.place)) as speaker:
            box.then = lambda _fact: box.server.observe(PhaseEntered(Phase.CONNECTING), 0.0)
            assert (await speaker.status())["phase"] == "idle"
            await speaker.wake("hey_jarvis")
            await speaker.talk()
            await speaker.stop()
            await speaker.hang_up()
            await speaker.mute()
            assert await speaker.volume() == 50
            assert await speaker.volume(percent=30) == 30
            assert await speaker.volume(change=5) == 35
            assert await speaker.reload() == "restart needed for log"
            assert [failure["code"] for failure in await speaker.why(most=1)] == ["x"]
            assert (await speaker.personas("activate", name="pirate"))["name"] == "pirate"
            assert (await speaker.pair("begin"))["pairing"] == "begun"
            assert (await speaker.pair("wait", pairing="begun"))["ok"]
            assert (await speaker.doctor())["findings"] == []
            assert box.facts == [
                WakeRequested("hey_jarvis", 7),
                TalkPressed(7),
                TalkHeld(),
                MuteSwitched(is_muted=True),
            ]

    virtual_time.run(scene())


def test_a_refusal_has_the_boxs_reason_and_remedy(tmp_path: Path) -> None:
    async def scene() -> ControlRefused:
        async with stand_in(tmp_path) as box, Client(box.place) as speaker:
            box.server.observe(MuteMicrophone(), 0.0)
            with pytest.raises(ControlRefused) as refused:
                await speaker.unmute()
            return refused.value

    refused = virtual_time.run(scene())

    assert refused.reason == "unmute-refused"
    assert refused.line() == (
        "a program may not open the microphone. Press the mute button, or set control.may_unmute = true."
    )


def test_a_refusal_without_a_remedy_ends_with_the_problem(tmp_path: Path) -> None:
    async def scene() -> ControlRefused:
        async with stand_in(tmp_path) as box, Client(box.place) as speaker:
            with pytest.raises(ControlRefused) as refused:
                await speaker.request("volume", percent=1, change=1)
            return refused.value

    assert virtual_time.run(scene()).line() == "give percent or change, not both."


@pytest.mark.parametrize(
    ("text", "reason", "problem"),
    [
        ("caf\udce9", "bad-request", "text is not UTF-8: its character 4 is the byte 0xe9"),
        (["a", {"b": "\ud83d"}], "bad-request", "text[1].b is not UTF-8: its character 1 is half a letter, U+D83D"),
        ({"a\udcff": 1}, "bad-request", "a name in text is not UTF-8: its character 2 is the byte 0xff"),
        (float("nan"), "bad-request", "text is nan"),
        ("x" * 65_536, "line-too-long", "the request is longer than 65536 bytes"),
    ],
)
def test_what_the_box_could_not_read_is_refused_and_not_waited_for(
    tmp_path: Path, text: Any, reason: str, problem: str
) -> None:
    async def scene() -> ControlRefused:
        async with stand_in(tmp_path) as box, Client(box.place) as speaker:
            with pytest.raises(ControlRefused) as refused:
                await speaker.request("say", patience_s=None, text=text)
            assert (await speaker.status())["phase"] == "idle", "the connection is as it was"
            return refused.value

    refused = virtual_time.run(scene())
    assert (refused.reason, str(refused)) == (reason, problem)


def test_a_request_that_contains_itself_is_refused(tmp_path: Path) -> None:
    endless: list[Any] = []
    endless.append(endless)

    async def scene() -> None:
        async with stand_in(tmp_path) as box, Client(box.place) as speaker:
            await speaker.request("say", text=endless)

    with pytest.raises(ControlRefused, match="the request contains itself"):
        virtual_time.run(scene())


def test_what_happens_is_watched_until_the_box_ends(tmp_path: Path) -> None:
    async def scene() -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []

        async def watch(speaker: Client) -> None:
            async for event in speaker.watch(words=True):
                events.append(event)  # noqa: PERF401 - those that came before the end

        async with Box(tmp_path) as box, Client(box.place) as speaker:
            with pytest.raises(ControlUnavailable, match="closed the connection"):
                await watch(speaker)
            with pytest.raises(ControlUnavailable, match="closed the connection"):
                await speaker.status()
        return events

    assert [event["event"] for event in virtual_time.run(scene())] == ["phase"]


def test_a_program_that_does_not_keep_up_with_what_it_watches_is_disconnected(tmp_path: Path) -> None:
    async def scene() -> int:
        async with Box(tmp_path, *[b'{"event": "level"}\n'] * 5000) as box, Client(box.place) as speaker:
            watching = speaker.watch(live=True)
            count = len([await anext(watching)])
            await asyncio.sleep(0.5)
            try:
                async for _ in watching:
                    count += 1
            except ControlUnavailable:
                pass
            with pytest.raises(ControlUnavailable):
                await speaker.status()
            return count

    assert virtual_time.run(scene()) <= client._MOST_EVENTS + 1


def test_nothing_is_kept_for_a_program_that_no_longer_watches(tmp_path: Path) -> None:
    async def scene() -> None:
        async with stand_in(tmp_path) as box, Client(box.place) as speaker:
            watching = speaker.watch()
            for phase in (Phase.CONNECTING, Phase.LISTENING):
                first = asyncio.ensure_future(anext(watching))
                await asyncio.sleep(0.1)
                box.server.observe(PhaseEntered(phase), 0.0)
                assert (await first)["phase"] == phase
            await watching.aclose()
            for _ in range(2 * client._MOST_EVENTS):
                box.server.observe(PhaseEntered(Phase.IDLE), 0.0)
                await asyncio.sleep(0.01)
            await speaker.status()
            assert speaker._events.empty()

            again = speaker.watch()
            first = asyncio.ensure_future(anext(again))
            await asyncio.sleep(0.1)
            box.server.observe(PhaseEntered(Phase.SPEAKING), 0.0)
            assert (await first)["phase"] == "speaking"
            await again.aclose()

    virtual_time.run(scene())


class Box:
    """A server that shows one phase to whoever watches, and then ends."""

    def __init__(self, folder: Path, *lines: bytes, greeting: bytes = b'{"edgevoice": "1", "protocol": 1}\n') -> None:
        self.place = folder / "control.sock"
        self._greeting = greeting
        self._lines = lines or (b'{"event": "phase"}\n',)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._serve, self.place)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(self._greeting)
            if self._greeting and await reader.readline():
                writer.writelines([b'{"id": 1, "ok": true}\n', *self._lines])
                await asyncio.sleep(1)
        finally:
            writer.close()


async def enter(box: Client) -> None:
    """Connect, and nothing more."""
    async with box:
        pass


@pytest.mark.parametrize(
    ("greeting", "match"),
    [
        (b"", "closed the connection"),
        (b"hello\n", "closed the connection"),
        (b"[1]\n", "closed the connection"),
        (b'{"edgevoice": "9", "protocol": 9}\n', "another version of the protocol"),
    ],
)
def test_what_is_no_box_of_our_version_is_one_clear_error(tmp_path: Path, greeting: bytes, match: str) -> None:
    async def scene() -> None:
        async with Box(tmp_path, greeting=greeting) as box:
            with pytest.raises(ControlUnavailable, match=match):
                await enter(Client(box.place))

    virtual_time.run(scene())


def test_a_user_who_is_sent_away_gets_the_boxs_own_words(tmp_path: Path) -> None:
    sent = b'{"id": null, "ok": false, "error": {"code": "not-allowed", "problem": "no", "remedy": "Join."}}\n'

    async def scene() -> None:
        async with Box(tmp_path, greeting=sent) as box:
            with pytest.raises(ControlRefused, match="no") as refused:
                await enter(Client(box.place))
            assert (refused.value.reason, refused.value.remedy) == ("not-allowed", "Join.")

    virtual_time.run(scene())


def test_a_box_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    async def wait(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.sleep(100)
        finally:
            writer.close()

    async def scene() -> None:
        async with await asyncio.start_unix_server(wait, tmp_path / "silent.sock"):
            with pytest.raises(ControlUnavailable, match="does not answer"):
                await enter(Client(tmp_path / "silent.sock"))

    virtual_time.run(scene())


def test_a_reply_that_does_not_come_is_given_up(tmp_path: Path) -> None:
    async def scene() -> None:
        async with Box(tmp_path, b'{"id": 99, "ok": true}\n') as box, Client(box.place) as speaker:
            assert await speaker.status()
            with pytest.raises(ControlUnavailable, match=r"within 0\.1 s"):
                await speaker.request("status", patience_s=0.1)

    virtual_time.run(scene())


async def closed(client_: Client) -> None:
    """Ask without having connected."""
    await client_.status()


@pytest.mark.parametrize("use", [enter, closed])
def test_without_a_box_the_error_says_so(tmp_path: Path, use: Callable[[Client], Awaitable[None]]) -> None:
    with pytest.raises(ControlUnavailable, match=r"no box runs at|has closed the connection"):
        virtual_time.run(use(Client(tmp_path / "nothing.sock")))  # type: ignore[arg-type]  # both are coroutines


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PermissionError(13, "Permission denied"), "sudo usermod -aG edgevoice"),
        (ConnectionRefusedError(111, "Connection refused"), "no box runs at"),
        (OSError(36, "File name too long"), "File name too long"),
    ],
)
def test_why_a_socket_cannot_be_reached_is_said_with_the_remedy(error: OSError, line: str) -> None:
    assert line in client._unreachable(Path("/x.sock"), error).line()


def test_the_service_is_reached_before_a_box_of_ones_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = {"XDG_RUNTIME_DIR": "/run/user/1000"}
    monkeypatch.setattr(place, "SERVICE_SOCKET", tmp_path / "service" / "control.sock")

    assert socket_to_reach(own) == Path("/run/user/1000/edgevoice/control.sock")
    assert socket_to_reach({}) == tmp_path / "service" / "control.sock"
    (tmp_path / "service").mkdir()
    assert socket_to_reach(own) == tmp_path / "service" / "control.sock"


def test_only_the_service_lets_a_group_use_its_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getegid", lambda: 990)

    assert own_place({"RUNTIME_DIRECTORY": "/run/edgevoice"}) == ControlPlace(SERVICE_SOCKET, 990)
    assert own_place({"XDG_RUNTIME_DIR": "/run/user/7"}) == ControlPlace(
        Path("/run/user/7/edgevoice/control.sock"), None
    )
    assert own_place({"XDG_RUNTIME_DIR": "relative"}) is None
    assert ExportedClient is Client
