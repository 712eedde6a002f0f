"""A PortAudio without cards: listed devices, and streams that are opened but only called when a test asks for it."""

import threading
from collections.abc import Callable
from typing import Any

import pyaudio

Callback = Callable[[bytes | None, int, Any, int], tuple[bytes | None, int]]


def info(index: int, name: str, *, inputs: int = 0, outputs: int = 0, rate_hz: float = 48_000.0) -> dict[str, Any]:
    return {
        "index": index,
        "name": name,
        "maxInputChannels": inputs,
        "maxOutputChannels": outputs,
        "defaultSampleRate": rate_hz,
    }


CARDS = (info(0, "mic", inputs=1), info(1, "dac", outputs=2))


class FakeLibrary(pyaudio.PyAudio):
    """``refused`` maps a device's index to the error that opening it raises; closing waits for ``may_close``."""

    def __init__(self, *devices: dict[str, Any], refused: dict[int, Exception] | None = None) -> None:
        self.devices = devices
        self.refused = refused or {}
        self.opened: dict[int, dict[str, Any]] = {}
        self.may_close = threading.Event()
        self.may_close.set()
        self.is_terminated = False

    def get_device_count(self) -> int:
        return len(self.devices)

    def get_device_info_by_index(self, device_index: int) -> Any:
        return self.devices[device_index]

    def get_default_input_device_info(self) -> Any:
        return self._default("maxInputChannels")

    def get_default_output_device_info(self) -> Any:
        return self._default("maxOutputChannels")

    def open(self, *_args: Any, **options: Any) -> Any:
        index = options["input_device_index"] if options.get("input") else options["output_device_index"]
        if index in self.refused:
            raise self.refused[index]
        self.opened[index] = options
        return object()

    def terminate(self) -> None:
        self.may_close.wait()
        self.is_terminated = True

    def call(self, index: int, pcm: bytes | None = None) -> tuple[bytes | None, int]:
        """Call a stream's callback once, from its own thread as PortAudio does."""
        options = self.opened[index]
        callback: Callback = options["stream_callback"]
        results: list[tuple[bytes | None, int]] = []
        thread = threading.Thread(target=lambda: results.append(callback(pcm, options["frames_per_buffer"], {}, 0)))
        thread.start()
        thread.join()
        return results[0]

    def _default(self, channels: str) -> Any:
        for device in self.devices:
            if device[channels] > 0:
                return device
        raise OSError("No Default Device Available")
