"""Which control of a card sets the volume: the one that is named, or the one that is surely safe to move."""

import pytest

from edgevoice.audio.card_volume import AUTO, FoundControl, find_control
from edgevoice.audio.mixer import MixerPlace, Scale

ALONE, SHARED = MixerPlace("hw:1", is_alone=True), MixerPlace("hw:1")


def scale(name: str, lowest_db: float = -60.0, level_db: float = 0.0, *, is_even: bool = True) -> Scale:
    return Scale(name, lowest_db, 6.0, level_db, is_even)


@pytest.mark.parametrize(
    ("place", "controls", "chosen"),
    [
        (ALONE, [scale("PCM")], "PCM"),
        (ALONE, [scale("PCM"), scale("Master")], "Master"),
        (ALONE, [scale("Headphone"), scale("Speaker"), scale("Playback")], "Playback"),
        (ALONE, [scale("Speaker")], "Speaker"),
        (ALONE, [scale("Speaker"), scale("Mic")], "Speaker"),
        # Which of them is connected is not known; one is no volume at all.
        (ALONE, [scale("Speaker"), scale("Headphone")], None),
        (ALONE, [scale("Mic")], None),
        (ALONE, [], None),
        # No way down, an owner's balance, and a card that others play on.
        (ALONE, [scale("PCM", lowest_db=-10.0)], None),
        (ALONE, [scale("PCM", level_db=-45.0)], None),
        (ALONE, [scale("PCM", is_even=False)], None),
        (SHARED, [scale("PCM")], None),
    ],
)
def test_auto_takes_only_what_is_surely_the_volume(
    place: MixerPlace, controls: list[Scale], chosen: str | None
) -> None:
    found = find_control(AUTO, place, controls)

    assert (found.scale.name if found.scale else None) == chosen
    assert bool(found.why) is (chosen is None)


def test_a_control_that_is_named_is_taken_whatever_else_plays_there() -> None:
    headphone = scale("Headphone", lowest_db=-10.0, is_even=False)

    assert find_control("Headphone", SHARED, [scale("PCM"), headphone]) == FoundControl(
        SHARED, headphone, others=("PCM", "Headphone")
    )
