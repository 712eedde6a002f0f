"""PortAudio's numbers (portaudio.h), for callbacks that are also called without PortAudio.

The library and what it loads take megabytes, so ``pyaudio`` is imported only where PortAudio is used.
"""

from typing import Final

CONTINUE: Final = 0
"""``paContinue``: the stream goes on."""

ABORT: Final = 2
"""``paAbort``: the stream ends at once."""

INPUT_OVERFLOW: Final = 2
"""``paInputOverflow``: captured audio was lost before this period."""

OUTPUT_UNDERFLOW: Final = 4
"""``paOutputUnderflow``: the card had nothing to play before this period."""

INT16: Final = 8
"""``paInt16``: samples of 16 bits with a sign."""
