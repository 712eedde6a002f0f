"""What room.c computes from tapes, offline and to the sample; the same code runs in the card's plugin."""

import struct
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from edgevoice.testbed.virtual import AcousticPath, Drift, VirtualCard, synthetic_response
from tests.testbed.virtual.tones import Tones

HEADER = struct.Struct("<8sIIQQQQQq")
FAR_NS = 10_000_000_000
NEAR_NS = FAR_NS + 323_456_789  # on no frame of the speaker
NEAR_HZ = 16_000
DELAY_US = 60_000

Sound = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ear:
    """Runs hear.c on the tapes of ``folder``; ``ticks`` is how often it had to wait."""

    program: Path
    folder: Path

    def tape(
        self,
        sound: Sound,
        number: int = 0,
        *,
        rate_hz: int = 24_000,
        start_ns: int = FAR_NS,
        drift_ppm: float = 0.0,
        is_running: bool = False,
    ) -> None:
        channels = 1 if sound.ndim == 1 else sound.shape[1]
        header = HEADER.pack(
            b"EDGEVOX1", rate_hz, channels, start_ns, len(sound), 0, is_running, 0, round(drift_ppm * 1000)
        )
        name = f"far.tape.{number}" if number else "far.tape"
        (self.folder / name).write_bytes(header + np.rint(sound).astype("<i2").tobytes())

    def hear(
        self,
        frames: int,
        response: Iterable[float] = (1.0,),
        *,
        clip: float = 0.0,
        drift_ppm: float = 0.0,
        start_ns: int = NEAR_NS,
    ) -> tuple[Sound, int]:
        """Return the echo in ``frames`` of the microphone, and how many ticks it waited."""
        done = self._run(frames, response, clip, drift_ppm, start_ns)
        return np.frombuffer(done.stdout, "<i2").astype(np.float64), int(done.stderr.split()[0])

    def taps_that_count(self, response: Iterable[float]) -> int:
        """Return how many taps of a response the room multiplies by something else than zero."""
        return int(self._run(100, response, 0.0, 0.0, NEAR_NS).stderr.split()[1])

    def _run(
        self, frames: int, response: Iterable[float], clip: float, drift_ppm: float, start_ns: int
    ) -> subprocess.CompletedProcess[bytes]:
        taps = self.folder / "response.f32"
        taps.write_bytes(np.array(list(response), dtype="<f4").tobytes())
        figures = (DELAY_US, clip, start_ns, round(drift_ppm * 1000), frames)
        return subprocess.run(
            [self.program, self.folder / "far.tape", taps, *map(str, figures)],
            capture_output=True,
            check=True,
            timeout=60,
        )


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("hear") / "hear"
    source = Path(__file__).with_name("hear.c")
    flags = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE")
    subprocess.run(["gcc", *flags, "-o", built, source, "-lm"], check=True)
    return built


@pytest.fixture
def ear(program: Path, tmp_path: Path) -> Ear:
    return Ear(program, tmp_path)


def heard_s(frames: int, *, drift_ppm: float = 0.0, start_ns: int = NEAR_NS) -> Sound:
    """Return when each frame of a pure delay left the speaker, in seconds after the tape's first frame."""
    seconds: Sound = np.arange(frames) / (NEAR_HZ * (1 + drift_ppm * 1e-6))
    return (start_ns - FAR_NS - DELAY_US * 1000) * 1e-9 + seconds


def residual_db(heard: Sound, expected: Sound) -> float:
    """Return how much of the echo remains behind a canceller that knows the room."""
    return float(10 * np.log10(np.sum(np.square(heard - expected)) / np.sum(np.square(expected)) + 1e-15))


@pytest.mark.parametrize(
    ("rate_hz", "far_ppm", "near_ppm"),
    [(24_000, 0, 0), (24_000, 50, -20), (48_000, 0, 100), (44_100, -50, 0), (16_000, 20, 0)],
)
def test_a_pure_delay_is_accurate_to_a_fraction_of_a_sample(
    ear: Ear, rate_hz: int, far_ppm: float, near_ppm: float
) -> None:
    tones = Tones.make(7000)
    ear.tape(tones.at(np.arange(2 * rate_hz) / rate_hz / (1 + far_ppm * 1e-6)), rate_hz=rate_hz, drift_ppm=far_ppm)

    heard, waited = ear.hear(20_000, drift_ppm=near_ppm)

    assert residual_db(heard, tones.at(heard_s(20_000, drift_ppm=near_ppm))) < -75
    assert waited == 0


def test_an_8_khz_speaker_is_heard_over_its_whole_band(ear: Ear) -> None:
    tones = Tones.make(3000)
    ear.tape(tones.at(np.arange(16_000) / 8000), rate_hz=8000)

    assert residual_db(ear.hear(20_000)[0], tones.at(heard_s(20_000))) < -75


@pytest.mark.parametrize("tone_hz", [8010, 9000, 11_900])
def test_frequencies_above_the_microphones_band_do_not_alias(ear: Ear, tone_hz: float) -> None:
    ear.tape(30_000 * np.sin(2 * np.pi * tone_hz * np.arange(48_000) / 24_000))

    assert np.abs(ear.hear(20_000)[0]).max() <= 3, "80 dB below the tone"


def test_the_response_is_convolved_as_numpy_does(ear: Ear) -> None:
    response = synthetic_response(5)
    tones = Tones.make(7000)
    ear.tape(tones.at(np.arange(48_000) / 24_000))
    past = len(response) - 1
    before_ns = past * 10**9 // NEAR_HZ

    heard, _ = ear.hear(16_000, response)

    sound = tones.at(heard_s(16_000 + past, start_ns=NEAR_NS - before_ns))
    assert residual_db(heard, np.convolve(sound, response, mode="valid")) < -75


@pytest.mark.parametrize("taps", [1, 15, 16, 17, 4000])
def test_every_number_of_taps_is_applied_in_full(ear: Ear, taps: int) -> None:
    response = np.random.default_rng(taps).choice([-1.0, 1.0], taps) / np.sqrt(taps)
    ear.tape(Tones.make(6000).at(np.arange(48_000) / 24_000))
    sound, _ = ear.hear(16_000, [1.0])

    heard, _ = ear.hear(16_000, response)

    assert residual_db(heard[taps:], np.convolve(sound, response)[taps:16_000]) < -65


def test_a_clipping_loudspeaker_is_modelled_as_tanh(ear: Ear) -> None:
    loud_hz, clip = 110, 6000.0
    ear.tape(20_000 * np.sin(2 * np.pi * loud_hz * np.arange(48_000) / 24_000))

    heard, _ = ear.hear(16_000, clip=clip)

    expected = clip * np.tanh(20_000 * np.sin(2 * np.pi * loud_hz * heard_s(16_000)) / clip)
    assert residual_db(heard, expected) < -60


def test_the_sum_saturates(ear: Ear) -> None:
    ear.tape(np.full(48_000, 20_000.0))

    assert set(ear.hear(1000, [8.0])[0]) == {32_767}
    assert set(ear.hear(1000, [-8.0])[0]) == {-32_768}


def test_two_channels_are_averaged(ear: Ear) -> None:
    ear.tape(np.column_stack([np.full(48_000, 1000.0), np.full(48_000, 3000.0)]))

    assert set(ear.hear(1000)[0]) == {2000}


def test_before_and_after_the_tape_there_is_silence(ear: Ear) -> None:
    ear.tape(np.full(2400, 1000.0))

    heard, waited = ear.hear(8000, start_ns=FAR_NS)

    begin = DELAY_US * NEAR_HZ // 1_000_000
    sounding = np.flatnonzero(np.abs(heard) > 500)
    assert (sounding[0], sounding[-1]) == (begin, begin + 1599)
    # The kernel rings for 2.67 ms on either side of an edge that is not band-limited.
    assert not heard[: begin - 50].any()
    assert not heard[begin + 1600 + 50 :].any()
    assert waited == 0


def test_without_any_tape_there_is_silence_at_once(ear: Ear) -> None:
    heard, waited = ear.hear(1000)

    assert not heard.any()
    assert waited == 0


def test_a_file_that_is_not_a_tape_gives_silence(ear: Ear) -> None:
    (ear.folder / "far.tape").write_bytes(b"no tape" * 100)

    assert not ear.hear(1000)[0].any()


def test_sound_in_flight_is_heard_to_its_end_although_the_next_stream_began(ear: Ear) -> None:
    ear.tape(np.full(2400, 1000.0))
    ear.tape(np.full(2400, -3000.0), number=1, start_ns=FAR_NS + 200_000_000)

    heard, _ = ear.hear(8000, start_ns=FAR_NS)

    begin = DELAY_US * NEAR_HZ // 1_000_000
    assert set(heard[begin + 50 : begin + 1550]) == {1000}
    assert set(heard[begin + 3250 : begin + 3200 + 1550]) == {-3000}


def test_a_late_listener_hears_what_is_still_sounding(ear: Ear) -> None:
    ear.tape(np.full(2400, 1000.0))
    response = np.zeros(3200)
    response[-1] = 1.0

    heard, _ = ear.hear(8000, response, start_ns=FAR_NS + 100_000_000)

    last = (DELAY_US * NEAR_HZ // 1_000_000) + 3199 + 1599 - 1600
    assert np.flatnonzero(np.abs(heard) > 500)[-1] == last


def test_a_microphone_waits_for_a_late_speaker_but_not_for_a_dead_one(ear: Ear) -> None:
    ear.tape(np.full(2400, 1000.0), is_running=True)

    heard, waited = ear.hear(8000, start_ns=FAR_NS)

    assert waited == 52, "some 100 ms, of ticks, and then never again"
    assert len(heard) == 8000


def test_inaudible_tails_are_not_computed(ear: Ear) -> None:
    """Denormal numbers would cost a hundred cycles each."""
    ear.tape(np.random.default_rng(1).uniform(-8000, 8000, 12_000))

    assert ear.taps_that_count([1.0, *np.full(3199, 1e-39), 1e-3]) == 2


@pytest.mark.parametrize(
    "taps", [b"", b"abc", np.zeros(4001, dtype="<f4").tobytes(), np.array([np.nan], dtype="<f4").tobytes()]
)
def test_an_invalid_impulse_response_is_refused(program: Path, tmp_path: Path, taps: bytes) -> None:
    (tmp_path / "taps").write_bytes(taps)

    done = subprocess.run([program, "tape", tmp_path / "taps", "5000", "0", "1", "0", "1"], check=False)

    assert done.returncode == 1


# --- the figures --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: AcousticPath(np.zeros(0, np.float32), 60), "1 to 4000 taps"),
        (lambda: AcousticPath(np.zeros(4001, np.float32), 60), "1 to 4000 taps"),
        (lambda: AcousticPath(np.zeros((2, 2), np.float32), 60), "1 to 4000 taps"),
        (lambda: AcousticPath(np.array([np.inf], np.float32), 60), "finite"),
        (lambda: AcousticPath(np.ones(1, np.float32), 4.9), "delay must be 5 to 1000 ms"),
        (lambda: AcousticPath(np.ones(1, np.float32), float("nan")), "delay must be"),
        (lambda: AcousticPath(np.ones(1, np.float32), 60, clip=0), "clip must be above 0"),
        (lambda: Drift(speaker_ppm=1001), "speaker's drift"),
        (lambda: Drift(microphone_ppm=float("nan")), "microphone's drift"),
        (lambda: synthetic_response(1, length_ms=251), "up to 250 ms"),
    ],
)
def test_an_impossible_room_is_refused(make: Callable[[], object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        make()


def test_a_room_with_a_48_khz_card_is_refused() -> None:
    with pytest.raises(ValueError, match="16000 Hz, not of 48000"):
        VirtualCard(card_rate_hz=48_000, room=AcousticPath(np.ones(1, np.float32), 60))


def test_without_room_and_drift_the_card_is_configured_with_neither() -> None:
    with VirtualCard() as card:
        configuration = (card.folder / "asound.conf").read_text()
        assert not (card.folder / "response.f32").exists()

    for field in ("hears", "response", "delay_us", "clip", "drift_ppm"):
        assert field not in configuration


def test_a_synthetic_room_has_the_requested_gain_and_decay() -> None:
    response = synthetic_response(3, length_ms=250, rt60_s=0.25, gain_db=-12).astype(np.float64)

    left = np.cumsum(np.square(response)[::-1])[::-1]
    decay_db = 10 * np.log10(left / left[0])
    assert len(response) == 4000
    assert decay_db[0] == 0
    assert 10 * np.log10(left[0]) == pytest.approx(-12, abs=0.01)
    assert np.argmax(np.abs(response)) == 0
    assert decay_db[480] - decay_db[480 + 1600] == pytest.approx(24, abs=1.5), "100 ms of 250 are 24 dB of 60"


def test_the_same_seed_gives_the_same_room() -> None:
    assert np.array_equal(synthetic_response(7), synthetic_response(7))
    assert not np.array_equal(synthetic_response(7), synthetic_response(8))
