"""The unit as systemd sees it, from inside the guest. Standard library only."""

import json
import os
import re
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.virtual_pi.board import Refused, run, until

UNIT = "edgevoice.service"
START_LIMIT_S = 150.0
"""The unit's own limit is 120 s."""


def state(*names: str) -> dict[str, str]:
    """Return properties of the unit."""
    return properties(UNIT, *names)


def properties(unit: str, *names: str) -> dict[str, str]:
    """Return properties of a unit."""
    told = run("systemctl", "show", unit, f"--property={','.join(names)}")
    return dict(line.split("=", 1) for line in told.splitlines())


def ask(command: str, **fields: Any) -> dict[str, Any]:
    """Send the box a request by its control socket and return the reply; ``Refused`` if the box refuses."""
    with socket.socket(socket.AF_UNIX) as program:
        program.settimeout(10)
        program.connect("/run/edgevoice/control.sock")
        program.sendall(json.dumps({"do": command, "id": 1, **fields}).encode() + b"\n")
        with program.makefile("rb") as lines:
            replies = (json.loads(line) for line in lines)
            reply: dict[str, Any] = next(each for each in replies if each.get("id") == 1)
    if not reply["ok"]:
        raise Refused(f"{command} is refused: {reply['error']}")
    return reply


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


def own_log() -> list[str]:
    """Return what the current process of the daemon has logged."""
    told = run("journalctl", f"--unit={UNIT}", f"_PID={main_process()}", "--output=cat", "--no-pager")
    return told.splitlines()


def stop() -> None:
    """Stop the unit."""
    run("systemctl", "stop", UNIT)


def wait_for_start() -> None:
    """Start the unit if it does not start already, and wait until it has; ``Refused`` if it fails."""
    run("systemctl", "start", UNIT, limit_s=START_LIMIT_S)


def is_ready() -> bool:
    """Return whether the daemon has sent READY and is idle."""
    told = state("ActiveState", "SubState", "StatusText")
    return (told["ActiveState"], told["SubState"], told["StatusText"]) == ("active", "running", "idle")


def wait_for_answering() -> float:
    """Wait until the service inside the box accepts connections; return the seconds.

    On the guest's slow processor that takes a while, and a client that connects meanwhile waits for it.
    """

    def is_there() -> bool:
        return len([*Path("/run/edgevoice").glob("edgevoice-local-*/realtime.sock")]) == 1

    return until(is_there, 180, "the service inside the box did not come up", pause_s=0.5)


def journal(since: float) -> str:
    """Return the unit's log since a monotonic time."""
    wall = time.time() - (time.monotonic() - since)
    return run("journalctl", f"--unit={UNIT}", f"--since=@{wall:.3f}", "--output=cat", "--no-pager")


def libraries(process: int) -> set[str]:
    """Return the files that a process has mapped."""
    maps = Path(f"/proc/{process}/maps").read_text(encoding="utf-8").splitlines()
    return {words[5] for line in maps if len(words := line.split(maxsplit=5)) == 6 and words[5].startswith("/")}


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
