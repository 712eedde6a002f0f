from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edgevoice.doctor.findings import Finding, FindingStatus
from edgevoice.doctor.hardware import (
    MIB,
    Disk,
    Power,
    Radio,
    examine_clock,
    judge_clock,
    judge_disk,
    judge_memory,
    judge_power,
    judge_radio,
    probe_disk,
    probe_memory,
    probe_power,
    probe_radio,
)
from tests.doctor.machines import machine

DISK = Disk(Path("/var/lib/edgevoice"), 5000 * MIB, is_read_only=False, is_writable=True)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MODEL = {"/proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0"}


def test_every_finding_that_is_not_fine_needs_a_remedy() -> None:
    with pytest.raises(ValueError, match="needs a remedy"):
        Finding("disk", FindingStatus.WRONG, "full")


@pytest.mark.parametrize(
    ("disk", "mark"),
    [
        (DISK, FindingStatus.FINE),
        (replace(DISK, free_bytes=150 * MIB), FindingStatus.DOUBTFUL),
        (replace(DISK, free_bytes=19 * MIB), FindingStatus.WRONG),
        (replace(DISK, is_read_only=True), FindingStatus.WRONG),
        (replace(DISK, is_writable=False), FindingStatus.DOUBTFUL),
    ],
)
def test_a_disk_is_judged_by_its_free_space_and_whether_it_is_writable(disk: Disk, mark: FindingStatus) -> None:
    assert judge_disk(disk).mark is mark


def test_a_missing_state_folder_is_judged_by_its_parent(tmp_path: Path) -> None:
    disk = probe_disk(tmp_path / "state" / "edgevoice")

    assert disk.free_bytes > 0
    assert disk.is_writable
    assert not disk.is_read_only


def test_memory_is_the_amount_still_available_to_programs(tmp_path: Path) -> None:
    assert probe_memory(machine(tmp_path, {"/proc/meminfo": "MemTotal: 900000 kB\nMemAvailable:  204800 kB\n"})) == 200
    assert probe_memory(machine(tmp_path / "none")) is None
    assert [judge_memory(mib).mark for mib in (None, 20, 60, 200)] == [
        FindingStatus.SKIPPED,
        FindingStatus.WRONG,
        FindingStatus.DOUBTFUL,
        FindingStatus.FINE,
    ]


@pytest.mark.parametrize(
    ("now", "is_synchronised", "mark"),
    [
        (NOON, True, FindingStatus.FINE),
        (NOON, None, FindingStatus.FINE),
        (NOON, False, FindingStatus.DOUBTFUL),
        (NOON.replace(year=1970), True, FindingStatus.WRONG),
        (NOON.replace(year=2025), True, FindingStatus.WRONG),
        (NOON.replace(year=2099), True, FindingStatus.WRONG),
    ],
)
def test_a_clock_in_another_year_is_wrong_and_an_unsynchronised_one_doubtful(
    now: datetime, *, is_synchronised: bool | None, mark: FindingStatus
) -> None:
    assert judge_clock(now, is_synchronised=is_synchronised).mark is mark


def test_the_kernel_reports_whether_the_clock_is_synchronised() -> None:
    assert examine_clock().text.startswith(f"{datetime.now(UTC):%Y-%m-%d}")


@pytest.mark.parametrize(
    ("throttled", "celsius", "mark", "words"),
    [
        (0x0, 45.0, FindingStatus.FINE, "never throttled"),
        (0x50005, 45.0, FindingStatus.WRONG, "undervoltage"),
        (0x50000, 45.0, FindingStatus.DOUBTFUL, "since boot"),
        (0xE0008, 81.0, FindingStatus.DOUBTFUL, "throttled, 81"),
        (0x80000, 50.0, FindingStatus.DOUBTFUL, "throttled since"),
        (0x0, 85.0, FindingStatus.DOUBTFUL, "throttled"),
        (None, 45.0, FindingStatus.SKIPPED, "does not say"),
    ],
)
def test_the_firmwares_bits_are_described_in_words(
    throttled: int | None, celsius: float, mark: FindingStatus, words: str
) -> None:
    finding = judge_power(Power(is_pi=True, throttled=throttled, celsius=celsius))

    assert finding.mark is mark
    assert words in finding.text


def test_power_is_read_from_the_firmware_or_its_alarm_and_only_on_a_pi(tmp_path: Path) -> None:
    heat = {"/sys/class/thermal/thermal_zone0/temp": "48312\n"}
    asked = machine(tmp_path / "a", {**MODEL, **heat}, {"vcgencmd get_throttled": "throttled=0x50000\n"})
    alarm = {"/sys/class/hwmon/hwmon1/name": "rpi_volt\n", "/sys/class/hwmon/hwmon1/in0_lcrit_alarm": "1\n"}
    unasked = machine(tmp_path / "b", {**MODEL, **alarm})

    assert probe_power(asked) == Power(is_pi=True, throttled=0x50000, celsius=48.312)
    assert probe_power(unasked) == Power(is_pi=True, throttled=1, celsius=None)
    assert judge_power(probe_power(machine(tmp_path / "c"))).mark is FindingStatus.SKIPPED


WIRELESS = """\
Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
 face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
 wlan0: 0000   58.  -52.  -256        0      0      0      0      0        0
"""


@pytest.mark.parametrize(
    ("answer", "radio"),
    [
        ("Power save: on\n", Radio("wlan0", saves_power=True, signal_dbm=-52)),
        ("Power save: off\n", Radio("wlan0", saves_power=False, signal_dbm=-52)),
        (None, Radio("wlan0", saves_power=None, signal_dbm=-52)),
    ],
)
def test_a_radio_reports_its_signal_and_its_power_saving(tmp_path: Path, answer: str | None, radio: Radio) -> None:
    files = {
        "/sys/class/net/wlan0/phy80211/name": "phy0",
        "/sys/class/net/wlan0/operstate": "up\n",
        "/proc/net/wireless": WIRELESS,
    }
    answers = {} if answer is None else {"/usr/sbin/iw dev wlan0": answer}

    assert probe_radio(machine(tmp_path, files, answers)) == radio


def test_a_radio_with_power_saving_or_a_weak_signal_is_doubtful() -> None:
    assert judge_radio(None).mark is FindingStatus.FINE
    assert judge_radio(Radio("wlan0", saves_power=False, signal_dbm=-50)).mark is FindingStatus.FINE
    assert judge_radio(Radio("wlan0", saves_power=True, signal_dbm=-50)).mark is FindingStatus.DOUBTFUL
    assert "weak" in judge_radio(Radio("wlan0", saves_power=False, signal_dbm=-80)).text
    assert judge_radio(Radio("wlan0", saves_power=None, signal_dbm=None)).remedy == "sudo apt install iw"
