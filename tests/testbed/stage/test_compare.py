"""The judge of the tapes is tested too: it must find every error that is put into a tape."""

import numpy as np
import numpy.typing as npt
import pytest
import soxr

from edgevoice.core.sound.fade import FADE, fade_out
from edgevoice.testbed.stage.compare import NothingInCommon, compare_uplink, find_on_tape

Samples = npt.NDArray[np.int16]


def speech(seconds: float, rate_hz: int = 16_000, seed: int = 1) -> Samples:
    """Return noise with the bandwidth of speech, loud enough to be analysed."""
    noise = np.random.default_rng(seed).normal(0, 3000, round(seconds * rate_hz))
    smooth = np.convolve(noise, np.ones(4) / 2, "same")
    return np.clip(smooth, -30_000, 30_000).astype(np.int16)


def sent(heard: Samples, begin: int) -> Samples:
    """Return what the uplink would send of ``heard`` from sample ``begin``."""
    stream = soxr.ResampleStream(16_000, 24_000, 1, dtype="int16", quality="MQ")
    chunks = [stream.resample_chunk(heard[at : at + 640]) for at in range(begin, len(heard), 640)]
    return np.concatenate(chunks).astype(np.int16)


@pytest.mark.parametrize("begin", [0, 1, 2, 3, 16_000, 16_001])
def test_an_uplink_without_losses_is_matched_whole_wherever_it_begins(begin: int) -> None:
    heard = speech(8)

    found = compare_uplink(heard, sent(heard, begin))

    assert (found.first, found.lost, found.doubled) == (begin, 0, 0)
    assert found.compared > 24_000


@pytest.mark.parametrize("missing", [1, 20, 2400])
def test_missing_samples_are_counted(missing: int) -> None:
    heard = speech(12)
    arrived = sent(heard, 1000)

    found = compare_uplink(heard, np.delete(arrived, slice(200_000, 200_000 + missing)))

    assert found.lost == missing


def test_duplicated_samples_are_counted() -> None:
    heard = speech(12)
    arrived = sent(heard, 1000)

    found = compare_uplink(heard, np.insert(arrived, 200_000, arrived[197_600:200_000]))

    assert found.doubled == 2400


def test_an_uplink_of_other_audio_is_refused() -> None:
    found_or_refused = pytest.raises(NothingInCommon, match="nothing in common")
    with found_or_refused:
        compare_uplink(np.zeros(16_000, np.int16), np.zeros(24_000, np.int16))


def tape_of(*parts: Samples) -> Samples:
    return np.concatenate(parts)


def faded(item: Samples, at: int) -> Samples:
    return (item[at : at + 120] * np.linspace(1, 0, 120, endpoint=False)).astype(np.int16)


def zeros(count: int) -> Samples:
    return np.zeros(count, np.int16)


def test_the_heard_part_of_an_item_includes_its_fade() -> None:
    item = speech(4, 24_000)

    found = find_on_tape(tape_of(zeros(5000), item[:48_000], faded(item, 48_000), zeros(50_000)), item, 0)

    assert abs(found.samples - 48_120) <= 2  # the last of the fade rounds to nothing
    assert found.late == 0


@pytest.mark.parametrize("duck", [1.0, 0.16], ids=["loud", "ducked"])
@pytest.mark.parametrize(("reported_ms", "error_ms"), [(1003, 0), (1013, 10), (990, -11)])
def test_a_report_of_a_cut_in_a_pause_may_be_right_though_the_fade_is_not_on_the_tape(
    reported_ms: float, error_ms: float, duck: float
) -> None:
    item = speech(4, 24_000)
    item[23_000:30_000] = np.where(np.arange(7000) % 5, 2, -3) / duck
    emitted = np.concatenate([item[:20_000], np.rint(item[20_000:24_000] * duck)]).astype(np.int16)
    cut = (item[24_000 : 24_000 + FADE] * duck * fade_out(FADE)).astype(np.int16)

    found = find_on_tape(tape_of(zeros(100), emitted, cut, zeros(30_000)), item, 0)

    assert not cut[-20:].any()
    assert found.error_ms(reported_ms) == pytest.approx(error_ms, abs=1.5 * bool(error_ms))


def test_an_item_played_to_its_end_counts_as_heard_whole() -> None:
    item = speech(2, 24_000)

    assert find_on_tape(tape_of(zeros(100), item, zeros(9000)), item, 50).samples == len(item)


def test_a_gap_from_an_underrun_does_not_shorten_the_item() -> None:
    item = speech(4, 24_000)
    tape = tape_of(zeros(100), item[:30_000], zeros(720), item[30_000:60_000], faded(item, 60_000), zeros(30_000))

    assert abs(find_on_tape(tape, item, 0).samples - 60_120) <= 2


@pytest.mark.parametrize("lost", [1, 240, 720])
def test_samples_lost_in_an_underrun_are_skipped_and_the_rest_counts_as_heard(lost: int) -> None:
    item = speech(4, 24_000)
    tape = tape_of(
        zeros(100), item[:30_000], zeros(720), item[30_000 + lost : 60_000], faded(item, 60_000), zeros(9000)
    )

    found = find_on_tape(tape, item, 0)

    assert abs(found.samples - 60_120) <= 2
    assert found.late == 0


def test_gaps_close_together_and_just_before_the_cut_do_not_shorten_it_either() -> None:
    item = speech(4, 24_000)
    parts = [zeros(100), item[:30_000], zeros(720), item[30_000:30_240], zeros(240), item[30_240:30_480], zeros(480)]

    tape = tape_of(*parts, item[30_480:30_600], faded(item, 30_600), zeros(30_000))

    assert abs(find_on_tape(tape, item, 0).samples - 30_720) <= 2


@pytest.mark.parametrize("lost", [0, 240])
def test_a_gap_right_before_the_fade_of_a_cut_is_skipped(lost: int) -> None:
    item = speech(4, 24_000)
    tape = tape_of(zeros(100), item[:30_000], zeros(480), faded(item, 30_000 + lost), zeros(30_000))

    assert abs(find_on_tape(tape, item, 0).samples - (30_120 + lost)) <= 2


@pytest.mark.parametrize("lost", [0, 240])
def test_a_gap_while_the_answer_is_ducked_is_skipped(lost: int) -> None:
    item = speech(4, 24_000)
    ducked = (item * 0.178).astype(np.int16)
    before, after = ducked[24_000:30_000], ducked[30_000 + lost : 40_000]
    tape = tape_of(zeros(100), item[:24_000], before, zeros(480), after, item[40_000:60_000], faded(item, 60_000))

    assert abs(find_on_tape(np.concatenate([tape, zeros(30_000)]), item, 0).samples - 60_120) <= 2


def test_an_answer_that_stalls_for_seconds_and_resumes_softly_counts_as_heard_whole() -> None:
    item = np.concatenate([speech(1, 24_000), zeros(700), speech(2, 24_000, seed=2)])
    tape = tape_of(zeros(100), item[:24_000], zeros(50_000), item[24_000:60_000], faded(item, 60_000), zeros(30_000))

    assert abs(find_on_tape(tape, item, 0).samples - 60_120) <= 2


def test_a_ducked_stretch_belongs_to_the_item_too() -> None:
    item = speech(4, 24_000)
    ducked = (item[24_000:48_000] * 0.178).astype(np.int16)
    tape = tape_of(zeros(100), item[:24_000], ducked, item[48_000:60_000], faded(item, 60_000), zeros(30_000))

    assert abs(find_on_tape(tape, item, 0).samples - 60_120) <= 2


def test_an_item_cut_while_ducked_ends_there() -> None:
    item = speech(4, 24_000)
    ducked = (tape_of(item[24_000:30_000], faded(item, 30_000)) * 0.178).astype(np.int16)

    found = find_on_tape(tape_of(zeros(100), item[:24_000], ducked, zeros(90_000)), item, 0)

    assert found.samples == pytest.approx(30_120, abs=12)  # softer, more of the fade rounds to nothing
    assert found.late == 0


def test_audio_of_the_old_answer_after_its_cut_is_detected() -> None:
    item = speech(4, 24_000)
    tape = tape_of(zeros(100), item[:30_000], faded(item, 30_000), zeros(5000), item[30_120:40_000], zeros(30_000))

    assert find_on_tape(tape, item, 0).late > 0


def test_an_item_that_was_never_played_is_refused() -> None:
    with pytest.raises(NothingInCommon, match="not on the tape"):
        find_on_tape(zeros(50_000), speech(1, 24_000), 0)
