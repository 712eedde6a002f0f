"""Work in a daemon thread: its result or error arrives, and it delays neither the loop nor the exit."""

import asyncio
import gc
import threading
import weakref
from pathlib import Path

import pytest

from edgevoice import threads
from edgevoice.threads import ThreadEnded
from tests.waiting import eventually


def fail(error: BaseException) -> None:
    raise error


def test_a_function_runs_in_a_named_daemon_thread_and_its_result_arrives() -> None:
    thread = threads.start(threading.current_thread, name="opening a card").result(5)

    assert (thread.name, thread.daemon) == ("opening a card", True)
    assert thread is not threading.current_thread()


def test_a_thread_shows_its_name_to_other_programs() -> None:
    def shown() -> str:
        return Path(f"/proc/self/task/{threading.get_native_id()}/comm").read_text().strip()

    assert threads.start(shown, name="a name that is too long").result(5) == "a name that is "[:15].strip()


def test_an_error_is_raised_where_the_result_is_requested() -> None:
    with pytest.raises(ZeroDivisionError):
        threads.start(lambda: 1 // 0, name="dividing").result(5)


@pytest.mark.parametrize("ending", [SystemExit(0), StopIteration()], ids=repr)
def test_an_exception_that_no_future_can_hold_names_the_thread(ending: BaseException) -> None:
    with pytest.raises(ThreadEnded, match=f"^wakeword: the thread was ended by {type(ending).__name__}$"):
        threads.start(lambda: fail(ending), name="wakeword").result(5)


def test_a_retrieved_error_leaves_no_garbage() -> None:
    class Held:
        """Something that the failing function holds."""

    held: list[weakref.ref[Held]] = []

    def work() -> None:
        kept = Held()
        held.append(weakref.ref(kept))
        raise ValueError

    def look() -> None:
        assert threads.start(work, name="failing").exception(5) is not None

    gc.disable()
    try:
        look()
        for thread in threading.enumerate():
            if thread.name == "failing":
                thread.join(5)
        assert held[0]() is None
    finally:
        gc.enable()


def test_in_the_loop_results_and_errors_are_awaited() -> None:
    async def live() -> int:
        with pytest.raises(ZeroDivisionError):
            await threads.run(lambda: 1 // 0, name="dividing")
        return await threads.run(lambda: 7, name="counting")

    assert asyncio.run(live()) == 7


def test_an_abandoned_thread_still_ends() -> None:
    async def live() -> None:
        go_on, ended = threading.Event(), threading.Event()

        def hang() -> None:
            go_on.wait(5)
            ended.set()

        running = threads.run(hang, name="hanging")
        running.cancel()
        go_on.set()
        await eventually(ended.is_set)
        await asyncio.sleep(0)
        assert running.cancelled()

    asyncio.run(live())


def test_a_closed_loop_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    complaints: list[object] = []
    monkeypatch.setattr(threading, "excepthook", complaints.append)

    async def live() -> None:
        threads.run(lambda: go_on.wait(5), name="late").cancel()

    asyncio.run(live())
    (late,) = [thread for thread in threading.enumerate() if thread.name == "late"]
    go_on.set()
    late.join(5)

    assert complaints == []
