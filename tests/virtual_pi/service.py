"""The unit as systemd sees it, from inside the guest. Standard library only."""

import json
import os
import re
import subprocess
import time
from pathlib import Path

from tests.virtual_pi.board import Refused, run, until

UNIT = "edgevoice.service"
START_LIMIT_S = 150.0
"""The unit's own limit is 120 s."""


def state(*names: str) -> dict[str, str]:
    """Return properties of the unit."""
    told = run("systemctl", "show", UNIT, f"--property={','.join(names)}")
    return dict(line.split("=", 1) for line in told.splitlines())


def status_of(*command: str) -> int:
    """Run a program and return how it ends, whatever it prints."""
    done = subprocess.run(command, capture_output=True, timeout=120, check=False, stdin=subprocess.DEVNULL)
    return done.returncode


def of(name: str, *command: str) -> tuple[str, ...]:
    """Return the command as that user runs it."""
    return ("runuser", "--user", name, "--", *command)


def main_process() -> int:
    """Return the daemon's process id, 0 while there is none."""
    return int(state("MainPID")["MainPID"])


def processes() -> set[int]:
    """Return the unit's processes from the kernel: systemctl is expensive on an emulated processor."""
    try:
        told = Path(f"/sys/fs/cgroup/system.slice/{UNIT}/cgroup.procs").read_text(encoding="ascii")
    except OSError:
        return set()
    return {int(line) for line in told.splitlines()}


def wait_for_start() -> None:
    """Wait until the current start has finished; ``Refused`` if it fails."""
    run("systemctl", "start", UNIT, limit_s=START_LIMIT_S)


def is_ready() -> bool:
    """Return whether the daemon has sent READY and is idle."""
    told = state("ActiveState", "SubState", "StatusText")
    return (told["ActiveState"], told["SubState"], told["StatusText"]) == ("active", "running", "idle")


def wait_for_answering() -> float:
    """Wait until the service inside the box accepts connections and has built its caches; return the seconds.

    On the guest's slow processor that takes a good part of a minute, and a client that connects meanwhile waits for it.
    """

    def is_there() -> bool:
        sockets = [*Path("/run/edgevoice").glob("edgevoice-local-*/realtime.sock")]
        sayings = [path for path in Path("/var/cache/edgevoice").glob("saying-*.s16") if path.stat().st_size]
        return len(sockets) == 1 and len(sayings) == 2

    return until(is_there, 180, "the service inside the box did not come up", pause_s=0.5)


def journal(since: float) -> str:
    """Return the unit's log since a monotonic time."""
    wall = time.time() - (time.monotonic() - since)
    return run("journalctl", f"--unit={UNIT}", f"--since=@{wall:.3f}", "--output=cat", "--no-pager")


def real_time_threads(process: int) -> int:
    """Return how many threads of a process have real time, SCHED_RR, priority 10."""
    found = 0
    for thread in Path(f"/proc/{process}/task").iterdir():
        number = int(thread.name)
        is_ours = os.sched_getscheduler(number) & ~os.SCHED_RESET_ON_FORK == os.SCHED_RR
        found += is_ours and os.sched_getparam(number).sched_priority == 10
    return found


def exposure() -> float:
    """Return the unit's exposure on systemd's scale, as the running systemd sees it."""
    told = run("systemd-analyze", "security", "--no-pager", UNIT)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", told)
    if found is None:
        raise Refused("systemd-analyze tells no exposure")
    return float(found[1])


def listening() -> list[str]:
    """Return every socket of the guest on which a network could be answered."""
    return run("ss", "--no-header", "--listening", "--numeric", "--tcp", "--udp", "--raw").splitlines()


def examined() -> dict[str, dict[str, str]]:
    """Run the doctor and return its findings by name."""
    told = run("/usr/local/bin/edgevoice", "doctor", "--quick", "--json", limit_s=300, may_fail=True)
    return {finding["name"]: finding for finding in json.loads(told.splitlines()[-1])["findings"]}
