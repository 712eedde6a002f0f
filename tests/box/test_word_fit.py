"""How well sounds fit words: there where the recogniser is installed, and no more of it than that needs."""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from edgevoice.box.word_fit import WordFit, stop_word_fit, wake_word_fit

OPENINGS = pytest.mark.parametrize(
    ("open_fit", "word"), [(stop_word_fit, "stop"), (wake_word_fit, "alexa")], ids=["stop word", "wake word"]
)


@OPENINGS
def test_it_is_the_local_services_recogniser(open_fit: Callable[[], WordFit | None], word: str) -> None:
    pytest.importorskip("hama")
    fit = open_fit()

    assert fit is not None
    assert fit(np.zeros(16_000, np.int16), word) < 0


@OPENINGS
def test_without_the_recogniser_there_is_none(
    monkeypatch: pytest.MonkeyPatch, open_fit: Callable[[], WordFit | None], word: str
) -> None:
    monkeypatch.setitem(sys.modules, "hama", None)

    assert open_fit() is None, word


def test_the_daemon_loads_the_network_and_nothing_else_of_the_recogniser() -> None:
    pytest.importorskip("hama")
    script = """if True:
        import sys
        from edgevoice.box.word_fit import stop_word_fit, wake_word_fit
        assert stop_word_fit() and wake_word_fit()
        print(*sorted(each for each in sys.modules if each.startswith(("hama", "edgevoice.local."))))
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)

    speech = "edgevoice.local.speech"
    loaded = ("phoneme_file", "phoneme_network", "phonemes", "single_words", "spotted_words")
    assert done.stdout.split() == [speech, *(f"{speech}.{each}" for each in loaded)]
