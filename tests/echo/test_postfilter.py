"""The postfilter: a person stands out from what is left of the echo, and nothing is lost or moved."""

from collections import deque

import numpy as np
import pytest

from edgevoice.echo.canceller import BLOCK, Samples
from edgevoice.echo.postfilter import Postfilter, Sound

FRAME = 4 * BLOCK
GAIN = 10 ** (12 / 20)
LEARNED = 100
"""Frames after which both the leak and the noise are known: 8 s."""


def noise(level: float, frames: int, seed: int) -> Sound:
    return (level * np.random.default_rng(seed).standard_normal(frames * FRAME)).astype(np.float32)


def syllables(frames: int) -> Sound:
    """How loud speech is from sample to sample, from 0 to 1: five syllables in two seconds, and pauses."""
    seconds = np.arange(frames * FRAME) / 16_000
    return np.maximum(np.sin(2 * np.pi * 2.5 * seconds), 0).astype(np.float32) ** np.float32(2)


def tone(level: float, frames: int) -> Sound:
    made: Sound = (level * np.sin(2 * np.pi * 1_000 / 16_000 * np.arange(frames * FRAME))).astype(np.float32)
    return made


def cleared(
    near: Sound, echo: Sound | None, postfilter: Postfilter | None = None, *, begin: int = 0, frames: int = 1
) -> Samples:
    """Return all of ``near``, a frame or more at a time, as the postfilter returns it; ``echo`` was removed from it."""
    postfilter = postfilter or Postfilter()
    pieces = []
    for at in range(0, len(near), frames * FRAME):
        sound = np.rint(near[at : at + frames * FRAME]).astype(np.int16)
        if echo is not None:
            for block in range(at, at + len(sound), BLOCK):
                postfilter.hear(echo[block : block + BLOCK], begin + block)
        pieces.append(postfilter.clear(sound, begin + at + len(sound)))
    return np.concatenate(pieces)


def level_db(sound: Samples | Sound) -> float:
    return float(10 * np.log10((sound.astype(np.float64) ** 2).mean() + 1e-9))


def test_sound_from_which_nothing_was_removed_passes_unchanged() -> None:
    near = noise(500, 10, seed=1)

    assert cleared(near, None).tolist() == np.rint(near).astype(int).tolist()


@pytest.mark.parametrize("frames", [1, 2])
def test_a_voice_alone_becomes_12_db_louder_and_comes_one_block_later(frames: int) -> None:
    near = tone(1000, 6)

    heard = cleared(near, np.zeros_like(near), frames=frames)

    assert heard[2 * BLOCK :] == pytest.approx(GAIN * near[BLOCK:-BLOCK], abs=40)


def test_what_rises_and_falls_with_the_echo_is_lowered_against_a_person() -> None:
    loudness = syllables(LEARNED)
    echo, left = noise(3000, LEARNED, seed=1) * loudness, noise(100, LEARNED, seed=2) * loudness
    near = left.copy()
    near[-FRAME:] += tone(100, 1)
    postfilter = Postfilter()

    heard = cleared(near, echo, postfilter)

    second = slice(-16_000 - FRAME, -FRAME)
    assert level_db(heard[second]) < level_db(near[second]) + 12 - 9
    assert level_db(heard[-FRAME // 2 :]) > level_db(near[-FRAME // 2 :]) + 12 - 3


def test_the_rooms_steady_noise_is_raised_8_db_less_than_a_voice() -> None:
    near = noise(20, LEARNED, seed=3)

    heard = cleared(near, np.zeros_like(near))

    assert level_db(heard[-16_000:]) < level_db(near[-16_000:]) + 12 - 8


def test_a_voice_too_loud_for_the_gain_is_clipped_and_does_not_wrap_around() -> None:
    near = tone(20_000, 4)

    heard = cleared(near, np.zeros_like(near))

    assert np.abs(heard.astype(int)).max() == 32_768
    assert (heard[2 * BLOCK :].astype(float) * near[BLOCK:-BLOCK] >= 0).all()


def test_a_pause_is_passed_on_as_it_is_and_what_was_learned_is_kept() -> None:
    loudness = syllables(LEARNED)
    echo, left = noise(3000, LEARNED, seed=1) * loudness, noise(100, LEARNED, seed=2) * loudness
    postfilter = Postfilter()
    cleared(left, echo, postfilter)

    pause = noise(100, 5, seed=4)
    passed = cleared(pause, None, postfilter, begin=len(left))
    again = cleared(left[: 3 * FRAME], echo[: 3 * FRAME], postfilter, begin=len(left) + len(pause))

    assert passed.tolist() == np.rint(pause).astype(int).tolist()
    assert level_db(again) < level_db(left[: 3 * FRAME]) + 12 - 8


def test_blocks_that_were_dropped_before_they_were_scored_are_skipped() -> None:
    postfilter = Postfilter()
    for position in range(0, 2 * FRAME, BLOCK):
        postfilter.hear(np.zeros(BLOCK, np.float32), position)

    near = np.full(FRAME, 100, np.int16)

    assert postfilter.clear(near, 3 * FRAME) is near
    assert not postfilter._waiting


def test_an_answer_is_not_taken_for_the_end_of_the_one_before() -> None:
    loudness = syllables(LEARNED)
    echo, left = noise(3000, LEARNED, seed=1) * loudness, noise(300, LEARNED, seed=2) * loudness
    echo[-FRAME:], left[-FRAME:] = noise(9000, 1, seed=5), noise(900, 1, seed=6)
    postfilter = Postfilter()
    cleared(left, echo, postfilter)
    cleared(np.zeros(5 * FRAME, np.float32), None, postfilter, begin=len(left))

    near = tone(200, 1)
    heard = cleared(near, np.zeros_like(near), postfilter, begin=len(left) + 5 * FRAME)

    assert level_db(heard[BLOCK : 2 * BLOCK]) > level_db(near) + 12 - 3


class Racing(deque[tuple[Sound, int]]):
    """Blocks of which another thread drops the oldest at the very moment in which this one takes it."""

    def popleft(self) -> tuple[Sound, int]:
        super().popleft()
        return super().popleft()


def test_a_block_that_is_dropped_while_it_is_taken_does_no_harm() -> None:
    postfilter = Postfilter()
    postfilter._waiting = Racing((np.full(BLOCK, 7, np.float32), at) for at in range(BLOCK, 3 * FRAME, BLOCK))

    removed = postfilter._removed(0, FRAME)

    assert removed is not None
    assert len(removed) == FRAME


def test_an_answer_that_begins_within_a_frame_is_aligned_with_what_it_was_removed_from() -> None:
    postfilter = Postfilter()
    postfilter.hear(np.full(BLOCK, 7, np.float32), 3 * BLOCK)

    removed = postfilter._removed(0, FRAME)

    assert removed is not None
    assert np.flatnonzero(removed).tolist() == list(range(3 * BLOCK, FRAME))
