"""The local service as a child of the daemon: no open port, no models in the daemon's memory, gone when it is gone."""

import asyncio
import contextlib
import importlib.util
import os
import shutil
import socket
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from types import TracebackType
from typing import Self

from edgevoice.errors import LocalServiceUnavailable

READY = "ready"
SYSTEM_RUNTIME_FOLDER = Path("/run/edgevoice")
"""What the unit's RuntimeDirectory= is: there while the service runs, and only its user may look into it."""

_FOLDER_PREFIX, _SOCKET = "edgevoice-local-", "realtime.sock"
_PACKAGES = {"hibari": "hibari-tts", "pocketsphinx": "pocketsphinx", "webrtcvad": "webrtcvad-wheels"}
# Loading takes 2 s on a desktop processor; a Raspberry Pi needs several times as long.
_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 2.0
# The child has no use for the account's key.
_SECRETS = ("EDGEVOICE_API_KEY", "INWORLD_API_KEY")


class LocalServiceProcess:
    """Run the local service as a child on a unix socket in a private folder.

    `ensure` starts it, and starts it again when it has died; leaving the context ends it. The child ends by itself when
    its standard input closes, so it never outlives the daemon. ``cache`` keeps what takes it long to make.
    """

    def __init__(
        self, *, announcement: str | None = None, record: Path | None = None, cache: Path | None = None
    ) -> None:
        self._announcement = announcement
        self._record = record
        self._cache = cache
        self._folder: Path | None = None
        self._child: Process | None = None
        self._starting = asyncio.Lock()

    @property
    def socket_path(self) -> Path:
        """The unix socket; valid inside the context."""
        if self._folder is None:
            raise RuntimeError("The local service has no socket outside its context")
        return self._folder / _SOCKET

    @property
    def uri(self) -> str:
        """The address for the handshake, without key and protocol."""
        return "ws://localhost/api/v1/realtime/session"

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        return self._child.pid if self._child is not None and self._child.returncode is None else None

    async def __aenter__(self) -> Self:
        # mkdtemp makes the folder 0700: nobody else on the machine may talk to the box.
        self._folder = Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX, dir=_runtime_folder()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            await _end(self._child)
        shutil.rmtree(self.socket_path.parent, ignore_errors=True)
        self._folder = None

    async def ensure(self) -> None:
        """Start the child unless it runs; return when it takes connections.

        Raises LocalServiceUnavailable when a package is missing or the child does not get ready within 60 s.
        """
        async with self._starting:
            if self.pid is not None:
                return
            missing = [name for module, name in _PACKAGES.items() if importlib.util.find_spec(module) is None]
            if missing:
                raise LocalServiceUnavailable(f"The local service needs {' and '.join(missing)}")
            child = await asyncio.create_subprocess_exec(*self._command(), stdin=PIPE, stdout=PIPE, env=_environment())
            async with contextlib.AsyncExitStack() as unready:
                # A caller that gave up leaves no child behind.
                unready.push_async_callback(_end, child)
                await _wait_until_ready(child)
                unready.pop_all()
            self._child = child

    def _command(self) -> list[str]:
        module = [sys.executable, "-P", "-m", "edgevoice.local"]
        command = [*module, "--unix", str(self.socket_path), "--until-stdin-closes"]
        if self._announcement:
            command += ["--announce", self._announcement]
        if self._record:
            command += ["--record", str(self._record)]
        if self._cache:
            command += ["--cache", str(self._cache)]
        return command


def running_socket(runtime_folder: Path) -> Path | None:
    """Return where the local service of a daemon that runs already takes connections.

    ``None`` where there is none below its folder, where it has died, and where others may not look.
    """
    for path in sorted(runtime_folder.glob(f"{_FOLDER_PREFIX}*/{_SOCKET}")):
        with socket.socket(socket.AF_UNIX) as trial, contextlib.suppress(OSError):
            trial.connect(str(path))
            return path
    return None


async def _wait_until_ready(child: Process) -> None:
    assert child.stdout is not None  # noqa: S101 - it was asked for as a pipe
    try:
        async with asyncio.timeout(_START_TIMEOUT_S):
            while line := await child.stdout.readline():
                if line.decode(errors="replace").strip() == READY:
                    return
    except TimeoutError:
        raise LocalServiceUnavailable(f"The local service was not ready within {_START_TIMEOUT_S:.0f} s") from None
    raise LocalServiceUnavailable("The local service ended before it was ready; its own words are in the log")


async def _end(child: Process) -> None:
    if child.stdin is not None:
        child.stdin.close()
    with contextlib.suppress(ProcessLookupError):
        child.terminate()
    try:
        async with asyncio.timeout(_STOP_TIMEOUT_S):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _SECRETS}


def _runtime_folder() -> str | None:
    # systemd may name several; the first is as good as any. None is the system's folder for temporary files.
    return os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0] or None
