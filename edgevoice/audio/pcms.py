"""PCMs: lets PortAudio open what ALSA can, by whatever name.

PortAudio lists only the cards' own devices and PCMs without arguments. A name with arguments, as
plughw:CARD=Jabra,DEV=0, becomes a PCM without any, in a configuration of ours that lives in memory and that ALSA reads
after its own.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterable

from edgevoice.audio.cards import alsa_name, cards_present

_PATH = "ALSA_CONFIG_PATH"
_ALSAS_OWN = "/usr/share/alsa/alsa.conf"

_PREFIX = "edgevoice_named_"


class _Configuration:
    """The file in memory, made when it is first needed; one for the process, as ALSA's own is."""

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
    """Let PortAudio's next start list the devices that these names of the settings mean by ALSA's rules.

    Changes ``ALSA_CONFIG_PATH`` in the environment of this process where there are any.
    """
    cards = cards_present()
    wanted = {pcm for name in names if (pcm := alsa_name(name, cards))}
    text = "".join(f'pcm.{listed_as(pcm)} {{ type plug slave.pcm "{pcm}" }}\n' for pcm in sorted(wanted))
    # Without it the box still has the names that PortAudio lists by itself.
    with contextlib.suppress(OSError):
        _configuration.write(text)


def listed_as(pcm: str) -> str:
    """Return the name under which PortAudio lists what ALSA calls ``pcm``."""
    return f"{_PREFIX}{hashlib.sha256(pcm.encode()).hexdigest()[:12]}"


def is_ours(name: str) -> bool:
    """Tell whether a device is one of those that were offered, and not one to tell people of."""
    return name.startswith(_PREFIX)
