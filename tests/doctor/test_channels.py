"""Cards with several channels: which of them hears the room, and what to set where the box listens to another."""

import numpy as np
import pytest

from edgevoice.doctor.channels import Channels, channels_of, judge_channels
from edgevoice.doctor.findings import Finding, FindingStatus

SAMPLES = 16_000


def noise(dbfs: float, seed: int) -> Channels:
    chance = np.random.default_rng(seed).standard_normal(SAMPLES)
    return (chance * 32_768 * 10 ** (dbfs / 20)).clip(-32_768, 32_767).astype(np.int16)


def card(*levels: tuple[float, float] | None) -> tuple[Channels, Channels]:
    """Return what channels deliver, each by its level in quiet and while the speaker plays, None for zeros."""
    quiet, during = (
        np.stack([noise(-200 if each is None else each[when], 2 * n + when) for n, each in enumerate(levels)], axis=1)
        for when in (0, 1)
    )
    return quiet, during


MIC, NEAR_MIC, LOOPBACK, DIGITAL_LOOPBACK = (-60, -30), (-58, -25), (-75, -10), (-200, -12)


def judged(chosen: int, *levels: tuple[float, float] | None) -> Finding | None:
    return judge_channels(channels_of(*card(*levels)), chosen)


def test_a_card_with_one_channel_gets_no_separate_line() -> None:
    assert judged(0, MIC) is None


@pytest.mark.parametrize("made_up", [None, "copy"])
def test_channels_added_by_alsa_are_not_taken_for_the_cards_own(made_up: str | None) -> None:
    quiet, during = card(MIC, None, None)
    if made_up == "copy":
        quiet[:, 1:], during[:, 1:] = quiet[:, :1], during[:, :1]

    assert len(channels_of(quiet, during)) == 1


def test_two_microphones_are_listed_and_the_one_in_use_is_named() -> None:
    finding = judged(1, MIC, NEAR_MIC)

    assert finding is not None
    assert finding.mark is FindingStatus.FINE
    assert finding.text == "2: 0 at -60 dBFS; 1 at -58 dBFS. Listening to 1"
    assert finding.figures == pytest.approx({"channel_0_dbfs": -60, "channel_1_dbfs": -58}, abs=0.2)


@pytest.mark.parametrize(
    ("chosen", "levels", "what", "recommended"),
    [
        (0, (None, MIC), "is silent", 1),
        (0, ((-89, -85), MIC), "is silent", 1),
        (1, (MIC, None), "does not exist", 0),
        (5, (MIC, MIC, MIC, MIC, MIC, DIGITAL_LOOPBACK), "loops back the speaker", 0),
        (5, (NEAR_MIC, MIC, MIC, MIC, MIC, LOOPBACK), "loops back the speaker", 0),
        (0, (DIGITAL_LOOPBACK, MIC, MIC), "loops back the speaker", 1),
        (7, (MIC, MIC), "does not exist", 0),
    ],
)
def test_a_silent_channel_is_reported_with_the_channel_to_use(
    chosen: int, levels: tuple[tuple[float, float] | None, ...], what: str, recommended: int
) -> None:
    finding = judged(chosen, *levels)

    assert finding is not None
    assert finding.mark is FindingStatus.DOUBTFUL
    assert finding.text.endswith(f"Listening to {chosen}, which {what}")
    assert f"microphone.channel = {recommended} " in finding.remedy


def test_a_loud_loopback_is_not_recommended_as_the_microphone() -> None:
    finding = judged(0, MIC, MIC, (-20, -12))

    assert finding is not None
    assert finding.mark is FindingStatus.FINE


def test_the_loopback_of_an_array_is_named_in_the_list() -> None:
    finding = judged(0, MIC, MIC, MIC, MIC, MIC, DIGITAL_LOOPBACK)

    assert finding is not None
    assert finding.mark is FindingStatus.FINE
    assert "; 5 loops back the speaker." in finding.text


def test_a_channel_is_no_loopback_where_every_channel_hears_the_speaker() -> None:
    finding = judged(0, (-60, -15), (-62, -16))

    assert finding is not None
    assert finding.mark is FindingStatus.FINE


@pytest.mark.parametrize("levels", [(None,), (None, None), (None, DIGITAL_LOOPBACK)])
def test_no_channel_is_recommended_where_none_hears_the_room(
    levels: tuple[tuple[float, float] | None, ...],
) -> None:
    assert judged(0, *levels) is None


def test_without_any_sound_nothing_is_reported() -> None:
    nothing = np.zeros((0, 2), np.int16)

    assert judge_channels(channels_of(nothing, nothing), 0) is None
