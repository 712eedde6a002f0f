"""Speech to text with pocketsphinx: a closed vocabulary, models from inside the wheel, nothing fetched."""

import threading
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np

from edgevoice.errors import LocalServiceUnavailable
from edgevoice.local.language import Language, forget, language

SAMPLE_RATE_HZ = 16_000


class Recogniser(Protocol):
    """Speech to text; may take tens of milliseconds, so it is called from a thread."""

    def words(self, speech: bytes) -> str:
        """Return what was said in ``speech`` (16 kHz mono s16), lower case, empty when nothing was."""
        ...


class PocketsphinxRecogniser:
    """Recognise the commands of `vocabulary`; one decoder, which threads take in turn.

    An n-gram model of the sentences instead of a JSGF grammar: a grammar must bend a foreign sentence into a command
    ("order a pizza" became "repeat that"), the model answers with foreign words, which the brain then refuses. Measured
    with hibari's voice at three speeds: 258 of 258 commands with and without wake words; 0 of 36 foreign sentences were
    taken for a command.
    """

    def __init__(self, decoder: Any) -> None:
        self._decoder = decoder
        self._turn = threading.Lock()

    @classmethod
    def load(cls, cache: Path | None = None) -> Self:
        """Build the decoder, of the language that ``cache`` keeps; blocks for a second or so where none is kept yet.

        Raises LocalServiceUnavailable when pocketsphinx is not installed, StorageUnavailable where no folder takes the
        language.
        """
        try:
            with language(cache) as files:
                try:
                    return cls(_decoder(files))
                except RuntimeError:
                    # Damaged, as a full disk or a dying card leaves files.
                    forget(files)
            with language(cache) as files:
                return cls(_decoder(files))
        except ImportError as error:
            raise LocalServiceUnavailable("The speech recogniser pocketsphinx is not installed") from error

    def words(self, speech: bytes) -> str:
        """Return what was said in ``speech`` (16 kHz mono s16), empty when nothing was."""
        # The digital silence of a muted uplink upsets the channel estimate; a bit of noise prevents that. It is always
        # the same bit: what was heard once is heard again.
        samples = np.frombuffer(speech, "<i2")
        noise = np.random.default_rng(0).integers(-1, 1, samples.size, np.int16, endpoint=True)
        dithered = (np.clip(samples, -32_767, 32_766) + noise).astype("<i2")
        with self._turn:
            self._decoder.start_utt()
            self._decoder.process_raw(dithered.tobytes(), full_utt=True)
            self._decoder.end_utt()
            found = self._decoder.hyp()
        return str(found.hypstr) if found is not None else ""


def _decoder(files: Language) -> Any:
    import pocketsphinx  # noqa: PLC0415 - an optional package, and 65 MB of memory

    # Half the frames and no second pass: twice as quick, with the same sentences right. The channel is estimated per
    # utterance, or what one client said would change what is heard of another.
    return pocketsphinx.Decoder(
        lm=str(files.model), dict=str(files.dictionary), ds=2, fwdflat=False, cmn="batch", loglevel="FATAL"
    )
