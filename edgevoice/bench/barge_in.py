"""`edgevoice bench barge-in`: hundreds of cuts at random moments, judged by the tape of what the DAC emitted."""

import asyncio
import json
import random
import sys
import tempfile
import threading
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgevoice.bench.opponent import answer_audio, is_cut_by_service
from edgevoice.core.messages import (
    CutPlayback,
    LinkOpened,
    PlaybackCut,
    PlaybackStarted,
    TalkPressed,
    UserStartedSpeaking,
    WakeWordHeard,
)
from edgevoice.journal import start as start_journal
from edgevoice.realtime.endpoint import Endpoint, local
from edgevoice.stage.compare import find_on_tape
from edgevoice.stage.stage import Stage, set_stage
from edgevoice.stage.talker import rehearse, words

_TALK_GPIO = 23
_LIMIT_S = 20.0
_EVERY_NTH_BY_WAKE_WORD = 7
_SETTLED_S = 0.05
_CAUSES = (UserStartedSpeaking, TalkPressed, WakeWordHeard)


@dataclass(frozen=True, slots=True)
class Cut:
    """One interruption: when it was decided, what was reported as heard, and whether the box was under load."""

    number: int
    decided_s: float
    reported: PlaybackCut
    is_loaded: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """One interruption against the tape."""

    silent_ms: float
    heard_error_ms: float
    late_samples: int
    is_loaded: bool


def measure(cuts: int, *, as_json: bool) -> int:
    """Interrupt ``cuts`` answers, half of them under load, and print the figures; return the exit status."""
    start_journal("warning")
    with tempfile.TemporaryDirectory(prefix="edgevoice-bench-") as folder:
        try:
            report = asyncio.run(_hold(Path(folder), cuts, is_quiet=as_json))
        except ValueError as error:
            print(f"A cut cannot be judged: {error}. Run it again on a machine that is less busy.", file=sys.stderr)
            return 1
    print(json.dumps(report))
    return 0


async def _hold(folder: Path, cuts: int, *, is_quiet: bool) -> dict[str, object]:
    await rehearse("Hey Jarvis.")
    changes: dict[str, dict[str, Any]] = {"conversation": {"session_s": 5400}}
    async with _opponent(folder) as endpoint, set_stage(folder, changes=changes, endpoint=lambda: endpoint) as stage:
        done = await _interrupt(stage, cuts, is_quiet=is_quiet)
        await asyncio.sleep(0.5)
        judged = _judge(stage, done)
        xruns = sum(tape.header.xruns for tape in stage.card.far_end_tapes)
    wrong = _wrong_truncates(folder / "book.jsonl", done)
    return {
        "cuts": len(judged),
        **_figures([one for one in judged if not one.is_loaded]),
        "loaded": _figures([one for one in judged if one.is_loaded]),
        "truncates_wrong": wrong,
        "xruns": xruns,
    }


async def _interrupt(stage: Stage, cuts: int, *, is_quiet: bool) -> list[Cut]:
    chance = random.Random(1)
    stage.pins.press(_TALK_GPIO)
    stage.pins.release(_TALK_GPIO)
    await stage.seen.wait_for(LinkOpened, "the session's opening", _LIMIT_S)
    done: list[Cut] = []
    for number in range(1, cuts + 1):
        is_loaded = number > cuts // 2
        with _busy_thread() if is_loaded else _nothing():
            done.append(await _one_cut(stage, number, chance, is_loaded=is_loaded))
        if not is_quiet and number % 20 == 0:
            print(f"{number} cuts", file=sys.stderr)
    return done


async def _one_cut(stage: Stage, number: int, chance: random.Random, *, is_loaded: bool) -> Cut:
    seen = stage.seen
    await seen.wait_for(PlaybackStarted, f"answer {number}", _LIMIT_S)
    if not is_cut_by_service(number):
        await asyncio.sleep(chance.uniform(0.2, 0.7))
        if number % _EVERY_NTH_BY_WAKE_WORD == 0:
            stage.card.speak(np.concatenate([words("Hey Jarvis."), np.zeros(4000, np.int16)]))
        else:
            stage.pins.press(_TALK_GPIO)
            stage.pins.release(_TALK_GPIO)
    cut_s, _ = await seen.wait_for(CutPlayback, f"cut {number}", _LIMIT_S)
    # The cut is the first order after the fact that caused it.
    decided_s = next(
        note.at_s for note in reversed(seen.notes) if note.at_s <= cut_s and isinstance(note.notice, _CAUSES)
    )
    _, reported = await seen.wait_for(PlaybackCut, f"the report of cut {number}", _LIMIT_S)
    return Cut(number, decided_s, reported, is_loaded)


def _judge(stage: Stage, done: Sequence[Cut]) -> list[Judged]:
    tape = stage.card.far_end
    samples = tape.samples()
    judged = []
    for cut in done:
        at = tape.frame_at(cut.decided_s)
        sounding = np.flatnonzero(samples[at : at + tape.header.rate_hz])
        gaps = np.flatnonzero(np.diff(sounding) > _SETTLED_S * tape.header.rate_hz)
        last = sounding[gaps[0]] if len(gaps) else sounding[-1]
        found = find_on_tape(samples, answer_audio(cut.number), max(0, at - 4 * tape.header.rate_hz))
        (item,) = cut.reported.items
        error_ms = item.heard_ms - found.samples * 1000 / tape.header.rate_hz
        judged.append(Judged(1000 * int(last) / tape.header.rate_hz, error_ms, found.late, cut.is_loaded))
    return judged


def _wrong_truncates(book: Path, done: Sequence[Cut]) -> int:
    """Count answers of which the service was not told once, by one truncation, what was reported as heard."""
    told = {entry["number"]: entry["told"] for entry in map(json.loads, book.read_text().splitlines())}
    wrong = 0
    for cut in done:
        (item,) = cut.reported.items
        truncates = [event for event in told.get(cut.number, []) if event["type"] != "response.cancel"]
        expected = {
            "type": "conversation.item.truncate",
            "item_id": f"item_{cut.number}",
            "content_index": 0,
            "audio_end_ms": item.heard_ms,
        }
        wrong += truncates != [expected] or item.heard_ms > item.received_ms
    return wrong


def _figures(judged: Sequence[Judged]) -> dict[str, Any]:
    silent = [one.silent_ms for one in judged]
    return {
        "silent_ms": {
            "p50": round(float(np.percentile(silent, 50)), 1),
            "p95": round(float(np.percentile(silent, 95)), 1),
            "max": round(max(silent), 1),
        },
        "heard_error_ms": {"max": round(max(abs(one.heard_error_ms) for one in judged), 3)},
        "late_samples_heard": sum(one.late_samples for one in judged),
    }


@asynccontextmanager
async def _opponent(folder: Path) -> AsyncIterator[Endpoint]:
    socket = folder / "opponent.sock"
    command = [sys.executable, "-m", "edgevoice.bench.opponent", str(socket), str(folder / "book.jsonl"), "1"]
    child = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    try:
        if child.stdout is not None:
            await child.stdout.readline()
        yield local(socket, _nothing_to_prepare)
    finally:
        child.terminate()
        await child.wait()


async def _nothing_to_prepare() -> None:
    """Prepare nothing: the opponent runs already."""


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _busy_thread() -> Iterator[None]:
    """Keep the interpreter busy from a second thread, as a tool that computes would."""
    stop = threading.Event()

    def spin() -> None:
        while not stop.is_set():
            sum(range(1000))

    thread = threading.Thread(target=spin, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
