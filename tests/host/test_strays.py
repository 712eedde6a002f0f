"""Errors that no task awaits: the first ends the box, and nothing is left behind."""

import asyncio
import gc
import logging
import sys
import threading
from collections.abc import Callable

import pytest

from edgevoice.host.strays import lasting, strays_caught


def raising(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def in_a_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def stray_of(begin: Callable[[asyncio.AbstractEventLoop], object]) -> BaseException:
    """Return the error with which the future fails after ``begin``."""

    async def live() -> BaseException:
        with strays_caught() as stray:
            begin(asyncio.get_running_loop())
            await asyncio.wait([stray], timeout=5)
            error = stray.exception()
            assert error is not None
            return error

    return asyncio.run(live())


def test_an_error_in_a_callback_ends_the_box() -> None:
    error = ZeroDivisionError("of ours")

    assert stray_of(lambda loop: loop.call_soon(raising(error))) is error


def test_a_problem_that_asyncio_only_describes_is_an_error_too() -> None:
    error = stray_of(lambda loop: loop.call_exception_handler({"message": "a task was destroyed"}))

    assert type(error) is RuntimeError
    assert str(error) == "a task was destroyed"


def test_an_error_in_a_thread_ends_the_box() -> None:
    error = ZeroDivisionError("of ours")

    assert stray_of(lambda _loop: in_a_thread(raising(error))) is error


@pytest.mark.parametrize("ending", [SystemExit(0), KeyboardInterrupt()], ids=repr)
def test_a_thread_cannot_end_the_process_by_itself(ending: BaseException) -> None:
    error = stray_of(lambda _loop: in_a_thread(raising(ending)))

    assert type(error) is RuntimeError
    assert str(error) == f"a part was ended by {type(ending).__name__}"


def test_of_several_errors_the_first_is_raised_and_none_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    first, second = ZeroDivisionError("first"), ZeroDivisionError("second")

    def begin(loop: asyncio.AbstractEventLoop) -> None:
        loop.call_soon(raising(first))
        loop.call_soon(raising(second))

    assert stray_of(begin) is first
    assert caplog.records == []


def test_an_unretrieved_error_is_not_reported_after_the_end(caplog: pytest.LogCaptureFixture) -> None:
    async def live() -> None:
        with strays_caught():
            asyncio.get_running_loop().call_soon(raising(ZeroDivisionError()))
            await asyncio.sleep(0)

    caplog.set_level(logging.ERROR)
    asyncio.run(live())
    gc.collect()

    assert caplog.records == []


def test_afterwards_errors_are_handled_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []

    def hook(unhandled: threading.ExceptHookArgs) -> None:
        seen.append(unhandled.exc_value)

    def handler(_loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        seen.append(context["message"])

    async def live() -> bool:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(handler)
        with strays_caught() as stray:
            assert threading.excepthook is not hook
            assert loop.get_exception_handler() is not handler
        assert threading.excepthook is hook
        assert loop.get_exception_handler() is handler
        return stray.cancelled()

    monkeypatch.setattr(threading, "excepthook", hook)

    assert asyncio.run(live())
    assert seen == []


def test_a_thread_that_fails_when_the_loop_is_over_or_without_an_error_harms_nothing() -> None:
    async def live() -> Callable[[threading.ExceptHookArgs], object]:
        with strays_caught() as stray:
            hook = threading.excepthook
            hook(threading.ExceptHookArgs([SystemExit, None, None, None]))
            await asyncio.sleep(0)
            assert not stray.done()
            return hook

    hook = asyncio.run(live())

    hook(threading.ExceptHookArgs([ZeroDivisionError, ZeroDivisionError(), None, None]))
    assert sys.exc_info() == (None, None, None)


def test_a_part_that_ends_or_fails_ends_the_box() -> None:
    async def end() -> None:
        """Do nothing."""

    async def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(RuntimeError, match="the link ended unexpectedly"):
        asyncio.run(lasting(end(), "the link"))
    with pytest.raises(ZeroDivisionError):
        asyncio.run(lasting(fail(), "the link"))
