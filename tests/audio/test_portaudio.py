"""PortAudio's numbers are those of the library that is installed."""

import pyaudio

from edgevoice.audio import portaudio


def test_the_numbers_are_portaudios() -> None:
    numbers = portaudio.CONTINUE, portaudio.ABORT, portaudio.INPUT_OVERFLOW, portaudio.OUTPUT_UNDERFLOW, portaudio.INT16

    assert numbers == (
        pyaudio.paContinue,
        pyaudio.paAbort,
        pyaudio.paInputOverflow,
        pyaudio.paOutputUnderflow,
        pyaudio.paInt16,
    )
