"""Run the local service on its own: ``python -m edgevoice.local``. Ends on SIGTERM, SIGINT, or with its parent."""

import argparse
import asyncio
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Coroutine, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgevoice import code_pages, heap
from edgevoice.errors import EdgevoiceError, of_machine
from edgevoice.local.behaviour import Behaviour, Nonsense
from edgevoice.local.process import READY
from edgevoice.local.server import LocalService

if TYPE_CHECKING:
    from edgevoice.local.scripted.opponent import Opponent

_LAST_PORT = 65_535
_LONGEST_DELAY_S = 3600.0


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until told to stop; return the exit status, 1 when the service cannot run."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.script is not None and (options.refuse is not None or options.delay_open_s or options.nonsense):
        parser.error(
            "a script sets --refuse, --delay-open-s and --nonsense for each session, so they cannot be combined with it"
        )
    # Of what each sentence takes for a moment, 10 MB would stay.
    heap.keep_little()
    # Until everything is loaded: none of it is garbage.
    gc.disable()
    try:
        asyncio.run(_serve(options))
    except EdgevoiceError as error:
        sys.stderr.write(f"{error.line()}\n")
        return 1
    except (OSError, MemoryError) as error:
        if (trouble := of_machine(error)) is None:
            raise
        sys.stderr.write(f"{trouble.line()}\n")
        return os.EX_TEMPFAIL
    except KeyboardInterrupt:
        # Only while the models load; after that the signal is an orderly end.
        return 130
    finally:
        gc.enable()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edgevoice local", description="Answer Realtime sessions on this machine: commands, a voice, no account."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_port, help="port to listen on; 0 or none is any free one")
    parser.add_argument("--unix", type=Path, metavar="PATH", help="listen on this unix socket, and on no port")
    parser.add_argument("--record", type=Path, metavar="FOLDER", help="record what is heard and sent")
    parser.add_argument("--announce", metavar="TEXT", help="say this once, before the first spoken answer")
    statuses = (400, 401, 402, 403, 404, 429, 500, 503)
    parser.add_argument(
        "--refuse",
        type=int,
        metavar="STATUS",
        choices=statuses,
        help=f"refuse every client with this HTTP status: {', '.join(map(str, statuses))}",
    )
    parser.add_argument(
        "--delay-open-s", type=_delay, default=0.0, metavar="S", help="make every client wait that long"
    )
    parser.add_argument("--nonsense", action="store_true", help="send a frame of garbage before every event")
    parser.add_argument(
        "--script", type=Path, metavar="FILE", help="follow this script, and fail if the client does not"
    )
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with the parent process")
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: it must be a number from 0 to {_LAST_PORT}")
    return int(text)


def _delay(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 <= (seconds := float(text)) <= _LONGEST_DELAY_S:
            return seconds
    raise argparse.ArgumentTypeError(f"{text!r} is not a valid delay: it must be 0 to {_LONGEST_DELAY_S:g} seconds")


async def _serve(options: argparse.Namespace) -> None:
    behaviour: Behaviour
    opponent: Opponent | None = None
    if options.script is not None:
        behaviour = opponent = _opponent(options.script)
    else:
        kind = Nonsense if options.nonsense else Behaviour
        behaviour = kind(refuse=options.refuse, delay_open_s=options.delay_open_s)
    service = LocalService(
        host=options.host,
        port=options.port,
        unix_path=options.unix,
        behaviour=behaviour,
        announcement=options.announce,
        record=options.record,
        tidy_up=_give_back,
    )
    async with service:
        gc.enable()
        _give_back()
        end = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, end.set)
        where = f"on {options.unix}" if options.unix and options.port is None else f"at {service.url}"
        _say(f"The local Realtime service answers {where}\n{READY}\n")
        ends: list[Coroutine[Any, Any, Any]] = [end.wait()]
        if options.until_stdin_closes:
            ends.append(_stdin_closed())
        if opponent is not None:
            ends.append(opponent.over())
        await _first(ends)
        if opponent is not None:
            opponent.check()


def _give_back() -> None:
    """Give back the memory that only the start, or only a conversation, needed: the child may wait for minutes."""
    heap.trim()
    code_pages.give_back()


def _opponent(script: Path) -> "Opponent":
    # Not loaded for the service of a box.
    from edgevoice.local.scripted.opponent import Opponent  # noqa: PLC0415
    from edgevoice.local.scripted.script import read  # noqa: PLC0415

    return Opponent(script=read(script))


def _say(text: str) -> None:
    """Write to whoever started the service; who reads no more, or was killed, is no reason for a traceback."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is buffered would be written at exit, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


async def _stdin_closed() -> None:
    stdin = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin.buffer
    )
    try:
        await stdin.read()
    finally:
        transport.close()


async def _first(ends: Iterable[Coroutine[Any, Any, Any]]) -> None:
    """Return when one of them is done; raise its error if it has one."""
    tasks = [asyncio.ensure_future(end) for end in ends]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()


if __name__ == "__main__":
    sys.exit(main())
