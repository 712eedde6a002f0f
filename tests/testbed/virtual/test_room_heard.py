"""The virtual microphone hears the virtual speaker, each by its own clock, under real PyAudio and in real time."""

import mmap
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import pyaudio
import pytest

from edgevoice.testbed.virtual import AcousticPath, Drift, Tape, VirtualCard, synthetic_response
from tests.testbed.virtual.streams import (
    MICROPHONE,
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
from tests.testbed.virtual.tones import Tones

pytestmark = pytest.mark.sound

PLAYED_HZ, HEARD_HZ = 24_000, 16_000
DELAY_MS = 60.0
BARE = np.ones(1, dtype=np.float32)

FRAMES, FRAMES_PLACE = struct.Struct("<Q"), 24  # of the count in a tape's header

Floats = npt.NDArray[np.float64]


@contextmanager
def card_with(room: AcousticPath | None, drift: Drift | None = None) -> Iterator[tuple[VirtualCard, pyaudio.PyAudio]]:
    with VirtualCard(room=room, drift=drift) as card:
        card.install()
        with pyaudio_on_the_card() as audio:
            yield card, audio


def tones_for(seconds: float) -> tuple[Tones, Samples]:
    """Return tones up to 7 kHz, and the same tones as samples of one tape's length."""
    tones = Tones.make(7000)
    return tones, np.rint(tones.at(np.arange(round(seconds * PLAYED_HZ)) / PLAYED_HZ)).astype(np.int16)


def echo(
    tones: Tones,
    played: Samples,
    card: VirtualCard,
    response: npt.NDArray[np.float32],
    delay_ms: float = DELAY_MS,
) -> tuple[slice, Floats]:
    """Return the part of the near-end in which the whole room is excited, and what it should contain."""
    far, near = card.far_end, card.near_end
    place = place_of(played, far.samples())
    assert place >= 0, "the speaker should not have run dry"
    begin_ns = far.header.start_ns - near.header.start_ns + round(1e6 * delay_ms)
    heard_s = np.arange(near.header.frames) / near.header.true_rate_hz
    # Through the tape's own clock: it may run fast.
    moments_s = ((heard_s - 1e-9 * begin_ns) * far.header.true_rate_hz - place) / PLAYED_HZ
    settled_s = len(response) / HEARD_HZ + 0.003
    first, end = np.searchsorted(moments_s, [settled_s, len(played) / PLAYED_HZ - 0.003])
    stretch = PLAYED_HZ / far.header.true_rate_hz * near.header.true_rate_hz
    return slice(int(first), int(end)), tones.at(moments_s[first:end], response, stretch)


def residual_db(heard: Floats, expected: Floats) -> float:
    return float(10 * np.log10(np.sum(np.square(heard - expected)) / np.sum(np.square(expected))))


def record(card: VirtualCard, audio: pyaudio.PyAudio, played: Samples) -> None:
    """Play ``played`` and listen until its echo is over."""
    player = Player()
    with listen(audio, Listener(), frames=3200), play(audio, player, frames=4800):
        until(lambda: bool(card.near_end_tapes) and bool(card.far_end_tapes))
        player.queue = played.tobytes()
        until(lambda: place_of(played, card.far_end.samples()) >= 0)
        over_s = card.far_end.time_of(card.far_end.header.frames) + 0.5
        until(lambda: card.near_end.frame_at(over_s) < card.near_end.header.frames)


@pytest.mark.parametrize(
    ("response", "delay_ms", "drift"),
    [
        (BARE, 60.0, Drift()),
        (BARE, 5.0, Drift()),
        (BARE, 120.0, Drift(microphone_ppm=-100, speaker_ppm=200)),
        (synthetic_response(2), 60.0, Drift()),
    ],
    ids=["bare", "as soon as can be", "drifting", "reverberant"],
)
def test_the_echo_is_a_known_function_of_the_speakers_tape(
    response: npt.NDArray[np.float32], delay_ms: float, drift: Drift
) -> None:
    tones, played = tones_for(1.5)
    with card_with(AcousticPath(response, delay_ms), drift) as (card, audio):
        record(card, audio, played)
        place, expected = echo(tones, played, card, response, delay_ms)
        heard = card.near_end.samples()[place].astype(np.float64)

    assert len(heard) > 16_000
    assert residual_db(heard, expected) < -70


def pitch_ppm(tape: Tape, first: int, tone_hz: float, rate_hz: int) -> float:
    """Return by how much a tone on a tape is higher than ``tone_hz`` at a sample rate of ``rate_hz``."""
    samples = tape.samples(first, first + round(1.6 * rate_hz)).astype(np.float64)
    turning = samples * np.exp(-2j * np.pi * tone_hz * np.arange(len(samples)) / rate_hz)
    window = np.hanning(rate_hz // 2)
    early, late = turning[: len(window)] @ window, turning[-len(window) :] @ window
    apart_s = (len(samples) - len(window)) / rate_hz
    return float(np.angle(late / early) / (2 * np.pi * apart_s * tone_hz) * 1e6)


@pytest.mark.parametrize("drift", [Drift(), Drift(speaker_ppm=50), Drift(microphone_ppm=30, speaker_ppm=-20)])
def test_the_drift_between_the_tapes_matches_the_setting(drift: Drift) -> None:
    tone_hz = 3000
    tone = np.rint(8000 * np.sin(2 * np.pi * tone_hz * np.arange(2 * PLAYED_HZ) / PLAYED_HZ)).astype(np.int16)
    with card_with(AcousticPath(BARE, DELAY_MS), drift) as (card, audio):
        record(card, audio, tone)
        begin = int(np.flatnonzero(np.abs(card.near_end.samples()) > 4000)[0]) + 800
        measured_ppm = pitch_ppm(card.near_end, begin, tone_hz, HEARD_HZ)
        header = card.far_end.header

    assert measured_ppm == pytest.approx(drift.speaker_ppm - drift.microphone_ppm, abs=0.5)
    assert header.true_rate_hz == PLAYED_HZ * (1 + drift.speaker_ppm * 1e-6)


def ahead_s(tape: Tape) -> float:
    """Return by how much a tape is longer than time.monotonic() says."""
    header = tape.header
    with tape.path.open("rb") as file, mmap.mmap(file.fileno(), 64, prot=mmap.PROT_READ) as memory:
        looks = []
        until_s = time.monotonic() + 0.3
        now_s = 0.0
        while now_s < until_s:
            # The count first: a thread that is preempted between the two then looks late, never early.
            (frames,) = FRAMES.unpack_from(memory, FRAMES_PLACE)
            now_s = time.monotonic()
            looks.append(frames / header.rate_hz - (now_s - header.start_ns / 1e9))
    # The card counts every 2 ms, so the best of many reads is the one right after an update.
    return float(max(looks))


@pytest.mark.alone
def test_a_card_that_drifts_is_paced_by_its_own_clock() -> None:
    """Compare with time.monotonic() itself: the card really runs at the rate in its header."""
    with (
        card_with(None, Drift(microphone_ppm=-1000, speaker_ppm=1000)) as (card, audio),
        listen(audio, Listener()),
        play(audio, Player()),
    ):
        until(lambda: bool(card.near_end_tapes) and bool(card.far_end_tapes))
        begun_s = time.monotonic()
        first = [ahead_s(tape) for tape in (card.near_end, card.far_end)]
        until(lambda: time.monotonic() > begun_s + 3)
        gone_s = time.monotonic() - begun_s
        last = [ahead_s(tape) for tape in (card.near_end, card.far_end)]

    slow_ppm, fast_ppm = (1e6 * (now - then) / gone_s for then, now in zip(first, last, strict=True))
    assert slow_ppm == pytest.approx(-1000, abs=100)
    assert fast_ppm == pytest.approx(1000, abs=100)


def test_talker_and_echo_add_up() -> None:
    response = synthetic_response(4)
    tones, played = tones_for(1.0)
    said = (noise(4.0, HEARD_HZ) // 4).astype(np.int16)
    with card_with(AcousticPath(response, DELAY_MS)) as (card, audio):
        card.speak(said)  # before any listener, so that the tape begins with it
        record(card, audio, played)
        place, expected = echo(tones, played, card, response)
        heard = card.near_end.samples()[place].astype(np.float64)

    assert residual_db(heard - said[place], expected) < -65


def test_in_a_silent_room_a_talker_is_heard_bit_for_bit() -> None:
    said = noise(0.3, HEARD_HZ)
    listener = Listener()
    with (
        card_with(AcousticPath(synthetic_response(1), DELAY_MS)) as (card, audio),
        listen(audio, listener),
        play(audio, Player()),
    ):
        card.speak(said)
        until(lambda: place_of(said, listener.samples) >= 0)


def test_after_an_unplug_the_new_streams_hear_each_other() -> None:
    tones, played = tones_for(0.5)
    with card_with(AcousticPath(BARE, DELAY_MS)) as (card, audio):
        record(card, audio, played)
        with listen(audio, Listener()), play(audio, Player()):
            until(lambda: len(card.near_end_tapes) == 2 == len(card.far_end_tapes))
            card.unplug()
            until(lambda: not card.near_end.header.is_running and not card.far_end.header.is_running)
        card.plug_in()
        player, listener = Player(), Listener()
        with listen(audio, listener, frames=3200), play(audio, player, frames=4800):
            until(lambda: len(card.near_end_tapes) == 3 == len(card.far_end_tapes))
            player.queue = played.tobytes()
            until(lambda: place_of(played, card.far_end.samples()) >= 0)
            until(lambda: not np.abs(listener.samples[-6400:]).max() > 0 and bool(np.abs(listener.samples).max()))
        place, expected = echo(tones, played, card, BARE)
        heard = card.near_end.samples()[place].astype(np.float64)

    assert residual_db(heard, expected) < -70


def test_a_reopened_speaker_is_heard_by_the_microphone_that_stayed_open() -> None:
    tones, played = tones_for(0.5)
    with card_with(AcousticPath(BARE, DELAY_MS)) as (card, audio), listen(audio, Listener(), frames=3200):
        for _ in range(2):
            with play(audio, player := Player(), frames=4800):
                until(lambda: player.callbacks > 1)
                player.queue = played.tobytes()
                until(lambda: place_of(played, card.far_end.samples()) >= 0)
        over_s = card.far_end.time_of(card.far_end.header.frames) + 0.3
        until(lambda: card.near_end.frame_at(over_s) < card.near_end.header.frames)
        place, expected = echo(tones, played, card, BARE)
        heard = card.near_end.samples()[place].astype(np.float64)
        streams = len(card.far_end_tapes)

    assert streams == 2
    assert residual_db(heard, expected) < -70


def test_a_room_causes_no_xruns() -> None:
    """With periods of 200 ms, as without a room: a microphone that waited too long would overflow."""
    with card_with(AcousticPath(synthetic_response(1), 5.0)) as (card, audio):
        player, listener = Player(), Listener()
        with listen(audio, listener, frames=3200), play(audio, player, frames=4800):
            player.queue = noise(2, PLAYED_HZ).tobytes()
            until(lambda: len(listener.chunks) > 8 and player.callbacks > 8)

            assert card.near_end.header.xruns == card.far_end.header.xruns == 0


def test_a_microphone_in_a_room_supports_16_khz_only() -> None:
    with card_with(AcousticPath(BARE, DELAY_MS)) as (_, audio), pytest.raises(ValueError, match="Invalid sample rate"):
        audio.is_format_supported(
            48_000, input_device=devices(audio)[MICROPHONE], input_channels=1, input_format=pyaudio.paInt16
        )


@pytest.mark.parametrize(
    ("old", "new"),
    [("delay_us 60000", "delay_us 4999"), ("response.f32", "missing.f32"), ("hears", "clip -1 hears")],
    ids=["too soon", "no response", "negative clip"],
)
def test_an_impossible_room_does_not_open(old: str, new: str) -> None:
    with VirtualCard(room=AcousticPath(BARE, DELAY_MS)) as card:
        configuration = card.folder / "asound.conf"
        configuration.write_text(configuration.read_text().replace(old, new))
        card.install()
        with pyaudio_on_the_card() as audio:
            assert MICROPHONE not in devices(audio)
