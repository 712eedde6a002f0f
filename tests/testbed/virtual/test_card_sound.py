"""The virtual card under real PyAudio, PortAudio and libasound, in real time."""

import ctypes
import errno
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyaudio
import pytest

from edgevoice.testbed.virtual import TapeUnreadable, VirtualCard, write_conversation
from tests.testbed.virtual.streams import (
    MICROPHONE,
    SPEAKER,
    Listener,
    Player,
    Samples,
    devices,
    listen,
    noise,
    place_of,
    play,
    pyaudio_on_the_card,
    until,
)

pytestmark = [pytest.mark.sound, pytest.mark.alone]

PLAYBACK, INTERLEAVED, S16_LE = 0, 3, 2  # alsa-lib's numbers, for ctypes


@pytest.fixture
def audio(card: VirtualCard) -> Iterator[pyaudio.PyAudio]:
    with pyaudio_on_the_card() as audio:
        yield audio


def test_portaudio_lists_a_microphone_and_a_speaker_and_nothing_else(audio: pyaudio.PyAudio) -> None:
    channels = {}
    for name, index in devices(audio).items():
        info = audio.get_device_info_by_index(index)
        channels[name] = (bool(info["maxInputChannels"]), bool(info["maxOutputChannels"]))

    assert channels == {MICROPHONE: (True, False), SPEAKER: (False, True), "default": (True, True)}


def test_probing_and_opening_leave_no_tape(card: VirtualCard, audio: pyaudio.PyAudio) -> None:
    assert audio.is_format_supported(
        24_000, output_device=devices(audio)[SPEAKER], output_channels=1, output_format=pyaudio.paInt16
    )
    stream = audio.open(
        24_000, 1, pyaudio.paInt16, output=True, output_device_index=devices(audio)[SPEAKER], start=False
    )
    stream.close()

    assert card.far_end_tapes == []
    with pytest.raises(TapeUnreadable, match="no program has started to play"):
        _ = card.far_end


def test_speech_is_captured_bit_for_bit_and_taped(card: VirtualCard, audio: pyaudio.PyAudio) -> None:
    said = noise(0.5, 16_000)
    listener = Listener()
    card.speak(said[:3000])  # before anybody listens

    with listen(audio, listener):
        card.speak(said[3000:].tobytes())
        until(lambda: place_of(said, listener.samples) >= 0)

    assert card.unheard_s == 0
    assert place_of(said, card.near_end.samples()) == place_of(said, listener.samples)
    assert card.near_end.header.rate_hz == 16_000


def test_a_frame_written_in_two_parts_is_delivered_whole(card: VirtualCard, audio: pyaudio.PyAudio) -> None:
    said = noise(0.05, 16_000)
    listener = Listener()

    with listen(audio, listener), (card.folder / "microphone.fifo").open("wb", buffering=0) as fifo:
        fifo.write(said.tobytes()[:801])
        until(lambda: place_of(said[:400], listener.samples) >= 0)
        fifo.write(said.tobytes()[801:])
        until(lambda: place_of(said[400:], listener.samples) >= 0)


def test_played_audio_is_taped_bit_for_bit(card: VirtualCard, audio: pyaudio.PyAudio) -> None:
    played = noise(0.5, 24_000)
    player = Player()

    with play(audio, player):
        player.queue = played.tobytes()
        until(lambda: place_of(played, card.far_end.samples()) >= 0)

    assert [span.end - span.first for span in card.far_end.sounds()] == [len(played)]
    assert not card.far_end.header.is_running


def test_speech_reaches_the_microphone_at_the_time_it_is_said(card: VirtualCard, audio: pyaudio.PyAudio) -> None:
    late_s = []
    early_s = []

    def is_heard(count: int) -> bool:
        """Whether the sound is over: one that came late on a busy machine may still be going on."""
        sounds = card.near_end.sounds(gap_s=0.005)
        return len(sounds) == count and card.near_end.header.frames > sounds[-1].end + 800

    with listen(audio, Listener()):
        until(lambda: bool(card.near_end_tapes))
        for count in range(1, 6):
            said_s = time.monotonic()
            card.speak(noise(0.01, 16_000))
            queued_s = time.monotonic()
            until(partial(is_heard, count))
            starts_s = card.near_end.sounds(gap_s=0.005)[-1].starts_s
            early_s.append(said_s - starts_s)
            late_s.append(starts_s - queued_s)

    # The card reads the pipe when it checks the clock, at least every 2 ms, so it may be that much early.
    assert float(np.median(early_s)) < 0.004
    assert float(np.median(late_s)) < 0.004


def test_tape_and_portaudio_agree_on_the_time_of_a_sample(card: VirtualCard, audio: pyaudio.PyAudio) -> None:
    player = Player()
    with play(audio, player):
        until(lambda: bool(card.far_end_tapes))
        for count in range(1, 6):
            player.queue = noise(0.01, 24_000).tobytes()
            until(lambda: len(card.far_end.sounds(gap_s=0.005)) == count)  # noqa: B023 - called at once

    errors_s = [
        span.starts_s - expected_s
        for span, expected_s in zip(card.far_end.sounds(gap_s=0.005), player.expected_s, strict=True)
    ]
    assert abs(float(np.median(errors_s))) < 0.003


def test_a_starved_speaker_counts_an_underrun_and_continues(card: VirtualCard, audio: pyaudio.PyAudio) -> None:
    player = Player()
    with play(audio, player):
        until(lambda: player.callbacks > 3)
        before = card.far_end.header.xruns
        player.stall_s = 0.3
        until(lambda: card.far_end.header.xruns > before)
        player.queue = noise(0.1, 24_000).tobytes()
        until(lambda: bool(card.far_end.sounds()))

    assert len(card.far_end_tapes) == 1
    assert player.underflows >= 1


def test_an_unread_microphone_counts_an_overflow_and_continues(card: VirtualCard, audio: pyaudio.PyAudio) -> None:
    listener = Listener()
    with listen(audio, listener):
        until(lambda: len(listener.chunks) > 2)
        before = card.near_end.header.xruns
        listener.stall_s = 0.4
        until(lambda: card.near_end.header.xruns > before)
        said = noise(0.1, 16_000)
        until(lambda: bool(card.near_end.header.is_running))
        card.speak(said)
        until(lambda: place_of(said, listener.samples) >= 0)

    assert listener.overflows >= 1


def test_undisturbed_streams_have_no_xruns(card: VirtualCard, audio: pyaudio.PyAudio) -> None:
    """Large periods rule out a busy machine as the cause; a card that lost count would show an xrun."""
    player = Player()
    with play(audio, player, frames=4800), listen(audio, listener := Listener(), frames=3200):
        until(lambda: player.callbacks > 6 and len(listener.chunks) > 4)

        assert card.far_end.header.xruns == card.near_end.header.xruns == 0


def test_unplugging_stops_the_callbacks_and_a_new_stream_gets_a_new_tape(
    card: VirtualCard, audio: pyaudio.PyAudio
) -> None:
    before, after = noise(0.1, 24_000), noise(0.1, 24_000)[::-1].copy()
    player = Player()
    with play(audio, player):
        player.queue = before.tobytes()
        until(lambda: place_of(before, card.far_end.samples()) >= 0)
        card.unplug()
        until(lambda: not card.far_end.header.is_running)
        count = player.callbacks
        threading.Event().wait(0.2)
        assert player.callbacks - count <= 1, "the last period may still be on its way"

    # Only now: PortAudio 19.6 keeps its last error in a global, and a failing open beside the spinning thread of a dead
    # stream has aborted the process by `assert(capture.nfds || playback.nfds)`.
    with pytest.raises(OSError, match=r"-99\d\d"):
        play(audio, Player())
    card.plug_in()
    with play(audio, again := Player()):
        again.queue = after.tobytes()
        until(lambda: len(card.far_end_tapes) == 2 and place_of(after, card.far_end.samples()) >= 0)

    assert place_of(before, card.far_end_tapes[0].samples()) >= 0
    assert card.far_end.path.name == "far-end.tape.1"


def test_closing_a_running_stream_does_not_wait_for_what_the_card_still_holds(
    card: VirtualCard, audio: pyaudio.PyAudio
) -> None:
    said = noise(5.0, 24_000)
    player = Player()
    with play(audio, player) as stream:
        player.queue = said.tobytes()
        until(lambda: len(player.expected_s) > 1)
        stream.close()

    taken = len(said) - len(player.queue) // 2
    assert np.count_nonzero(card.far_end.samples()) < taken


def test_a_drain_plays_to_the_last_frame_without_an_underrun(card: VirtualCard) -> None:
    """PortAudio never drains; aplay and other programs do."""
    played = noise(0.2, 16_000)
    alsa, pcm = write_by_alsa(played)
    begun_s, busy_s = time.monotonic(), time.thread_time()
    assert alsa.snd_pcm_drain(pcm) == 0
    waited_s, busy_s = time.monotonic() - begun_s, time.thread_time() - busy_s
    assert alsa.snd_pcm_close(pcm) == 0

    assert place_of(played, card.far_end.samples()) >= 0
    assert card.far_end.header.xruns == 0
    # It sleeps for 99.8 % of the time; woken for each period, it works for 10 % and more.
    assert busy_s < waited_s / 20, "waiting for the last frame should not spin"


def test_a_program_late_at_the_end_of_its_drain_has_no_underrun(card: VirtualCard) -> None:
    alsa, pcm = write_by_alsa(noise(0.1, 16_000))
    assert alsa.snd_pcm_nonblock(pcm, 1) == 0
    assert alsa.snd_pcm_drain(pcm) == -errno.EAGAIN
    until(lambda: not card.far_end.header.is_running)
    assert alsa.snd_pcm_close(pcm) == 0

    assert card.far_end.header.xruns == 0


def write_by_alsa(samples: Samples) -> tuple[ctypes.CDLL, ctypes.c_void_p]:
    alsa = ctypes.CDLL("libasound.so.2")
    pcm = ctypes.c_void_p()
    assert alsa.snd_pcm_open(ctypes.byref(pcm), SPEAKER.encode(), PLAYBACK, 0) == 0
    assert alsa.snd_pcm_set_params(pcm, S16_LE, INTERLEAVED, 1, 16_000, 0, 100_000) == 0
    assert alsa.snd_pcm_writei(pcm, samples.tobytes(), ctypes.c_ulong(len(samples))) == len(samples)
    return alsa, pcm


def test_a_tape_that_cannot_be_written_does_not_silence_the_card(card: VirtualCard) -> None:
    configuration = card.folder / "asound.conf"
    configuration.write_text(configuration.read_text().replace("far-end.tape", "missing/far-end.tape"))
    audio, player = pyaudio.PyAudio(), Player()
    try:
        with play(audio, player):
            until(lambda: player.callbacks > 3)
    finally:
        audio.terminate()


def test_a_48_khz_card_plays_and_captures_speech_through_alsas_plug() -> None:
    second = np.arange(16_000) / 16_000
    said = np.rint(8000 * np.sin(2 * np.pi * 440 * second[:8000])).astype(np.int16)
    listener, player = Listener(), Player()
    with VirtualCard(card_rate_hz=48_000) as card:
        card.install()
        audio = pyaudio.PyAudio()
        try:
            with listen(audio, listener), play(audio, player):
                card.speak(said)
                player.queue = np.repeat(said, 2)[:12_000].tobytes()
                until(lambda: card.unheard_s == 0 and bool(card.far_end.sounds(threshold=100)))
                until(lambda: int(np.abs(listener.samples[-800:]).max()) < 100 < int(np.abs(listener.samples).max()))
        finally:
            audio.terminate()
        (heard,) = card.near_end.sounds(threshold=200)

        assert card.near_end.header.rate_hz == card.far_end.header.rate_hz == 48_000
        assert card.far_end.header.channels == 2
        assert heard.ends_s - heard.starts_s == pytest.approx(0.5, abs=0.01)
        loudness = float(np.sqrt(np.mean(np.square(listener.samples[np.abs(listener.samples) > 100], dtype=float))))
        assert loudness == pytest.approx(8000 / np.sqrt(2), rel=0.1)


def test_near_end_and_far_end_share_one_clock_in_the_written_file(
    card: VirtualCard, audio: pyaudio.PyAudio, tmp_path: Path
) -> None:
    player = Player()
    with listen(audio, Listener()), play(audio, player):
        card.speak(noise(0.1, 16_000))
        until(lambda: bool(card.near_end_tapes) and bool(card.near_end.sounds()))
        player.queue = noise(0.1, 24_000).tobytes()
        until(lambda: bool(card.far_end_tapes) and bool(card.far_end.sounds()))
        begin_s = write_conversation(tmp_path / "both.wav", card.near_end_tapes, card.far_end_tapes)

    near_s, far_s = card.near_end.sounds()[0].starts_s, card.far_end.sounds()[0].starts_s
    stereo = np.frombuffer((tmp_path / "both.wav").read_bytes()[44:], dtype=np.int16).reshape(-1, 2)
    first_near, first_far = (int(np.flatnonzero(np.abs(stereo[:, side]) > 3000)[0]) for side in (0, 1))
    assert begin_s + first_far / 24_000 == pytest.approx(far_s, abs=0.001)
    assert begin_s + first_near / 24_000 == pytest.approx(near_s, abs=0.001)
