"""The mailbox: whatever an adapter leaves in it reaches the engine, in the loop's thread."""

import asyncio
import threading
import time

import pytest

from edgevoice.agent.mailbox import Mailbox
from edgevoice.core.announcements import RingDue
from edgevoice.core.conversation.conversation import Conversation
from edgevoice.core.conversation.policy import Policy
from edgevoice.core.facts import LinkOpened, MutePressed
from edgevoice.core.notices import Notice, UplinkSent, UsageTold
from edgevoice.engine import Engine
from tests.fakes import Fakes
from tests.noting import Noting
from tests.waiting import eventually


def opened(seen: list[Notice]) -> Mailbox:
    mailbox = Mailbox()
    conversation = Conversation(Policy(hears_itself=False), chance=lambda: 0.0)
    mailbox.deliver_to(Engine(conversation, Fakes().adapters(), time.monotonic, [Noting(seen)]))
    return mailbox


def test_events_frames_and_notices_reach_the_engine_at_once() -> None:
    async def live() -> None:
        seen: list[Notice] = []
        mailbox = opened(seen)
        mailbox.report(MutePressed())
        assert MutePressed() in seen
        mailbox.take([UsageTold({"total_tokens": 5})])
        mailbox.notify(UplinkSent(0, 640))
        assert seen[-2:] == [UsageTold({"total_tokens": 5}), UplinkSent(0, 640)]

    asyncio.run(live())


def test_posts_and_calls_from_another_thread_run_in_the_loops_thread() -> None:
    async def live() -> None:
        seen: list[Notice] = []
        mailbox = opened(seen)
        threads: list[threading.Thread] = []
        await asyncio.to_thread(mailbox.post, RingDue(1))
        await asyncio.to_thread(mailbox.call, lambda: threads.append(threading.current_thread()))
        await eventually(lambda: RingDue(1) in seen and bool(threads))
        assert threads == [threading.current_thread()]

    asyncio.run(live())


@pytest.fixture
def priorities(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list to which is added which thread goes before others, and when it no longer does."""
    found: list[str] = []
    monkeypatch.setattr("edgevoice.agent.mailbox.hurry", lambda thread: found.append(f"hurry {thread}"))
    monkeypatch.setattr("edgevoice.agent.mailbox.rest", lambda thread=0: found.append(f"rest {thread}".strip()))
    return found


def test_the_loops_thread_goes_before_others_until_it_has_taken_what_it_was_handed(priorities: list[str]) -> None:
    async def live() -> None:
        seen: list[Notice] = []
        mailbox = opened(seen)
        ours = threading.get_native_id()

        mailbox.post(RingDue(1))
        mailbox.call(lambda: priorities.append("called"))
        await eventually(lambda: RingDue(1) in seen and priorities[-1] == "rest 0")

        assert priorities == [f"hurry {ours}", f"hurry {ours}", "called", "rest 0"]

    asyncio.run(live())


def test_a_fact_that_cannot_be_taken_leaves_no_thread_before_others(priorities: list[str]) -> None:
    async def live() -> None:
        errors: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: errors.append(context["exception"]))
        mailbox = Mailbox()
        mailbox.post(RingDue(1))
        await eventually(lambda: len(errors) == 1)

    asyncio.run(live())

    assert priorities[-1] == "rest 0"


def test_posting_to_a_closed_loop_does_nothing(priorities: list[str]) -> None:
    seen: list[Notice] = []

    async def live() -> Mailbox:
        return opened(seen)

    asyncio.run(live()).post(RingDue(1))

    assert priorities == [f"hurry {threading.get_native_id()}", f"rest {threading.get_native_id()}"]

    assert seen == []


def test_nothing_can_be_reported_before_there_is_an_engine() -> None:
    async def live() -> None:
        Mailbox().report(LinkOpened())

    with pytest.raises(RuntimeError, match="before there was an engine"):
        asyncio.run(live())
