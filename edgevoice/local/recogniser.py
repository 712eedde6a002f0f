"""Speech to text with pocketsphinx: a closed vocabulary, models from inside the wheel, nothing fetched."""

import tempfile
import threading
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np

from edgevoice.errors import LocalServiceUnavailable
from edgevoice.local import vocabulary

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
    def load(cls) -> Self:
        """Build the language model and the decoder; blocks for a second or so.

        Raises LocalServiceUnavailable when pocketsphinx is not installed.
        """
        try:
            import pocketsphinx  # noqa: PLC0415 - an optional package, and 65 MB of memory
            from pocketsphinx.lm import ArpaBoLM  # noqa: PLC0415
        except ImportError as error:
            raise LocalServiceUnavailable("The speech recogniser pocketsphinx is not installed") from error
        written = vocabulary.sentences()
        model = ArpaBoLM(text="\n".join(written), add_start=True)
        model.compute()
        words = {word for sentence in written for word in sentence.split()}
        with tempfile.TemporaryDirectory(prefix="edgevoice-local-") as folder:
            language, dictionary = Path(folder, "commands.arpa"), Path(folder, "commands.dict")
            model.write_file(str(language))
            known = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))
            dictionary.write_text(_pronunciations(known, words), encoding="utf-8")
            # Half the frames and no second pass: twice as quick, with the same sentences right. The channel is
            # estimated per utterance, or what one client said would change what is heard of another.
            decoder = pocketsphinx.Decoder(
                lm=str(language), dict=str(dictionary), ds=2, fwdflat=False, cmn="batch", loglevel="FATAL"
            )
        return cls(decoder)

    def words(self, speech: bytes) -> str:
        """Return what was said in ``speech`` (16 kHz mono s16), empty when nothing was."""
        # The digital silence of a muted uplink upsets the channel estimate; a bit of noise mends that. Always the same
        # bit: what was heard once is heard again.
        samples = np.frombuffer(speech, "<i2")
        noise = np.random.default_rng(0).integers(-1, 1, samples.size, np.int16, endpoint=True)
        dithered = (np.clip(samples, -32_767, 32_766) + noise).astype("<i2")
        with self._turn:
            self._decoder.start_utt()
            self._decoder.process_raw(dithered.tobytes(), full_utt=True)
            self._decoder.end_utt()
            found = self._decoder.hyp()
        return str(found.hypstr) if found is not None else ""


def _pronunciations(dictionary: Path, words: set[str]) -> str:
    with dictionary.open(encoding="utf-8") as lines:
        known = [line for line in lines if line.split(" ", 1)[0].split("(", 1)[0] in words]
    return "".join(known) + "".join(f"{word} {said}\n" for word, said in vocabulary.EXTRA_PRONUNCIATIONS.items())
