"""Run the child: ``python -m edgevoice.mcp.child``, with frames on its standard input and output."""

import asyncio
import contextlib
import logging
import os
import select
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Final

_NICENESS: Final = 5
"""The sound goes before tools."""

_END_LIMIT_S: Final = 8.0
"""How long its orderly end may take after its parent's: 3 s for a server that does not react, and all end at once."""


def main() -> None:
    """Serve until standard input closes, and end the process."""
    os.nice(_NICENESS)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), name="parent", daemon=True).start()
    # Whatever prints must not end up between the frames.
    output = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # The libraries log what servers send, and that may be what was said.
    logging.disable(logging.CRITICAL)
    # Where memory is short, this process goes first.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
    status = 0
    try:
        asyncio.run(_serve(output))
    except Exception as error:  # noqa: BLE001 - its text may be a server's: only the place goes to the log
        place = traceback.extract_tb(error.__traceback__)[-1]
        sys.stderr.write(f"tools from MCP servers: {type(error).__name__} at {place.filename}:{place.lineno}\n")
        status = 1
    # Taking the SDK's modules apart would take another second, and all that is to be closed is closed.
    os._exit(status)


async def _serve(output: int) -> None:
    # Here, because it takes a second and more: `SdkLoaded` reports when it is done.
    from edgevoice.mcp.child.host import serve  # noqa: PLC0415

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, _context: None)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    pipe = os.fdopen(output, "wb")
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, pipe)
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    serving = asyncio.ensure_future(serve(reader, writer))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, reader.feed_eof)
    await serving


def _end_with_parent(parent: int) -> None:
    """Wait for the parent's death, then for the orderly end, which it begins; a loop that hangs is not waited for."""
    with contextlib.suppress(OSError):
        watched = os.pidfd_open(parent)
        select.select([watched], [], [])
        threading.Event().wait(_END_LIMIT_S)
        os._exit(1)


if __name__ == "__main__":
    main()
