"""The program that may write the settings decides by itself what may be changed."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgevoice.page.settings_writer import LONGEST_REQUEST_BYTES, carry_out, main

TEXT = '[service]\nvoice = "Sarah"  # hers\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "edgevoice.toml"
    place.write_text(TEXT)
    place.chmod(0o640)
    return place


def test_a_change_is_written_and_the_files_mode_stays(file: Path) -> None:
    assert carry_out(file, b'{"service.voice": "Dennis"}\n') == ()

    assert file.read_text() == '[service]\nvoice = "Dennis"  # hers\n'
    assert file.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b'{"service.url": "wss://evil.example"}\n', "service.url cannot be changed on the page"),
        (b'{"tools.folder": "/tmp"}\n', "tools.folder cannot be changed"),
        (b'{"service.speed": 9}\n', "service.speed is 9"),
        (b"[]\n", "no JSON object"),
        (b"\xff\n", "no JSON object"),
        (b"", "no JSON object"),
        (b"[" * 60_000, "no JSON object"),
        (b"x" * (LONGEST_REQUEST_BYTES + 1), "longer than"),
    ],
)
def test_anything_else_is_refused_and_nothing_is_written(file: Path, line: bytes, fault: str) -> None:
    assert fault in carry_out(file, line)[0]
    assert file.read_text() == TEXT


def test_a_file_that_is_missing_is_not_made(tmp_path: Path) -> None:
    assert "edgevoice.toml" in carry_out(tmp_path / "edgevoice.toml", b'{"service.voice": "Dennis"}')[0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_may_not_be_written_is_a_fault(file: Path) -> None:
    file.parent.chmod(0o500)
    try:
        assert "cannot be written" in carry_out(file, b'{"service.voice": "Dennis"}')[0]
    finally:
        file.parent.chmod(0o700)


@pytest.mark.parametrize(("line", "is_refused"), [(b'{"service.voice": "Dennis"}\n', False), (b"x\n", True)])
def test_one_request_gets_one_reply(file: Path, line: bytes, *, is_refused: bool) -> None:
    reply = io.BytesIO()

    assert main(file, io.BytesIO(line), reply) == 0
    assert bool(json.loads(reply.getvalue())["faults"]) is is_refused


def test_it_runs_as_systemd_runs_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "edgevoice.page.settings_writer"],
        input=b'{"tools.folder": "/tmp"}\n',
        capture_output=True,
        check=False,
        timeout=30,
        cwd=tmp_path,
    )

    assert json.loads(done.stdout)["faults"]
    assert done.stderr == b""
