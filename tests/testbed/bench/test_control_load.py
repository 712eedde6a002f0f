"""The programs of `bench household` ask what they say they ask, and count what comes back."""

import asyncio
from pathlib import Path

from edgevoice.testbed.bench.control_load import PROGRAMS, RATE_HZ, ask_for
from tests.integrations.control.conftest import stand_in


def test_every_request_of_every_program_is_answered_at_the_rate_that_is_measured(tmp_path: Path) -> None:
    async def scene() -> tuple[dict[str, int], float]:
        async with stand_in(tmp_path) as box:
            loop = asyncio.get_running_loop()
            began = loop.time()
            return await ask_for(box.place, 0.3), loop.time() - began

    found, took_s = asyncio.run(scene())

    assert found["requests"] == PROGRAMS * round(0.3 * RATE_HZ / PROGRAMS)
    assert found["replies"] == found["requests"]
    assert took_s >= 0.3 - PROGRAMS / RATE_HZ - 0.02


def test_a_box_that_ends_is_counted_as_what_it_did_not_answer(tmp_path: Path) -> None:
    async def scene() -> dict[str, int]:
        place = tmp_path / "control.sock"

        async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b'{"protocol":1}\n')
            await asyncio.sleep(0.05)
            writer.close()

        async with await asyncio.start_unix_server(greet, place):
            return await ask_for(place, 0.1)

    found = asyncio.run(scene())

    assert found["replies"] == 0 < found["requests"]
