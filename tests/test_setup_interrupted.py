"""scripts/setup when it is interrupted: it says where, and leaves nothing that a later run does not remove."""

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from tests.test_setup import LIMIT_S, ROOT, SETUP, System, well

pytestmark = [
    pytest.mark.skipif(not SETUP.exists(), reason="scripts/setup is not beside these tests: an installed copy"),
    pytest.mark.skipif(not Path("/etc/debian_version").exists(), reason="scripts/setup is for Debian, and this is not"),
]

STEPS: Final = """
long() { change "fetch it" work; echo "went on" >&2; }
step "first" true ""
step "the program" long "Is the network there?"
echo "went on" >&2
"""
READY: Final = 'echo ready >"$scratch/fifo"'
WORK: Final = {
    # As apt-get, while dpkg works.
    "comes to its end": f"work() {{ bash -c 'trap : INT TERM; {READY}; sleep 0.3; touch \"$scratch/whole\"'; }}",
    # As pip.
    "fails": f"work() {{ bash -c 'trap \"exit 1\" INT TERM; {READY}; while :; do sleep 0.1; done'; }}",
    "dies": f"work() {{ bash -c '{READY}; exec sleep 60'; }}",
    "dies, which does not matter": f"work() {{ bash -c '{READY}; exec sleep 60' || true; }}",
}


@pytest.fixture
def system(tmp_path: Path) -> System:
    found = System(tmp_path)
    found.path("/scratch").mkdir()
    os.mkfifo(found.path("/scratch/fifo"))
    return found


def after_those_of_setup(system: System, commands: str) -> list[str]:
    variables = f"export scratch='{system.path('/scratch')}'; is_dry='' wheels='' hat='' steps=2"
    return ["bash", "-c", f"set -euo pipefail; {variables}; source '{ROOT}/scripts/_pi.sh'; {commands}"]


def interrupt(
    system: System,
    commands: str,
    number: signal.Signals,
    then: Callable[[subprocess.Popen[str]], None] = lambda _process: None,
) -> subprocess.CompletedProcess[str]:
    """Run commands after those of scripts/setup; interrupt them all, as a terminal does, when they say so."""
    # Tests run in the background ignore SIGINT, and so does every shell that they start.
    command = ["env", "--default-signal=INT,TERM", *after_those_of_setup(system, commands)]
    with subprocess.Popen(
        command,
        env=system.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert system.path("/scratch/fifo").read_text() == "ready\n"
        os.killpg(process.pid, number)
        try:
            then(process)
            told, complained = process.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return subprocess.CompletedProcess(command, process.returncode, told, complained)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["INT", "TERM"])
@pytest.mark.parametrize("work", WORK)
def test_an_interruption_is_reported_with_its_step_and_nothing_continues(
    system: System, work: str, number: signal.Signals
) -> None:
    ended = interrupt(system, f"{WORK[work]}; {STEPS}", number)

    assert ended.returncode == 130, ended.stderr
    assert ended.stderr.splitlines()[-1] == (
        "setup: interrupted in step 2, the program. Run setup again: it continues from here."
    )
    assert "went on" not in ended.stderr
    assert "network" not in ended.stderr
    # Work that must not be interrupted has finished before the report.
    assert system.path("/scratch/whole").exists() == (work == "comes to its end")


def test_an_interruption_is_reported_immediately_and_once_while_dpkg_finishes(system: System) -> None:
    os.mkfifo(system.path("/scratch/go"))
    install = f"""apt_install() {{ bash -c 'trap : INT; {READY}; read -rt 20 go <>"$scratch/go"'; }}"""
    commands = f'{install}; packages() {{ change "install it" apt_install; }}; step "Debian packages" packages ""'
    told: list[tuple[str, int | None]] = []

    def go_on_when_it_is_told(process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("setup:"):
                told.append((line, process.poll()))
                system.path("/scratch/go").write_text("go\n")
                break

    ended = interrupt(system, commands, signal.SIGINT, go_on_when_it_is_told)

    said = "dpkg ends what it has begun. Run setup again: it continues from here.\n"
    assert told == [(f"setup: interrupted in step 1, Debian packages; {said}", None)]
    assert (ended.returncode, ended.stderr) == (130, "")


# The worker knows its own process id, and that of its step.
DIES: Final = 'read -r _ _ _ step _ <"/proc/$BASHPID/stat"; kill -KILL $$ "$step" $BASHPID'


@pytest.mark.parametrize(
    ("work", "code"), [("true", 0), (DIES, -signal.SIGKILL)], ids=["comes to its end", "is killed with all of setup"]
)
def test_the_progress_watcher_ends_with_the_work_even_without_a_signal(system: System, work: str, code: int) -> None:
    # A shell cannot trap a signal that it was started to ignore.
    deaf = ["env", "--default-signal=INT,TERM", "--ignore-signal=USR1,USR2,HUP"]
    commands = f'work() {{ {work}; }}; long() {{ change "fetch it" work; }}; step "the program" long ""'

    # It holds the other end of the pipe that is read here.
    ended = subprocess.run(
        [*deaf, *after_those_of_setup(system, commands)],
        env=system.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )

    assert ended.returncode == code, ended.stderr
    assert ended.stderr.splitlines()[1] == "      fetch it"


def test_an_interruption_at_a_question_is_reported_too(system: System) -> None:
    # A shell that is just being forked may miss an interruption, and one that is about to read runs its trap only after
    # that: hence a second one, and a `sleep` that holds nothing of what is read here.
    question = "read -r answer < <(exec sleep 60 2>/dev/null); echo went on >&2"

    def until_it_ends(process: subprocess.Popen[str]) -> None:
        while process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.5)
                return
            os.killpg(process.pid, signal.SIGINT)

    ended = interrupt(system, f"{READY}; {question}", signal.SIGINT, until_it_ends)

    assert ended.returncode == 130
    assert ended.stderr == "setup: interrupted. Run setup again: it continues from here.\n"


def test_leftovers_of_a_killed_run_are_removed_and_files_of_others_kept(system: System) -> None:
    system.write("/litter/edgevoice-setup.abc123/tools/pip-unpack-1/a.whl", "")
    kept = {system.write(f"/litter/{name}", "") for name in ("edgevoice-setup.txt", "edgevoice-setup-dry.x/a", "other")}
    system.path("/litter/edgevoice-setup.link").symlink_to(system.path("/litter/edgevoice-setup-dry.x"))

    well(system.step("TMPDIR=$at/litter; sweep"))

    assert not system.path("/litter/edgevoice-setup.abc123").exists()
    assert all(each.exists() for each in kept)


def test_pip_unpacks_in_a_folder_that_is_removed_with_the_rest(system: System) -> None:
    told = system.step(
        """
        ingredients() { echo new; }; has_lgpio() { :; }; has_models() { :; }; python_version() { echo 3; }
        finish_program() { :; }
        make_tools() { mktemp -d --tmpdir pip-unpack-XXX; }; install_locked() { :; }; install_edgevoice() { :; }
        step "program" program ""
        """
    )

    well(told)
    assert [each.name[:11] for each in system.path("/scratch").glob("pip-*")] == ["pip-unpack-"]
