import pytest

from edgevoice.local.turns import FRAME_MS, LONGEST_TURN_MS, EndpointingDelays, TurnDetector, TurnEvent

SECOND = 1000 // FRAME_MS


def heard(detector: TurnDetector, frames: str) -> list[tuple[int, TurnEvent]]:
    """Feed frames, ``x`` voiced and ``.`` not; return (frame number, event)."""
    events = ((number, detector.frame(is_voiced=mark == "x")) for number, mark in enumerate(frames))
    return [(number, event) for number, event in events if event is not None]


def test_speech_starts_within_100_ms_of_its_onset() -> None:
    detector = TurnDetector(EndpointingDelays(500, 500))

    assert heard(detector, "....." + "xxx") == [(7, TurnEvent.STARTED)]
    assert detector.onset_frame == 5


@pytest.mark.parametrize("frames", ["..x....x....x....", "..xx......xx....."])
def test_clicks_are_not_speech(frames: str) -> None:
    assert heard(TurnDetector(EndpointingDelays(500, 500)), frames) == []


def test_a_turn_ends_after_its_silence_and_not_before() -> None:
    events = heard(TurnDetector(EndpointingDelays(500, 500)), "x" * 10 + "." * 24)
    assert events == [(2, TurnEvent.STARTED)]

    events = heard(TurnDetector(EndpointingDelays(500, 500)), "x" * 10 + "." * 25)
    assert events == [(2, TurnEvent.STARTED), (34, TurnEvent.ENDED)]


def test_a_pause_is_reported_once_and_again_after_more_speech() -> None:
    detector = TurnDetector(EndpointingDelays(500, 2000))

    events = [event for _, event in heard(detector, "x" * 10 + "." * 60 + "x" * 10 + "." * 100)]

    assert events == [TurnEvent.STARTED, TurnEvent.PAUSED, TurnEvent.PAUSED, TurnEvent.ENDED]


def test_a_click_in_the_silence_does_not_prolong_the_turn() -> None:
    events = heard(TurnDetector(EndpointingDelays(500, 500)), "x" * 10 + "." * 12 + "x" + "." * 12)

    assert events[-1] == (34, TurnEvent.ENDED)


def test_continuous_speech_ends_at_the_longest_turn() -> None:
    events = heard(TurnDetector(EndpointingDelays(500, 500)), "x" * (LONGEST_TURN_MS // FRAME_MS))

    assert events[-1] == (LONGEST_TURN_MS // FRAME_MS - 1, TurnEvent.ENDED)


def test_no_turn_ends_without_frames() -> None:
    detector = TurnDetector(EndpointingDelays(500, 500))
    heard(detector, "x" * 10)

    assert detector.is_speaking
