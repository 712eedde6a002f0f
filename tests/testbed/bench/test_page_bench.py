"""What the page's bench counts is what happens: events that browsers are sent, and a browser that is dropped."""

import asyncio
from pathlib import Path

from edgevoice.testbed.bench.page import VIEWERS, _is_slow_reader_dropped, _viewers
from tests.page.household import household, page_of


def test_the_browsers_of_the_bench_are_sent_the_live_events(tmp_path: Path) -> None:
    async def scene() -> tuple[int, int]:
        async with household(tmp_path) as box, page_of(tmp_path, box.place) as page:
            events = await _viewers(page.port, page.pairings.add("bench"), 0.6)
            return events, await _viewers(page.port, "not paired", 0.1)

    paired, unpaired = asyncio.run(scene())

    assert paired > 5 * VIEWERS
    assert unpaired == VIEWERS  # only that they are not paired


def test_a_browser_that_reads_nothing_is_dropped_and_the_bench_sees_it(tmp_path: Path) -> None:
    async def scene() -> bool:
        async with household(tmp_path) as box, page_of(tmp_path, box.place) as page:
            return await _is_slow_reader_dropped(page.port, page.pairings.add("bench"))

    assert asyncio.run(scene())
