"""A library in a loop of its own: what it leaves there reaches whoever uses it, and never the box's loop."""

import asyncio
import contextlib
import gc
import os
import threading
from typing import Any

import pytest

from edgevoice.host.strays import strays_caught
from edgevoice.integrations import aside as module
from edgevoice.integrations.aside import Aside, AsideEnded
from tests.waiting import eventually


def test_work_is_done_in_a_thread_of_its_own_and_its_result_and_error_come_back() -> None:
    async def name() -> str:
        return threading.current_thread().name

    async def fail() -> None:
        raise ValueError("no")

    async def run() -> None:
        aside = Aside("library", lambda _error: None)
        try:
            assert await aside.call(name(), limit_s=5) == "library"
            with pytest.raises(ValueError, match="no"):
                await aside.call(fail(), limit_s=5)
        finally:
            await aside.close()
        # Its last step comes after the one that `close` waits for.
        left = [thread for thread in threading.enumerate() if thread.name == "library"]
        for thread in left:
            thread.join(timeout=5)
        assert not [thread for thread in left if thread.is_alive()]

    asyncio.run(run())


def test_an_error_that_nobody_awaits_is_passed_on_and_is_no_stray_of_the_box() -> None:
    failures: list[Exception] = []
    strays: list[dict[str, Any]] = []

    async def leave_a_callback_that_fails() -> None:
        def fail() -> None:
            raise OSError("bad file descriptor")

        asyncio.get_running_loop().call_soon(fail)

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: strays.append(context))
        aside = Aside("library", failures.append)
        try:
            await aside.call(leave_a_callback_that_fails(), limit_s=5)
            await eventually(lambda: bool(failures))
        finally:
            await aside.close()

    asyncio.run(run())

    assert [type(failure) for failure in failures] == [OSError]
    assert strays == []


def test_what_is_cancelled_here_is_cancelled_there() -> None:
    over = threading.Event()

    async def wait() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            over.set()

    async def run() -> None:
        aside = Aside("library", lambda _error: None)
        try:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(aside.call(wait(), limit_s=5), 0.05)
            await eventually(over.is_set)
        finally:
            await aside.close()

    asyncio.run(run())


def test_a_thread_that_has_ended_is_reported_and_answers_nothing_more(caplog: pytest.LogCaptureFixture) -> None:
    failures: list[Exception] = []

    async def break_the_loop() -> None:
        os.close(asyncio.get_running_loop()._selector.fileno())  # type: ignore[attr-defined]  # as a foreign library might

    async def name() -> str:
        return "never"

    async def run() -> None:
        aside = Aside("library", failures.append)
        with contextlib.suppress(AsideEnded):
            await aside.call(break_the_loop(), limit_s=0.1)
        await eventually(lambda: bool(failures))
        with pytest.raises(AsideEnded):
            await aside.call(name(), limit_s=0.1)
        await aside.close()

    asyncio.run(run())
    assert [type(failure) for failure in failures] == [OSError]
    assert "aside-failed" in [record.msg for record in caplog.records]


def test_a_thread_that_is_stuck_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CLOSE_S", 0.05)
    stuck = threading.Event()

    async def block() -> None:
        await asyncio.get_running_loop().run_in_executor(None, stuck.wait)

    async def run() -> None:
        aside = Aside("library", lambda _error: None)
        with pytest.raises(AsideEnded, match="does not answer"):
            await aside.call(block(), limit_s=0.05)
        await aside.close()

    asyncio.run(run())
    stuck.set()


def test_a_thread_that_was_left_behind_and_fails_later_is_no_stray_of_the_box(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CLOSE_S", 0.05)
    stuck, failures = threading.Event(), list[Exception]()

    async def block() -> None:
        stuck.wait(10)
        raise SystemExit

    async def run() -> None:
        with strays_caught() as stray:
            aside = Aside("library", failures.append)
            with pytest.raises(AsideEnded, match="does not answer"):
                await aside.call(block(), limit_s=0.05)
            await aside.close()
            stuck.set()
            await eventually(lambda: bool(failures) and not aside_threads())
            await asyncio.sleep(0)
            del aside
            gc.collect()
            await asyncio.sleep(0)
            assert not stray.done()

    asyncio.run(run())


def aside_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "library"]


def test_work_that_is_left_is_cancelled_at_the_end() -> None:
    over = threading.Event()

    async def wait() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            over.set()

    async def begin(tasks: list[object]) -> None:
        tasks.append(asyncio.ensure_future(wait()))
        await asyncio.sleep(0)

    async def run() -> None:
        aside = Aside("library", lambda _error: None)
        await aside.call(begin([]), limit_s=5)
        await aside.close()

    asyncio.run(run())
    assert over.is_set()
