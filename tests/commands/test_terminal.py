"""Every command's output: ASCII where needed, silence when the pipe is closed, one line for a full disk."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edgevoice.commands import terminal

pytestmark = pytest.mark.long

terminal.prepare()


def edgevoice(
    *arguments: str, standard_output: int = subprocess.PIPE, **variables: str
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-m", "edgevoice", *arguments],
        env={**{name: each for name, each in os.environ.items() if not name.startswith("EDGEVOICE_")}, **variables},
        stdout=standard_output,
        stderr=subprocess.PIPE,
        timeout=100,
        check=False,
    )


@pytest.mark.parametrize(
    ("encoding", "text", "plain"),
    [
        ("latin-1", "✓ ✗ → … █·│ é", "+ x > ... #\xb7| \xe9"),
        ("ascii", "✓ ✗ → … █·│ é", "+ x > ... #.| e"),
        ("ascii", "“so” ±1 ﬁn 日", '"so" +-1 fin ?'),
        ("utf-8", "✓ é \udcff", "✓ é ?"),
    ],
)
def test_characters_that_a_terminal_cannot_show_are_replaced_by_ascii(encoding: str, text: str, plain: str) -> None:
    assert text.encode(encoding, "edgevoice-plain").decode(encoding) == plain


def test_undecodable_bytes_are_not_hidden() -> None:
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("utf-8", "edgevoice-plain")


@pytest.mark.parametrize(
    ("command", "encoding"), [("devices", "latin-1"), ("config show", "ascii"), ("doctor --quick", "latin-1")]
)
def test_every_command_prints_on_a_terminal_of_another_encoding(command: str, encoding: str, tmp_path: Path) -> None:
    # Nobody answers there, so the doctor prints every mark, and starts no child, which would take seconds to load.
    done = edgevoice(
        *command.split(),
        PYTHONIOENCODING=encoding,
        STATE_DIRECTORY=str(tmp_path),
        HOME=str(tmp_path),
        EDGEVOICE_SERVICE_URL="ws://127.0.0.1:9/",
    )

    assert b"Traceback" not in done.stderr
    assert done.returncode in {0, 1}
    assert done.stdout.decode(encoding)


def test_a_closed_pipe_is_ignored_silently() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        shown, listed = (edgevoice(*each, standard_output=writer) for each in (["config", "check"], ["bench", "-h"]))
    finally:
        os.close(writer)

    assert (shown.returncode, shown.stderr) == (141, b"")
    assert (listed.returncode != 0, listed.stderr) == (True, b"")


@pytest.mark.parametrize("is_unbuffered", ["", "1"])
def test_a_full_disk_is_reported_in_one_line(is_unbuffered: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = edgevoice("config", "show", standard_output=full.fileno(), PYTHONUNBUFFERED=is_unbuffered)

    assert done.returncode == 74
    assert done.stderr == b"nothing more can be written: No space left on device\n"


def test_a_command_works_without_standard_output() -> None:
    done = subprocess.run(
        ["bash", "-c", f"'{sys.executable}' -m edgevoice config check >&-"],
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert b"Traceback" not in done.stderr
    assert done.returncode == 0


def test_other_failures_are_not_mistaken_for_output_failures(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        (tmp_path / "missing").read_bytes()

    assert terminal.output_failure(missing.value) is None
    assert terminal.output_failure(BrokenPipeError(32, "another pipe")) is None


_WAITS = """
import sys, time
import typer
from edgevoice.commands import terminal
from edgevoice.commands.outcome import run_command

terminal.prepare()

def wait():
    print("runs", flush=True)
    time.sleep(60)
    return 0

try:
    wait() if sys.argv[1:] else run_command(wait)
except typer.Exit as end:
    sys.exit(end.exit_code)
"""


@pytest.mark.parametrize("moment", ["while it runs", "before it runs"])
def test_ctrl_c_ends_with_one_line_and_status_130(moment: str) -> None:
    arguments = ["loading"] if moment == "before it runs" else []
    with subprocess.Popen(
        [sys.executable, "-c", _WAITS, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "runs\n"
        child.send_signal(signal.SIGINT)
        _, complaint = child.communicate(timeout=30)

    assert (child.returncode, complaint) == (130, "\ninterrupted\n")


def test_ctrl_c_in_the_middle_of_a_print_is_one_line_too() -> None:
    script = """
import os, signal, sys
from edgevoice.commands import terminal

class Pipe:
    def write(self, text):
        os.kill(os.getpid(), signal.SIGINT)
    def flush(self):
        raise RuntimeError("reentrant call inside <_io.BufferedWriter name='<stdout>'>")

terminal.prepare()
sys.stdout = Pipe()
print("never seen")
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)

    assert (ended.returncode, ended.stderr) == (130, "\ninterrupted\n")
