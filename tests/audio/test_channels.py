"""Which channels a microphone is opened with, and which of them is used."""

import numpy as np
import pytest

from edgevoice.audio.channels import counts_for, counts_for_all, taking


@pytest.mark.parametrize(
    ("channel", "inputs", "counts"),
    [
        (0, 1, [1]),
        (0, 2, [2, 1]),
        (1, 2, [2]),
        (0, 6, [2, 6, 1]),
        (4, 6, [5, 6]),
        (5, 6, [6]),
        (0, 128, [2, 1]),
        (3, 128, [4]),
        (1, 1, []),
        (6, 6, []),
    ],
)
def test_a_card_is_never_opened_with_one_of_several_channels_because_alsa_would_mix_them(
    channel: int, inputs: int, counts: list[int]
) -> None:
    assert counts_for(channel, inputs) == counts


@pytest.mark.parametrize(
    ("inputs", "counts"),
    [(1, [1]), (2, [2, 1]), (4, [4, 2, 1]), (6, [6, 4, 2, 1]), (128, [16, 8, 6, 4, 2, 1]), (10, [10, 8, 6, 4, 2, 1])],
)
def test_to_examine_all_channels_the_highest_count_is_tried_first(inputs: int, counts: list[int]) -> None:
    assert counts_for_all(inputs) == counts


@pytest.mark.parametrize("count", [1, 2, 6, 16])
def test_every_sample_of_the_selected_channel_is_passed_on_and_none_of_another(count: int) -> None:
    frames = np.arange(320 * count).astype("<i2").reshape(320, count)
    for channel in range(count):
        got: list[object] = []
        take = taking(channel, count, lambda *period, got=got: got.append(period) or (None, 0))

        assert take(frames.tobytes(), 320, {"current_time": 1.0}, 2) == (None, 0)
        assert got == [(frames[:, channel].tobytes(), 320, {"current_time": 1.0}, 2)]


def test_a_period_without_samples_is_passed_on_as_such() -> None:
    got: list[object] = []

    taking(1, 2, lambda *period: got.append(period))(None, 320, None, 0)

    assert got == [(None, 320, None, 0)]
