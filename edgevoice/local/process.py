"""The local service as a child of the daemon: no open port, no models in the daemon's memory. Ends with it."""

import asyncio
import contextlib
import importlib.util
import itertools
import os
import random
import socket
import time
from asyncio.subprocess import Process
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from edgevoice import children
from edgevoice.core.backoff import Backoff
from edgevoice.errors import LocalServiceStarting, LocalServiceUnavailable, StorageUnavailable, of_machine
from edgevoice.extras import how_to_add
from edgevoice.store.folders import NO_HOME, HeldFolder, hold_scratch

READY = "ready"
SYSTEM_RUNTIME_FOLDER = Path("/run/edgevoice")
"""The unit's RuntimeDirectory=: exists while the service runs, readable only by its user and its group."""

START_LIMIT_S = 120.0
"""Loading takes 2 s on a desktop processor, 15 s and more on a slow Pi, and longer while an SD card is busy."""

PATIENCE_S = 2.0
"""How long a dial waits for a loading child: the next dial follows within two more seconds, until ``connect_s``."""

_AGAIN = Backoff(first_s=2, factor=2, limit_s=60)
_FOLDER_PREFIX, _SOCKET = "edgevoice-local-", "realtime.sock"
_PACKAGES = {"hibari": "hibari-tts", "hama": "hama", "webrtcvad": "webrtcvad-wheels"}


def _nothing() -> None:
    """Announce nothing."""


class LocalServiceProcess:
    """Run the local service as a child on a unix socket in a private folder.

    `ensure` and `prepare` start it, and restart it after it has died. The start is a separate task: callers may stop
    waiting while the child goes on loading. A failed start is repeated after growing delays until the context ends,
    which also ends the child. The child ends when its standard input closes, so it never outlives the daemon.
    ``start_limit_s`` is how long it may take to load, ``announcement`` returns what each child says before its first
    answer. ``loaded_s`` is how long the last start took, and ``asked_at`` when a child was last asked for, in monotonic
    seconds.
    """

    def __init__(
        self,
        *,
        announcement: Callable[[], str | None] = _nothing,
        record: Path | None = None,
        start_limit_s: float = START_LIMIT_S,
    ) -> None:
        self._announcement = announcement
        self._record = record
        self._start_limit_s = start_limit_s
        self._is_open = False
        self._folder: HeldFolder | None = None
        self._child: Process | None = None
        self._starting: asyncio.Task[None] | None = None
        self._outcome: asyncio.Future[None] | None = None
        self.loaded_s = 0.0
        self.asked_at = 0.0

    @property
    def socket_path(self) -> Path:
        """The unix socket; valid only inside the context, and never on a machine without a folder for it."""
        if not self._is_open:
            raise RuntimeError("The local service has no socket outside its context")
        return (self._folder.path if self._folder is not None else NO_HOME) / _SOCKET

    @property
    def uri(self) -> str:
        """The address for the handshake, without key and protocol."""
        return "ws://localhost/api/v1/realtime/session"

    @property
    def pid(self) -> int | None:
        """The child's process id while it takes connections."""
        return self._child.pid if self._child is not None and self._child.returncode is None else None

    async def __aenter__(self) -> Self:
        self._is_open = True
        with contextlib.suppress(StorageUnavailable):
            self._make_folder()  # otherwise `ensure` tries again, and reports what is wrong
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        if self._child is not None:
            await children.end(self._child)
        if self._folder is not None:
            self._folder.remove()
        self._is_open, self._folder = False, None

    async def ensure(self) -> None:
        """Start the child unless it runs; return when it accepts connections.

        Raises LocalServiceUnavailable if a package is missing, if the child ends or is not ready within its limit,
        and at once during the delay before the next try.
        """
        await self._wait(None)

    async def prepare(self) -> None:
        """Like `ensure`, for a caller with little time: raises LocalServiceStarting if the child is still loading."""
        await self._wait(PATIENCE_S)

    async def rest(self) -> None:
        """End the child, if it runs; `ensure` and `prepare` start it again."""
        child, self._child = self._child, None
        if child is not None:
            await children.end(child)

    async def _wait(self, patience_s: float | None) -> None:
        self.asked_at = time.monotonic()
        if self.pid is not None:
            return
        if missing := [name for module, name in _PACKAGES.items() if importlib.util.find_spec(module) is None]:
            problem = f"The local service needs {' and '.join(missing)}"
            raise LocalServiceUnavailable(problem, remedy=f"Add it: {how_to_add('local')}")
        if self._outcome is None or self._starting is None or self._starting.done():
            self._outcome = asyncio.get_running_loop().create_future()
            self._starting = asyncio.create_task(self._start(self._outcome), name="local-service")
        outcome = self._outcome
        await asyncio.wait({outcome}, timeout=patience_s)
        if not outcome.done():
            raise LocalServiceStarting("the answering service inside the box is still loading")
        outcome.result()

    async def _start(self, outcome: asyncio.Future[None]) -> None:
        """Start the child until it is ready; ``outcome`` belongs to the first try, and each later try has its own."""
        for attempt in itertools.count():
            try:
                self._child = await self._started()
            except LocalServiceUnavailable as error:
                outcome.set_exception(error)
                outcome.exception()  # retrieved, because nobody may be waiting for it
            except BaseException as error:
                # Nobody may wait for ever: neither after a bug, nor for a start that the shutdown has overtaken.
                is_ours = isinstance(error, Exception)
                outcome.set_exception(error if is_ours else LocalServiceUnavailable("The local service is stopping"))
                outcome.exception()
                raise
            else:
                outcome.set_result(None)
                return
            # Until the next try, callers get the error of the last one at once.
            await asyncio.sleep(_AGAIN.delay_s(attempt, random.random))
            outcome = self._outcome = asyncio.get_running_loop().create_future()

    async def _started(self) -> Process:
        try:
            self._make_folder()
            began_at = time.monotonic()
            child = await children.start(self._command())
        except StorageUnavailable as error:
            problem = f"The local service has no place for its socket: {error}"
            raise LocalServiceUnavailable(problem, remedy=error.remedy) from error
        except OSError as error:
            trouble = of_machine(error)
            remedy = trouble.remedy if trouble is not None else None
            problem = f"The local service cannot be started: {error.strerror}"
            raise LocalServiceUnavailable(problem, remedy=remedy) from error
        async with contextlib.AsyncExitStack() as unready:
            unready.push_async_callback(children.end, child)
            await _wait_until_ready(child, self._start_limit_s)
            unready.pop_all()
        self.loaded_s = time.monotonic() - began_at
        return child

    def _make_folder(self) -> None:
        if self._folder is None:
            # Private (0700): no other user of the machine may talk to the box.
            self._folder = hold_scratch(_FOLDER_PREFIX, first=_runtime_folder(), spare=_may_be_in_use)

    def _command(self) -> list[str]:
        command = children.python("edgevoice.local", "--unix", str(self.socket_path), "--until-stdin-closes")
        if announcement := self._announcement():
            command += ["--announce", announcement]
        if self._record:
            command += ["--record", str(self._record)]
        return command


def running_socket(runtime_folder: Path) -> Path | None:
    """Return the socket of the local service of a running daemon.

    ``None`` if there is none below its folder, if it has died, and if this user may not look.
    """
    return next(filter(_answers, sorted(runtime_folder.glob(f"{_FOLDER_PREFIX}*/{_SOCKET}"))), None)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as trial, contextlib.suppress(OSError):
        trial.connect(str(path))
        return True
    return False


def _may_be_in_use(folder: Path) -> bool:
    """Return whether a service of an earlier release, which locked nothing, may still run or be loading there."""
    if (folder / _SOCKET).exists():
        return _answers(folder / _SOCKET)
    return time.time() < folder.stat().st_mtime + START_LIMIT_S


async def _wait_until_ready(child: Process, limit_s: float) -> None:
    assert child.stdout is not None  # noqa: S101 - it was asked for as a pipe
    try:
        async with asyncio.timeout(limit_s):
            while line := await child.stdout.readline():
                if line.decode(errors="replace").strip() == READY:
                    return
    except TimeoutError:
        raise LocalServiceUnavailable(
            f"The local service was not ready within {limit_s:g} s", remedy="It is restarted automatically."
        ) from None
    raise LocalServiceUnavailable(
        "The local service ended before it was ready; its output is in the log",
        remedy="It is restarted automatically; the log says why it ended.",
    )


def _runtime_folder() -> str | None:
    # systemd may name several; any of them will do.
    return os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0] or None
