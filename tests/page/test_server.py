"""What attacks the page fails; what belongs to it works. With bare sockets, in place of a browser."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.protocol import State
from websockets.typing import Origin

from edgevoice.control.client import Reply
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import TalkPressed
from edgevoice.core.notices import Role, TranscriptChanged
from edgevoice.core.orders import Light
from edgevoice.page import guard, server
from edgevoice.page.server import LARGEST_FRAME_BYTES, MOST_UNPAIRED
from edgevoice.page.settings_file import SettingsFile
from edgevoice.page.viewer import MOST_WAITING
from edgevoice.wall_clock import local_now
from tests.page.household import Household, Page, fields_of, household, page_of
from tests.waiting import eventually

Scene = Callable[[Household, Page], Awaitable[None]]


def play(folder: Path, scene: Scene, **how: Any) -> None:
    async def played() -> None:
        async with household(folder) as box, page_of(folder, box.place, **how) as page:
            await scene(box, page)

    asyncio.run(played())


async def get(page: Page, path: str = "/", *headers: str, host: str | None = None) -> tuple[int, str, bytes]:
    """Return the status, the head and the body of the answer to a request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", page.port)
    head = [f"GET {path} HTTP/1.1", f"Host: {page.host if host is None else host}", *headers]
    writer.write("\r\n".join([*head, "", ""]).encode("latin-1"))
    answer = await reader.read()
    writer.close()
    top, _, body = answer.partition(b"\r\n\r\n")
    return int(top.split()[1]) if top else 0, top.decode(), body


def cookie(page: Page) -> str:
    return f"edgevoice={page.pairings.add('Firefox/1')}"


@asynccontextmanager
async def live(page: Page, cookie: str = "", *, origin: str = "") -> AsyncIterator[ClientConnection]:
    """Connect as the page does."""
    wire = await connect(
        f"ws://{page.host}/live",
        host="127.0.0.1",
        origin=Origin(origin or page.origin),
        additional_headers={"Cookie": cookie} if cookie else {},
        proxy=None,
    )
    try:
        yield wire
    finally:
        if wire.state is State.OPEN:
            await wire.close()


async def read_until(wire: ClientConnection, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while not is_it(found := fields_of(json.loads(await wire.recv()))):
            pass
    return found


async def refused(page: Page, cookie: str = "", *, origin: str = "") -> int:
    """Return the status with which a WebSocket is refused."""
    with pytest.raises(InvalidStatus) as refusal:
        await live(page, cookie, origin=origin).__aenter__()
    return refusal.value.response.status_code


async def ended(wire: ClientConnection, sending: Awaitable[None] | None = None) -> int | None:
    """Wait until the page has ended a connection; return the code that it gave, if any arrived."""
    with contextlib.suppress(ConnectionClosed, ConnectionError):
        async with asyncio.timeout(10):
            if sending is not None:
                await sending
            while True:
                await wire.recv()
    return wire.protocol.close_code


async def ask(wire: ClientConnection, do: str, **fields: Any) -> dict[str, Any]:
    await wire.send(json.dumps({"id": 7, "do": do, **fields}))
    return await read_until(wire, lambda message: message.get("id") == 7)


# --- documents --------------------------------------------------------------------------------------------------------


def test_the_page_is_one_document_that_may_load_nothing_else(tmp_path: Path) -> None:
    async def scene(_box: Household, page: Page) -> None:
        status, head, body = await get(page)
        assert status == 200
        policy = next(line for line in head.splitlines() if line.startswith("Content-Security-Policy"))
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert {"X-Content-Type-Options: nosniff", "Cache-Control: no-store", "Referrer-Policy: no-referrer"} <= set(
            head.splitlines()
        )
        for stray in (b"http://", b"https://", b"src=", b"@import", b"innerHTML"):
            assert stray not in body.replace(b"http://www.w3.org/2000/svg", b"")

    play(tmp_path, scene)


@pytest.mark.parametrize(
    "path",
    [
        "/../etc/passwd",
        "/../../../../../../../../../../etc/passwd",
        # Files that are there, by whatever folder somebody might serve them from.
        "/page.js",
        "/static/page.js",
        "/server.py",
        "/../server.py",
        "/%2e%2e/server.py",
        "/../../errors.py",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/..%2f..%2fpage.json",
        "/page.json",
        "/index.html",
        "/?x",
        "/live/",
        "*",
        "/\\..\\page.json",
        "/enter/..",
        "http://localhost/",
    ],
)
def test_there_are_no_files_to_reach_by_a_path(tmp_path: Path, path: str) -> None:
    async def scene(_box: Household, page: Page) -> None:
        page.pairings.add("Firefox/1")
        status, _, body = await get(page, path)
        assert status in {400, 404}
        assert b"root:" not in body
        assert b"key" not in body

    play(tmp_path, scene)


@pytest.mark.parametrize("method", ["POST", "PUT", "OPTIONS", "DELETE", "TRACE"])
def test_nothing_but_get_is_answered(tmp_path: Path, method: str) -> None:
    async def scene(_box: Household, page: Page) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", page.port)
        writer.write(f"{method} / HTTP/1.1\r\nHost: {page.host}\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        answer = await reader.read()
        writer.close()
        assert b" 200 " not in answer.partition(b"\r\n")[0]

    play(tmp_path, scene)


# --- attacks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "localhost.evil.example", ""])
def test_dns_rebinding_reaches_neither_document_nor_box(tmp_path: Path, host: str) -> None:
    async def scene(_box: Household, page: Page) -> None:
        name = host.format(port=page.port)
        assert (await get(page, "/", host=name))[0] in {400, 421}
        upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
        key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
        status, _, _ = await get(
            page, "/live", *upgrade, key, f"Origin: http://{name}", f"Cookie: {cookie(page)}", host=name
        )
        assert status in {400, 421}

    play(tmp_path, scene)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:8123", "http://127.0.0.1"])
def test_a_page_of_another_origin_cannot_connect_even_with_the_cookie(tmp_path: Path, origin: str) -> None:
    async def scene(_box: Household, page: Page) -> None:
        assert await refused(page, cookie(page), origin=origin) == 403

    play(tmp_path, scene)


def test_without_an_origin_nobody_connects(tmp_path: Path) -> None:
    async def scene(_box: Household, page: Page) -> None:
        with pytest.raises(InvalidStatus):
            await connect(
                f"ws://{page.host}/live", host="127.0.0.1", additional_headers={"Cookie": cookie(page)}, proxy=None
            )

    play(tmp_path, scene)


@pytest.mark.parametrize("given", ["", "edgevoice=guess", "edgevoice=" + "a" * 43])
def test_a_browser_that_is_not_paired_sees_and_changes_nothing(tmp_path: Path, given: str) -> None:
    async def scene(box: Household, page: Page) -> None:
        async with live(page, given) as wire:
            first = json.loads(await wire.recv())
            assert first == {"event": "page", "state": "lapsed" if given else "unpaired"}
            for do in ("status", "talk", "settings", "settings-write", "timers", "personas", "forget-me", "nonsense"):
                assert (await ask(wire, do))["error"]["code"] == "not-paired"
            box.notify(TranscriptChanged(Role.USER, "u", "secret words", is_final=True))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await wire.recv()
        assert not box.facts
        assert box.sampled.looks == 0

    play(tmp_path, scene)


def test_a_stale_cookie_is_shown_as_such_and_opens_nothing(tmp_path: Path) -> None:
    times = [local_now()]

    async def scene(_box: Household, page: Page) -> None:
        kept = cookie(page)
        times[0] += timedelta(days=31)
        async with live(page, kept) as wire:
            assert json.loads(await wire.recv())["state"] == "lapsed"
            assert (await ask(wire, "status"))["error"]["code"] == "not-paired"

    play(tmp_path, scene, now=lambda: times[0])


def test_a_pairing_that_is_revoked_ends_a_connection_that_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_LOOK_S", 0.5)

    async def scene(_box: Household, page: Page) -> None:
        async with live(page, cookie(page)) as wire:
            assert (await ask(wire, "status"))["ok"]
            page.pairings.revoke(None)
            assert (await ask(wire, "talk"))["error"]["code"] == "not-paired"
            closed = await ended(wire)
            assert closed == 4401

    play(tmp_path, scene)


def test_guessing_the_digits_fails_after_five_tries_and_a_new_press_is_needed(tmp_path: Path) -> None:
    async def scene(box: Household, page: Page) -> None:
        async with live(page) as wire:
            for guess in range(20):  # before any press: nothing can be right
                assert not (await ask(wire, "pair-answer", digits=f"{guess:06}"))["ok"]
            begun = asyncio.ensure_future(ask(wire, "pair-begin"))
            await eventually(lambda: box.presses._taker is not None)
            box.presses.post(TalkPressed(0))
            assert (await begun)["ok"]
            right = box.digits
            codes = []
            for number in range(7):
                wrong = f"{(int(right) + 1 + number) % 1_000_000:06}"
                codes.append((await ask(wire, "pair-answer", digits=wrong))["error"]["code"])
            assert codes == ["wrong-digits"] * 4 + ["no-pairing"] * 3
            assert (await ask(wire, "pair-answer", digits=right))["error"]["code"] == "no-pairing"
        assert page.pairings.all() == []

    play(tmp_path, scene)


def test_a_ticket_for_the_cookie_is_good_once_and_not_to_be_guessed(tmp_path: Path) -> None:
    async def scene(box: Household, page: Page) -> None:
        assert (await get(page, "/enter", "X-Edgevoice-Ticket: guess"))[0] == 403
        assert (await get(page, "/enter"))[0] == 403
        async with live(page) as wire:
            begun = asyncio.ensure_future(ask(wire, "pair-begin"))
            await eventually(lambda: box.presses._taker is not None)
            box.presses.post(TalkPressed(0))
            await begun
            ticket = (await ask(wire, "pair-answer", digits=f"{box.digits[:3]} {box.digits[3:]}"))["ticket"]
        status, head, _ = await get(page, "/enter", f"X-Edgevoice-Ticket: {ticket}", "User-Agent: Firefox/1 Android")
        assert status == 200
        assert "HttpOnly; SameSite=Strict" in head
        assert (await get(page, "/enter", f"X-Edgevoice-Ticket: {ticket}"))[0] == 403
        assert [each.browser for each in page.pairings.all()] == ["Firefox on Android"]

    play(tmp_path, scene)


def test_a_browser_that_leaves_before_the_box_has_replied_gives_the_button_back(tmp_path: Path) -> None:
    async def scene(box: Household, page: Page) -> None:
        ask, has_left = page.means.link.ask, asyncio.Event()

        async def slowly(command: str, /, **fields: Any) -> Reply:
            reply = await ask(command, **fields)
            if fields["action"] == "begin":
                await has_left.wait()
            return reply

        page.means.link.ask = slowly  # type: ignore[method-assign]
        async with live(page) as wire:
            await wire.send('{"id": 1, "do": "pair-begin"}')
            await eventually(lambda: box.presses._taker is not None)
        for _ in range(20):
            await asyncio.sleep(0)
        has_left.set()
        await eventually(lambda: box.presses._taker is None)

    play(tmp_path, scene)


def test_a_browser_that_leaves_in_the_middle_gives_the_button_back(tmp_path: Path) -> None:
    async def scene(box: Household, page: Page) -> None:
        async with live(page) as wire:
            begun = asyncio.ensure_future(ask(wire, "pair-begin"))
            await eventually(lambda: box.presses._taker is not None)
            begun.cancel()
        await eventually(lambda: box.presses._taker is None)

    play(tmp_path, scene)


@pytest.mark.parametrize("size", [LARGEST_FRAME_BYTES + 1, 10_000_000])
def test_a_frame_of_10_mb_ends_its_connection_and_no_other(tmp_path: Path, size: int) -> None:
    async def scene(_box: Household, page: Page) -> None:
        kept = cookie(page)
        async with live(page, kept) as good, live(page, kept) as bad:
            await ended(bad, bad.send("x" * size))
            await eventually(lambda: page.server._sessions == 1)
            assert (await ask(good, "status"))["ok"]

    play(tmp_path, scene)


def test_a_head_of_10_mb_is_not_read(tmp_path: Path) -> None:
    async def scene(_box: Household, page: Page) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", page.port)
        writer.write(b"GET / HTTP/1.1\r\nX: " + b"x" * 10_000_000)
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(10):
                answer = await reader.read()
            assert b" 200 " not in answer
        writer.transport.abort()
        assert (await get(page))[0] == 200

    play(tmp_path, scene)


def test_a_slow_reader_is_dropped_and_others_go_on(tmp_path: Path) -> None:
    async def scene(box: Household, page: Page) -> None:
        kept = cookie(page)
        async with live(page, kept) as good:
            await read_until(good, lambda message: message.get("event") == "box")
            reader, writer = await asyncio.open_connection("127.0.0.1", page.port, limit=4096)
            head = ["GET /live HTTP/1.1", f"Host: {page.host}", f"Origin: {page.origin}", f"Cookie: {kept}"]
            head += ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
            writer.write("\r\n".join([*head, "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "", ""]).encode())
            await reader.readuntil(b"\r\n\r\n")
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # asyncio's own transport has it
            await eventually(lambda: len(page.means.link._viewers) == 2)
            heard = asyncio.ensure_future(read_until(good, lambda message: message.get("text") == "the end"))
            for number in range(30 * MOST_WAITING):
                box.notify(TranscriptChanged(Role.ASSISTANT, "a", f"{number} " + "words " * 500, is_final=False))
                if number % 8 == 0:
                    await asyncio.sleep(0.001)
                if len(page.means.link._viewers) == 1:
                    break
            assert len(page.means.link._viewers) == 1
            box.notify(TranscriptChanged(Role.ASSISTANT, "a", "the end", is_final=True))
            assert (await heard)["final"]
            writer.close()

    play(tmp_path, scene)


def test_a_flood_of_requests_is_refused_and_the_box_goes_on(tmp_path: Path) -> None:
    async def scene(box: Household, page: Page) -> None:
        async with live(page, cookie(page)) as wire:
            for number in range(300):
                await wire.send(json.dumps({"id": number, "do": "talk"}))
            codes: list[str] = []
            while len(codes) < 300:
                message = json.loads(await wire.recv())
                if "ok" in message:
                    codes.append(message.get("error", {}).get("code", "ok"))
            assert 60 <= codes.count("ok") <= 90
            assert set(codes) == {"ok", "too-fast"}
        assert len(box.facts) == codes.count("ok")

    play(tmp_path, scene)


def test_browsers_that_are_not_paired_cannot_fill_the_page(tmp_path: Path) -> None:
    async def scene(_box: Household, page: Page) -> None:
        async with contextlib.AsyncExitStack() as strangers:
            for _ in range(MOST_UNPAIRED):
                await strangers.enter_async_context(live(page))
            assert await refused(page) == 503
            async with live(page, cookie(page)) as wire:
                assert (await ask(wire, "status"))["ok"]

    play(tmp_path, scene)


@pytest.mark.parametrize(
    "message",
    [
        *("", "x", "[]", "7", "[" * 60_000, '{"do": []}', '{"id": {}, "do": null}', b"\xff\x00"),
        '{"id": "\\ud800", "do": "dance"}',
        '{"do": "volume", "self": 1}',
        '{"do": "volume", "percent": NaN}',
    ],
)
def test_rubbish_is_refused_in_one_message(tmp_path: Path, message: str | bytes) -> None:
    async def scene(_box: Household, page: Page) -> None:
        async with live(page, cookie(page)) as wire:
            await wire.send(message)
            assert (await read_until(wire, lambda found: "ok" in found))["error"]["code"] == "bad-request"
            assert (await ask(wire, "status"))["ok"]

    play(tmp_path, scene)


def test_a_fault_of_the_page_is_answered_and_logged_without_what_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(_box: Household, page: Page) -> None:
        def check(_settings: object, _changes: object) -> tuple[str, ...]:
            raise KeyError("the secret")

        monkeypatch.setattr(SettingsFile, "check", check)
        async with live(page, cookie(page)) as wire:
            failed = await ask(wire, "settings-check", changes={})
            assert failed["error"] == {
                "code": "failed",
                "problem": "the page could not do it",
                "remedy": "Look at the log: journalctl -u edgevoice-page",
            }
            monkeypatch.setattr(SettingsFile, "check", lambda _settings, _changes: {"cannot", "be sent"})
            assert (await ask(wire, "settings-check", changes={}))["error"]["code"] == "failed"
            assert (await ask(wire, "status"))["ok"]

    play(tmp_path, scene)
    first, second = (record for record in caplog.records if record.msg == "page-failed")
    assert "error=KeyError at=test_server.py:" in first.getMessage()
    assert "error=TypeError" in second.getMessage()
    assert "secret" not in caplog.text


@pytest.mark.parametrize("do", ["say", "ask", "announce", "reload", "wake", "watch", "pair", "sound"])
def test_the_page_passes_on_only_what_it_has_buttons_for(tmp_path: Path, do: str) -> None:
    async def scene(_box: Household, page: Page) -> None:
        async with live(page, cookie(page)) as wire:
            assert (await ask(wire, do, text="x"))["error"]["code"] == "bad-request"
            # A field of another name does not become another command.
            assert (await ask(wire, "status", command=do, patience_s=0, protocol=9))["ok"]

    play(tmp_path, scene)


def test_other_machines_are_refused_unless_the_owner_lets_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not guard.is_of_this_machine("192.168.1.9")
    monkeypatch.setattr(guard, "is_of_this_machine", lambda _peer: False)

    async def turned_away(_box: Household, page: Page) -> None:
        assert (await get(page))[0] == 403

    async def admitted(_box: Household, page: Page) -> None:
        assert (await get(page))[0] == 200

    play(tmp_path, turned_away)
    play(tmp_path, admitted, lan=True)


# --- what belongs to it -----------------------------------------------------------------------------------------------


def test_a_paired_browser_is_shown_what_happens_and_its_buttons_work(tmp_path: Path) -> None:
    async def scene(box: Household, page: Page) -> None:
        async with live(page, cookie(page)) as wire:
            first = await read_until(wire, lambda message: message.get("event") == "box")
            assert first["status"]["phase"] == "idle"
            assert first["meaning"].startswith("Ready")
            lamps = await read_until(wire, lambda message: message.get("event") == "lights")
            assert lamps["lamps"] == box.sampled.lamps
            await wire.send('{"id": 1, "do": "talk"}')
            lit = await read_until(wire, lambda message: message.get("event") == "light")
            assert lit["meaning"] == "Listening to you"
            assert box.facts == [TalkPressed(16_000)]
            box.notify(TranscriptChanged(Role.USER, "u", "what time is it", is_final=True))
            said = await read_until(wire, lambda message: message.get("event") == "words")
            assert said["text"] == "what time is it"
            assert (await ask(wire, "why"))["failures"][0]["code"] == "thinking"
            assert (await ask(wire, "volume", percent=35))["volume_percent"] == 35

    play(tmp_path, scene)


def test_a_box_without_lights_is_shown_with_those_that_it_would_have(tmp_path: Path) -> None:
    async def scene(box: Household, page: Page) -> None:
        box.sampled.lamps = []
        kept = cookie(page)
        async with live(page, kept) as wire:
            shown = await read_until(wire, lambda message: message.get("event") == "lights")
            assert (shown["stand_in"], len(shown["lamps"][0]["pixels"])) == (True, 12)
            box.show(Phase.LISTENING, Light.LISTENING)
            blue = await read_until(wire, lambda message: message.get("event") == "lights")
            assert blue["lamps"][0]["pixels"] == [[0, 0.3, 1]] * 12
            async with live(page, kept) as later:
                assert (await read_until(later, lambda message: message.get("event") == "lights"))["stand_in"]

    play(tmp_path, scene)


def test_a_browser_that_comes_as_the_last_one_leaves_is_shown_everything(tmp_path: Path) -> None:
    async def scene(box: Household, page: Page) -> None:
        box.sampled.lamps = []
        box.show(Phase.SPEAKING, Light.SPEAKING)  # moves all the time
        kept = cookie(page)
        for _ in range(5):
            async with live(page, kept) as wire:
                await read_until(wire, lambda message: message.get("event") == "lights")
                assert (await ask(wire, "status"))["ok"]
                for _ in range(3):
                    await read_until(wire, lambda message: message.get("event") == "lights")

    play(tmp_path, scene)


def test_nothing_is_sampled_once_nobody_watches(tmp_path: Path) -> None:
    async def scene(box: Household, page: Page) -> None:
        assert box.sampled.looks == 0
        async with live(page, cookie(page)) as wire:
            await read_until(wire, lambda message: message.get("event") == "level")
        await eventually(lambda: not box.server._clients)
        await asyncio.sleep(0.2)  # the tick that notices it
        looks = box.sampled.looks
        await asyncio.sleep(0.3)
        assert box.sampled.looks == looks
        assert page.means.link._task is None

    play(tmp_path, scene)


def test_a_box_that_is_not_there_is_said_to_be_and_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgevoice.page.link._AGAIN_S", 0.05)

    async def scene() -> None:
        async with page_of(tmp_path, tmp_path / "control.sock") as page:
            kept = cookie(page)
            async with live(page, kept) as wire:
                away = await read_until(wire, lambda message: message.get("event") == "box")
                assert not away["reachable"]
                assert "no box runs" in away["problem"]
                assert (await ask(wire, "talk"))["error"]["code"] == "control-unavailable"
                async with live(page, kept) as later:
                    assert not (await read_until(later, lambda message: message.get("event") == "box"))["reachable"]
                async with household(tmp_path):
                    assert (await read_until(wire, lambda message: message.get("reachable") is True))["status"]
                assert (
                    "closed" in (await read_until(wire, lambda message: message.get("reachable") is False))["problem"]
                )

    asyncio.run(scene())


def test_forgetting_this_browser_ends_its_pairing_and_its_cookie(tmp_path: Path) -> None:
    async def scene(_box: Household, page: Page) -> None:
        async with live(page, cookie(page)) as wire:
            assert (await ask(wire, "forget-me"))["ok"]
            assert (await ask(wire, "status"))["error"]["code"] == "not-paired"
        assert page.pairings.all() == []
        _, head, _ = await get(page, "/leave", "X-Edgevoice-Ticket: leave")
        assert "Max-Age=0" in head
        assert (await get(page, "/leave"))[0] == 404  # another site's link does nothing

    play(tmp_path, scene)


def test_the_page_ends_once_nobody_has_used_it_and_not_while_somebody_watches(tmp_path: Path) -> None:
    async def scene() -> None:
        async with household(tmp_path) as box, page_of(tmp_path, box.place, idle_s=0.4) as page:
            async with live(page, cookie(page)) as wire:
                await asyncio.sleep(0.9)
                assert (await ask(wire, "status"))["ok"]
            await asyncio.sleep(0.9)
            with pytest.raises(OSError, match=r"."):
                await asyncio.open_connection("127.0.0.1", page.port)

    asyncio.run(scene())
