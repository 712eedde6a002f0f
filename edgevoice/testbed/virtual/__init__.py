"""The virtual sound card: PyAudio, PortAudio and libasound are real; only the hardware is a clock and files.

Never needs root, a kernel module or a sound server; needs gcc and ALSA's headers once, to compile its plugin.
"""

from edgevoice.testbed.virtual.card import VirtualCard
from edgevoice.testbed.virtual.conversation import write_conversation
from edgevoice.testbed.virtual.microphone_fifo import MicrophoneFull
from edgevoice.testbed.virtual.room import AcousticPath, Drift, synthetic_response
from edgevoice.testbed.virtual.tape import Span, Tape, TapeHeader, TapeUnreadable

__all__ = [
    "AcousticPath",
    "Drift",
    "MicrophoneFull",
    "Span",
    "Tape",
    "TapeHeader",
    "TapeUnreadable",
    "VirtualCard",
    "synthetic_response",
    "write_conversation",
]
