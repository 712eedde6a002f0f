"""The picture of a conversation: nothing lies outside it, and no labels overlap."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from edgevoice.testbed.demo.timeline import Side, Stretch, TimelineMark, draw

RATE_HZ = 16_000
LENGTH_S = 30.0
MARKS = [
    TimelineMark(1.7, "wake word heard"),
    TimelineMark(1.9, "tool called"),
    TimelineMark(12.0, "barge-in"),
    TimelineMark(12.0, "playback cut"),
    TimelineMark(29.0, "goodbye"),
    TimelineMark(29.9, "hung up"),
]
PHASES = [
    Stretch("idle", 0, 1.7),
    Stretch("listening", 1.7, 5),
    Stretch("thinking", 5, 5.2),
    Stretch("speaking", 5.2, LENGTH_S),
]
STORY = "Once there was a small lighthouse that was afraid of the dark. " * 9


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Figure:
    kept: list[Figure] = []
    save = Figure.savefig

    def keep(figure: Figure, *arguments: Any, **options: Any) -> None:
        kept.append(figure)
        save(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", keep)
    silence = np.zeros(round(LENGTH_S * RATE_HZ), np.int16)
    person = Side(
        "near-end: the person", "#31a354", silence, [Stretch("What time is it", 1, 20), Stretch("Bye", 29, 30)]
    )
    box = Side("far-end: the box", "#3182bd", silence, [Stretch(STORY, 5.2, 20), Stretch("Goodbye!", 29.2, 30)])

    draw(tmp_path / "timeline.png", (person, box), RATE_HZ, PHASES, MARKS)

    assert (tmp_path / "timeline.png").read_bytes().startswith(b"\x89PNG")
    return kept[0]


def test_the_picture_shows_the_words_of_both_sides_and_truncates_a_long_answer(drawn: Figure) -> None:
    words = [each.get_text() for axes in drawn.axes for each in axes.texts]

    assert {"What time is it", "Bye", "Goodbye!"} <= set(words)
    (story,) = [each for each in words if each.startswith("Once there was")]
    assert story.endswith("…")
    assert story.count("\n") == 3


def test_no_label_leaves_the_frame_or_overlaps_another(drawn: Figure) -> None:
    canvas: Any = FigureCanvasAgg(drawn)  # its methods have no types
    canvas.draw()
    renderer = canvas.get_renderer()
    labels = [each for each in drawn.axes[0].texts if each.get_text().strip()]
    boxes = [each.get_window_extent(renderer) for each in labels]

    assert [each.get_text().strip() for each in labels] == [mark.label for mark in MARKS]
    assert all(box.x0 >= 0 and box.x1 <= drawn.bbox.x1 for box in boxes)
    assert not [(one, other) for index, one in enumerate(boxes) for other in boxes[:index] if one.overlaps(other)]


def test_a_phase_too_short_for_its_name_is_listed_in_the_legend(drawn: Figure) -> None:
    assert "thinking" not in [each.get_text() for each in drawn.axes[2].texts]
    assert [each.get_text() for each in drawn.legends[0].get_texts()] == ["idle", "listening", "thinking", "speaking"]
