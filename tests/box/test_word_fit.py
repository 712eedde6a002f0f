"""The second opinion on a stop word: there where the recogniser is installed."""

import sys

import numpy as np
import pytest

from edgevoice.box.word_fit import stop_word_fit


def test_it_is_the_local_services_recogniser() -> None:
    pytest.importorskip("hama")
    fit = stop_word_fit()

    assert fit is not None
    assert fit(np.zeros(16_000, np.int16), "stop") < 0


def test_without_the_recogniser_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hama", None)

    assert stop_word_fit() is None
