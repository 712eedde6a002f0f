"""The sentences that the box says by itself: synthesised once, stored, and played without a network or a voice."""

import asyncio
import logging
from pathlib import Path

import numpy as np
import pytest

from edgevoice.box import sayings
from edgevoice.box.sayings import SENTENCES, Sayings, learn, place_of, wanted
from edgevoice.box.spoken import Samples, Speak, make
from edgevoice.core.lights import FAULT_EARCONS
from edgevoice.core.orders import Earcon
from edgevoice.errors import LocalServiceUnavailable


class Beeper:
    """A voice whose every sentence has as many samples as letters."""

    def __init__(self) -> None:
        self.said: list[str] = []

    async def say(self, sentence: str) -> Samples:
        self.said.append(sentence)
        return np.full(len(sentence), 1000, np.int16)


def made_in(folder: Path, voice: Beeper) -> str:
    return asyncio.run(make(folder, wanted(), voice.say))


def learnt_from(folder: Path, speak: Speak | None = None) -> dict[Earcon, Samples]:
    learnt: dict[Earcon, Samples] = {}
    asyncio.run(learn(folder, learnt.__setitem__, speak))
    return learnt


def test_every_limit_and_every_fault_has_its_sentence() -> None:
    assert set(SENTENCES) == {Earcon.SESSION_SPENT, Earcon.BUDGET_SPENT} | FAULT_EARCONS


def test_sentences_made_earlier_are_loaded_without_a_voice(tmp_path: Path) -> None:
    assert made_in(tmp_path / "cache", Beeper()) == ""
    learnt = learnt_from(tmp_path / "cache")

    assert {earcon: len(samples) for earcon, samples in learnt.items()} == {
        earcon: len(sentence) for earcon, sentence in SENTENCES.items()
    }
    assert all(samples.dtype == np.int16 and set(samples) == {1000} for samples in learnt.values())


def test_only_what_is_missing_is_made(tmp_path: Path) -> None:
    voice = Beeper()
    made_in(tmp_path, voice)
    place_of(Earcon.BUDGET_SPENT, tmp_path).unlink()
    made_in(tmp_path, voice)

    assert voice.said == [*SENTENCES.values(), SENTENCES[Earcon.BUDGET_SPENT]]
    assert not list(tmp_path.glob("*.tmp"))


def test_another_sentence_is_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = place_of(Earcon.BUDGET_SPENT, tmp_path)
    monkeypatch.setattr(sayings, "SENTENCES", {**SENTENCES, Earcon.BUDGET_SPENT: "Enough."})

    assert place_of(Earcon.BUDGET_SPENT, tmp_path) != before


def test_without_a_voice_nothing_is_loaded_and_nothing_fails(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "edgevoice"):
        assert learnt_from(tmp_path) == {}

    assert not caplog.records


async def no_voice(_sentence: str) -> Samples:
    raise LocalServiceUnavailable("the voice's process has ended unexpectedly")


@pytest.mark.parametrize(("folder", "speak"), [("file/cache", Beeper().say), ("cache", no_voice)])
def test_an_unwritable_folder_or_a_voice_that_fails_is_logged_and_only_the_sentences_are_missing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, folder: str, speak: Speak
) -> None:
    (tmp_path / "file").write_text("in the way")
    with caplog.at_level(logging.WARNING, "edgevoice"):
        assert learnt_from(tmp_path / folder, speak) == {}

    assert [record.msg for record in caplog.records] == ["sayings"]


def test_what_is_missing_is_made_and_learnt(tmp_path: Path) -> None:
    assert {earcon: len(spoken) for earcon, spoken in learnt_from(tmp_path, Beeper().say).items()} == {
        earcon: len(sentence) for earcon, sentence in SENTENCES.items()
    }


def test_a_sentence_of_another_release_is_removed(tmp_path: Path) -> None:
    older = tmp_path / "saying-no-network-0123456789ab.s16"
    older.touch()

    learnt_from(tmp_path, Beeper().say)

    assert not older.exists()
    assert place_of(Earcon.NO_NETWORK, tmp_path).exists()


class BeeperProcess(Beeper):
    """The beeper in place of the voice's process; ``complaint`` is why it cannot speak."""

    complaint = ""
    ended = 0

    async def say(self, sentence: str) -> Samples:
        if self.complaint:
            raise LocalServiceUnavailable(self.complaint)
        return await super().say(sentence)

    async def close(self) -> None:
        BeeperProcess.ended += 1


def test_setup_makes_every_sentence_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgevoice.box.speech.Speech", BeeperProcess)
    monkeypatch.setattr(BeeperProcess, "ended", 0)

    assert sayings.main([str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {*wanted()}
    assert BeeperProcess.ended == 1


def test_setup_hears_why_no_sentence_could_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("edgevoice.box.speech.Speech", BeeperProcess)
    monkeypatch.setattr(BeeperProcess, "complaint", "no voice is installed")

    assert sayings.main([str(tmp_path)]) == 1
    assert "the sentences cannot be made: " in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


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

        learning = asyncio.create_task(Sayings(Path("sayings"), use, listening, no_voice).run(print))
        for _ in range(3):
            await asyncio.sleep(0)
        assert not learnt
        loaded.set()
        await learning

    asyncio.run(live())

    assert learnt == [Path("sayings"), use, no_voice]
