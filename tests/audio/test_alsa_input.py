"""Capture by ALSA itself, on the virtual card in real time."""

import time

import numpy as np
import pytest

from edgevoice.audio.alsa import AlsaError
from edgevoice.audio.alsa_input import AlsaInput
from edgevoice.audio.callback_threads import CallbackThreads
from edgevoice.audio.microphone import Microphone
from edgevoice.testbed.virtual import VirtualCard

pytestmark = pytest.mark.sound


def test_no_sample_is_lost_when_a_conversation_begins_and_ends(card: VirtualCard) -> None:
    said = np.random.default_rng(1).integers(1, 20_000, 24_000, dtype=np.int16)
    woken: list[float] = []
    taken: list[int] = []
    microphone = Microphone(lambda _frame, _end: None, lambda: None)
    threads = CallbackThreads()
    card.speak(said)

    def is_hurried() -> bool:
        woken.append(time.monotonic())
        taken.append(microphone.position)
        return 4000 < microphone.position < 12_000

    capture = AlsaInput("edgevoice_mic", 1, microphone.callback, microphone, threads, is_hurried)
    try:
        while microphone.position < 26_000:
            time.sleep(0.05)
    finally:
        capture.close()

    assert said.tobytes() in microphone.read(0)[1]
    assert microphone.overflows == 0
    assert threads.errors == []
    gaps_ms = 1000 * np.diff(woken)
    assert np.percentile(gaps_ms, 20) < 30, "20 ms in a conversation"
    assert np.percentile(gaps_ms, 90) > 60, "80 ms otherwise"
    # What has sounded since the wake-up before is still to be taken.
    lags_s = np.array(woken) - card.near_end.time_of(0) - np.array(taken) / 16_000
    assert 0 < np.median(lags_s) < 0.1
    line = microphone.clock.line
    assert line is not None
    assert line.time_at(0) == pytest.approx(card.near_end.time_of(0), abs=0.003)


def test_what_is_no_card_is_refused_and_an_error_of_ours_is_kept(card: VirtualCard) -> None:
    settings = card.folder / "asound.conf"
    settings.write_text(settings.read_text() + "pcm.server { type null }\n")
    threads = CallbackThreads()

    def fail(*_arguments: object) -> tuple[None, int]:
        raise ZeroDivisionError("of our own making")

    microphone = Microphone(lambda _frame, _end: None, lambda: None)
    with pytest.raises(AlsaError, match="not a card of its own"):
        AlsaInput("server", 1, fail, microphone, threads, lambda: True)

    capture = AlsaInput("edgevoice_mic", 1, fail, microphone, threads, lambda: True)
    time.sleep(0.1)
    capture.close()

    assert [str(error) for error in threads.errors] == ["of our own making"]
