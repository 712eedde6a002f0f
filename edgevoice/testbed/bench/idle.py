"""`edgevoice bench idle`: the whole daemon, listening on the virtual card with nobody speaking to it.

The figures are for the daemon alone. A box without a key also runs a child process that answers, with memory of its
own; here an address is set, so there is none. CPU time (by thread, too), switches, and instructions where `perf` may
count them, are counted from second 25 of each listening period, when the streams have settled, so over 35 s of 60;
memory is read at the end of each. Python's files are compiled, as they are on a box.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgevoice.core.sound.rates import NEAR_END_HZ
from edgevoice.errors import EdgevoiceError
from edgevoice.store.folders import cache_folder
from edgevoice.testbed.bench.shown import show
from edgevoice.testbed.bench.wakeword import library_cpu_ms_per_s
from edgevoice.testbed.percentiles import p50_p95
from edgevoice.testbed.stage.talker import words as speech_of
from edgevoice.testbed.virtual import VirtualCard
from edgevoice.testbed.virtual.card import MICROPHONE, SPEAKER
from edgevoice.testbed.virtual.compiling import default_cache
from edgevoice.testbed.virtual.tape import TapeUnreadable
from edgevoice.threads import start
from edgevoice.wakeword.engine import stages_in

_START_LIMIT_S = 120.0
_SETTLING_S = 25.0
"""Streams cost more in their first 20 s, until they count as stable."""

_STARTS = 5
_HEARS_WITHIN_S = 10.0

_CARD_THREAD = "edgevoice-card"
"""Name of the virtual card's threads, which are its clock and its converters."""

_SAID = ("What time is it?", "Set a timer for ten minutes.", "The service was rather slow.", "Tell me a story.")

# Nothing answers at this address: an idle box dials only when it is woken, and then this bench has failed.
_SETTINGS = f"""\
[service]
url = "ws://127.0.0.1:9/"
[microphone]
device = "{MICROPHONE}"
[speaker]
device = "{SPEAKER}"
[panel]
kind = "gpio"
"""

_Samples = npt.NDArray[np.int16]


class DaemonLost(EdgevoiceError, RuntimeError):
    """The daemon that was to be measured did not start, ended, or was woken."""

    code = "bench-idle"
    remedy = "Its own output is above; try again on a machine that is less busy."


@dataclass(frozen=True, slots=True)
class ProcessUsage:
    """What a process has used so far, all its threads together.

    The converters of the virtual card are counted separately: on a real card they are the hardware's work.
    """

    at_s: float
    cpu_s: float
    card_cpu_s: float
    switches: int
    by_thread_s: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, process: int) -> "ProcessUsage":
        """Read the usage from /proc; the CPU time is exact to the nanosecond, not to the tick."""
        ran_s = {True: 0.0, False: 0.0}
        switches = 0
        by_thread_s: dict[str, float] = {}
        for task in Path(f"/proc/{process}/task").iterdir():
            try:
                name = (task / "comm").read_text(encoding="utf-8").strip()
                task_s = int((task / "schedstat").read_text(encoding="ascii").split()[0]) / 1e9
                task_switches = _field(task / "status", "voluntary_ctxt_switches")
            except (FileNotFoundError, ProcessLookupError):
                continue  # a thread that has just ended
            is_card = name == _CARD_THREAD
            ran_s[is_card] += task_s
            switches += 0 if is_card else task_switches
            # PortAudio's threads have the program's name, as the loop's has.
            by_thread_s[f"{'loop' if task.name == str(process) else name}-{task.name}"] = task_s
        return cls(time.monotonic(), ran_s[False], ran_s[True], switches, by_thread_s)

    def by_thread(self, later: "ProcessUsage") -> dict[str, float]:
        """Return what each thread used from this moment until ``later``, in percent of a core, the busiest first."""
        wall_s = later.at_s - self.at_s
        used = {
            name: round(100 * (task_s - self.by_thread_s.get(name, 0.0)) / wall_s, 2)
            for name, task_s in later.by_thread_s.items()
        }
        return dict(sorted(((name, share) for name, share in used.items() if share), key=lambda item: -item[1]))

    def until(self, later: "ProcessUsage") -> dict[str, float]:
        """Return what was used from this moment until ``later``."""
        wall_s = later.at_s - self.at_s
        return {
            "cpu_percent_of_a_core": round(100 * (later.cpu_s - self.cpu_s) / wall_s, 2),
            "virtual_card_percent": round(100 * (later.card_cpu_s - self.card_cpu_s) / wall_s, 2),
            "voluntary_switches_per_s": round((later.switches - self.switches) / wall_s, 1),
        }


def measure(seconds: int, *, as_json: bool) -> int:
    """Let the daemon listen for ``seconds`` to a silent room and as long to people; print the figures.

    Return the exit status.
    """
    # What is created once in a box's life is not part of a start.
    stages_in(cache_folder(os.environ))
    speech = _speech()
    starts = [_start() for _ in range(_STARTS + 1)][1:]  # the first one compiles, and reads from the disk
    with VirtualCard() as card, tempfile.TemporaryDirectory(prefix="edgevoice-bench-") as folder:
        card.speak(silence(20))
        with running_daemon(card, Path(folder)) as (process, _):
            report = _listen(process.pid, card, silence(seconds), seconds)
            report["counts"] = _what_counts(seconds)
            report["rss_mb"] = rss_mb(process.pid)
            _remark("in silence", report, is_quiet=as_json)
            around = _listen(process.pid, card, np.resize(speech, seconds * NEAR_END_HZ), seconds)
            report["speech_around"] = around
            _remark("with speech around", around, is_quiet=as_json)
            report |= {
                "rss_mb_at_the_end": rss_mb(process.pid),
                "threads": _field(Path(f"/proc/{process.pid}/status"), "Threads"),
                "start_to_listening_s": p50_p95([ready_s for ready_s, _ in starts], 2),
                "start_to_hearing_s": p50_p95([hears_s for _, hears_s in starts], 2),
            }
            if process.poll() is not None:
                raise DaemonLost("the daemon ended while it was measured")
    if not as_json:
        print(f"The figures cover {report['counts']}.", file=sys.stderr)
    # One second of sound is one second of the daemon, so milliseconds per second are its share of a core.
    library = library_cpu_ms_per_s()
    report["library_cpu_ms_per_s"] = library
    for figures in (report, around):
        figures["ratio_to_library"] = round(10 * float(str(figures["cpu_percent_of_a_core"])) / library, 2)
    show(report, as_json=as_json)
    return 0


def _start() -> tuple[float, float]:
    """Start the daemon once; return after how many seconds it was ready, and after how many its microphone was open."""
    with VirtualCard() as card, tempfile.TemporaryDirectory(prefix="edgevoice-bench-") as folder:
        card.speak(silence(4))
        began_s = time.monotonic()
        with running_daemon(card, Path(folder)) as (_, ready_s):
            while time.monotonic() < began_s + _HEARS_WITHIN_S:
                with contextlib.suppress(TapeUnreadable):
                    return ready_s, card.near_end.time_of(0) - began_s
                time.sleep(0.05)
    raise DaemonLost(f"the microphone was not open within {_HEARS_WITHIN_S:g} s")


def _what_counts(seconds: int) -> str:
    """Describe what the figures cover, so that nobody takes them for a whole box without a key."""
    return (
        f"the daemon alone, without the child process that answers where there is no key; "
        f"CPU and switches from second {_settling_s(seconds):g} of {seconds} on"
    )


def _settling_s(seconds: int) -> float:
    return min(_SETTLING_S, seconds / 2)


def _remark(when: str, report: dict[str, object], *, is_quiet: bool) -> None:
    if not is_quiet:
        print(f"{when}: {report['cpu_percent_of_a_core']} % of a core", file=sys.stderr)


def _listen(process: int, card: VirtualCard, sound: _Samples, seconds: int) -> dict[str, object]:
    """Play ``sound`` to the card and measure, without the first seconds, in which the gate and the caches settle."""
    second = 0
    begun: ProcessUsage | None = None
    counter: _Instructions | None = None
    settled_s = time.monotonic() + _settling_s(seconds)
    ends_s = time.monotonic() + seconds
    while (now := time.monotonic()) < ends_s:
        while card.unheard_s < 4 and second < seconds:
            card.speak(sound[second * NEAR_END_HZ : (second + 1) * NEAR_END_HZ])
            second += 1
        if begun is None and now >= settled_s:
            begun, counter = ProcessUsage.of(process), _Instructions(process)
        time.sleep(0.5)
    if begun is None:
        raise DaemonLost("the measurement was too short")
    ended = ProcessUsage.of(process)
    figures: dict[str, object] = {**begun.until(ended), "by_thread_percent": begun.by_thread(ended)}
    figures["million_instructions_per_s"] = counter.per_s() if counter is not None else None
    return figures


class _Instructions:
    """Counts a process's instructions by `perf`, where it may; unlike time, they do not depend on other programs."""

    def __init__(self, process: int) -> None:
        command = ["perf", "stat", "-x", ",", "-e", "instructions:u", "-p", str(process)]
        self._began_s = time.monotonic()
        self._perf: subprocess.Popen[str] | None = None
        with contextlib.suppress(OSError):
            self._perf = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def per_s(self) -> float | None:
        """End counting; return the mean in millions, None if nothing was counted."""
        if self._perf is None:
            return None
        self._perf.send_signal(signal.SIGINT)
        seconds = time.monotonic() - self._began_s
        _, output = self._perf.communicate()
        counted = next((line.split(",")[0] for line in output.splitlines() if "instructions" in line), "")
        return round(int(counted) / seconds / 1e6, 1) if counted.isdecimal() else None


@contextlib.contextmanager
def running_daemon(
    card: VirtualCard, folder: Path, more: str = ""
) -> Iterator[tuple["subprocess.Popen[bytes]", float]]:
    """Run `edgevoice run`; yield the process once it listens, with the seconds that took.

    ``more`` is added to its settings. Python's files are compiled beforehand, at the first start, as setup does it.
    """
    settings = folder / "edgevoice.toml"
    settings.write_text(f"{_SETTINGS}{more}", encoding="utf-8")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("EDGEVOICE_")}
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)
    inherited["PYTHONPYCACHEPREFIX"] = str(default_cache() / "compiled")
    given = {
        "NOTIFY_SOCKET": str(folder / "notify"),
        "STATE_DIRECTORY": str(folder),
        # Without it, its control socket would be where this user's own box has one.
        "RUNTIME_DIRECTORY": str(folder / "run"),
        "GPIOZERO_PIN_FACTORY": "mock",
    }
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(given["NOTIFY_SOCKET"])
        began_s = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "edgevoice", "run", "--config", str(settings)],
            env=inherited | dict(card.environment) | given,
            process_group=0,
        )
        try:
            _wait_until_ready(notified, began_s + _START_LIMIT_S)
            took_s = time.monotonic() - began_s
            # Nobody may leave the socket unread: after some ten lines about its state the daemon would wait for ever.
            start(lambda: _drain(notified), name="reading notifications")
            yield process, took_s
        finally:
            process.terminate()
            process.wait()
            notified.shutdown(socket.SHUT_RD)


def _wait_until_ready(notified: socket.socket, limit_s: float) -> None:
    message = b""
    while b"READY=1" not in message:
        notified.settimeout(max(0.01, limit_s - time.monotonic()))
        try:
            message = notified.recv(4096)
        except TimeoutError:
            raise DaemonLost(f"the daemon did not listen within {_START_LIMIT_S:.0f} s") from None


def _drain(notified: socket.socket) -> None:
    notified.settimeout(None)
    while notified.recv(4096):
        pass


def rss_mb(process: int) -> float:
    """Return the resident memory of a process."""
    return round(_field(Path(f"/proc/{process}/status"), "VmRSS") / 1024, 1)


def _field(path: Path, name: str) -> int:
    """Return the number with that name from a file of /proc."""
    lines = path.read_text(encoding="ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(f"{name}:")))


def silence(seconds: int) -> _Samples:
    """Return the noise of a quiet kitchen, -72 dBFS."""
    return np.random.default_rng(21).integers(-8, 9, seconds * NEAR_END_HZ, np.int16)


def _speech() -> _Samples:
    """Return people talking, without a wake word."""
    pieces = [np.concatenate([speech_of(text), np.zeros(NEAR_END_HZ // 2, np.int16)]) for text in _SAID]
    speech = np.concatenate(pieces)
    noise = np.random.default_rng(22).integers(-8, 9, len(speech), np.int16)
    heard: _Samples = (speech // 2 + noise).astype(np.int16)
    return heard
