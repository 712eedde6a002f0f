"""`edgevoice bench echo` with the few shipped recordings, on a small scale."""

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from edgevoice.echo.tiers import Tier
from edgevoice.errors import SettingsInvalid
from edgevoice.testbed.bench import echo_recorded
from edgevoice.testbed.bench.echo_evening import Reaction
from edgevoice.testbed.bench.echo_noisy_room import LeftAlone
from edgevoice.testbed.bench.echo_recorded import Folders, measure, plan, table
from edgevoice.testbed.bench.echo_recorded_trials import Spell, TrialSetup, meet, rooms_of, undisturbed
from edgevoice.testbed.bench.recordings import RecordingFile, read_folder

SOUNDS: Final = Path(__file__).parents[2] / "data" / "sounds"
FAR: Final = read_folder(SOUNDS / "far", "--far", pytest.fail)
HARDWARE: Final = TrialSetup(Tier.HARDWARE, far=FAR)


def of_kind(name: str, kind: str) -> tuple[RecordingFile, ...]:
    return tuple(each for each in read_folder(SOUNDS / name, f"--{name}", pytest.fail) if each.kind == kind)


def test_speakers_of_both_sexes_and_three_languages_cut_the_answer() -> None:
    met = meet(HARDWARE, 1, of_kind("near", "near")[::4], 0)

    assert all(each.silent_ms is not None and each.silent_ms < 1000 for each in met)
    assert all(each.ducked_ms is not None and each.ducked_ms < 150 for each in met)


def test_clattering_crockery_at_most_ducks_the_answer() -> None:
    (met,) = meet(HARDWARE, 1, [each for each in of_kind("noises", "clatter") if "Pottery" in each.path.name], 0)

    assert met.silent_ms is None


def test_a_noise_bed_plays_before_and_during_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    (bed,) = of_kind("noises", "music")
    quiet = undisturbed(HARDWARE, 0, 3.0, None, 0)
    loud = undisturbed(HARDWARE, 0, 3.0, bed, 20.0)

    assert quiet.begun == quiet.confirmed == 0
    assert loud.begun > 0
    assert quiet.duration_s == 3.0
    assert quiet.cpu_s > 0


def test_a_person_is_detected_over_a_noise_bed() -> None:
    (bed,) = of_kind("noises", "kitchen")

    (met,) = meet(HARDWARE, 1, of_kind("near", "near")[:1], 0, bed, -25)

    assert met.silent_ms is not None


def test_measured_rooms_replace_synthetic_ones(tmp_path: Path) -> None:
    responses = []
    for number in range(2):
        path = tmp_path / f"{number}.wav"
        write_response(path, seed=number)
        responses.append(RecordingFile(path, "rooms", 0.3))

    (met,) = meet(TrialSetup(Tier.HARDWARE, far=FAR, rooms=tuple(responses)), 1, of_kind("near", "near")[:1], 0)

    assert met.silent_ms is not None


def test_each_room_is_used_for_four_sounds() -> None:
    sounds = [RecordingFile(Path(f"{number}.wav"), "near", 1.0) for number in range(9)]

    assert [len(group) for group in rooms_of(sounds)] == [4, 4, 1]


# --- the plan, and what is shown --------------------------------------------------------------------------------------


def test_every_figure_has_a_confidence_interval(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = stand_in(monkeypatch)
    folders = Folders(SOUNDS / "near", SOUNDS / "noises", SOUNDS / "far")

    assert measure(plan(folders, ["suppressor"], None, minutes=60, trials=None), as_json=False) == 0

    printed = capsys.readouterr()
    report = json.loads(printed.out.splitlines()[-1])
    assert report["recordings"]["near"] == {"files": 15, "seconds": 16.4, "licence_file": "SOURCES.md"}
    figures = report["tier"]["suppressor"]
    assert figures["quiet"]["barge_ins_per_hour_between"] == [8.4, 24.74]
    assert figures["quiet"]["minutes"] == 60
    assert figures["beds"].keys() == {"kitchen", "music", "television"}
    assert figures["beds"]["music"]["-25"]["minutes"] == 10
    assert figures["noises"].keys() == {"clatter", "cough", "door", "laugh"}
    cough = figures["noises"]["cough"]["3"]
    assert (cough["cut"], cough["of"]) == (12, 24)
    assert cough["percent_between"] == [29.1, 70.9]
    assert cough["ducked_ms"] == {"p50": 50, "p95": 50, "found": "24/24"}
    assert figures["people"].keys() == {"near", "words"}
    assert figures["people_over_beds"]["kitchen"]["-25"]["of"] == 24
    assert report["library_cpu_ms_per_s"] > 0
    assert "kitchen" in printed.err
    assert {level for name, level in asked if name == "meet"} == {0, 3, -10, -20}


def test_json_output_stands_alone_and_has_the_requested_number_of_trials(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(monkeypatch)
    folders = Folders(near=SOUNDS / "near")

    measure(plan(folders, None, [20], minutes=0.1, trials=3), as_json=True)

    printed = capsys.readouterr()
    report = json.loads(printed.out)
    assert not printed.err
    assert report["tier"].keys() == {"suppressor", "hardware"}
    assert report["tier"]["hardware"]["people"]["near"]["0"]["of"] == 3
    assert report["tier"]["hardware"]["people_over_beds"] == {}


def test_a_tier_in_which_speech_does_not_interrupt_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match=r"^--tier is linear, with which speech does not interrupt"):
        plan(Folders(), ["linear"], None, 1, None)
    with pytest.raises(SettingsInvalid, match=r"^--drift may be given only once"):
        plan(Folders(), None, [0, 20], 1, None)


def test_without_a_folder_the_synthetic_benchmark_runs() -> None:
    assert not Folders()
    assert Folders(rooms=Path())


def test_the_command_names_a_folder_without_a_licence(tmp_path: Path) -> None:
    ended = bench("--near", str(tmp_path))

    assert ended.returncode == 1
    assert ended.stderr.strip() == (
        f"--near: {tmp_path} has no file that states the licence of its recordings. "
        "Add a file LICENSE, LICENCE, COPYING or SOURCES.md to it."
    )


def test_the_table_has_one_entry_per_kind_and_level() -> None:
    rate = {"minutes": 10.0, "barge_ins": 1, "barge_ins_per_hour": 6.0, "barge_ins_per_hour_between": [0.15, 33.4]}
    rate |= {"ducks_per_hour": 12.0, "cpu_ms_per_s": 11.1, "answers": 9, "noisy_answers": 2, "barge_ins_heeded": 0}
    spread = {"p50": 40, "p95": 90, "found": "1/2"}
    found = {
        "cut": 1,
        "of": 2,
        "percent": 50.0,
        "percent_between": [1.3, 98.7],
        "ducked_ms": spread,
        "silent_ms": {"p50": None, "p95": None, "found": "0/2"},
    }
    figures: dict[str, Any] = {"quiet": rate, "beds": {"tap": {"-25": rate}}, "noises": {"door": {"0": found}}}

    rate_lines = [
        f"{'':31}voice lowered 12 times an hour; 11.1 ms of a core per second;",
        f"{'':31}left to the wake word and the button: 2 of 9 answers; false barge-ins without them: 0",
    ]

    lines = "\n".join(table("hardware", figures | {"people": {}, "people_over_beds": {}})).splitlines()

    assert lines == [
        "hardware: nobody speaks to the box",
        "  quiet room                   1 false barge-ins in 10 min: 6 an hour (0.15 to 33.4);",
        *rate_lines,
        "  tap                  -25 dB  1 false barge-ins in 10 min: 6 an hour (0.15 to 33.4);",
        *rate_lines,
        "hardware: short noises that cut it, with 95 % confidence intervals; times are median / 95 %",
        "  door                   0 dB  1 of 2 (1.3 to 98.7 %); lowered after 40 / 90 ms, silent never",
    ]


def stand_in(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float]]:
    """Let every second sound cut the box and every five minutes have one false barge-in; return the requests."""
    asked: list[tuple[str, float]] = []

    def met(
        stage: TrialSetup, room: int, sounds: tuple[RecordingFile, ...], level_db: float, *bed: Any
    ) -> list[Reaction]:
        asked.append(("meet", level_db))
        return [Reaction(50.0, 50.0, 200.0 if number % 2 else None, None) for number in range(len(sounds))]

    def heard(stage: TrialSetup, room: int, duration_s: float, bed: RecordingFile | None, bed_db: float) -> Spell:
        asked.append(("undisturbed", bed_db))
        return Spell(duration_s, 2, int(room % 2), 1.0, LeftAlone(answers=3, noisy=1, cuts=0))

    class Workers:
        def __init__(self, count: int) -> None:
            pass

        def __enter__(self) -> Callable[..., Future[Any]]:
            return self.submit

        def __exit__(self, *_: object) -> None:
            pass

        @staticmethod
        def submit(call: Callable[..., Any], *arguments: Any) -> Future[Any]:
            done: Future[Any] = Future()
            done.set_result(call(*arguments))
            return done

    monkeypatch.setattr(echo_recorded, "meet", met)
    monkeypatch.setattr(echo_recorded, "undisturbed", heard)
    monkeypatch.setattr(echo_recorded, "workers", Workers)
    monkeypatch.setattr(echo_recorded, "rehearse_answers", lambda: None)
    monkeypatch.setattr(echo_recorded, "library_cpu_ms_per_s", lambda: 60.0)
    return asked


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edgevoice", "bench", "echo", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)


def write_response(path: Path, *, seed: int) -> None:
    """Write a bursting balloon in a small room: silence, a crack, and a tail that fades over 200 ms."""
    soundfile = pytest.importorskip("soundfile")
    chance = np.random.default_rng(seed)
    tail = chance.standard_normal(9600) * np.exp(-np.arange(9600) / 1600) * 0.05
    soundfile.write(path, np.concatenate([np.zeros(480), [0.9], tail]), 48_000)
