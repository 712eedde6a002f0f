"""edgevoice local: options that cannot be meant are refused in one line, before anything is loaded."""

import subprocess
import sys
from subprocess import PIPE

import pytest

from edgevoice.local.__main__ import main


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--port", "65536", "must be a number from 0 to 65535"),
        ("--port", "-1", "must be a number from 0 to 65535"),
        ("--port", "http", "must be a number from 0 to 65535"),
        ("--delay-open-s", "-1", "must be 0 to 3600 seconds"),
        ("--delay-open-s", "nan", "must be 0 to 3600 seconds"),
        ("--delay-open-s", "inf", "must be 0 to 3600 seconds"),
        ("--delay-open-s", "soon", "must be 0 to 3600 seconds"),
        ("--refuse", "200", "invalid choice"),
    ],
)
def test_an_implausible_value_is_refused(
    capsys: pytest.CaptureFixture[str], option: str, value: str, expected: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([f"{option}={value}"])

    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert option in told
    assert expected in told


def test_a_service_whose_parent_was_killed_before_it_was_ready_ends_without_a_traceback() -> None:
    code = "import sys; from edgevoice.local.__main__ import _say; sys.stdin.read(); _say('ready')"
    with subprocess.Popen([sys.executable, "-c", code], stdin=PIPE, stdout=PIPE, stderr=PIPE) as service:
        assert service.stdin is not None
        assert service.stdout is not None
        assert service.stderr is not None
        service.stdout.close()
        service.stdin.close()

        assert (service.wait(30), service.stderr.read()) == (0, b"")
