"""The last lines of scripts/setup: the versions, the result, and what to say to the box."""

from pathlib import Path
from typing import Final

import pytest

from edgevoice import __version__
from tests.test_setup import SETUP, System, well, well_stdout

pytestmark = [
    pytest.mark.skipif(not SETUP.exists(), reason="scripts/setup is not beside these tests: an installed copy"),
    pytest.mark.skipif(not Path("/etc/debian_version").exists(), reason="scripts/setup is for Debian, and this is not"),
]

SETTINGS: Final = "/etc/edgevoice/edgevoice.toml"
RUNS: Final = 'began=0; has_systemd() { :; }; is_up() { :; }; rm -f "$scratch"/*'


@pytest.fixture
def system(tmp_path: Path) -> System:
    found = System(tmp_path)
    found.path("/var/lib").mkdir(parents=True)
    return found


@pytest.mark.parametrize(
    ("here", "there", "line"),
    [
        ("0.2.0", "", "installing edgevoice 0.2.0"),
        ("0.10.0", "0.9.1", "updating edgevoice from 0.9.1 to 0.10.0"),
        ("0.9.1", "0.10.0", "going back from edgevoice 0.10.0 to 0.9.1; settings, key and saved state stay"),
        ("0.2.0", "0.2.0", "edgevoice 0.2.0 is installed"),
    ],
)
def test_the_previously_installed_version_is_named(system: System, here: str, there: str, line: str) -> None:
    if there:
        system.path(f"/opt/edgevoice/lib/python3.11/site-packages/edgevoice-{there}.dist-info").mkdir(parents=True)

    told = well(system.step(f"version_here() {{ echo {here}; }}; is_made() {{ :; }}; tell_version"))

    assert told == f"setup: {line}\n"


def test_changed_files_of_the_same_version_are_reported_too(system: System) -> None:
    system.path(f"/opt/edgevoice/lib/python3.11/site-packages/edgevoice-{__version__}.dist-info").mkdir(parents=True)

    told = well(system.step("is_made() { false; }; tell_version"))

    assert told == (
        f"setup: edgevoice {__version__} is installed; this folder has other files of that version, which will "
        "replace it\n"
    )


@pytest.mark.parametrize(
    ("left", "lines"),
    [
        ({"changed"}, ["ready after ", 'say "hey Jarvis"']),
        (set(), ["nothing to do: everything was already set up", 'say "hey Jarvis"']),
        ({"broken"}, ["installed after "]),
        ({"changed", "broken"}, ["installed after "]),
    ],
)
def test_the_closing_message_matches_the_examination(system: System, left: set[str], lines: list[str]) -> None:
    files = "; ".join(f'touch "$scratch/{each}"' for each in left)

    told = well(system.step(f"{RUNS}; {files or ':'}; conclude")).splitlines()

    assert len(told) == len(lines)
    assert [each.startswith(f"setup: {line}") for each, line in zip(told, lines, strict=True)] == [True] * len(lines)


def test_no_wake_word_is_suggested_for_a_box_that_does_not_run(system: System) -> None:
    assert "hey" not in well(system.step(f"{RUNS}; has_systemd() {{ false; }}; conclude"))
    assert "hey" not in well(system.step(f"{RUNS}; is_up() {{ false; }}; conclude"))


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ("", "hey Jarvis"),
        ('[wakeword]\nmodel = "alexa"\n', "Alexa"),
        ('[wakeword]\nmodel = "hey_mycroft_v0.1"\n', "hey Mycroft"),
        ('[wakeword]\nmodel = "/srv/models/computer.onnx"\n', "Computer"),
        ("[wakeword\n", "hey Jarvis"),
    ],
)
def test_the_wake_word_in_the_closing_message_is_that_of_the_settings(system: System, settings: str, word: str) -> None:
    system.write(SETTINGS, settings)

    assert well_stdout(system.step("wake_words")) == f"{word}\n"


def test_a_finding_of_the_examination_is_repeated_at_the_end(system: System) -> None:
    doctor = system.write("/doctor", "#!/bin/sh\nexit 1\n")
    doctor.chmod(0o755)
    run = f"""eval "$(declare -f examine | sed 's#/usr/local/bin/edgevoice#{doctor}#')" """

    told = well(system.step(f'{RUNS}; {run}; step "examination" examine ""; conclude'))

    assert "nothing to do" not in told
    assert "the examination above found something that does not work" in told
