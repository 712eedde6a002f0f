"""The demonstration, run as its user runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edgevoice.testbed.demo.scenario import STEPS
from edgevoice.testbed.demo.show import EXIT_STANDSTILL
from tests.notes import note

# The demonstration judges every sample and overflow, and reports by itself if the machine stalled.
pytestmark = [pytest.mark.sound, pytest.mark.few, pytest.mark.long(28)]


def _held(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the demonstration, up to three times on a machine that stalls, as a busy one may."""
    problems: list[str] = []
    while len(problems) < 3:
        ended = subprocess.run(
            [sys.executable, "-m", "edgevoice", "demo", "--json", "--folder", str(folder)],
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        if ended.returncode != EXIT_STANDSTILL:
            return ended
        report = json.loads(ended.stdout.splitlines()[-1])
        assert report["overflows"]
        problems.append(report["problem"])
        note(f"second try: {__name__}: {report['problem']}")
    pytest.skip(f"not judged: {'; '.join(problems)}")


def test_the_demonstration_holds_a_whole_conversation_and_leaves_a_recording_and_a_picture(tmp_path: Path) -> None:
    ended = _held(tmp_path / "demo")
    assert ended.stdout, ended.stderr
    report = json.loads(ended.stdout.splitlines()[-1])

    assert report["ok"], f"{report.get('problem')}\n{ended.stderr}"
    assert ended.returncode == 0
    assert [step["name"] for step in report["steps"]] == list(STEPS)
    assert report["samples_lost"] == report["samples_doubled"] == report["late_samples"] == 0
    assert report["samples_compared"] > 24_000
    assert abs(report["heard_error_ms"]) <= 1
    assert (tmp_path / "demo" / "conversation.wav").stat().st_size > 1_000_000
    assert (tmp_path / "demo" / "timeline.png").read_bytes().startswith(b"\x89PNG")
    assert "Traceback" not in ended.stderr
