"""A loopback of the virtual card: captures what the card's speaker emits, and what another program plays on it."""

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from edgevoice.store.files import write_whole
from edgevoice.testbed.virtual.plugin import build_plugin
from edgevoice.testbed.virtual.room import ROOM_RATE_HZ, SHORTEST_DELAY_MS

LOOPBACK: Final = "edgevoice_mix"

_FIFO_BYTES: Final = 1 << 20


class Loopback:
    """The device ``edgevoice_mix`` of the virtual card in ``folder``, from ``with`` to the end of its block.

    The other program's sound comes from ``play``. The card's speaker does not emit it: what the microphone hears of it
    must be said to the card as well.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._fifo = -1

    def __enter__(self) -> Self:
        source, response = self._folder / "loopback.fifo", self._folder / "loopback.f32"
        os.mkfifo(source, mode=0o600)
        self._fifo = os.open(source, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        with contextlib.suppress(PermissionError):  # a user with many pipes keeps the usual 64 KiB: 2 s
            fcntl.fcntl(self._fifo, fcntl.F_SETPIPE_SZ, _FIFO_BYTES)
        response.write_bytes(np.ones(1, "<f4").tobytes())
        places = {"tape": "loopback.tape", "source": source.name, "hears": "far-end.tape", "response": response.name}
        given = " ".join(f'{key} "{self._folder / name}"' for key, name in places.items())
        card = f'type edgevoice unplugged "{self._folder / "loopback-unplugged"}" rate {ROOM_RATE_HZ} {given}'
        card += f" channels 1 delay_us {round(1000 * SHORTEST_DELAY_MS)}"
        slave = f"slave {{ pcm {{ {card} }} rate {ROOM_RATE_HZ} channels 1 format S16_LE }}"
        settings = self._folder / "asound.conf"
        added = f'pcm_type.edgevoice {{ lib "{build_plugin()}" }}\n'
        added += f'pcm.{LOOPBACK} {{ type plug {slave} rate_converter [ "speexrate_medium" "linear" ] }}\n'
        # As a new file: libasound does not see what is added within the second in which it has read a file.
        write_whole(settings, settings.read_bytes() + added.encode())
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self._fifo)

    def play(self, pcm: npt.NDArray[np.int16]) -> None:
        """Have another program play ``pcm``, mono at 16 kHz, up to 32 s; captured from now on, or once it is opened."""
        os.write(self._fifo, pcm.astype("<i2").tobytes())

    def unplug(self) -> None:
        """Take the device away; what captures it ends."""
        (self._folder / "loopback-unplugged").touch()

    def plug_in(self) -> None:
        """Bring it back; it must be opened again."""
        (self._folder / "loopback-unplugged").unlink(missing_ok=True)
