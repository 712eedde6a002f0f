"""Error messages of commands that cannot do what was requested."""

import errno
import os

import pytest
import typer

from edgevoice.commands.outcome import run_command
from edgevoice.errors import DeviceMissing


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (DeviceMissing("there is no card hw:9"), "there is no card hw:9. Plug it in"),
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/var/x"),
            "/var/x: No space left on device. Free some space",
        ),
        (
            FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']"),
            "no folder accepts temporary",
        ),
        (BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)), "Resource temporarily unavailable. Stop other"),
        (MemoryError(), "no memory is left. Stop other programs"),
    ],
    ids=repr,
)
def test_a_problem_with_the_machine_is_one_line(
    failure: BaseException, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        raise failure

    with pytest.raises(typer.Exit) as ended:
        run_command(fail)
    assert ended.value.exit_code == 1
    told = capsys.readouterr().err
    assert told.startswith(words)
    assert told.count("\n") == 1


def test_a_bug_in_the_program_keeps_its_traceback() -> None:
    def fail() -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    with pytest.raises(PermissionError):
        run_command(fail)
