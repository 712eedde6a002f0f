import numpy as np
import pytest

from edgevoice.local.audio_format import PCM, AudioFormat

ULAW = AudioFormat("audio/pcmu")
ALAW = AudioFormat("audio/pcma")
FLOAT = AudioFormat("audio/float32")
EVERY_CODE = bytes(range(256))


def samples(*values: int) -> bytes:
    return np.array(values, "<i2").tobytes()


# From the tables of ITU-T G.711, scaled to 16 bits: silence, the smallest steps, a segment's edge, full scale.
@pytest.mark.parametrize(
    ("form", "code", "sample"),
    [
        (ULAW, 0xFF, 0),
        (ULAW, 0xFE, 8),
        (ULAW, 0x7E, -8),
        (ULAW, 0x80, 32_124),
        (ULAW, 0x00, -32_124),
        (ULAW, 0xEF, 132),
        (ALAW, 0xD5, 8),
        (ALAW, 0x55, -8),
        (ALAW, 0xAA, 32_256),
        (ALAW, 0x2A, -32_256),
        (ALAW, 0xC5, 264),
    ],
)
def test_g711_is_read_and_written_by_its_tables(form: AudioFormat, code: int, sample: int) -> None:
    assert form.decode(bytes([code])) == samples(sample)
    assert form.encode(samples(sample), 8000) == bytes([code])


@pytest.mark.parametrize("form", [ULAW, ALAW])
def test_g711_keeps_every_sample_within_its_step(form: AudioFormat) -> None:
    every = np.arange(-32_768, 32_768, dtype="<i2")

    read = np.frombuffer(form.decode(form.encode(every.tobytes(), 8000)), "<i2").astype(int)

    # The step doubles from segment to segment: never more than a sixteenth of the sample, or of the smallest segment.
    clipped = np.clip(every.astype(int), -32_256, 32_256)
    assert np.all(np.abs(read - clipped) <= np.maximum(np.abs(clipped), 256) / 16)


def test_g711_reproduces_every_value_it_can_represent() -> None:
    assert ALAW.encode(ALAW.decode(EVERY_CODE), 8000) == EVERY_CODE
    # Mu-law has two codes for nothing.
    assert ULAW.encode(ULAW.decode(EVERY_CODE), 8000) == EVERY_CODE.replace(b"\x7f", b"\xff")


@pytest.mark.parametrize("form", [AudioFormat(rate=48_000), AudioFormat(rate=11_025), FLOAT, ULAW, ALAW, PCM])
def test_a_tone_keeps_its_length_and_its_pitch(form: AudioFormat) -> None:
    tone = (np.sin(np.arange(24_000) * 2 * np.pi * 440 / 24_000) * 10_000).astype("<i2").tobytes()

    wire = form.encode(tone, 24_000)
    heard = np.frombuffer(form.decode(wire), "<i2")

    assert abs(form.duration_ms(len(wire)) - 1000) <= 1
    assert np.argmax(np.abs(np.fft.rfft(heard[: form.rate_hz]))) == 440
    assert 9000 < np.max(heard) < 11_000


def test_pcm_of_the_same_rate_is_left_as_it_is() -> None:
    assert PCM.encode(samples(1, -2, 3), 24_000) == samples(1, -2, 3)
    assert PCM.decode(samples(1, -2, 3)) == samples(1, -2, 3)


@pytest.mark.parametrize("form", [PCM, FLOAT])
def test_half_a_sample_gives_no_output(form: AudioFormat) -> None:
    assert form.decode(form.encode(samples(5), 24_000) + b"\x01") == samples(5)


def test_floats_are_clipped_and_nan_becomes_silence() -> None:
    sent = np.array([0.0, 1.0, -1.0, 7.5, -7.5, 0.5, np.nan, np.inf, -np.inf], "<f4").tobytes()

    assert FLOAT.decode(sent) == samples(0, 32_767, -32_767, 32_767, -32_767, 16_384, 0, 32_767, -32_767)
    assert np.frombuffer(FLOAT.encode(samples(-32_768, 32_767), 24_000), "<f4").tolist() == [-1.0, 1.0]
