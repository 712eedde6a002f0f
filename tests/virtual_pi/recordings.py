"""Speech for the virtual Pi: the tests' recording of the wake word, and questions in the voice of the local service.

Beside it ``sayings.txt``: which files of sentences scripts/setup makes.

`python -m tests.virtual_pi.recordings FOLDER`, on the host: the guest has no numpy before the box is installed.
"""

import sys
import wave
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from edgevoice.box.sayings import wanted
from edgevoice.local.speech.voice import SAMPLE_RATE_HZ, HibariVoice
from tests.virtual_pi.sound import CHANNELS, RATE_HZ

Samples = npt.NDArray[np.int16]
_WAKE_WORD = Path(__file__).parents[1] / "data" / "pos_hey_jarvis__flite_slt_1.1.wav"


def recordings() -> Mapping[str, Samples]:
    """Return the recordings by name, in the loopback card's format, one channel."""
    with wave.open(str(_WAKE_WORD)) as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        word = np.asarray(soxr.resample(pcm, file.getframerate(), RATE_HZ), np.int16)
    voice = HibariVoice.load()
    sentences = ("What time is it?", "Tell me a story.")
    time, story = (_spoken(voice, words) for words in sentences)
    # A card needs a moment to start, and a person pauses after the wake word.
    start, breath = np.zeros(RATE_HZ // 4, np.int16), np.zeros(RATE_HZ // 3, np.int16)
    # A room is never as silent as a loopback: half a minute of zeros is a broken microphone.
    murmur = np.random.default_rng(1).integers(-3, 4, RATE_HZ // 2).astype(np.int16)
    return {
        "murmur": murmur,
        "wake-word": np.concatenate([start, word]),
        "time": np.concatenate([start, word, breath, time]),
        "story": np.concatenate([start, word, breath, story]),
    }


def _spoken(voice: HibariVoice, words: str) -> Samples:
    return np.asarray(soxr.resample(np.frombuffer(voice.say(words, 1.0), np.int16), SAMPLE_RATE_HZ, RATE_HZ), np.int16)


def main(folder: Path) -> None:
    """Write every recording into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sayings.txt").write_text("\n".join(wanted()), encoding="utf-8")
    for name, samples in recordings().items():
        with wave.open(str(folder / f"{name}.wav"), "wb") as file:
            file.setnchannels(CHANNELS)
            file.setsampwidth(2)
            file.setframerate(RATE_HZ)
            file.writeframes(np.repeat(samples, CHANNELS).astype("<i2").tobytes())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
