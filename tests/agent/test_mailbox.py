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


def test_posting_to_a_closed_loop_does_nothing() -> None:
    seen: list[Notice] = []

    async def live() -> Mailbox:
        return opened(seen)

    asyncio.run(live()).post(RingDue(1))

    assert seen == []


def test_nothing_can_be_reported_before_there_is_an_engine() -> None:
    async def live() -> None:
        Mailbox().report(LinkOpened())

    with pytest.raises(RuntimeError, match="before there was an engine"):
        asyncio.run(live())
