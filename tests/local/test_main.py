"""edgevoice local: options that cannot be meant are refused in one line, before anything is loaded."""

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
