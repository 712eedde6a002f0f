"""Checks of the machine: disk, memory, clock, power, Wi-Fi. Each has a probe for the facts and a pure judgement."""

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from edgevoice.doctor.findings import Finding, doubtful, fine, skipped, wrong
from edgevoice.doctor.probes import Machine
from edgevoice.steady_clock import is_set_by_network

MIB = 1 << 20
FIRST_SANE_YEAR = 2026
"""The year in which this was written: a Pi without a clock battery starts in an earlier one."""

# --- disk ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system on which the box keeps its state."""

    folder: Path
    free_bytes: int
    is_read_only: bool
    is_writable: bool


def probe_disk(folder: Path) -> Disk:
    """Probe the file system of a folder, or of its nearest parent that exists."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    return Disk(
        folder,
        shutil.disk_usage(there).free,
        bool(os.statvfs(there).f_flag & os.ST_RDONLY),
        os.access(there, os.W_OK | os.X_OK),
    )


def judge_disk(disk: Disk) -> Finding:
    """Judge: the box needs 20 MiB to work, and 200 MiB for an update."""
    name, free = "disk", f"{disk.free_bytes / MIB:.0f} MiB free for {disk.folder}"
    if disk.is_read_only:
        return wrong(
            name,
            f"{disk.folder} is on a file system that is read-only",
            "`dmesg | grep -i 'remount\\|mmc'` says why; an SD card that becomes read-only is failing: replace it.",
        )
    if not disk.is_writable:
        return doubtful(
            name, f"{disk.folder} belongs to another user", "Run the doctor as the box's user, or with sudo."
        )
    if disk.free_bytes < 20 * MIB:
        return wrong(name, free, "Free some space: sudo apt clean; sudo journalctl --vacuum-size=50M")
    if disk.free_bytes < 200 * MIB:
        return doubtful(name, free, "Free some space before the next update: sudo apt clean")
    return fine(name, free, free_mib=round(disk.free_bytes / MIB))


# --- memory ----------------------------------------------------------------------------------------------------------


def probe_memory(machine: Machine) -> int | None:
    """Return how many MiB programs could still use."""
    lines = (machine.read("/proc/meminfo") or "").splitlines()
    values = {key: value.split() for key, _, value in (line.partition(":") for line in lines)}
    available = values.get("MemAvailable", [])
    return int(available[0]) // 1024 if available and available[0].isdigit() else None


def judge_memory(available_mib: int | None) -> Finding:
    """Judge the memory that is free beside the box, or before it starts."""
    if available_mib is None:
        return skipped(
            "memory", "the kernel does not say", "Look for MemAvailable in /proc/meminfo; Linux has had it since 3.14."
        )
    text, remedy = (
        f"{available_mib} MiB available",
        "Stop other programs; `ps aux --sort=-rss | head` names the largest.",
    )
    if available_mib < 30:
        return wrong("memory", text, remedy)
    if available_mib < 100:
        return doubtful("memory", text, remedy)
    return fine("memory", text, available_mib=available_mib)


# --- clock -----------------------------------------------------------------------------------------------------------


def judge_clock(now: datetime, *, is_synchronised: bool | None) -> Finding:
    """Judge whether certificates can be checked with this clock."""
    shown, remedy = f"{now:%Y-%m-%d %H:%M} UTC", "Connect the network, then: sudo timedatectl set-ntp true"
    if now.year < FIRST_SANE_YEAR:
        return wrong("clock", f"{shown}, in the past: no certificate will be valid", remedy, code="clock-wrong")
    if now.year > FIRST_SANE_YEAR + 20:
        return wrong("clock", f"{shown}, which is far in the future", remedy, code="clock-wrong")
    if is_synchronised is None:
        return fine("clock", f"{shown}; the kernel does not say whether it is set by the network")
    if not is_synchronised:
        return doubtful("clock", f"{shown}, not set by the network", remedy)
    return fine("clock", f"{shown}, set by the network")


def examine_clock() -> Finding:
    """Probe and judge the clock."""
    return judge_clock(datetime.now(UTC), is_synchronised=is_set_by_network())


# --- power -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Power:
    """A Pi's power: the bits of `vcgencmd get_throttled`, and its temperature; ``None`` is unknown."""

    is_pi: bool
    throttled: int | None
    celsius: float | None


def probe_power(machine: Machine) -> Power:
    """Ask the firmware, or else read its alarm in sysfs."""
    is_pi = "Raspberry Pi" in (machine.read("/proc/device-tree/model") or "")
    answer = (machine.ask(["vcgencmd", "get_throttled"]) or "") if is_pi else ""
    value = answer.strip().partition("throttled=")[2]
    throttled = int(value, 16) if value.startswith("0x") else None
    for path in machine.glob("/sys/class/hwmon/hwmon*/name") if throttled is None else ():
        if machine.read(path) == "rpi_volt":
            throttled = int(machine.read(path.replace("/name", "/in0_lcrit_alarm")) == "1")
    heat = machine.read("/sys/class/thermal/thermal_zone0/temp") or ""
    return Power(is_pi, throttled, int(heat) / 1000 if heat.lstrip("-").isdigit() else None)


def judge_power(power: Power) -> Finding:
    """Judge by the bits: 0 undervoltage, 1 to 3 throttled, 16 to 19 the same since boot."""
    supply = "Use the Pi's own power supply, 5.1 V, with a short thick cable."
    if not power.is_pi:
        return skipped("power", "this is not a Raspberry Pi", "Nothing to do: only a Pi reports its power supply.")
    heat = f", {power.celsius:.0f} °C" if power.celsius is not None else ""
    if power.throttled is None:
        return skipped("power", f"the firmware does not say{heat}", "As root, `vcgencmd get_throttled` may work.")
    if power.throttled & 0x1:
        return wrong("power", f"undervoltage{heat}", supply)
    if power.throttled & 0xE or (power.celsius or 0) >= 80:
        return doubtful("power", f"the processor is throttled{heat}", "Improve the cooling: a heat sink, or more air.")
    if power.throttled & 0x10000:
        return doubtful("power", f"there was undervoltage since boot{heat}", supply)
    if power.throttled & 0xE0000:
        return doubtful(
            "power", f"the processor was throttled since boot{heat}", "Improve the cooling: a heat sink, or more air."
        )
    return fine("power", f"voltage sufficient, never throttled{heat}")


# --- Wi-Fi -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Radio:
    """A wireless interface that is up; ``None`` is unknown."""

    interface: str
    saves_power: bool | None
    signal_dbm: float | None


def probe_radio(machine: Machine) -> Radio | None:
    """Return the first wireless interface that is up, or ``None``."""
    for path in machine.glob("/sys/class/net/*/phy80211"):
        interface = path.split("/")[4]
        if machine.read(f"/sys/class/net/{interface}/operstate") != "up":
            continue
        answer = machine.ask(["iw", "dev", interface, "get", "power_save"])
        if answer is None:
            answer = machine.ask(["/usr/sbin/iw", "dev", interface, "get", "power_save"])
        saves = None if answer is None else answer.strip().endswith("on")
        return Radio(interface, saves, _signal_dbm(machine.read("/proc/net/wireless") or "", interface))
    return None


def _signal_dbm(table: str, interface: str) -> float | None:
    """Read the signal level from /proc/net/wireless, whose numbers end with a point."""
    for line in table.splitlines():
        name, _, rest = line.strip().partition(":")
        words = rest.split()
        if name == interface and len(words) > 2:
            try:
                level = float(words[2])
            except ValueError:
                return None
            return level if level < 0 else None
    return None


def judge_radio(radio: Radio | None) -> Finding:
    """Judge: power saving delays packets by 100 ms and more, which is audible in speech."""
    if radio is None:
        return fine("Wi-Fi", "not in use")
    name = radio.interface
    level = f", {radio.signal_dbm:.0f} dBm" if radio.signal_dbm is not None else ""
    if radio.signal_dbm is not None and radio.signal_dbm < -75:
        return doubtful("Wi-Fi", f"{name}: a weak signal{level}", "Move the box or the access point, or use a cable.")
    if radio.saves_power is None:
        return skipped("Wi-Fi", f"{name}{level}; its power saving is unknown", "sudo apt install iw")
    if radio.saves_power:
        return doubtful(
            "Wi-Fi",
            f"{name} has power saving on, which makes answers stutter{level}",
            f"sudo iw dev {name} set power_save off; permanently: 802-11-wireless.powersave 2 in NetworkManager.",
        )
    return fine("Wi-Fi", f"{name}, power saving off{level}")
