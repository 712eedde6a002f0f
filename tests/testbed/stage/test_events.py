import asyncio

import pytest

from edgevoice.core.facts import LinkOpened, TurnEnded
from edgevoice.testbed.stage.events import Seen, StepMissed


def test_an_event_that_already_happened_is_found_and_consumed() -> None:
    async def run() -> None:
        seen = Seen()
        seen.observe(LinkOpened(), 1.0)
        seen.observe(TurnEnded(), 2.0)
        seen.observe(LinkOpened(), 3.0)

        assert (await seen.wait_for(LinkOpened, "opening", 1))[0] == 1.0
        assert (await seen.wait_for(LinkOpened, "opening", 1))[0] == 3.0
        assert [at_s for at_s, _ in seen.all_of(LinkOpened)] == [1.0, 3.0]

    asyncio.run(run())


def test_a_later_event_is_waited_for() -> None:
    async def run() -> None:
        seen = Seen()
        waiting = asyncio.create_task(seen.wait_for(TurnEnded, "the turn's end", 5))
        await asyncio.sleep(0)
        seen.observe(LinkOpened(), 1.0)
        seen.observe(TurnEnded(), 2.0)

        assert (await waiting)[0] == 2.0

    asyncio.run(run())


def test_the_first_of_a_kind_is_found_wherever_the_mark_is() -> None:
    seen = Seen()
    seen.observe(LinkOpened(), 1.0)
    seen.observe(LinkOpened(), 2.0)
    seen.mark()

    assert seen.first(LinkOpened, "opening") == (1.0, LinkOpened())
    with pytest.raises(StepMissed, match="the turn's end did not happen"):
        seen.first(TurnEnded, "the turn's end")


def test_a_missing_event_is_named_in_the_failure() -> None:
    async def run() -> None:
        with pytest.raises(StepMissed, match=r"the turn's end did not happen within 0\.01 s"):
            await Seen().wait_for(TurnEnded, "the turn's end", 0.01)

    asyncio.run(run())


def test_after_a_mark_only_later_events_count() -> None:
    async def run() -> None:
        seen = Seen()
        seen.observe(TurnEnded(), 1.0)
        seen.mark()

        with pytest.raises(StepMissed):
            await seen.wait_for(TurnEnded, "another turn's end", 0.01)

    asyncio.run(run())
