"""The sentences that the box says by itself: synthesised once, stored, and played without a network or a voice."""

import asyncio
import importlib.util
import logging
import sys
from pathlib import Path

import numpy as np
import pytest

from edgevoice.box import sayings
from edgevoice.box.sayings import SENTENCES, Sayings, learn, place_of, wanted
from edgevoice.box.spoken import Samples, make
from edgevoice.core.orders import Earcon

HAS_VOICE = importlib.util.find_spec("hibari") is not None


class Beeper:
    """A voice whose every sentence has as many samples as letters."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, sentence: str, speed: float) -> bytes:
        self.said.append(sentence)
        return np.full(len(sentence), round(1000 * speed), "<i2").tobytes()


def learnt_from(folder: Path) -> dict[Earcon, Samples]:
    learnt: dict[Earcon, Samples] = {}
    asyncio.run(asyncio.wait_for(learn(folder, learnt.__setitem__), 120))
    return learnt


def test_every_limit_has_its_sentence() -> None:
    assert set(SENTENCES) == {Earcon.SESSION_SPENT, Earcon.BUDGET_SPENT}


def test_sentences_made_earlier_are_loaded_without_a_voice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "cache", wanted(), Beeper())
    monkeypatch.setattr(sys, "executable", "/nowhere")
    learnt = learnt_from(tmp_path / "cache")

    assert {earcon: len(samples) for earcon, samples in learnt.items()} == {
        earcon: len(sentence) for earcon, sentence in SENTENCES.items()
    }
    assert all(samples.dtype == np.int16 and set(samples) == {1000} for samples in learnt.values())


def test_only_what_is_missing_is_made(tmp_path: Path) -> None:
    voice = Beeper()
    make(tmp_path, wanted(), voice)
    place_of(Earcon.BUDGET_SPENT, tmp_path).unlink()
    make(tmp_path, wanted(), voice)

    assert voice.said == [*SENTENCES.values(), SENTENCES[Earcon.BUDGET_SPENT]]
    assert not list(tmp_path.glob("*.tmp"))


def test_another_sentence_is_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = place_of(Earcon.BUDGET_SPENT, tmp_path)
    monkeypatch.setattr(sayings, "SENTENCES", {**SENTENCES, Earcon.BUDGET_SPENT: "Enough."})

    assert place_of(Earcon.BUDGET_SPENT, tmp_path) != before


def test_without_a_voice_nothing_is_loaded_and_nothing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with caplog.at_level(logging.INFO, "edgevoice"):
        assert learnt_from(tmp_path) == {}

    assert not caplog.records


@pytest.mark.skipif(not HAS_VOICE, reason="no voice is installed")
def test_an_unwritable_folder_is_logged_and_only_the_sentences_are_missing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    with caplog.at_level(logging.WARNING, "edgevoice"):
        assert learnt_from(tmp_path / "file" / "cache") == {}

    assert [record.message for record in caplog.records] == ["sayings"]


@pytest.mark.skipif(not HAS_VOICE, reason="no voice is installed")
def test_the_local_services_voice_makes_them_in_a_separate_process(tmp_path: Path) -> None:
    learnt = learnt_from(tmp_path)

    assert set(learnt) == set(SENTENCES)
    for samples in learnt.values():
        assert 1 < len(samples) / 24_000 < 15
        assert np.abs(samples.astype(int)).max() > 3000


def test_sayings_are_loaded_once_the_box_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    learnt: list[object] = []

    async def learn(*arguments: object) -> None:
        learnt.extend(arguments)

    def use(_earcon: Earcon, _spoken: Samples) -> None:
        """Stand in for the speaker."""

    monkeypatch.setattr("edgevoice.box.sayings.learn", learn)

    async def live() -> None:
        loaded = asyncio.Event()

        async def listening() -> None:
            await loaded.wait()

        learning = asyncio.create_task(Sayings(Path("sayings"), use, listening).run(print))
        for _ in range(3):
            await asyncio.sleep(0)
        assert not learnt
        loaded.set()
        await learning

    asyncio.run(live())

    assert learnt == [Path("sayings"), use]
