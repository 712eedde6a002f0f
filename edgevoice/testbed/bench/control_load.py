"""Programs that ask the control socket a thousand things a second together, in a process of their own."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Final

from edgevoice.control.messages import LONGEST_LINE_BYTES

PROGRAMS: Final = 12
RATE_HZ: Final = 1000.0

_ASKED: Final = ({"do": "status"}, {"do": "why"}, {"do": "timers"}, {"do": "volume"}, {"do": "dance"})
"""Questions of each kind: answered at once, from the flight recorder, by a tool, and refused."""

_SLOWEST_S: Final = 5.0
"""How long after the last request its reply may come."""


async def ask_for(socket: Path, seconds: float) -> dict[str, int]:
    """Ask for so long; return how many requests were made, and how many lines came back."""
    async with asyncio.TaskGroup() as group:
        programs = [group.create_task(_ask(socket, seconds, number)) for number in range(PROGRAMS)]
    return {
        "requests": sum(asked for asked, _ in map(asyncio.Task.result, programs)),
        "replies": sum(replies for _, replies in map(asyncio.Task.result, programs)),
    }


async def _ask(socket: Path, seconds: float, number: int) -> tuple[int, int]:
    reader, writer = await asyncio.open_unix_connection(socket, limit=16 * LONGEST_LINE_BYTES)
    await reader.readline()  # the greeting
    count = round(seconds * RATE_HZ / PROGRAMS)
    reading = asyncio.create_task(_replies(reader, count))
    loop = asyncio.get_running_loop()
    began = loop.time() + number / RATE_HZ
    for asked in range(count):
        # By the clock, so that a request that was late is made up for.
        await asyncio.sleep(began + asked * PROGRAMS / RATE_HZ - loop.time())
        request = _ASKED[(asked + number) % len(_ASKED)]
        writer.write(json.dumps({"id": asked, **request}).encode() + b"\n")
    replies = await reading
    writer.close()
    return count, replies


async def _replies(reader: asyncio.StreamReader, most: int) -> int:
    replies = 0
    while replies < most:
        try:
            line = await asyncio.wait_for(reader.readline(), _SLOWEST_S)
        except (TimeoutError, OSError):
            break  # what is missing is counted
        if not line:
            break
        replies += 1
    return replies


if __name__ == "__main__":
    print(json.dumps(asyncio.run(ask_for(Path(sys.argv[1]), float(sys.argv[2])))))
