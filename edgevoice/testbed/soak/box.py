"""The box from outside: the daemon as a child, its messages to systemd, its log, and what the kernel reports of it."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from edgevoice.errors import EdgevoiceError
from edgevoice.testbed.soak.record import Rest, Sample
from edgevoice.testbed.virtual import Tape, VirtualCard

_START_LIMIT_S = 120.0
_STOP_LIMIT_S = 5.0
_COUNT_LIMIT_S = 5.0
_PULSE_S = 0.02
_FRESH_S = 0.5
"""Greatest age of the newest frame on the tape of a running stream."""

PHASES = ("idle", "connecting", "listening", "thinking", "speaking")

_SETTLED = frozenset(PHASES) - {"connecting"}
_EVENT = re.compile(r"^\d\d:\d\d:\d\d (?:\w+: )?(?P<event>[a-z][a-z-]*)(?: |$)(?P<rest>.*)")
_DEVICE = re.compile(r"\bdevice=(\w+)")


class SoakBroken(EdgevoiceError, RuntimeError):
    """The soak itself could not continue: the daemon did not start, or has ended."""

    code = "soak"
    remedy = "Look at daemon.log in the soak's folder."


class DaemonProcess:
    """The running daemon. ``phases``, ``fed`` and ``log`` grow while it runs; ``settings`` is the text of its file."""

    def __init__(self, process: Process, card: VirtualCard, folder: Path) -> None:
        self._process = process
        self._card = card
        self._folder = folder
        self.phases: list[tuple[float, str]] = []
        self.fed: list[float] = []
        self.log: Counter[str] = Counter()
        self.heard: list[float] = []
        self.is_ready = False
        self._phase = ""
        self._lost: set[str] = set()

    # --- what it reports ---------------------------------------------------------------------------------------------

    def take_notice(self, message: str) -> None:
        """Receive its messages to the service manager."""
        now = time.monotonic()
        for line in message.splitlines():
            if line == "READY=1":
                self.is_ready = True
            elif line == "WATCHDOG=1":
                self.fed.append(now)
            elif line.startswith("STATUS="):
                status = line.removeprefix("STATUS=")
                self.phases.append((now, status))
                if status in PHASES:
                    self._phase = status

    def take_line(self, line: str) -> None:
        """Receive a line of its log."""
        found = _EVENT.match(line)
        if found is None:
            if line.startswith("Traceback"):
                self.log["traceback"] += 1
            return
        event = found["event"]
        self.log[event] += 1
        device = _DEVICE.search(found["rest"])
        if event == "device-lost" and device:
            self._lost.add(device[1])
        elif event == "device-restored" and device:
            self._lost.discard(device[1])
        elif event == "wakeword-heard":
            self.heard.append(time.monotonic())

    # --- its current state -------------------------------------------------------------------------------------------

    @property
    def phase(self) -> str:
        """The phase of its conversation, whatever its fault light shows."""
        return self._phase

    @property
    def overflows(self) -> int:
        """How often the card has dropped microphone audio because nobody fetched it in time, over all streams."""
        return sum(tape.header.xruns for tape in self._card.near_end_tapes)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def listens(self, *, streams_since_s: float = 0.0) -> bool:
        """Return whether a person would be heard now.

        That takes two running streams that began after ``streams_since_s``, and a conversation that is idle or has its
        session.
        """
        if self._lost or self._phase not in _SETTLED:
            return False
        tapes = (self._card.near_end_tapes, self._card.far_end_tapes)
        return all(each and _runs(each[-1], streams_since_s) for each in tapes)

    def check(self) -> None:
        """Raise ``SoakBroken`` when it has ended."""
        if self._process.returncode is not None:
            raise SoakBroken(f"the daemon ended with status {self._process.returncode}")

    async def until(self, is_so: Callable[[], bool], limit_s: float) -> bool:
        """Wait at most ``limit_s`` seconds for a condition; return whether it became true."""
        ends_s = time.monotonic() + limit_s
        while not is_so():
            self.check()
            if time.monotonic() >= ends_s:
                return False
            await asyncio.sleep(_PULSE_S)
        return True

    def has_been(self, phase: str, since_s: float) -> bool:
        """Return whether its conversation has entered a phase since a moment."""
        return any(at_s >= since_s and each == phase for at_s, each in self.phases)

    def sample(self) -> Sample:
        """Return what the kernel reports of it now."""
        process = Path(f"/proc/{self.pid}")
        status = dict(line.split(":", 1) for line in (process / "status").read_text(encoding="ascii").splitlines())
        megabytes = {name: int(status[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "RssAnon")}
        tapes = (*self._card.near_end_tapes, *self._card.far_end_tapes)
        return Sample(
            time.monotonic(),
            megabytes["VmRSS"],
            megabytes["RssAnon"],
            int(status["Threads"]),
            sum(1 for _ in (process / "fd").iterdir()),
            sum(tape.header.xruns for tape in tapes),
        )

    async def rest(self) -> Rest:
        """Return a sample and the number of its tasks; call this while the box is at rest."""
        place = self._folder / "tasks.json"
        place.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR1)
        if not await self.until(place.exists, _COUNT_LIMIT_S):
            raise SoakBroken("the daemon's loop did not count its tasks within 5 s")
        tasks = json.loads(place.read_text(encoding="utf-8"))
        return Rest(self.sample(), len(tasks))


def _runs(tape: Tape, since_s: float) -> bool:
    header = tape.header
    if not header.is_running or tape.time_of(0) < since_s:
        return False
    return time.monotonic() - tape.time_of(header.frames) < _FRESH_S


@asynccontextmanager
async def running_box(
    folder: Path, card: VirtualCard, settings: str, environment: Mapping[str, str], *, watchdog_s: float
) -> AsyncIterator[DaemonProcess]:
    """Run the daemon until the block ends, then stop it; ``SoakBroken`` if it stops late or with an error."""
    (folder / "edgevoice.toml").write_text(settings, encoding="utf-8")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("EDGEVOICE_")}
    given = {
        "NOTIFY_SOCKET": str(folder / "notify"),
        "WATCHDOG_USEC": str(round(watchdog_s * 1e6)),
        "STATE_DIRECTORY": str(folder / "state"),
        "GPIOZERO_PIN_FACTORY": "mock",
        "SOAK_TASKS": str(folder / "tasks.json"),
    }
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.setblocking(False)
        notified.bind(given["NOTIFY_SOCKET"])
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "edgevoice.testbed.soak.child", "--config", str(folder / "edgevoice.toml")),
            env=inherited | dict(card.environment) | given | dict(environment),
            stderr=PIPE,
        )
        box = DaemonProcess(process, card, folder)
        loop.add_reader(notified, _receive, notified, box)
        reading = asyncio.create_task(_read_log(process, folder / "daemon.log", box))
        try:
            if not await box.until(lambda: box.is_ready and box.listens(), _START_LIMIT_S):
                raise SoakBroken(f"the daemon did not listen within {_START_LIMIT_S:g} s")
            yield box
            box.check()
            await _stop(process)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await reading
            loop.remove_reader(notified)


async def _stop(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_STOP_LIMIT_S):
            status = await process.wait()
    except TimeoutError:
        raise SoakBroken(f"the daemon did not end within {_STOP_LIMIT_S:g} s of SIGTERM") from None
    if status:
        raise SoakBroken(f"the daemon ended with status {status} after SIGTERM")


def _receive(notified: socket.socket, box: DaemonProcess) -> None:
    with contextlib.suppress(BlockingIOError):
        while True:
            box.take_notice(notified.recv(4096).decode("utf-8", "replace"))


async def _read_log(process: Process, place: Path, box: DaemonProcess) -> None:
    assert process.stderr is not None  # noqa: S101 - it was asked for as a pipe
    with place.open("wb") as file:
        while line := await process.stderr.readline():
            file.write(line)
            file.flush()
            box.take_line(line.decode("utf-8", "replace").rstrip("\n"))
