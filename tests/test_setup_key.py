"""The key in scripts/setup: what is none is refused before anything is changed, and never shown."""

from pathlib import Path

import pytest

from tests.test_setup import SETUP, System, well

pytestmark = [
    pytest.mark.skipif(not SETUP.exists(), reason="scripts/setup is not beside these tests: an installed copy"),
    pytest.mark.skipif(not Path("/etc/debian_version").exists(), reason="scripts/setup is for Debian, and this is not"),
]

CHOOSE = 'key_file=${key_file:-}; choose_key; step "key" store_key ""'
STORED = "/etc/credstore/edgevoice.api_key"


@pytest.fixture
def system(tmp_path: Path) -> System:
    found = System(tmp_path)
    found.path("/var/lib").mkdir(parents=True)
    return found


def refused(system: System, complaint: str, *arguments: str) -> None:
    ended = system.setup("--dry-run", "--yes", *arguments)

    assert ended.returncode == 1
    # One line, no step, no word of bash, and no piece of the key.
    assert ended.stderr.startswith(f"setup: {complaint} holds no key"), ended.stderr
    assert ended.stderr.count("\n") == 1
    assert "two" not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b" \t\r\n \n", b"one\ntwo\n", b"one two", "schlüssel-two".encode(), b"one\0two", b"two" * 6000, b"\0"],
    ids=["empty", "a line", "blanks", "two lines", "two words", "no ASCII", "a zero inside", "too long", "a zero"],
)
def test_a_file_without_a_key_is_refused_first(system: System, content: bytes) -> None:
    file = system.path("/key")
    file.write_bytes(content)

    refused(system, f"the key file {file}", "--key-file", str(file))


@pytest.mark.parametrize("file", ["/", "/dev/null", "/dev/zero"])
def test_what_is_no_file_with_a_key_is_refused_first(system: System, file: str) -> None:
    refused(system, f"the key file {file}", "--key-file", file)


@pytest.mark.parametrize("value", [" ", "\t\n", "one two", "one\ntwo", "schlüssel-two"])
def test_a_variable_without_a_key_is_refused_first(system: System, value: str) -> None:
    system.variables["EDGEVOICE_API_KEY"] = value

    refused(system, "EDGEVOICE_API_KEY")


def test_an_empty_variable_is_none_and_the_stored_key_stays(system: System) -> None:
    system.variables["EDGEVOICE_API_KEY"] = ""
    system.write(STORED, "sk-1\n")

    assert "as it should be" in well(system.step(CHOOSE, asks=""))
    assert system.path(STORED).read_text() == "sk-1\n"


@pytest.mark.parametrize("content", ["sk-1", "sk-1\n", " \tsk-1 \r\n\r\n", "\r\nsk-1\n"])
def test_what_stands_around_a_key_is_left_away(system: System, content: str) -> None:
    file = system.write("/key", content)

    well(system.step(CHOOSE, key_file=str(file)))

    assert system.path(STORED).read_text() == "sk-1\n"


@pytest.mark.parametrize(("typed", "complaint"), [(b"one two\n", "what was typed holds no key"), (b"sk-two\n", "")])
def test_a_key_that_is_typed_is_looked_at_at_once(system: System, typed: bytes, complaint: str) -> None:
    ended = system.setup_in_terminal(typed, "--dry-run")

    assert ended.returncode == (1 if complaint else 0), ended.stderr
    assert complaint in ended.stderr
    assert ("would store the key" in ended.stderr) == (not complaint)
    assert typed.decode().strip() not in ended.stdout + ended.stderr
