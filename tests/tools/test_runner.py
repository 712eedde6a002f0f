import asyncio
import functools
import json
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import msgspec
import pytest

from edgevoice.core.facts import Event, ToolCall, ToolFinished
from edgevoice.errors import ToolRefused, WishRefused
from edgevoice.tools.decorator import tool
from edgevoice.tools.functions import FunctionSource
from edgevoice.tools.registry import Registry
from edgevoice.tools.runner import ERROR_LIMIT, MOST_WAITING, ToolLimits, ToolRunner, encode_output
from edgevoice.tools.tool import ToolContext, ToolDefinition

SECRET = "the-user-said-this"


class Desk:
    """Runs calls and waits for their reports; ``within_s`` only limits a failing test."""

    def __init__(self, *functions: Callable[..., Any], timeout_s: float = 10, calls_at_once: int = 8) -> None:
        limits = ToolLimits(timeout_s=timeout_s, calls_at_once=calls_at_once)
        self.reported: list[ToolFinished] = []
        self._arrived = asyncio.Event()
        self.runner = ToolRunner(Registry([FunctionSource(functions)]), self.report, limits)

    def report(self, event: Event) -> None:
        assert isinstance(event, ToolFinished)
        self.reported.append(event)
        self._arrived.set()

    async def outputs(self, count: int, *, within_s: float = 10) -> dict[str, Any]:
        async with asyncio.timeout(within_s):
            while len(self.reported) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return {finished.call_id: json.loads(finished.output) for finished in self.reported}

    async def call(self, name: str, arguments: str = "") -> Any:
        call_id = f"call_{len(self.reported)}"
        self.runner.run(ToolCall(call_id, name, arguments))
        return (await self.outputs(len(self.reported) + 1))[call_id]


def run(test: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(test)


def double(number: int) -> dict[str, int]:
    """Double a number."""
    return {"doubled": 2 * number}


async def triple(number: int) -> dict[str, int]:
    """Triple a number."""
    await asyncio.sleep(0)
    return {"tripled": 3 * number}


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a function as people do who did not think of asynchronous ones."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return call


@logged
async def halve(number: int) -> dict[str, int]:
    """Halve a number."""
    await asyncio.sleep(0)
    if number < 0:
        raise ToolRefused("too small")
    return {"halved": number // 2}


@pytest.mark.parametrize(
    ("name", "expected"), [("double", {"doubled": 14}), ("triple", {"tripled": 21}), ("halve", {"halved": 3})]
)
def test_plain_and_asynchronous_functions_answer_alike(name: str, expected: dict[str, int]) -> None:
    async def test() -> None:
        assert await Desk(double, triple, halve).call(name, '{"number": 7}') == expected

    run(test())


def test_what_a_decorated_asynchronous_function_raises_is_its_answer() -> None:
    async def test() -> None:
        assert await Desk(halve).call("halve", '{"number": -1}') == {"error": "too small"}

    run(test())


def test_a_plain_function_does_not_block_the_loop() -> None:
    async def test() -> None:
        release = threading.Event()

        def wait_for_release() -> str:
            """Wait in the thread for what only the loop can do."""
            return f"{release.wait(10)} in {threading.current_thread().name}"

        desk = Desk(wait_for_release)
        asyncio.get_running_loop().call_soon(release.set)

        assert await desk.call("wait_for_release") == "True in tool-wait_for_release"

    run(test())


def test_run_returns_before_the_tool_has_begun() -> None:
    async def test() -> None:
        desk = Desk(triple)

        desk.runner.run(ToolCall("c", "triple", '{"number": 1}'))

        assert desk.reported == []
        assert await desk.outputs(1) == {"c": {"tripled": 3}}

    run(test())


def test_returning_none_reports_success() -> None:
    async def ring() -> None:
        """Ring the bell."""

    async def test() -> None:
        assert await Desk(ring).call("ring") == {"ok": True}

    run(test())


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("double", '{"number": "many"}', 'number is "many"; it must be a whole number'),
        ("double", "{", "the arguments are not valid JSON"),
        ("nosuch", "{}", "there is no such tool; there are: double, triple"),
    ],
)
def test_a_call_that_cannot_run_returns_the_reason(name: str, arguments: str, expected: str) -> None:
    async def test() -> None:
        assert await Desk(double, triple).call(name, arguments) == {"error": expected}

    run(test())


def failing(error: BaseException, *, is_async: bool) -> Callable[[], Any]:
    def fail() -> None:
        """Fail."""
        raise error

    async def fail_later() -> None:
        """Fail."""
        await asyncio.sleep(0)
        raise error

    fail_later.__name__ = "fail"
    return fail_later if is_async else fail


@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
@pytest.mark.parametrize(
    "error", [ValueError(SECRET), StopIteration(SECRET), asyncio.CancelledError(SECRET), TimeoutError(SECRET)], ids=repr
)
def test_any_exception_of_a_tool_becomes_an_error_answer_without_its_text(
    error: BaseException, caplog: pytest.LogCaptureFixture, *, is_async: bool
) -> None:
    async def test() -> None:
        assert await Desk(failing(error, is_async=is_async)).call("fail") == {"error": "the tool failed"}

    with caplog.at_level(logging.DEBUG):
        run(test())

    told = [record for record in caplog.records if record.name == "edgevoice.tools.runner"]
    assert [record.msg for record in told] == ["tool-failed"]
    assert vars(told[0])["fields"]["tool"] == "fail"
    assert vars(told[0])["fields"]["error"] in {type(error).__name__, "RuntimeError"}
    assert SECRET not in caplog.text


@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
def test_a_refusal_reaches_the_model_in_the_tools_words(*, is_async: bool) -> None:
    async def test() -> None:
        refusal = ToolRefused("there is no lamp\nin the hall")
        assert await Desk(failing(refusal, is_async=is_async)).call("fail") == {"error": "there is no lamp in the hall"}

    run(test())


@pytest.mark.parametrize(
    ("refusal", "is_wish_refused", "logged"),
    [(WishRefused("no timer is set"), True, []), (ToolRefused("the lamp is broken"), False, ["tool-refused"])],
)
def test_a_wish_that_cannot_be_is_no_failure_of_a_tool(
    refusal: ToolRefused, logged: list[str], caplog: pytest.LogCaptureFixture, *, is_wish_refused: bool
) -> None:
    async def test() -> None:
        desk = Desk(failing(refusal, is_async=True))
        await desk.call("fail")
        assert [each.is_wish_refused for each in desk.reported] == [is_wish_refused]

    run(test())

    assert [record.msg for record in caplog.records if record.name == "edgevoice.tools.runner"] == logged


@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), BaseException(SECRET)], ids=repr)
def test_a_tool_that_exits_does_not_stop_the_daemon(error: BaseException, *, is_async: bool) -> None:
    async def test() -> None:
        assert await Desk(failing(error, is_async=is_async)).call("fail") == {"error": "the tool failed"}

    run(test())


def test_an_error_that_quotes_the_models_input_stays_short_and_can_be_encoded() -> None:
    async def test() -> None:
        long = failing(ToolRefused("x" * 10_000), is_async=True)
        assert len((await Desk(long).call("fail"))["error"]) == ERROR_LIMIT
        odd = failing(ToolRefused("no \ud800 here"), is_async=True)
        assert await Desk(odd).call("fail") == {"error": "no ? here"}

    run(test())


def test_too_long_an_answer_is_an_error() -> None:
    def recite(characters: int) -> str:
        """Recite."""
        return "é" * (characters // 2)

    async def test() -> None:
        desk = Desk(recite)
        fits = await desk.call("recite", json.dumps({"characters": ToolLimits().output_bytes - 2}))
        assert len(fits.encode()) == ToolLimits().output_bytes - 2
        assert await desk.call("recite", json.dumps({"characters": ToolLimits().output_bytes})) == {
            "error": "the answer is too long: 16386 bytes, at most 16384"
        }

    run(test())


@pytest.mark.parametrize(
    "result",
    [
        "x" * 20_000,
        b"x" * 20_000,
        [0] * 20_000,
        {"pages": [["x" * 99] * 99] * 99},
        dict.fromkeys(map(str, range(20_000))),
        {"x" * 20_000: 1},
    ],
    ids=["text", "bytes", "list", "nested", "object", "key"],
)
def test_an_answer_that_is_much_too_long_is_refused_without_being_encoded(
    result: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[object] = []
    monkeypatch.setattr(msgspec.json, "encode", encoded.append)

    with pytest.raises(ToolRefused, match="the answer is too long: at most 16384 bytes"):
        encode_output("recite", result, 16_384)

    assert encoded == []


class Film(msgspec.Struct):
    title: str


def without_title() -> Film:
    film = Film("Alien")
    del film.title
    return film


class ChangedMeanwhile(dict[str, int]):
    """What another thread of the tool is changing."""

    def values(self) -> Any:
        raise RuntimeError("dictionary changed size during iteration")


@pytest.mark.parametrize(
    "result",
    [object(), "\ud800", {(1, 2): 3}, without_title(), ChangedMeanwhile(a=1)],
    ids=["object", "half a character", "key of two", "missing field", "changed meanwhile"],
)
def test_an_answer_that_is_not_json_serialisable_is_an_error(result: object) -> None:
    async def give() -> object:
        """Give it."""
        return result

    async def test() -> None:
        assert await Desk(give).call("give") == {"error": "the tool failed"}

    run(test())


@pytest.mark.parametrize("is_decorated", [False, True])
def test_a_slow_asynchronous_tool_is_cancelled_and_answered_once(*, is_decorated: bool) -> None:
    async def test() -> None:
        is_cancelled = asyncio.Event()

        async def dawdle() -> None:
            """Dawdle."""
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                is_cancelled.set()
                raise

        # A decorated one begins in a thread, which has to have begun.
        desk = Desk(logged(dawdle) if is_decorated else dawdle, timeout_s=0.5 if is_decorated else 0.01)

        assert "did not answer within" in (await desk.call("dawdle"))["error"]
        await asyncio.wait_for(is_cancelled.wait(), 10)
        assert len(desk.reported) == 1

    run(test())


def test_a_tool_that_ignores_cancellation_still_gets_a_timely_error_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test() -> None:
        release = asyncio.Event()

        async def stubborn() -> None:
            """Be stubborn."""
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    continue
            raise ValueError(SECRET)

        desk = Desk(stubborn, timeout_s=0.01)

        assert "did not answer" in (await desk.call("stubborn"))["error"]
        release.set()

    run(test())
    import gc  # noqa: PLC0415

    gc.collect()  # asyncio logs an exception that was never retrieved when it is garbage collected
    assert SECRET not in caplog.text


def test_a_hanging_plain_function_times_out_and_never_answers_twice() -> None:
    async def test() -> None:
        release, ended = threading.Event(), threading.Event()

        def hang() -> str:
            """Hang."""
            release.wait(10)
            ended.set()
            return "late"

        complaints: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, complaint: complaints.append(complaint))
        desk = Desk(hang, double, timeout_s=0.01)
        assert "did not answer" in (await desk.call("hang"))["error"]

        release.set()
        await asyncio.get_running_loop().run_in_executor(None, ended.wait, 10)
        await desk.call("double", '{"number": 1}')

        assert [finished.call_id for finished in desk.reported] == ["call_0", "call_1"]
        assert complaints == []

    run(test())


def test_ten_calls_of_one_reply_are_all_answered_and_eight_run_at_a_time() -> None:
    async def test() -> None:
        release, are_eight = asyncio.Event(), asyncio.Event()
        running: list[int] = [0]

        async def wait() -> str:
            """Wait."""
            running.append(running[-1] + 1)
            if running[-1] == 8:
                are_eight.set()
            await release.wait()
            running.append(running[-1] - 1)
            return "done"

        desk = Desk(wait)
        for number in range(10):
            desk.runner.run(ToolCall(f"c{number}", "wait", ""))
        await are_eight.wait()
        release.set()

        assert await desk.outputs(10) == {f"c{number}": "done" for number in range(10)}
        assert max(running) == 8

    run(test())


def test_a_call_that_finds_no_place_within_its_time_is_refused() -> None:
    async def test() -> None:
        async def wait(context: ToolContext) -> None:
            """Wait until the time is over, and longer."""
            await context.until_cancelled()

        desk = Desk(wait, timeout_s=0.01, calls_at_once=1)
        desk.runner.run(ToolCall("first", "wait", ""))
        desk.runner.run(ToolCall("second", "wait", ""))
        outputs = await desk.outputs(2)

        assert outputs["first"] == {"error": "wait did not answer within 0.01 seconds"}
        assert outputs["second"]["error"].startswith(("1 tools are running already", "wait did not answer"))

    run(test())


def test_an_endless_loop_of_calls_is_refused_at_once() -> None:
    async def test() -> None:
        release = asyncio.Event()

        async def wait() -> None:
            """Wait."""
            await release.wait()

        desk = Desk(wait, calls_at_once=1)
        for number in range(1 + MOST_WAITING):
            desk.runner.run(ToolCall(f"c{number}", "wait", ""))
        desk.runner.run(ToolCall("last", "wait", ""))

        assert "running already" in (await desk.outputs(1))["last"]["error"]
        release.set()
        assert len(await desk.outputs(2 + MOST_WAITING)) == 2 + MOST_WAITING

    run(test())


def test_a_tool_may_have_a_time_limit_of_its_own() -> None:
    async def test() -> None:
        @tool(timeout_s=0.01)
        async def dawdle() -> None:
            """Dawdle."""
            await asyncio.Event().wait()

        assert await Desk(dawdle).call("dawdle") == {"error": "dawdle did not answer within 0.01 seconds"}

    run(test())


def test_hanging_functions_keep_their_slots_so_that_threads_do_not_accumulate() -> None:
    async def test() -> None:
        release = threading.Event()
        places = threading.Semaphore(0)

        def hang() -> None:
            """Hang."""
            release.wait(10)
            places.release()

        desk = Desk(hang, double, timeout_s=0.01, calls_at_once=2)
        for number in range(2):
            desk.runner.run(ToolCall(f"c{number}", "hang", ""))
        assert all("did not answer" in output["error"] for output in (await desk.outputs(2)).values())
        assert "running already" in (await desk.call("double", '{"number": 1}'))["error"]

        release.set()
        for _ in range(2):
            await asyncio.get_running_loop().run_in_executor(None, places.acquire)

        async with asyncio.timeout(10):
            while "error" in await desk.call("double", '{"number": 1}'):
                pass

    run(test())


def test_a_hanging_tool_does_not_keep_the_daemon_from_exiting() -> None:
    release = threading.Event()

    def hang() -> None:
        """Hang."""
        release.wait(20)

    async def test() -> None:
        desk = Desk(hang, timeout_s=0.01)
        await desk.call("hang")
        desk.runner.close()

    run(test())  # with the loop's own executor this would wait for the thread

    thread = next(thread for thread in threading.enumerate() if thread.name == "tool-hang")
    assert thread.daemon
    release.set()
    thread.join(10)  # the answer finds the loop closed, and nothing is raised in the thread
    assert not thread.is_alive()


def test_a_function_in_a_thread_sees_that_its_call_was_cancelled() -> None:
    async def test() -> None:
        seen = threading.Event()

        def search(context: ToolContext) -> None:
            """Search until nobody waits."""
            while not context.is_cancelled:
                context.wait_cancelled(10)
            seen.set()

        desk = Desk(search, timeout_s=0.01)
        assert "did not answer" in (await desk.call("search"))["error"]
        assert await asyncio.get_running_loop().run_in_executor(None, seen.wait, 10)

        seen.clear()
        desk = Desk(search)
        desk.runner.run(ToolCall("a", "search", ""))
        await asyncio.sleep(0)
        desk.runner.close()
        assert await asyncio.get_running_loop().run_in_executor(None, seen.wait, 10)

    run(test())


def test_interrupted_calls_are_told_and_what_they_return_is_reported_nevertheless() -> None:
    async def test() -> None:
        begun = asyncio.Event()

        def search(context: ToolContext) -> str:
            """Search until nobody waits."""
            return "found half of it" if context.wait_cancelled(10) else "found all of it"

        async def ask(context: ToolContext) -> str:
            """Ask until nobody waits."""
            begun.set()
            await context.until_cancelled()
            await context.until_cancelled()
            return f"half an answer to {context.call_id}"

        desk = Desk(search, ask, double)
        desk.runner.run(ToolCall("a", "search", ""))
        desk.runner.run(ToolCall("b", "ask", ""))
        desk.runner.run(ToolCall("c", "ask", ""))
        await begun.wait()
        desk.runner.abandon(("a", "b"))

        assert await desk.outputs(2) == {"a": "found half of it", "b": "half an answer to b"}
        assert await desk.call("double", '{"number": 1}') == {"doubled": 2}
        desk.runner.close()

    run(test())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("null", "number is missing"),
        ("[1]", "the arguments must be a JSON object"),
        ('{"number": 1, "number": 2}', "the arguments name number twice"),
        ('{"number": 1, "more": {"a": 1, "a": 2}}', "the arguments name a twice"),
        (json.dumps({"number": 1, "text": "x" * 1_000_000}), "the arguments are longer than 65536 characters"),
    ],
    ids=["null", "list", "twice", "twice inside", "1 MB"],
)
def test_bad_arguments_are_answered_in_one_line_and_logged_by_the_tools_name(
    arguments: str, expected: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        desk = Desk(double)
        desk.runner.run(ToolCall("good", "double", '{"number": 4}'))
        desk.runner.run(ToolCall("bad", "double", arguments))

        assert await desk.outputs(2) == {"good": {"doubled": 8}, "bad": {"error": expected}}

    with caplog.at_level(logging.DEBUG, logger="edgevoice"):
        run(test())

    assert [(each.msg, vars(each)["fields"]) for each in caplog.records] == [
        ("tool-arguments-refused", {"tool": "double"})
    ]


class Broken:
    """A `tool.Tool` that breaks its contract: it raises where a tool must not."""

    definition = ToolDefinition("broken", "Break.", {"type": "object", "properties": {}})

    def __init__(self, place: str) -> None:
        self._place = place

    def check(self, _arguments: str) -> dict[str, Any]:
        if self._place == "check":
            raise KeyError(SECRET)
        return {}

    def call(self, _arguments: dict[str, Any], _context: ToolContext) -> Awaitable[Any]:
        raise OSError(SECRET)


@pytest.mark.parametrize(("place", "kind"), [("check", "KeyError"), ("call", "OSError")])
def test_a_tool_that_breaks_its_contract_still_gets_an_answer(
    place: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Source(FunctionSource):
        def tools(self) -> Sequence[Any]:
            return [Broken(place)]

    async def test() -> None:
        desk = Desk()
        desk.runner = ToolRunner(Registry([Source()]), desk.report, ToolLimits())
        assert await desk.call("broken") == {"error": "the tool failed"}

    with caplog.at_level(logging.DEBUG):
        run(test())

    (entry,) = (each for each in caplog.records if each.name == "edgevoice.tools.runner")
    assert vars(entry)["fields"] == {"tool": "broken", "error": kind}
    assert SECRET not in caplog.text


def test_a_call_of_an_earlier_session_is_not_reported_as_a_later_one_of_the_same_id() -> None:
    async def test() -> None:
        slow, quick = asyncio.Event(), asyncio.Event()

        async def wait(for_slow: bool) -> str:  # noqa: FBT001 - the model sends it
            """Wait for the slow or for the quick one."""
            await (slow if for_slow else quick).wait()
            return "slow" if for_slow else "quick"

        desk = Desk(wait)
        desk.runner.run(ToolCall("call_1", "wait", '{"for_slow": true}'))
        desk.runner.run(ToolCall("call_1", "wait", '{"for_slow": false}'))
        slow.set()
        for _ in range(20):
            await asyncio.sleep(0)
        assert desk.reported == []
        quick.set()

        assert await desk.outputs(1) == {"call_1": "quick"}

    run(test())


def test_nothing_is_reported_after_close() -> None:
    async def test() -> None:
        is_cancelled = asyncio.Event()

        async def wait() -> None:
            """Wait."""
            try:
                await asyncio.Event().wait()
            finally:
                is_cancelled.set()

        desk = Desk(wait, double)
        desk.runner.run(ToolCall("a", "wait", ""))
        await asyncio.sleep(0)
        desk.runner.run(ToolCall("b", "double", '{"number": 1}'))
        await asyncio.sleep(0)

        desk.runner.close()
        await asyncio.wait_for(is_cancelled.wait(), 10)
        await asyncio.sleep(0)

        assert desk.reported == []

    run(test())


def test_arguments_and_answers_never_reach_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def echo(text: str) -> str:
        """Echo."""
        return text

    async def test() -> None:
        desk = Desk(echo)
        await desk.call("echo", json.dumps({"text": SECRET}))
        await desk.call("echo", SECRET)
        await desk.call(SECRET, "{}")
        await desk.call("echo", json.dumps({"text": [SECRET]}))

    with caplog.at_level(logging.DEBUG):
        run(test())

    assert SECRET not in caplog.text
