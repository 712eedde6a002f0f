"""`edgevoice bench echo --music` on a small scale: with the mix as reference, music hides nobody."""

import json
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from edgevoice.commands.root import app
from edgevoice.testbed.bench import echo_music
from edgevoice.testbed.bench.echo_evening import Reaction
from edgevoice.testbed.bench.echo_trials import Monologue

MUSIC = Path(__file__).parents[2] / "data" / "sounds" / "noises" / "music" / "music.flac"


class InOneProcess:
    """The pool of processes, in this one."""

    def __init__(self, count: int) -> None:
        assert count == 2

    def __enter__(self) -> Callable[..., Future[Any]]:
        def submit(function: Callable[..., Any], *given: Any, **named: Any) -> Future[Any]:
            done: Future[Any] = Future()
            done.set_result(function(*given, **named))
            return done

        return submit

    def __exit__(self, *_error: object) -> None:
        """Nothing was started."""


def test_under_music_a_wake_word_20_db_softer_is_heard_only_with_the_mix_as_reference() -> None:
    found = [echo_music.find_wake_words(MUSIC, -20, 2, captures=captures) for captures in (False, True)]

    assert found == [0, 2]


def test_both_references_are_measured_and_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    reaction = Reaction(100.0, 90.0, 230.0, None)
    monkeypatch.setattr(echo_music, "rehearse_answers", lambda: None)
    monkeypatch.setattr(echo_music, "workers", InOneProcess)
    monkeypatch.setattr(echo_music, "find_wake_words", lambda *_given, captures: 3 if captures else 1)
    monkeypatch.setattr(echo_music, "talk_over", lambda *_given, captures: [reaction] * 3 if captures else [])
    monkeypatch.setattr(echo_music, "talk_to_itself", lambda *_given, captures: Monologue(0 if captures else 9, 0))
    monkeypatch.setattr(echo_music, "idle_cost_ms_per_s", lambda *_given, captures: 6.5 if captures else 0.5)

    ended = CliRunner().invoke(app, ["bench", "echo", "--music", str(MUSIC), "--trials", "3", "--minutes", "1"])

    assert ended.exit_code == 0, ended.output
    report = json.loads(ended.stdout)["reference"]
    assert report["own"]["wake_words_found"] == {"0": "1/3", "-10": "1/3", "-20": "1/3"}
    assert report["mix"]["talker_cut_ms"]["0"] == {"p50": 230, "p95": 230, "found": "3/3"}
    assert [report[each]["false_ducks"] for each in ("own", "mix")] == [9, 0]
    assert [report[each]["idle_cpu_ms_per_s"] for each in ("own", "mix")] == [0.5, 6.5]
