"""The command on an installed box: the user it runs as, its arguments, and what the box does meanwhile."""

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COMMAND = ROOT / "systemd" / "edgevoice-command"

pytestmark = pytest.mark.skipif(not COMMAND.exists(), reason="the command is not beside these tests: an installed copy")

_STAND_INS = {
    "id": "echo 0",
    "sudo": '[[ $1 == -- ]] && exec echo "sudo $*"; exec "$@"',
    "setpriv": 'while [[ $1 == --* ]]; do shift; done; exec "$@"',
    "systemctl": """
[[ $* != *--property=Environment* ]] || { cat environment 2>/dev/null; exit; }
[[ $1 != show ]] || { cat properties 2>/dev/null; exit; }
[[ $1 != cat ]] || { cat unit 2>/dev/null; exit; }
echo "systemctl $*" >>journal""",
    "systemd-run": """
echo "$*" >>line
variables=()
while [[ $1 != -- ]]; do
  case $1 in
    --setenv=*) variables+=("${1#--setenv=}") ;;
    --property=WorkingDirectory=*) folder=${1##*=} ;;
  esac
  shift
done
echo "runs ${*:3}" >>journal
shift
cd "$folder" && exec env "${variables[@]}" "$@"
""",
    # Prints how it was started, and writes the requested archive.
    "program": """
for each in "$@"; do
  echo "<$each>"
  case $each in
    --bundle=*) echo archive >"${each#*=}" && echo "Wrote ${each#*=}" ;;
    --config=*) cat "${each#*=}" ;;
    /dev/fd/3) cat /dev/fd/3 ;;
  esac
done
env | grep -E '^(EDGEVOICE_|PULSE_|SERVICE_BEFORE|CACHE_DIRECTORY|STATE_DIRECTORY|[a-z]+_proxy|SOCKS_PROXY)' | sort
exit "${EXPECTED_CODE:-0}"
""",
}

_RUNS = "LoadState=loaded\nActiveState=active\nSubState=running\nResult=success\nNRestarts=0\nStatusText=idle\n"


class Box:
    """A folder that represents a box with the command installed, with stand-ins for the programs it calls."""

    def __init__(self, folder: Path, replaced: dict[str, str]) -> None:
        self.folder = folder
        self.journal = folder / "journal"
        (folder / "person").mkdir()
        (folder / "state").mkdir()
        self.settings = folder / "edgevoice.toml"
        self.settings.write_text("the service's settings\n")
        for name, text in _STAND_INS.items():
            # The journal is in the box's folder, wherever the stand-in is started.
            placed = re.sub(r"(>>|cat )(journal|environment|properties|line|unit)", rf"\1{folder}/\2", text)
            (folder / name).write_text(f"#!/bin/bash\n{placed}\n")
            (folder / name).chmod(0o755)
        command = COMMAND.read_text(encoding="utf-8")
        places = {
            "/opt/edgevoice/bin/edgevoice": folder / "program",
            "settings=/etc/edgevoice/edgevoice.toml": f"settings={self.settings}",
            "state=/var/lib/edgevoice": f"state={folder / 'state'}",
            "-d /run/systemd/system": f"-d {folder}",
            "/run/dbus/system_bus_socket": folder / "bus",
        }
        for real, here in {**places, **replaced}.items():
            assert real in command
            command = command.replace(real, str(here))
        (folder / "command").write_text(command)

    def runs(self) -> None:
        (self.folder / "properties").write_text(_RUNS)

    def type(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        with self.started(*arguments, **variables) as process:
            told, complained = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, told, complained)

    def started(self, *arguments: str, **variables: str) -> "subprocess.Popen[str]":
        kept = {name: value for name, value in os.environ.items() if not re.match("EDGEVOICE_|SUDO_|.*_proxy", name)}
        return subprocess.Popen(
            ["bash", str(self.folder / "command"), *arguments],
            env={**kept, "PATH": f"{self.folder}:{os.environ['PATH']}", **variables},
            cwd=self.folder / "person",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def told(self) -> list[str]:
        return self.journal.read_text().splitlines() if self.journal.exists() else []


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with socket.socket(socket.AF_UNIX) as bus:
        bus.bind(str(tmp_path / "bus"))
        yield Box(tmp_path, {})


@pytest.fixture
def persons_box(tmp_path: Path) -> Box:
    """A box whose calling user is not root and may not read the service's settings."""
    return Box(tmp_path, {"$(id -u) != 0": "yes", "! -r $needed && ": ""})


STOP, START = "systemctl stop edgevoice.service", "systemctl start edgevoice.service"


@pytest.mark.parametrize(
    "arguments",
    [[], ["devices"], ["wakeword"], ["wakeword", "listen"], ["doctor", "--help"], ["memory", "-h"], ["status"]],
)
def test_the_command_passes_other_commands_on_unchanged(box: Box, arguments: list[str]) -> None:
    assert box.type(*arguments).stdout.split() == [f"<{each}>" for each in arguments]
    assert box.told() == []


@pytest.mark.parametrize(
    "arguments",
    [
        "doctor --quick",
        "wakeword tune",
        "config check",
        "config show",
        "memory show --json",
        "memory search kitchen",
        "memory clear --yes",
        "persona list",
        "persona activate pirate",
        "persona draft owl",
        "persona undo",
    ],
)
def test_commands_that_need_the_service_run_as_it_with_its_folders(box: Box, arguments: str) -> None:
    box.runs()

    told = box.type(*arguments.split()).stdout

    assert f"STATE_DIRECTORY={box.folder}/state" in told
    assert "CACHE_DIRECTORY=/var/cache/edgevoice" in told
    assert box.told() == [f"runs {arguments}"]


@pytest.mark.parametrize("arguments", ["wakeword tune", "wakeword watch", "config check", "doctor", "memory show"])
def test_users_without_permission_are_asked_by_sudo(persons_box: Box, arguments: str) -> None:
    told = persons_box.type(*arguments.split()).stdout

    assert told == f"sudo -- {persons_box.folder}/command {arguments}\n"


def test_memory_means_the_boxs_unless_the_users_own_folder_is_named(box: Box) -> None:
    box.runs()

    told = box.type("memory", "show", "--folder", f"{box.folder}/state").stdout
    own = box.type("memory", "show", "--folder", "mine").stdout

    assert f"<--folder={box.folder}/state>" in told
    assert f"STATE_DIRECTORY={box.folder}/state" in told
    assert own.split() == ["<memory>", "<show>", "<--folder>", "<mine>"]


def test_a_users_own_memory_needs_no_other_user(persons_box: Box) -> None:
    assert persons_box.type("memory", "clear", "--folder=mine").stdout.split() == [
        "<memory>",
        "<clear>",
        "<--folder=mine>",
    ]


@pytest.mark.parametrize("user", ["box", "persons_box"])
def test_the_editor_of_a_persona_runs_as_the_user_and_asks_the_box_for_the_text(
    user: str, request: pytest.FixtureRequest
) -> None:
    box: Box = request.getfixturevalue(user)
    box.runs()

    told = box.type("persona", "edit", "pirate").stdout.split()

    assert told == ["<persona>", "<edit>", "<pirate>", f"<--through={box.folder}/command>"]
    assert box.told() == []


def test_personas_in_a_users_own_folder_need_no_other_user(persons_box: Box) -> None:
    told = persons_box.type("persona", "undo", "--folder=mine").stdout

    assert told.split() == ["<persona>", "<undo>", "<--folder=mine>"]


def test_a_voice_is_enrolled_with_the_sound_card_that_the_box_releases(box: Box) -> None:
    box.runs()

    assert f"STATE_DIRECTORY={box.folder}/state" in box.type("wakeword", "enrol", "Anna").stdout
    assert box.told() == [STOP, "runs wakeword enrol Anna", START]


@pytest.mark.parametrize("arguments", ["enrol --list", "enrol --remove Anna", "enrol --remove=Anna"])
def test_enrolled_people_are_listed_while_the_box_runs(box: Box, arguments: str) -> None:
    box.runs()

    box.type("wakeword", *arguments.split())

    assert box.told() == [f"runs wakeword {arguments}"]


def test_recordings_of_a_voice_are_passed_to_the_services_user(box: Box) -> None:
    box.runs()
    (box.folder / "person" / "anna" / "positives").mkdir(parents=True)
    (box.folder / "person" / "anna" / "positives" / "one.wav").write_text("sound")
    (box.folder / "program").write_text('#!/bin/bash\necho "$*"; cat recordings/positives/one.wav\n')

    told = box.type("wakeword", "enrol", "Anna", "--from", "anna").stdout

    assert told == "wakeword enrol Anna --from=recordings\nsound"
    assert box.told() == ["runs wakeword enrol Anna --from=recordings"]
    assert list((box.folder / "state").iterdir()) == []


def test_root_sets_thresholds_only_in_the_boxs_settings(box: Box) -> None:
    box.runs()

    told = box.type("wakeword", "tune", "--apply").stdout

    assert told.startswith("<wakeword>\n<tune>\n<--apply>\n")
    assert f"EDGEVOICE_CONFIG={box.settings}\n" in told
    assert f"STATE_DIRECTORY={box.folder}/state" in told
    assert box.told() == []


def test_users_without_permission_to_set_thresholds_are_asked_by_sudo(persons_box: Box) -> None:
    told = persons_box.type("wakeword", "tune", "--apply").stdout

    assert told == f"sudo -- {persons_box.folder}/command wakeword tune --apply\n"


@pytest.mark.parametrize("named", ["--config=mine.toml", "--folder=state"])
def test_thresholds_in_the_users_own_settings_are_set_as_that_user(persons_box: Box, named: str) -> None:
    told = persons_box.type("wakeword", "tune", named, "--apply", EDGEVOICE_LOG_LEVEL="info").stdout

    assert told == f"<wakeword>\n<tune>\n<{named}>\n<--apply>\nEDGEVOICE_LOG_LEVEL=info\n"


def test_the_users_own_settings_are_checked_as_that_user(persons_box: Box) -> None:
    (persons_box.folder / "person" / "mine.toml").write_text("")

    assert (
        persons_box.type("config", "check", "--config", "mine.toml").stdout
        == "<config>\n<check>\n<--config>\n<mine.toml>\n"
    )


@pytest.mark.parametrize(
    "arguments", ["doctor", "doctor --echo", "talk", "wakeword watch", "wakeword watch --seconds 5"]
)
@pytest.mark.parametrize("state", ["active", "activating"])
def test_the_service_releases_the_sound_and_returns_whatever_happens(box: Box, arguments: str, state: str) -> None:
    (box.folder / "properties").write_text(_RUNS.replace("=active", f"={state}"))

    ended = box.type(*arguments.split(), EDGEVOICE_SPEAKER_DEVICE="x", EXPECTED_CODE="3")

    assert ended.returncode == 3
    assert box.told() == [STOP, f"runs {arguments}", START]
    assert "SERVICE_BEFORE=LoadState=loaded\tActiveState=" in ended.stdout


@pytest.mark.parametrize("arguments", ["doctor --quick", "wakeword tune"])
def test_the_service_keeps_the_sound_where_none_is_needed(box: Box, arguments: str) -> None:
    box.runs()

    assert "SERVICE_BEFORE" not in box.type(*arguments.split()).stdout
    assert box.told() == [f"runs {arguments}"]


@pytest.mark.parametrize("arguments", ["doctor --ech", "wakeword watch --seconds five", "talk now"])
def test_refused_options_do_not_stop_the_service(box: Box, arguments: str) -> None:
    box.runs()
    program = (box.folder / "program").read_text()
    refusing = '[[ $1 != --parse-only ]] || { echo "No such option" >&2; exit 2; }'
    (box.folder / "program").write_text(program.replace("\n", f"\n{refusing}\n", 1))

    ended = box.type(*arguments.split())

    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", "No such option\n")
    assert box.told() == []


def test_the_program_itself_reads_options_before_a_password_is_asked_for(persons_box: Box) -> None:
    program = (persons_box.folder / "program").read_text()
    (persons_box.folder / "program").write_text(program.replace("\n", f'\necho "$*" >>{persons_box.folder}/asked\n', 1))

    assert persons_box.type("doctor", "--echo").stdout.startswith("sudo -- ")
    assert (persons_box.folder / "asked").read_text() == "--parse-only doctor --echo\n"


@pytest.mark.parametrize(
    "phase", ["connecting", "listening", "thinking", "speaking", "speaking; restart needed for log"]
)
def test_the_command_waits_for_a_conversation_to_end(box: Box, phase: str) -> None:
    (box.folder / "properties").write_text(_RUNS.replace("=idle", f"={phase}"))
    # While this waits, the conversation ends.
    (box.folder / "sleep").write_text(f"#!/bin/bash\ncp {box.folder}/over {box.folder}/properties\n")
    (box.folder / "sleep").chmod(0o755)
    (box.folder / "over").write_text(_RUNS)

    ended = box.type("doctor")

    assert ended.returncode == 0
    assert ended.stderr.splitlines()[0].startswith("The box is in a conversation: this waits")
    assert box.told() == [STOP, "runs doctor", START]


def test_a_conversation_that_does_not_end_is_not_interrupted(box: Box) -> None:
    (box.folder / "properties").write_text(_RUNS.replace("=idle", "=speaking"))
    (box.folder / "sleep").write_text("#!/bin/bash\n")
    (box.folder / "sleep").chmod(0o755)

    ended = box.type("talk")

    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == "edgevoice: the conversation goes on. Try again when it is over."
    assert box.told() == []


def test_the_settings_that_the_box_reads_are_written_as_root(persons_box: Box) -> None:
    program = f"{persons_box.folder}/program"

    assert persons_box.type("config", "init", "--force").stdout == f"sudo -- {program} config init --force\n"


@pytest.mark.parametrize(
    "arguments", ["config init --path mine.toml", "config init --path=mine.toml", "config init -h"]
)
def test_the_users_own_settings_are_written_as_that_user(persons_box: Box, arguments: str) -> None:
    assert persons_box.type(*arguments.split()).stdout.split() == [f"<{each}>" for each in arguments.split()]


def test_root_writes_the_settings_of_the_box(box: Box) -> None:
    assert box.type("config", "init").stdout == "<config>\n<init>\n"


def test_a_stopped_service_stays_stopped(box: Box) -> None:
    (box.folder / "properties").write_text(_RUNS.replace("=active", "=inactive"))

    assert box.type("doctor").returncode == 0
    assert box.told() == ["runs doctor"]


@pytest.fixture
def _heard_signals() -> Iterator[None]:
    # Tests started by nohup would have every child ignore SIGHUP.
    earlier = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, earlier)


@pytest.mark.usefixtures("_heard_signals")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP])
def test_the_service_returns_when_the_command_is_terminated_and_nothing_keeps_running(
    box: Box, how: signal.Signals
) -> None:
    box.runs()
    # Reports that it runs, and runs until it is terminated.
    os.mkfifo(box.folder / "end")
    (box.folder / "program").write_text(
        f"#!/bin/bash\n[[ $1 != --parse-only ]] || exit 0\necho here\nread -r <'{box.folder}/end'\n"
    )

    with box.started("doctor") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.send_signal(how)
        # A stand-in that systemctl does not end; bash waits for it, then acts on the signal.
        (box.folder / "end").write_text("\n")
        process.communicate(timeout=60)

    assert process.returncode != 0
    stop, run, *rest = box.told()
    assert (stop, run) == (STOP, "runs doctor")
    assert rest == [f"systemctl stop edgevoice-command-{process.pid}.service", START]


def test_the_command_queries_everything_by_which_the_doctor_judges_the_service() -> None:
    from edgevoice.doctor.probes import Machine  # noqa: PLC0415
    from edgevoice.doctor.service_manager import probe_manager  # noqa: PLC0415

    asked: list[str] = []
    probe_manager(Machine(ask=asked.extend))

    (properties,) = [each for each in asked if each.startswith("--property=")]
    assert properties in COMMAND.read_text(encoding="utf-8")


def test_an_archive_goes_to_the_caller_and_its_path_is_printed_beside_the_data(box: Box) -> None:
    person = {"SUDO_UID": str(os.getuid()), "SUDO_GID": str(os.getgid())}
    ended = box.type("doctor", "--quick", "--json", "--bundle", "help.tar.gz", **person)

    place = box.folder / "person" / "help.tar.gz"
    assert ended.returncode == 0, ended.stderr
    assert (place.stat().st_uid, place.stat().st_gid) == (os.getuid(), os.getgid())
    assert place.read_text() == "archive\n"
    assert f"The archive is {place}" in ended.stderr
    assert "The archive is" not in ended.stdout
    # The doctor uses the name that the person knows.
    assert "Wrote help.tar.gz\n" in ended.stdout
    assert list((box.folder / "state").iterdir()) == []


@pytest.mark.parametrize("name", ["there.tar.gz", "dangling.tar.gz", "nowhere/help.tar.gz"])
def test_an_archive_that_would_overwrite_a_file_is_refused_before_the_examination(box: Box, name: str) -> None:
    box.runs()
    (box.folder / "person" / "there.tar.gz").write_text("precious")
    (box.folder / "person" / "dangling.tar.gz").symlink_to(box.folder / "target")

    ended = box.type("doctor", f"--bundle={name}")

    assert ended.returncode == 1
    assert ended.stderr.startswith("edgevoice: ")
    assert len(ended.stderr.splitlines()) == 1
    assert (box.folder / "person" / "there.tar.gz").read_text() == "precious"
    assert not (box.folder / "target").exists()
    assert box.told() == []


def test_an_archive_does_not_overwrite_a_file_created_meanwhile(box: Box) -> None:
    place = box.folder / "person" / "help.tar.gz"
    text = (box.folder / "program").read_text()
    (box.folder / "program").write_text(text.replace("\nfor each", f"\necho precious >'{place}'\nfor each", 1))

    assert box.type("doctor", "--quick", "--bundle", "help.tar.gz").returncode == 1
    assert place.read_text() == "precious\n"


def test_settings_that_the_service_cannot_read_are_passed_to_it(box: Box) -> None:
    (box.folder / "person" / "mine.toml").write_text("mine\n")

    told = box.type("doctor", "--quick", "--config", "mine.toml").stdout

    assert "<--config=mine.toml>\nmine\n" in told
    assert list((box.folder / "state").iterdir()) == []


@pytest.mark.parametrize("command", ["test a.wav --plot b.png", "evaluate pos neg", "tune --folder=/home/x"])
def test_the_users_own_recordings_are_scored_as_that_user_with_the_services_settings(
    persons_box: Box, command: str
) -> None:
    first, *rest = command.split()

    ended = persons_box.type("wakeword", first, *rest)

    words = ["<wakeword>", f"<{first}>", "<--config>", "</dev/fd/3>", "the service's settings"]
    lines = ended.stdout.splitlines()
    assert lines[:-1] == [*words, *(f"<{each}>" for each in rest)], ended.stderr
    assert lines[-1] == "CACHE_DIRECTORY=/var/cache/edgevoice"


def test_the_users_own_settings_and_recordings_need_no_other_user(box: Box) -> None:
    told = box.type("wakeword", "test", "a.wav", "--config", "/dev/null").stdout

    assert told.startswith("<wakeword>\n<test>\n<a.wav>\n<--config>\n</dev/null>\n")


def test_missing_settings_are_not_treated_as_empty_ones(persons_box: Box) -> None:
    (persons_box.folder / "sudo").write_text("#!/bin/sh\nexit 1\n")

    ended = persons_box.type("wakeword", "test", "a.wav")

    assert (ended.returncode, ended.stdout) == (1, "")
    assert "cannot be read without sudo" in ended.stderr


def test_the_doctor_is_given_the_secrets_that_the_unit_loads_and_sees_none_that_is_not_there(box: Box) -> None:
    (box.folder / "there").write_text("secret")
    (box.folder / "unit").write_text(
        "# edgevoice.service\n[Service]\nLoadCredential=api_key:edgevoice.api_key\n"
        "# 20-mqtt.conf\n[Service]\nLoadCredential=mqtt_password:edgevoice.mqtt_password\n"
        f"LoadCredentialEncrypted=home_assistant_token:{box.folder}/there\n"
        "LoadCredential=gone:/nowhere/gone\nLoadCredential=odd:x --uid=root\nSetCredential=other:x\n"
    )

    box.type("doctor", "--quick")

    line = (box.folder / "line").read_text()
    assert "--property=LoadCredential=mqtt_password:edgevoice.mqtt_password " in line
    assert f"--property=LoadCredentialEncrypted=home_assistant_token:{box.folder}/there " in line
    for each in ("gone", "odd", "--uid=root", "other", "api_key:edgevoice.api_key"):
        assert each not in line
    assert "secret" not in line


def test_the_command_takes_only_the_proxy_the_sound_server_and_the_settings_from_the_unit(box: Box) -> None:
    (box.folder / "environment").write_text(
        'HOME=/x PATH_PROXY=1 https_proxy=http://proxy:3128 SOCKS_PROXY=proxy:1080 "no_proxy=*.local,a b" '
        "PULSE_SERVER=unix:/run/there/native $'EDGEVOICE_A_B=it\\'s' EDGEVOICE_C_D=unit\n"
    )

    told = box.type("doctor", "--quick", EDGEVOICE_C_D="typed").stdout

    for each in (
        "https_proxy=http://proxy:3128",
        "SOCKS_PROXY=proxy:1080",
        "PULSE_SERVER=unix:/run/there/native",
        "no_proxy=*.local,a b",
        "EDGEVOICE_A_B=it's",
        "EDGEVOICE_C_D=typed",
    ):
        assert f"{each}\n" in told
    assert "PATH_PROXY" not in told


def test_no_command_line_contains_a_key(box: Box) -> None:
    box.type("doctor", "--quick", EDGEVOICE_API_KEY="sk-1", EDGEVOICE_SPEAKER_DEVICE="there")

    line = (box.folder / "line").read_text()
    assert "--setenv=EDGEVOICE_SPEAKER_DEVICE=there" in line
    assert "sk-1" not in line
