"""What a child makes, and what is said when it makes nothing."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from edgevoice.store.making import EXIT_NOT_NOW, NotMade, make_in_child

RAISED = b'Traceback (most recent call last):\n  File "x.py", line 3\n'


def failing(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> NotMade:
    def fail(*_arguments: Any, **_named: Any) -> Any:
        raise failure

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(NotMade) as caught:
        make_in_child("the tables", "edgevoice.nothing", "x")
    return caught.value


@pytest.mark.parametrize(
    ("status", "said", "why", "can_pass"),
    [
        (1, RAISED + b"OSError: [Errno 30] Read-only file system: '/x'\n", "Read-only file system: '/x'", False),
        (1, RAISED + b"hibari.errors.LexiconError: no words", "no words", False),
        (EXIT_NOT_NOW, b"No space left on device. Free some space.", "No space left on device. Free some space.", True),
        (-9, b"", "no reason given", True),
        (1, None, "no reason given", False),
    ],
)
def test_it_says_why_in_the_childs_own_last_line(
    monkeypatch: pytest.MonkeyPatch, status: int, said: bytes | None, why: str, *, can_pass: bool
) -> None:
    error = failing(monkeypatch, subprocess.CalledProcessError(status, "python", stderr=said))

    assert (str(error), error.can_pass) == (f"the tables cannot be made: {why}", can_pass)


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        (subprocess.TimeoutExpired("python", 120), "it took longer than 120 s"),
        (OSError(12, "Cannot allocate memory"), "the process that makes it cannot be started: Cannot allocate memory"),
    ],
)
def test_what_the_machine_lacks_may_pass(monkeypatch: pytest.MonkeyPatch, failure: Exception, why: str) -> None:
    error = failing(monkeypatch, failure)

    assert (str(error), error.can_pass) == (f"the tables cannot be made: {why}", True)


def test_a_real_child_says_why_it_made_nothing_or_what_it_writes(tmp_path: Path) -> None:
    with pytest.raises(NotMade, match="the weights cannot be made: No such file or directory") as caught:
        make_in_child("the weights", "edgevoice.wakeword", "--kernel", "voice", str(tmp_path / "none" / "file"))
    assert not caught.value.can_pass

    assert make_in_child("nothing", "platform").startswith(b"Linux")
