"""The streaming front end and its mel spectrogram: skipped frames can be caught up, and a reset leaves no trace."""

import numpy as np
import pytest

from edgevoice.wakeword.models.features import FrontEnd
from edgevoice.wakeword.models.mel import MelBank
from edgevoice.wakeword.models.shapes import CHUNK_SAMPLES, FRAME, LOOKBACK, WINDOW_FRAMES
from tests.wakeword.sounds import POSITIVES, Samples, frames_of, parts, quiet, recording

HISTORY = 16


def front_end() -> FrontEnd:
    return FrontEnd(parts(), HISTORY)


def sound() -> Samples:
    return frames_of(quiet(3.0), recording(POSITIVES[0]), quiet(1.0), recording(POSITIVES[1]))


def test_sixteen_embeddings_depend_on_two_seconds_of_sound() -> None:
    # The newest window ends with the newest frame; the oldest began 15 steps of 8 plus 76 mel frames earlier.
    assert FrontEnd.context_frames(HISTORY) * 8 >= WINDOW_FRAMES + (HISTORY - 1) * 8 > 24 * 8


@pytest.mark.parametrize("skipped", [1, 2, 7, 24, 25, 26, 40])
def test_after_skipped_frames_all_later_features_match_an_unskipped_run(skipped: int) -> None:
    steady, sleepy = front_end(), front_end()
    frames = sound()
    for frame in frames[:30]:
        steady.step(frame)
        sleepy.step(frame)
    assert sleepy.has_context
    for frame in frames[30 : 30 + skipped]:
        steady.step(frame)
        sleepy.skip(frame)

    for frame in frames[30 + skipped :]:
        steady.step(frame)
        sleepy.step(frame)
        assert sleepy.embeddings == pytest.approx(steady.embeddings, abs=1e-3)


def test_without_enough_past_audio_it_reports_that_it_has_no_context() -> None:
    ears = front_end()

    told = []
    for frame in sound()[:27]:
        ears.step(frame)
        told.append(ears.has_context)

    # One frame more than the embeddings see: the first has no predecessor and is computed differently.
    assert told == [False] * 25 + [True] * 2


def test_a_reset_restores_the_initial_state_even_with_frames_pending() -> None:
    used, new = front_end(), front_end()
    for frame in sound()[:40]:
        used.step(frame)
    used.skip(sound()[41])
    used.reset()

    for frame in sound():
        used.step(frame)
        new.step(frame)
        assert np.array_equal(used.embeddings, new.embeddings)


def test_the_embedding_buffer_keeps_its_address_because_models_are_bound_to_it() -> None:
    ears = front_end()
    place = ears.embeddings.ctypes.data
    for frame in sound()[:30]:
        ears.step(frame)
    ears.skip(sound()[30])
    ears.step(sound()[31])
    ears.reset()

    assert ears.embeddings.ctypes.data == place


def test_one_chunk_and_several_together_give_the_same_mel_frames() -> None:
    bank = MelBank(parts().window, parts().mel)
    stream = sound().reshape(-1)
    chunks = np.lib.stride_tricks.sliding_window_view(stream, CHUNK_SAMPLES)[::FRAME]

    together = bank.chunks(chunks)

    for chunk, frames in zip(chunks, together, strict=True):
        assert bank.chunk(chunk) == pytest.approx(frames, abs=1e-4)


def test_each_chunk_is_floored_80_db_below_its_own_peak() -> None:
    bank = MelBank(parts().window, parts().mel)
    click = np.zeros(CHUNK_SAMPLES, np.int16)
    click[LOOKBACK : LOOKBACK + 160] = 30_000

    frames = bank.chunk(click)

    # A tenth of 80 dB.
    assert frames.max() - frames.min() == pytest.approx(8.0, abs=1e-4)
    assert bank.chunk(np.zeros(CHUNK_SAMPLES, np.int16)) == pytest.approx(-8.0)
