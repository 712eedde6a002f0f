"""The witness: how a second maker's model changes a score, when it runs, and what it costs when it does not."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from edgevoice.errors import WakeWordUnavailable
from edgevoice.wakeword import witness
from edgevoice.wakeword.decision import Thresholds
from edgevoice.wakeword.engine import Opinions, open_scorer
from edgevoice.wakeword.listening import Listened, listen
from edgevoice.wakeword.models.present import find_model, words_present
from edgevoice.wakeword.models.shapes import FRAME, Samples
from edgevoice.wakeword.scorer import StreamingScorer
from edgevoice.wakeword.witness import Witness
from tests.wakeword.sounds import NEGATIVES, POSITIVES, frames_of, noise, parts, quiet, recording

JARVIS = words_present("microwakeword")["hey_jarvis"]
SILENCE: Samples = np.zeros(FRAME, np.int16)


class Saying:
    """Stands in for microWakeWord: gives every frame the same score, and counts frames."""

    def __init__(self, models: Sequence[Path]) -> None:
        self.models = models
        self.says = 0.0
        self.heard = 0
        self.forgot = 0

    def score(self, sound: Samples) -> Sequence[Sequence[float]]:
        self.heard += len(sound) // FRAME
        return [[self.says] * len(self.models)] * (len(sound) // FRAME)

    def reset(self) -> None:
        self.forgot += 1


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> tuple[Witness, Saying]:
    monkeypatch.setattr(witness, "MicroScorer", Saying)
    made = Witness([JARVIS])
    assert isinstance(made._scorer, Saying)
    return made, made._scorer


def fused(made: Witness, score: float) -> float:
    return made.fused(SILENCE, [[score]])[0][0]


@pytest.mark.parametrize(
    ("score", "says", "is_over"),
    [
        (0.02, 0.5, True),
        (0.1, 0.05, True),
        (0.5, 0.01, True),
        (0.5, 0.0, False),
        (0.9, 0.0, True),
        (0.3, 0.0001, False),
        (0.01, 0.05, False),
    ],
)
def test_likely_for_both_is_a_detection_and_unlikely_for_one_needs_the_other_to_be_sure(
    asked: tuple[Witness, Saying], score: float, says: float, *, is_over: bool
) -> None:
    made, other = asked
    other.says = says

    assert (fused(made, score) >= 0.5) is is_over


def test_a_higher_score_of_either_raises_the_joint_score(asked: tuple[Witness, Saying]) -> None:
    made, other = asked
    table = []
    for says in (0.0, 0.01, 0.1, 0.5, 0.9):
        made.reset()
        other.says = says
        table.append([fused(made, score) for score in (0.01, 0.1, 0.5, 0.9, 1.0)])

    assert all(row == sorted(row) for row in table)
    assert all(list(column) == sorted(column) for column in zip(*table, strict=True))
    assert all(0 < score <= 1 for row in table for score in row)


def test_the_witness_stays_idle_at_low_scores_and_then_hears_the_last_three_seconds(
    asked: tuple[Witness, Saying],
) -> None:
    made, other = asked
    for _ in range(200):
        assert fused(made, 0.0002) < 0.01
    assert other.heard == 0

    fused(made, 0.02)

    assert other.heard == 38


def test_the_witness_keeps_listening_briefly_and_its_result_is_valid_for_half_a_second(
    asked: tuple[Witness, Saying],
) -> None:
    made, other = asked
    other.says = 0.9
    fused(made, 0.02)
    other.says = 0.0

    later = [fused(made, score) for score in (0.0002, 0.0002, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02)]

    assert other.heard == 1 + len(later)
    assert later[2] > 0.5 > later[-1]


def test_paired_frames_are_heard_in_order_and_a_frame_without_a_score_stays_without_one(
    asked: tuple[Witness, Saying],
) -> None:
    made, other = asked
    other.says = 0.9

    rows = made.fused(np.zeros(2 * FRAME, np.int16), [[0.0], [0.3]])

    assert other.heard == 2
    assert rows[0] == [0.0]
    assert rows[1][0] > 0.9


def test_a_word_without_a_witness_keeps_its_scores(asked: tuple[Witness, Saying]) -> None:
    made = Witness([None, JARVIS])

    rows = made.fused(SILENCE, [[0.9, 0.0002]])
    assert rows[0][0] == 0.9
    assert isinstance(made._scorer, Saying)
    assert (made._scorer.models, made._scorer.heard) == ([JARVIS], 0)


def test_after_a_reset_earlier_audio_is_not_given_to_the_witness(asked: tuple[Witness, Saying]) -> None:
    made, other = asked
    other.says = 0.9
    fused(made, 0.02)

    made.reset()
    other.says = 0.0

    assert other.forgot == 1
    assert fused(made, 0.02) < 0.5
    assert other.heard == 2


# --- with the real models ---------------------------------------------------------------------------------------------


def heard(scorer: StreamingScorer, sound: Samples) -> Listened:
    return listen(scorer, frames_of(sound), [Thresholds()])


def test_a_call_in_noise_that_each_model_alone_misses_is_detected_by_both_together() -> None:
    alone = StreamingScorer([find_model("hey_jarvis")], parts())
    both = StreamingScorer([find_model("hey_jarvis")], parts(), witness=Witness([JARVIS]))
    calls = [
        np.clip(
            recording(name) * 0.3 + noise(len(recording(name)) / 16_000, level, is_pink=True, seed=seed), -32768, 32767
        )
        for seed, name in enumerate(POSITIVES)
        for level in (300, 500, 800, 1200)
    ]

    found = [[bool(heard(scorer, call.astype(np.int16)).heard) for call in calls] for scorer in (alone, both)]

    assert sum(found[1]) >= sum(found[0]) + 2
    for name in POSITIVES:
        assert len(heard(both, recording(name)).heard) == 1


def test_other_speech_scores_far_below_the_threshold() -> None:
    both = StreamingScorer([find_model("hey_jarvis")], parts(), witness=Witness([JARVIS]))

    for name in NEGATIVES:
        assert heard(both, recording(name)).scores.max() < 0.1


def test_a_witness_that_catches_up_scores_the_same_as_one_that_always_listened(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = np.concatenate([quiet(6.0), recording(POSITIVES[0]), quiet(1.0)])
    late = heard(StreamingScorer([find_model("hey_jarvis")], parts(), witness=Witness([JARVIS])), sound).scores
    monkeypatch.setattr(witness, "NEAR", 0.0)

    always = heard(StreamingScorer([find_model("hey_jarvis")], parts(), witness=Witness([JARVIS])), sound).scores

    near = always > 0.5
    assert near.sum() > 3
    assert np.abs(late - always)[near].max() < 0.1


def test_the_engine_uses_the_witnesses_of_its_words(tmp_path: Path) -> None:
    models = [find_model("hey_jarvis")]

    with_one = open_scorer(models, engine="streaming", gate="off", cache=tmp_path, opinions=Opinions([JARVIS]))
    without = open_scorer(models, engine="streaming", gate="off", cache=tmp_path, opinions=Opinions([None]))

    assert isinstance(with_one, StreamingScorer)
    assert isinstance(without, StreamingScorer)
    assert with_one._witness is not None
    assert without._witness is None


def test_a_witness_that_cannot_be_loaded_is_skipped_and_logged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_models: Sequence[Path]) -> None:
        raise WakeWordUnavailable("TensorFlow Lite cannot be loaded: no such file")

    monkeypatch.setattr(witness, "MicroScorer", broken)

    scorer = open_scorer(
        [find_model("hey_jarvis")], engine="streaming", gate="off", cache=tmp_path, opinions=Opinions([JARVIS])
    )

    assert isinstance(scorer, StreamingScorer)
    assert scorer._witness is None
    (said,) = [record for record in caplog.records if record.msg.startswith("wakeword-witness")]
    assert said.levelname == "WARNING"
