"""The daemon that the benches measure: it touches nothing of the user who measures it."""

from pathlib import Path

import pytest

from edgevoice.testbed.bench.idle import running_daemon, silence
from edgevoice.testbed.virtual import VirtualCard
from tests.waiting import until


@pytest.mark.sound
def test_a_daemon_that_is_measured_keeps_to_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, box = tmp_path / "own", tmp_path / "box"
    own.mkdir(mode=0o700)
    box.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(own))

    with VirtualCard() as card:
        card.speak(silence(20))
        with running_daemon(card, box):
            until((box / "run" / "control.sock").exists)

    assert [*own.iterdir()] == []
