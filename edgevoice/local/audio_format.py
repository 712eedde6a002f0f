"""Audio on the wire: converts PCM at usual rates and G.711 to and from the mono s16 of the service. No I/O."""

from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt
import soxr

from edgevoice.core.sound.rates import WIRE_HZ

_G711 = ("audio/pcmu", "audio/pcma")
_G711_RATE_HZ = 8000
# The names of the older protocol, and the new ones without their object.
_SPELLINGS = {"pcm16": "audio/pcm", "g711_ulaw": "audio/pcmu", "g711_alaw": "audio/pcma", "float32": "audio/float32"}
# ITU-T G.711, with 16 bits instead of 14 and 13: mu-law's bias and clip level, A-law's first segment.
_ULAW_BIAS = 132
_ULAW_CLIP = 32_635
_ALAW_CLIP = 32_767
_FULL_SCALE = 32_767

_Array = npt.NDArray[Any]


class AudioFormat(msgspec.Struct, frozen=True):
    """Mono audio: s16 or float32 little-endian at ``rate`` Hz, or G.711 at 8 kHz whatever ``rate`` says."""

    type: Literal["audio/pcm", "audio/float32", "audio/pcmu", "audio/pcma"] = "audio/pcm"
    rate: Annotated[int, msgspec.Meta(ge=8000, le=96_000)] = WIRE_HZ

    @property
    def rate_hz(self) -> int:
        """Samples per second on the wire."""
        return _G711_RATE_HZ if self.type in _G711 else self.rate

    @property
    def sample_bytes(self) -> int:
        """Bytes per sample on the wire."""
        return {"audio/pcm": 2, "audio/float32": 4}.get(self.type, 1)

    def duration_ms(self, size_bytes: int) -> int:
        """Return the duration of that many bytes."""
        return size_bytes * 1000 // (self.sample_bytes * self.rate_hz)

    def decode(self, data: bytes) -> bytes:
        """Return the complete samples in bytes from the wire as s16 at ``rate_hz``."""
        data = data[: len(data) - len(data) % self.sample_bytes]
        if self.type == "audio/pcm":
            return data
        if self.type == "audio/float32":
            # NaN becomes silence.
            samples = np.nan_to_num(np.frombuffer(data, "<f4"), posinf=1, neginf=-1)
            return bytes(np.rint(np.clip(samples, -1, 1) * _FULL_SCALE).astype("<i2").tobytes())
        expand = _from_ulaw if self.type == "audio/pcmu" else _from_alaw
        return bytes(expand(np.frombuffer(data, np.uint8)).tobytes())

    def encode(self, pcm: bytes, rate_hz: int) -> bytes:
        """Return s16 at ``rate_hz`` as bytes for the wire, resampled if the rates differ."""
        if rate_hz != self.rate_hz:
            samples = np.frombuffer(pcm, "<i2").astype(np.float32)
            resampled = soxr.resample(samples, rate_hz, self.rate_hz, quality="MQ")
            pcm = np.clip(np.rint(resampled), -32_768, 32_767).astype("<i2").tobytes()
        if self.type == "audio/pcm":
            return pcm
        if self.type == "audio/float32":
            return bytes((np.frombuffer(pcm, "<i2") / np.float32(_FULL_SCALE)).clip(-1).astype("<f4").tobytes())
        compress = _to_ulaw if self.type == "audio/pcmu" else _to_alaw
        return bytes(compress(np.frombuffer(pcm, "<i2").astype(np.int32)).tobytes())


PCM = AudioFormat()


def spelled_out(form: Any) -> Any:
    """Return a format that is only a name as the object it stands for; anything else unchanged."""
    return {"type": _SPELLINGS.get(form, form)} if isinstance(form, str) else form


def with_known_type(form: dict[str, Any]) -> dict[str, Any]:
    """Return a format object with an older name in ``type`` replaced by the newer one."""
    kind = form.get("type")
    return {**form, "type": _SPELLINGS[kind]} if isinstance(kind, str) and kind in _SPELLINGS else form


def settled(form: dict[str, Any]) -> dict[str, Any]:
    """Return a format as the session shows it: with its rate, except G.711, which has only one."""
    if form.get("type") in _G711:
        return {name: value for name, value in form.items() if name != "rate"}
    return {"rate": WIRE_HZ, **form}


def _from_ulaw(codes: _Array) -> _Array:
    bits = (~codes).astype(np.int32)
    magnitude = ((((bits & 0x0F) << 3) + _ULAW_BIAS) << ((bits >> 4) & 0x07)) - _ULAW_BIAS
    samples: _Array = np.where(bits & 0x80, -magnitude, magnitude)
    return samples.astype("<i2")


def _to_ulaw(samples: _Array) -> _Array:
    biased = np.minimum(np.abs(samples), _ULAW_CLIP) + _ULAW_BIAS
    # frexp's exponent is the number of bits, 8 to 15 here.
    segment = np.frexp(biased.astype(np.float64))[1] - 8
    sign = np.where(samples < 0, 0x80, 0)
    codes: _Array = ~(sign | (segment << 4) | ((biased >> (segment + 3)) & 0x0F))
    return codes.astype(np.uint8)


def _from_alaw(codes: _Array) -> _Array:
    bits = (codes ^ 0x55).astype(np.int32)
    segment = (bits >> 4) & 0x07
    step = ((bits & 0x0F) << 4) + np.where(segment == 0, 8, 0x108)
    magnitude = step << np.maximum(segment - 1, 0)
    samples: _Array = np.where(bits & 0x80, magnitude, -magnitude)
    return samples.astype("<i2")


def _to_alaw(samples: _Array) -> _Array:
    # Negative samples are counted from -1, so that 0 and -1 are each other's mirror images.
    magnitude = np.minimum(np.where(samples < 0, ~samples, samples), _ALAW_CLIP)
    segment = np.maximum(np.frexp(magnitude.astype(np.float64))[1] - 8, 0)
    mantissa = (magnitude >> (np.maximum(segment, 1) + 3)) & 0x0F
    codes: _Array = ((segment << 4) | mantissa) ^ np.where(samples < 0, 0x55, 0xD5)
    return codes.astype(np.uint8)
