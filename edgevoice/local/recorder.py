"""The local service's flight recorder: the uplink's audio and all events in both directions. Writes only on request.

What it writes holds what people said, so only its owner can read it. A disk that refuses it ends the recording, never
the conversation.
"""

import contextlib
import itertools
import logging
import os
import time
import wave
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, Self

import msgspec

_log = logging.getLogger(__name__)

_AUDIO_DELTAS: Final = frozenset(
    {"response.output_audio.delta", "response.audio.delta", "response.backchannel.audio.delta"}
)


class WireRecorder:
    """Write one connection to ``uplink-N.wav`` and ``wire-N.jsonl`` in ``folder``; N is the first number that is free.

    Each line has ``t`` (seconds of the monotonic clock), ``from`` (``client`` or ``server``) and ``event``; audio
    inside an event is replaced by the length of its base64 text. The WAV file has the rate of the first audio, 24 kHz
    unless the session says otherwise.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = contextlib.ExitStack()
        self._number = 0
        self._wire: BinaryIO | None = None
        self._uplink: wave.Wave_write | None = None
        self._try(self._begin)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._try(self._files.close)

    def event(self, origin: Literal["client", "server"], event: Mapping[str, Any] | str | bytes) -> None:
        """Write one event, or one frame that is not an event."""
        shown: Any = {"binary_bytes": len(event)} if isinstance(event, bytes) else _without_audio(event)
        if isinstance(event, Mapping) and event.get("type") in _AUDIO_DELTAS and isinstance(event.get("delta"), str):
            shown = {**shown, "delta": len(event["delta"])}
        line = {"t": time.monotonic(), "from": origin, "event": shown}
        self._try(partial(self._write, msgspec.json.encode(line) + b"\n"))

    def uplink(self, pcm: bytes, rate_hz: int) -> None:
        """Add uplink audio, mono s16."""
        self._try(partial(self._write_uplink, pcm, rate_hz))

    def _begin(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for self._number in itertools.count(1):
            # A service that was started again must not replace what an earlier one has recorded.
            with contextlib.suppress(FileExistsError):
                self._wire = self._files.enter_context(_opened(self._folder / f"wire-{self._number}.jsonl"))
                return

    def _write(self, line: bytes) -> None:
        if self._wire is not None:
            self._wire.write(line)
            self._wire.flush()

    def _write_uplink(self, pcm: bytes, rate_hz: int) -> None:
        if self._wire is None:
            return
        if self._uplink is None:
            place = self._folder / f"uplink-{self._number}.wav"
            place.unlink(missing_ok=True)  # of a conversation whose lines somebody has removed
            file = self._files.enter_context(_opened(place))
            self._uplink = self._files.enter_context(wave.open(file, "wb"))  # noqa: SIM115 - closed with the recorder
            self._uplink.setnchannels(1)
            self._uplink.setsampwidth(2)
            self._uplink.setframerate(rate_hz)
        self._uplink.writeframes(pcm)

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except OSError as error:
            _log.warning("the recording in %s ends here: %s", self._folder, error.strerror or error)
            self._wire = None
            with contextlib.suppress(OSError):
                self._files.close()


def _opened(place: Path) -> BinaryIO:
    return open(place, "xb", opener=partial(os.open, mode=0o600))


def _without_audio(value: Any) -> Any:
    """Return an event with each text named ``audio``, at any depth, replaced by its length."""
    match value:
        case Mapping():
            return {
                name: len(each) if name == "audio" and isinstance(each, str) else _without_audio(each)
                for name, each in value.items()
            }
        case list():
            return [_without_audio(each) for each in value]
        case _:
            return value
