"""A loopback of the virtual card: captures what the card's speaker emits, and what another program plays on it."""

from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from edgevoice.errors import VirtualCardUnavailable
from edgevoice.store.files import write_whole
from edgevoice.testbed.virtual.card import quoted
from edgevoice.testbed.virtual.microphone_fifo import MicrophoneFifo
from edgevoice.testbed.virtual.plugin import build_plugin
from edgevoice.testbed.virtual.room import ROOM_RATE_HZ, SHORTEST_DELAY_MS

LOOPBACK: Final = "edgevoice_mix"


class Loopback:
    """The device ``edgevoice_mix`` of the virtual card in ``folder``, from ``with`` to the end of its block.

    The other program's sound comes from ``play``. The card's speaker does not emit it: what the microphone hears of it
    must be said to the card as well.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._fifo: MicrophoneFifo | None = None

    def __enter__(self) -> Self:
        plugin = build_plugin()
        source, response = self._folder / "loopback.fifo", self._folder / "loopback.f32"
        source.unlink(missing_ok=True)  # of an earlier loopback in this folder
        self._fifo = MicrophoneFifo(source)
        response.write_bytes(np.ones(1, "<f4").tobytes())
        places = {"tape": "loopback.tape", "source": source.name, "hears": "far-end.tape", "response": response.name}
        given = " ".join(f"{key} {quoted(self._folder / name)}" for key, name in places.items())
        card = f"type edgevoice unplugged {quoted(self._unplugged)} rate {ROOM_RATE_HZ} {given}"
        card += f" channels 1 delay_us {round(1000 * SHORTEST_DELAY_MS)}"
        slave = f"slave {{ pcm {{ {card} }} rate {ROOM_RATE_HZ} channels 1 format S16_LE }}"
        settings = self._folder / "asound.conf"
        added = f"pcm_type.edgevoice {{ lib {quoted(plugin)} }}\n"
        added += f'pcm.{LOOPBACK} {{ type plug {slave} rate_converter [ "speexrate_medium" "linear" ] }}\n'
        # As a new file: libasound does not see what is added within the second in which it has read a file.
        write_whole(settings, settings.read_bytes() + added.encode())
        return self

    def __exit__(self, *_error: object) -> None:
        self._open_fifo.close()
        self._fifo = None

    @property
    def _open_fifo(self) -> MicrophoneFifo:
        if self._fifo is None:
            raise VirtualCardUnavailable("the loopback is not open", remedy="Use it in a `with` block.")
        return self._fifo

    @property
    def _unplugged(self) -> Path:
        return self._folder / "loopback-unplugged"

    def play(self, pcm: npt.NDArray[np.int16]) -> None:
        """Have another program play ``pcm``, mono at 16 kHz; captured from now on, or once it is opened.

        All or nothing: ``MicrophoneFull`` if it does not fit; 32 s do.
        """
        self._open_fifo.pour(memoryview(pcm.astype("<i2").tobytes()))

    def unplug(self) -> None:
        """Take the device away; what captures it ends."""
        self._unplugged.touch()

    def plug_in(self) -> None:
        """Bring it back; it must be opened again."""
        self._unplugged.unlink(missing_ok=True)
