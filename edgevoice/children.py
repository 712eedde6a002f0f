"""Children: our modules that run as processes of their own. They get no key, and end with the program."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from typing import Final

_STOP_TIMEOUT_S = 4.0
"""How long a child may take to end properly. One with an MCP server that does not react needs 1.5 s on a PC, and more
on a Pi Zero; with what follows it must fit into TimeoutStopSec= of the unit, 10 s.
"""

_DRAIN_S: Final = 2.0
"""How long the output of a child that has ended may be held open by what it has started."""

_CHUNK_BYTES: Final = 1 << 16
_SECRETS: Final = ("EDGEVOICE_API_KEY", "EDGEVOICE_JUDGE_KEY", "INWORLD_API_KEY")


def python(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module with this program's interpreter and packages."""
    return [sys.executable, "-P", "-m", module, *arguments]


async def start(command: Sequence[str]) -> Process:
    """Start a command with pipes for its standard input and output; raises ``OSError``.

    Its process group is its own: Ctrl-C in a terminal goes to the parent, which ends the child properly.
    """
    return await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, env=environment(), process_group=0)


async def end(child: Process) -> None:
    """Close its standard input and ask it to end; kill it if it has not ended within 4 s.

    Being cancelled does not keep it from that: a child that is not waited for would stay.
    """
    ending = asyncio.ensure_future(_end(child))
    try:
        await asyncio.shield(ending)
    except asyncio.CancelledError:
        await ending
        raise


async def _end(child: Process) -> None:
    if child.stdin is not None:
        child.stdin.close()
    with contextlib.suppress(ProcessLookupError):
        child.terminate()
    # Some versions of asyncio wait until the output has been read to its end, too.
    draining = asyncio.ensure_future(_drain(child))
    try:
        async with asyncio.timeout(_STOP_TIMEOUT_S):
            await child.wait()
    except TimeoutError:
        kill_group(child.pid)
        await child.wait()
    await asyncio.wait({draining}, timeout=_DRAIN_S)
    draining.cancel()
    await asyncio.gather(draining, return_exceptions=True)


async def _drain(child: Process) -> None:
    """Read what nobody wants, without keeping the loop from anything else."""
    while child.stdout is not None and await child.stdout.read(_CHUNK_BYTES):  # noqa: ASYNC110 - it waits for output
        await asyncio.sleep(0)


def kill_group(leader: int) -> None:
    """Kill a process group by the id of its first process, whether or not that one still runs."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def environment() -> dict[str, str]:
    """Return this process's environment without the account's key, which no child needs.

    Matrices are multiplied in one thread: others spin while they wait for each other, and where a core is busy, the
    answer to a sentence takes six times as long.
    """
    kept = {name: value for name, value in os.environ.items() if name not in _SECRETS}
    return {"OPENBLAS_NUM_THREADS": "1"} | kept
