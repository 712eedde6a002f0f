"""The virtual sound card: PyAudio, PortAudio and libasound really run, only the hardware is made of a clock and files.

Never needs root, a kernel module or a sound server; needs gcc and ALSA's headers once, to compile its plugin.
"""

from edgevoice.virtual.card import MicrophoneFull, VirtualCard
from edgevoice.virtual.conversation import write_conversation
from edgevoice.virtual.tape import Span, Tape, TapeHeader, TapeUnreadable

__all__ = [
    "MicrophoneFull",
    "Span",
    "Tape",
    "TapeHeader",
    "TapeUnreadable",
    "VirtualCard",
    "write_conversation",
]
