"""PCMs: lets PortAudio open any device that ALSA can, by whatever name.

PortAudio lists only the cards' own devices and PCMs without arguments. A name with arguments, such as
plughw:CARD=Jabra,DEV=0, becomes a PCM without any, in a configuration of ours that lives in memory and that ALSA reads
after its own.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterable

from edgevoice.audio.cards import alsa_name, cards_present, is_of_sound_server

_PATH = "ALSA_CONFIG_PATH"
_ALSAS_OWN = "/usr/share/alsa/alsa.conf"

_PREFIX = "edgevoice_named_"


class _Configuration:
    """The file in memory, created when first needed; one per process, like ALSA's own."""

    def __init__(self) -> None:
        self._descriptor = -1

    def write(self, text: str) -> None:
        """Have ALSA read ``text`` after everything else, from the next time that PortAudio is started."""
        if self._descriptor < 0:
            if not text:
                return
            self._descriptor = os.memfd_create("edgevoice-alsa", os.MFD_CLOEXEC)
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text.encode(), 0)
        # Not /proc/self: children inherit the environment, and ALSA complains of files that are not there.
        path = f"/proc/{os.getpid()}/fd/{self._descriptor}"
        files = [each for each in os.environ.get(_PATH, _ALSAS_OWN).split(":") if each != path]
        os.environ[_PATH] = ":".join([*files, path])


_configuration = _Configuration()


def offer(names: Iterable[str]) -> None:
    """Have PortAudio list, from its next start, the devices that these names denote by ALSA's rules.

    If there are any, this changes ``ALSA_CONFIG_PATH`` in the environment of this process.
    """
    cards = cards_present()
    wanted = {pcm for name in names if (pcm := alsa_name(name, cards))}
    text = "".join(f'pcm.{listed_as(pcm)} {{ type {_kind(pcm)} slave.pcm "{pcm}" }}\n' for pcm in sorted(wanted))
    # Without it the box still has the names that PortAudio itself lists.
    with contextlib.suppress(OSError):
        _configuration.write(text)


def _kind(pcm: str) -> str:
    # A sound server converts everything itself; and PortAudio does not list a plug in front of one, because it asks for
    # a rate without conversion.
    return "empty" if is_of_sound_server(pcm) else "plug"


def listed_as(pcm: str) -> str:
    """Return the name under which PortAudio lists what ALSA calls ``pcm``."""
    return f"{_PREFIX}{hashlib.sha256(pcm.encode()).hexdigest()[:12]}"


def is_ours(name: str) -> bool:
    """Return whether a device is one of those that were offered, which are not shown to people."""
    return name.startswith(_PREFIX)
