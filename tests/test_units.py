import configparser
import ctypes
import os
import platform
import re
import shlex
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from edgevoice import children
from edgevoice.mcp.child import stdio
from edgevoice.store import files

ROOT = Path(__file__).parents[1]
UNIT = ROOT / "systemd" / "edgevoice.service"
PAGE = ROOT / "systemd" / "edgevoice-page.service"
PAGE_SOCKET = ROOT / "systemd" / "edgevoice-page.socket"
WRITER = ROOT / "systemd" / "edgevoice-page-settings@.service"
WRITER_SOCKET = ROOT / "systemd" / "edgevoice-page-settings.socket"

pytestmark = pytest.mark.skipif(not UNIT.exists(), reason="the units are not beside these tests: an installed copy")

needs_analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")


def directives(unit: Path = UNIT) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in unit.read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"([A-Za-z]+)=(.*)", line):
            found.setdefault(match[1], []).append(match[2])
    return found


@needs_analyze
@pytest.mark.parametrize("unit", [UNIT, PAGE, WRITER], ids=lambda unit: unit.name)
def test_every_service_is_exposed_to_no_more_than_1_5(unit: Path) -> None:
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert judged.returncode == 0, judged.stdout + judged.stderr


@needs_analyze
@pytest.mark.parametrize("unit", [UNIT, PAGE, PAGE_SOCKET, WRITER, WRITER_SOCKET], ids=lambda unit: unit.name)
def test_systemd_knows_every_directive_of_the_units(unit: Path) -> None:
    told = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)

    # The program is where scripts/setup puts it, and that is not here.
    named = unit.stem.removesuffix("@")
    others = [line for line in told.stderr.splitlines() if named in line and "is not executable" not in line]
    assert others == []


def test_a_box_without_a_microphone_is_restarted_indefinitely() -> None:
    found = {name: values[-1] for name, values in directives().items()}
    period_s = int(found["WatchdogSec"]) + int(found["RestartSec"])

    assert found["Restart"] == "on-failure"
    # Fewer starts than the limit fall into its window, so it is never reached.
    assert int(found["StartLimitIntervalSec"]) / period_s + 1 < int(found["StartLimitBurst"])


def test_the_service_is_not_restarted_with_refused_settings() -> None:
    from edgevoice.box.daemon import EXIT_SETTINGS  # noqa: PLC0415 - the rest runs without the daemon's libraries

    assert directives()["RestartPreventExitStatus"] == [str(EXIT_SETTINGS)]


def test_the_watchdog_period_exceeds_the_daemons_freshness_limit() -> None:
    # Fed at half its period, and no longer fed once a part was silent for 3 s.
    assert int(directives()["WatchdogSec"][0]) / 2 > 3


def test_what_the_end_of_the_box_waits_for_fits_into_the_time_that_the_unit_gives_it() -> None:
    (given,) = directives()["TimeoutStopSec"]

    # A server that does not react: its input is closed, then SIGTERM, then SIGKILL, and it is waited for after each.
    assert 2 * 3 * stdio._STOP_S <= children._STOP_TIMEOUT_S
    assert float(given) > children._STOP_TIMEOUT_S + children._DRAIN_S
    assert float(given) >= 2 * files._LOCK_LIMIT_S


def test_only_sound_and_pins_are_open() -> None:
    found = directives()

    assert found["DevicePolicy"] == ["closed"]
    assert sorted(found["DeviceAllow"]) == ["char-alsa rw", "char-gpiochip rw", "char-spi rw"]


def test_the_unit_accepts_no_incoming_connections() -> None:
    assert directives()["SocketBindDeny"] == ["any"]


def test_the_key_comes_as_the_credential_that_the_daemon_looks_for() -> None:
    from edgevoice.host.credentials import find_key  # noqa: PLC0415
    from edgevoice.settings.service import ServiceSettings  # noqa: PLC0415

    name, _, _ = directives()["LoadCredential"][0].partition(":")

    assert f'Path(folder, "{name}")' in Path(find_key.__code__.co_filename).read_text(encoding="utf-8")
    assert find_key(ServiceSettings(), {}) is None


def test_the_units_folders_match_those_of_the_command() -> None:
    command = (ROOT / "systemd" / "edgevoice-command").read_text(encoding="utf-8")
    found = directives()

    assert f"state=/var/lib/{found['StateDirectory'][0]} " in command
    assert f"cache=/var/cache/{found['CacheDirectory'][0]}\n" in command
    assert found["WorkingDirectory"] == [f"/var/lib/{found['StateDirectory'][0]}"]


def test_the_folders_are_made_with_the_modes_that_the_service_wants() -> None:
    lines = (ROOT / "systemd" / "edgevoice.tmpfiles").read_text(encoding="utf-8").splitlines()
    found = {name: values[-1] for name, values in directives().items()}
    user = f"{found['User']} {found['Group']}"
    # Without a mode in the unit a cache gets 0755 (systemd.exec).
    folders = {
        f"/var/lib/{found['StateDirectory']}": found["StateDirectoryMode"],
        f"/var/cache/{found['CacheDirectory']}": found.get("CacheDirectoryMode", "0755"),
    }

    made = [f"d {folder} {mode} {user}" for folder, mode in folders.items()]
    owned = [f"Z {folder} - {user}" for folder in folders]
    assert [line for line in lines if line[0] != "#"] == made + owned


def test_the_group_reaches_the_control_socket_and_nobody_else_does() -> None:
    from edgevoice.control.place import SERVICE_SOCKET  # noqa: PLC0415

    found = directives()

    assert found["RuntimeDirectoryMode"] == ["0750"]
    assert str(SERVICE_SOCKET.parent) == f"/run/{found['RuntimeDirectory'][0]}"
    assert found["Group"] == ["edgevoice"]


def test_the_user_of_the_service_is_made_with_its_groups() -> None:
    made = (ROOT / "systemd" / "edgevoice.sysusers").read_text(encoding="utf-8")
    found = directives()

    assert re.search(rf"^u {found['User'][0]} ", made, re.MULTILINE)
    for group in found["SupplementaryGroups"][0].split():
        assert re.search(rf"^g {group} ", made, re.MULTILINE)
        assert re.search(rf"^m {found['User'][0]} {group}$", made, re.MULTILINE)


def test_the_pins_belong_to_the_group_of_the_service() -> None:
    rule = (ROOT / "systemd" / "60-edgevoice-gpio.rules").read_text(encoding="utf-8")

    assert 'KERNEL=="gpiochip*", GROUP="gpio", MODE="0660"' in rule
    assert 'SUBSYSTEM=="spidev", GROUP="spi", MODE="0660"' in rule


def test_the_rule_of_the_system_bus_is_for_the_user_of_the_service_and_for_players_alone() -> None:
    rules = (ROOT / "systemd" / "edgevoice-dbus.conf").read_text(encoding="utf-8")

    assert re.findall("<policy ([^>]*)>", rules) == [f'user="{directives()["User"][0]}"']
    allowed = re.findall(r"<allow ([^>]*)/>", rules)
    assert len(allowed) == 2
    assert all('send_destination_prefix="org.mpris.MediaPlayer2"' in each for each in allowed)


def test_the_unit_holds_no_directive_twice_by_mistake() -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # as configparser's manual says
    parser.read(UNIT)
    lists = {"Environment", "SystemCallFilter", "DeviceAllow"}

    assert {name for name, values in directives().items() if len(values) > 1} <= lists
    assert parser.sections() == ["Unit", "Service", "Install"]


# --- the live page ----------------------------------------------------------------------------------------------------


def test_the_page_listens_on_this_machine_alone_and_on_the_port_of_the_settings() -> None:
    from edgevoice.settings.page import PageSettings  # noqa: PLC0415

    port = PageSettings().port
    assert directives(PAGE_SOCKET)["ListenStream"] == [f"127.0.0.1:{port}", f"[::1]:{port}"]
    assert directives(PAGE)["SocketBindDeny"] == ["any"]


def test_the_page_reaches_the_box_by_its_group_alone_and_no_key() -> None:
    found = directives(PAGE)

    assert found["DynamicUser"] == ["yes"]
    assert found["SupplementaryGroups"] == ["edgevoice"]
    assert "LoadCredential" not in found
    assert "DeviceAllow" not in found
    assert "-/etc/credstore.encrypted" in found["InaccessiblePaths"][0]
    assert "ReadWritePaths" not in found


def test_only_the_writer_may_write_the_settings_and_the_page_finds_it() -> None:
    from edgevoice.page.settings_file import WRITER as PLACE  # noqa: PLC0415
    from edgevoice.settings.file import SYSTEM_FILE  # noqa: PLC0415

    assert directives(WRITER)["ReadWritePaths"] == [str(SYSTEM_FILE.parent)]
    assert directives(WRITER)["PrivateNetwork"] == ["yes"]
    assert directives(WRITER_SOCKET)["ListenStream"] == [str(PLACE)]
    assert directives(WRITER_SOCKET)["SocketMode"] == ["0660"]


def test_the_page_keeps_its_pairings_where_its_commands_look() -> None:
    from edgevoice.page.command import SERVICE_STATE  # noqa: PLC0415

    assert str(SERVICE_STATE) == f"/var/lib/{directives(PAGE)['StateDirectory'][0]}"


# --- memory that may be written and run -------------------------------------------------------------------------------

_DENIED, _ALLOWED = 0x0005_0001, 0x7FFF_0000
"""SECCOMP_RET_ERRNO with EPERM, and SECCOMP_RET_ALLOW (linux/seccomp.h)."""

_NUMBERS = {"x86_64": (9, 10, 329), "aarch64": (222, 226, 288)}
"""mmap, mprotect and pkey_mprotect by machine (the kernel's tables)."""

_HEAVY = """
import ctypes, ctypes.util, mmap, sys
try:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    sys.exit("memory that may be written and run was given")
except PermissionError:
    pass
page = mmap.mmap(-1, 4096)
address = ctypes.addressof(ctypes.c_char.from_buffer(page))
library = ctypes.CDLL(None, use_errno=True)
if library.mprotect(ctypes.c_void_p(address), 4096, 5) == 0:
    sys.exit("memory that was written may be run")
import gpiozero, msgspec, numpy, onnxruntime, pyaudio, soxr, ssl, systemd.daemon, websockets
ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 0)
numpy.linalg.svd(numpy.ones((64, 64)))
from pathlib import Path
from edgevoice.wakeword.models.front_end import parts_of
parts = parts_of(Path(sys.argv[1]))
session = onnxruntime.InferenceSession(parts.graph, providers=["CPUExecutionProvider"])
wanted = {each.name: numpy.zeros([n if isinstance(n, int) else 1 for n in each.shape], numpy.float32)
          for each in session.get_inputs()}
assert session.run(None, wanted)
from edgevoice.wakeword.kernel.kernel import open_kernel
assert open_kernel(Path(sys.argv[1])).network().step(numpy.ones((8, 32), numpy.float32)).shape == (1, 96)
print("well")
"""


def deny_program() -> bytes:
    """Return what systemd's MemoryDenyWriteExecute= is: seccomp's program against W and X, and against gaining X."""
    mmap_number, mprotect_number, pkey_number = _NUMBERS[platform.machine()]

    def line(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("HBBI", code, yes, no, value)

    load, equal, any_bit, both, give = 0x20, 0x15, 0x45, 0x54, 0x06
    return b"".join(
        (
            line(load, 0),  # 0: the call's number
            line(equal, mmap_number, 0, 3),  # 1: else to 5
            line(load, 32),  # 2: its protection
            line(both, 6),  # 3
            line(equal, 6, 5, 4),  # 4: W and X: to 10, else to 9
            line(equal, mprotect_number, 1, 0),  # 5: to 7
            line(equal, pkey_number, 0, 2),  # 6: else to 9
            line(load, 32),  # 7
            line(any_bit, 4, 1, 0),  # 8: X: to 10
            line(give, _ALLOWED),  # 9
            line(give, _DENIED),  # 10
        )
    )


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("lines", ctypes.c_void_p)]


def _deny() -> None:
    lines = deny_program()
    buffer = ctypes.create_string_buffer(lines, len(lines))
    program = _Program(len(lines) // 8, ctypes.addressof(buffer))
    library = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, set_seccomp, with_filter = 38, 22, 2
    if library.prctl(no_new_privileges, 1, 0, 0, 0) or library.prctl(
        set_seccomp, with_filter, ctypes.byref(program), 0, 0
    ):
        raise OSError(ctypes.get_errno(), "seccomp")


@pytest.mark.skipif(
    platform.machine() not in _NUMBERS, reason="the system calls' numbers of this machine are not known here"
)
def test_the_daemons_libraries_and_models_run_without_writable_executable_memory(tmp_path: Path) -> None:
    assert directives()["MemoryDenyWriteExecute"] == ["yes"]

    ended = subprocess.run(
        [sys.executable, "-c", _HEAVY, str(tmp_path)],
        preexec_fn=_deny,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )

    assert (ended.returncode, ended.stdout) == (0, "well\n"), ended.stderr


def test_a_reload_signals_the_box_and_fails_for_refused_settings() -> None:
    (reload,) = directives()["ExecReload"]
    command = reload.partition("'")[2].removesuffix("'")

    told, checked = command.split("; exec ")
    assert told == "kill -HUP $MAINPID"
    assert checked == f"{directives()['ExecStart'][0].removesuffix(' run')} config check"
    # Else the check would not be reached, or its refusal would be lost.
    assert reload.startswith("/bin/sh -ec ")


def test_only_the_user_of_the_service_may_shut_down_and_do_nothing_else() -> None:
    rule = (ROOT / "systemd" / "49-edgevoice-poweroff.rules").read_text(encoding="utf-8")

    assert re.findall(r'subject\.user == "(\w+)"', rule) == directives()["User"]
    assert set(re.findall(r'"(org\.[\w.-]+)"', rule)) == {
        "org.freedesktop.login1.power-off",
        "org.freedesktop.login1.power-off-multiple-sessions",
    }


@pytest.mark.parametrize(
    ("result", "is_darkened"),
    [("success", False), ("exit-code", False), ("watchdog", True), ("signal", True), ("timeout", True)],
)
def test_the_lights_of_a_box_that_was_killed_are_turned_off(result: str, *, is_darkened: bool) -> None:
    (command,) = directives()["ExecStopPost"]
    assert command.startswith("-"), "it is no reason for the unit to fail"

    # As systemd reads it (systemd.service, "COMMAND LINES"), with something else in place of the program.
    shell = shlex.split(command.removeprefix("-").replace("$$", "$").replace("/opt/edgevoice/bin/edgevoice", "echo"))
    environment = {"SERVICE_RESULT": result, "PATH": os.environ["PATH"]}
    done = subprocess.run(shell, env=environment, capture_output=True, text=True, check=False)

    assert done.stdout == ("panel dark\n" if is_darkened else "")
    assert done.returncode == 0
