"""The local service's flight recorder: the uplink's audio and all events in both directions. Writes only on request."""

import time
import wave
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import msgspec

_AUDIO_FIELDS = {
    "input_audio_buffer.append": "audio",
    "response.output_audio.delta": "delta",
    "response.backchannel.audio.delta": "delta",
}


class WireRecorder:
    """Write one connection to ``uplink-N.wav`` and ``wire-N.jsonl`` in ``folder``.

    Each line has ``t`` (seconds of the monotonic clock), ``from`` (``client`` or ``server``) and ``event``; audio
    inside an event is replaced by the length of its base64 text. The WAV file has the rate of the first audio, 24 kHz
    unless the session says otherwise.
    """

    def __init__(self, folder: Path, number: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._wire = (folder / f"wire-{number}.jsonl").open("wb")
        self._uplink_path = folder / f"uplink-{number}.wav"
        self._uplink: wave.Wave_write | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._wire.close()
        if self._uplink is not None:
            self._uplink.close()

    def event(self, origin: Literal["client", "server"], event: Mapping[str, Any] | str | bytes) -> None:
        """Write one event, or one frame that is not an event."""
        shown: Any = event
        if isinstance(event, bytes):
            shown = {"binary_bytes": len(event)}
        elif isinstance(event, Mapping):
            sound = _AUDIO_FIELDS.get(str(event.get("type")))
            if sound is not None and isinstance(event.get(sound), str):
                shown = {**event, sound: len(event[sound])}
        line = {"t": time.monotonic(), "from": origin, "event": shown}
        self._wire.write(msgspec.json.encode(line) + b"\n")
        self._wire.flush()

    def uplink(self, pcm: bytes, rate_hz: int) -> None:
        """Add uplink audio, mono s16."""
        if self._uplink is None:
            self._uplink = wave.open(str(self._uplink_path), "wb")  # noqa: SIM115 - closed with the recorder
            self._uplink.setnchannels(1)
            self._uplink.setsampwidth(2)
            self._uplink.setframerate(rate_hz)
        self._uplink.writeframes(pcm)
