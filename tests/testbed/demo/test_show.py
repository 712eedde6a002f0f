"""The demonstration's folder: the demonstration must never delete a user's files."""

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from edgevoice.errors import VirtualCardUnavailable
from edgevoice.panel.mock import MockPins
from edgevoice.testbed.demo.figures import Figures, _cut_to_silence_s, figures_of, light_after
from edgevoice.testbed.demo.scenario import STEPS, Played, ScenarioStep
from edgevoice.testbed.demo.show import DemoFolderRefused, _own_folder, _shortcomings, _standstill
from edgevoice.testbed.stage import talker
from edgevoice.testbed.stage.events import Seen, StepMissed

if TYPE_CHECKING:
    from edgevoice.testbed.stage.stage import Stage


def test_a_folder_with_other_files_is_refused_and_left_unchanged(tmp_path: Path) -> None:
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "precious.txt").write_text("keep me")

    with pytest.raises(DemoFolderRefused, match="is not empty"):
        _own_folder(tmp_path)

    assert (tmp_path / "service" / "precious.txt").read_text() == "keep me"


def test_a_folder_of_an_earlier_demonstration_is_reused(tmp_path: Path) -> None:
    own = _own_folder(tmp_path / "demo")
    (own / "card").mkdir()
    (own / "conversation.wav").touch()

    assert _own_folder(own) == own
    assert not (own / "card").exists()


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DemoFolderRefused, match="cannot be used"):
        _own_folder(tmp_path / "file")


def test_an_unwritable_cache_gives_one_line_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(VirtualCardUnavailable, match="cannot be written") as refused:
        talker._keep(tmp_path / "file" / "words.npy", np.zeros(4, np.int16))

    assert "XDG_CACHE_HOME" in refused.value.remedy


def test_a_conversation_without_a_wake_word_is_one_clear_error() -> None:
    stage = cast("Stage", SimpleNamespace(seen=Seen(), pins=MockPins()))

    with pytest.raises(StepMissed, match="the wake word's detection did not happen"):
        figures_of(stage, 0.0, 0)
    with pytest.raises(StepMissed, match="a light after the wake word did not happen"):
        light_after(stage, 0.0)
    with pytest.raises(StepMissed, match="the cut did not happen"):
        _cut_to_silence_s(stage)


def figures(*, samples_lost: int = 0, overflows: int = 0) -> Figures:
    return Figures(60.0, 0.7, 13.0, 0.6, 24.0, 15.0, 4095, 0.5, 0, samples_lost, 0, 139_200, overflows)


@pytest.mark.parametrize(
    ("measured", "problem", "is_the_machine"),
    [
        (figures(), "", False),
        (figures(overflows=2), "", False),
        (figures(samples_lost=7), "7 samples were lost and 0 doubled on the way to the service", False),
        (figures(samples_lost=7, overflows=2), "stalled so long that the microphone overflowed 2 times", True),
    ],
)
def test_losses_are_attributed_to_the_machine_only_when_the_card_reports_them(
    measured: Figures, problem: str, *, is_the_machine: bool
) -> None:
    played = Played(steps=[ScenarioStep(name, 0.0) for name in STEPS])

    told = _shortcomings(played, measured)

    assert problem in told
    assert bool(told) == bool(problem)
    assert bool(_standstill(measured)) == is_the_machine
