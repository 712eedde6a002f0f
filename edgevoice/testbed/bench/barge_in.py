"""`edgevoice bench barge-in`: hundreds of cuts at random moments, judged by the tape of the DAC's output."""

import asyncio
import json
import random
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edgevoice import children
from edgevoice.audio.microphone import PERIOD
from edgevoice.core.facts import (
    LinkOpened,
    NearSpeechConfirmed,
    PlaybackCut,
    PlaybackStarted,
    TalkPressed,
    UserStartedSpeaking,
    WakeWordHeard,
)
from edgevoice.core.orders import CutPlayback
from edgevoice.journal import start as start_journal
from edgevoice.realtime.endpoint import Endpoint, local
from edgevoice.testbed.bench.click import click_db
from edgevoice.testbed.bench.cuts import Cut, CutSource, JudgedInterruption, Samples, by_local_speech, figures
from edgevoice.testbed.bench.opponent import ANSWER_S, LESSONS, PAUSE_S, answer_audio
from edgevoice.testbed.bench.resumed import false_cuts, figures_of
from edgevoice.testbed.bench.service_hears import AtTheService, Chunks, onset_s, way_to_silence
from edgevoice.testbed.bench.shown import show
from edgevoice.testbed.stage.compare import find_on_tape
from edgevoice.testbed.stage.events import StepMissed
from edgevoice.testbed.stage.stage import Stage, set_stage
from edgevoice.testbed.stage.talker import rehearse, words
from edgevoice.testbed.virtual import AcousticPath, Tape
from edgevoice.testbed.virtual.room import synthetic_response

_TALK_GPIO = 23
_LIMIT_S = 20.0
_SETTLED_S = 0.05
_LESSON_S = 6.0
_HEARD_WITHIN_S = 4.0
_DUCKED = 10 ** (-10 / 20)
_ENVELOPE = 240
_WAKE_WORD = "Hey Jarvis."
_OBJECTIONS = ("No, stop it please.", "Wait a moment.", "That is enough.", "What about tomorrow?", "Okay, thank you.")

_ROOM_MS = 30.0
"""Delay of the box's own echo where speech interrupts: the card, and air."""


_CAUSES: dict[type, CutSource] = {
    UserStartedSpeaking: CutSource.SERVICE,
    NearSpeechConfirmed: CutSource.LOCAL_SPEECH,
    WakeWordHeard: CutSource.WAKE_WORD,
    TalkPressed: CutSource.BUTTON,
}


@dataclass(frozen=True, slots=True)
class _Act:
    """A part of the benchmark: a box of one echo tier, and who interrupts it.

    Every ``every_nth`` answer is interrupted by ``seldom``, the others by ``often``; without a room there is no echo.
    A service that ``listens`` interrupts when it hears somebody speak, otherwise at random moments.
    """

    tier: str
    often: CutSource
    seldom: CutSource
    every_nth: int
    room: AcousticPath | None = None
    listens: bool = False


@dataclass(slots=True)
class _Result:
    """What one half, or all of it, has shown; ``way`` is that of words that the service heard."""

    judged: list[JudgedInterruption] = field(default_factory=list)
    backends: set[str] = field(default_factory=set)
    wrong: int = 0
    xruns: int = 0
    way: dict[str, Any] = field(default_factory=dict)


def measure(cuts: int, *, as_json: bool) -> int:
    """Interrupt ``cuts`` answers, half of them under load, and print the figures; return the exit status."""
    start_journal("warning")
    with tempfile.TemporaryDirectory(prefix="edgevoice-bench-") as folder:
        try:
            report = asyncio.run(_hold(Path(folder), cuts, is_quiet=as_json))
        except ValueError as error:
            print(
                f"A cut cannot be judged: {error}. Run the benchmark again on a machine that is less busy.",
                file=sys.stderr,
            )
            return 1
    show(report, as_json=as_json)
    return 0


async def _hold(folder: Path, cuts: int, *, is_quiet: bool) -> dict[str, object]:
    await rehearse(_WAKE_WORD, *_OBJECTIONS)
    room = AcousticPath(synthetic_response(1, gain_db=-12), _ROOM_MS)
    acts = (
        (_Act("suppressor", CutSource.LOCAL_SPEECH, CutSource.SERVICE, 2, room), cuts // 2),
        (_Act("none", CutSource.BUTTON, CutSource.WAKE_WORD, 4), cuts // 4),
        (_Act("hardware", CutSource.SERVICE, CutSource.SERVICE, 1, listens=True), cuts - cuts // 2 - cuts // 4),
    )
    result = _Result()
    for number, (act, share) in enumerate(acts):
        if not share:
            continue
        place = folder / str(number)
        await asyncio.to_thread(place.mkdir)
        await _play(act, place, share, result, is_quiet=is_quiet)
    judged, false = result.judged, cuts // 8
    resumed = await _play_false_cuts(folder, room, false) if false > 1 else {}
    return {
        "backend": " and ".join(sorted(result.backends)),
        "cuts": len(judged),
        "unjudged": cuts - len(judged),
        **figures([one for one in judged if not one.cut.is_loaded]),
        "loaded": figures([one for one in judged if one.cut.is_loaded]),
        "sources": {source: sum(one.cut.source is source for one in judged) for source in CutSource},
        "local_speech": by_local_speech(judged),
        "speech_at_the_service": result.way,
        "resumed_ms": resumed,
        "truncates_wrong": result.wrong,
        "xruns": result.xruns,
    }


async def _play(act: _Act, folder: Path, cuts: int, result: _Result, *, is_quiet: bool) -> None:
    """Run one part; add what it has shown to ``result``."""
    # The opponent detects no speech, or reports no words: every cut would be a false one.
    changes = _changes(act.tier, "stop")
    every_nth = act.every_nth if act.seldom is CutSource.SERVICE else 0
    chunks = Chunks()
    async with (
        _opponent(folder, every_nth, _first_loaded(act, cuts), listens=act.listens) as endpoint,
        set_stage(folder, changes=changes, endpoint=lambda: endpoint, room=act.room, observers=(chunks,)) as stage,
    ):
        chunks.microphone = stage.parts.microphone
        done = await _interrupt(stage, act, cuts, is_quiet=is_quiet)
        result.backends.add(stage.parts.speaker.backend)
        # Until the opponent has recorded the last answer, too.
        await asyncio.sleep(PAUSE_S + 0.5)
        tapes, near_end = stage.card.far_end_tapes, stage.card.near_end
        judged = await asyncio.to_thread(_judge, tapes, near_end, done)
        result.judged += judged
        result.xruns += sum(tape.header.xruns for tape in tapes)
    book = await asyncio.to_thread(_entries, folder / "book.jsonl")
    result.wrong += _wrong_truncates(book, done)
    if act.listens:
        there = {
            entry["number"]: AtTheService(entry["heard_s"], entry["said_s"]) for entry in book if "said_s" in entry
        }
        result.way = way_to_silence(judged, chunks, near_end, there)


def _entries(book: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in book.read_text().splitlines()]


def _changes(tier: str, false_interruption: str) -> dict[str, dict[str, Any]]:
    return {
        "budget": {"session_s": 5400},
        "conversation": {"no_speech_s": 20, "false_interruption": false_interruption},
        "echo": {"tier": tier},
    }


async def _play_false_cuts(folder: Path, room: AcousticPath, cuts: int) -> dict[str, Any]:
    """Cut answers by speech that the service does not hear; return when they resumed."""
    place, changes = folder / "resumed", _changes("suppressor", "resume")
    await asyncio.to_thread(place.mkdir)
    async with (
        _opponent(place, 0, 10_000, listens=False) as endpoint,
        set_stage(place, changes=changes, endpoint=lambda: endpoint, room=room) as stage,
    ):
        await _begin(stage, LESSONS)
        interrupt = partial(_speak, stage, CutSource.LOCAL_SPEECH, random.Random(3))
        done = await false_cuts(stage, 1 + LESSONS, cuts, interrupt=interrupt, press=lambda: _press(stage))
        return await asyncio.to_thread(figures_of, done, stage.card.far_end)


async def _interrupt(stage: Stage, act: _Act, cuts: int, *, is_quiet: bool) -> list[Cut]:
    chance = random.Random(1)
    lessons = _lessons(act)
    await _begin(stage, lessons)
    first = 1 + lessons
    done: list[Cut] = []
    for number in range(first, first + cuts):
        is_loaded = number >= _first_loaded(act, cuts)
        source = act.seldom if number % act.every_nth == 0 else act.often
        with _busy_thread() if is_loaded else nullcontext():
            cut = await _one_cut(stage, number, source, chance, is_loaded=is_loaded, speaks=act.listens)
            done.append(cut)
        if not is_quiet and len(done) % 20 == 0:
            print(f"{act.tier}: {len(done)} cuts", file=sys.stderr)
    return done


async def _begin(stage: Stage, lessons: int) -> None:
    """Open a session, and let the box learn its room from the first answers."""
    # An idle box has been watching its clocks for minutes, not for a second.
    await asyncio.sleep(5)
    _press(stage)
    await stage.seen.wait_for(LinkOpened, "the opening of the session", _LIMIT_S)
    # In its first seconds the box learns the room from its own voice.
    for number in range(1, 1 + lessons):
        await stage.seen.wait_for(PlaybackStarted, f"answer {number}", _LIMIT_S)
        await asyncio.sleep(_LESSON_S)
        _press(stage)
        await stage.seen.wait_for(PlaybackCut, f"the end of answer {number}", _LIMIT_S)


def _lessons(act: _Act) -> int:
    return LESSONS if act.room is not None or act.listens else 0


def _first_loaded(act: _Act, cuts: int) -> int:
    """Return the number of the first answer that is interrupted under load."""
    return 1 + _lessons(act) + cuts // 2


async def _one_cut(
    stage: Stage, number: int, source: CutSource, chance: random.Random, *, is_loaded: bool, speaks: bool
) -> Cut:
    seen = stage.seen
    await seen.wait_for(PlaybackStarted, f"answer {number}", _LIMIT_S)
    spoken: float | None = None
    said: Samples | None = None
    if speaks or source is not CutSource.SERVICE:
        await asyncio.sleep(chance.uniform(0.2, 0.7))
        if source is CutSource.BUTTON:
            _press(stage)
        else:
            spoken, said = _speak(stage, source, chance, number)
    is_unheard = False
    try:
        limit_s = _HEARD_WITHIN_S if source is CutSource.LOCAL_SPEECH else _LIMIT_S
        cut_s, _ = await seen.wait_for(CutPlayback, f"cut {number} by {source}", limit_s)
    except StepMissed:
        if source is not CutSource.LOCAL_SPEECH:
            raise
        is_unheard = True
        _press(stage)
        cut_s, _ = await seen.wait_for(CutPlayback, f"cut {number} by the button instead", _LIMIT_S)
    # The cut is the first action after the event that caused it.
    decided_s, cause = next(
        (note.at_s, _CAUSES[type(note.notice)])
        for note in reversed(seen.notes)
        if note.at_s <= cut_s and type(note.notice) in _CAUSES
    )
    _, reported = await seen.wait_for(PlaybackCut, f"the report of cut {number}", _LIMIT_S)
    await asyncio.sleep(stage.card.unheard_s)
    return Cut(number, cause, decided_s, reported, is_loaded, spoken, is_unheard, said)


def _speak(stage: Stage, source: CutSource, chance: random.Random, number: int) -> tuple[float, Samples]:
    """Have a talker interrupt; return about when their first sound is due at the microphone, and what they say."""
    said = words(_WAKE_WORD if source is CutSource.WAKE_WORD else _OBJECTIONS[number % len(_OBJECTIONS)])
    # The card plays speech from the next period on: the lead makes sure that its first sound is heard whole, and that
    # it comes anywhere in a period.
    lead = np.zeros(1600 + chance.randrange(PERIOD), np.int16)
    tape = stage.card.near_end
    heard = tape.frame_at(asyncio.get_running_loop().time())
    stage.card.speak(np.concatenate([lead, said, np.zeros(4000, np.int16)]))
    return tape.time_of(heard + len(lead)), said


def _press(stage: Stage) -> None:
    stage.pins.press(_TALK_GPIO)
    stage.pins.release(_TALK_GPIO)


def _judge(tapes: Sequence[Tape], near_end: Tape, done: Sequence[Cut]) -> list[JudgedInterruption]:
    # A stream that died because the machine was too busy continues on another tape.
    spools = [(tape.time_of(0), tape, tape.samples()) for tape in tapes]
    judged = []
    for interruption in done:
        cut = _as_heard(interruption, near_end)
        _, tape, samples = max((each for each in spools if each[0] <= cut.decided_s), key=lambda each: each[0])
        try:
            judged.append(_judge_one(cut, tape, samples))
        except ValueError as error:
            # The stream died in the middle of it: reported, not counted.
            print(f"cut {cut.number} by {cut.source} cannot be judged: {error}", file=sys.stderr)
    return judged


def _as_heard(cut: Cut, near_end: Tape) -> Cut:
    """Return it with the moment at which the speech did reach the microphone."""
    if cut.spoken_s is None or cut.said is None:
        return cut
    return replace(cut, spoken_s=onset_s(near_end, cut.said, cut.spoken_s))


def _judge_one(cut: Cut, tape: Tape, samples: Samples) -> JudgedInterruption:
    rate_hz = tape.header.rate_hz
    at = tape.frame_at(cut.decided_s)
    sounding = np.flatnonzero(samples[at : at + rate_hz])
    if not len(sounding):
        raise ValueError("the answer was silent already")
    gaps = np.flatnonzero(np.diff(sounding) > _SETTLED_S * rate_hz)
    last = at + int(sounding[gaps[0]] if len(gaps) else sounding[-1])
    found = find_on_tape(samples, answer_audio(cut.number), max(0, at - round((ANSWER_S + 1) * rate_hz)))
    emitted = samples[max(0, last + 1 - found.samples) : last + 1]
    received = answer_audio(cut.number)[found.samples - len(emitted) : found.samples]
    if not received.any():
        raise ValueError("nothing of the answer was emitted")
    (item,) = cut.reported.items
    ducked_ms = yielded_ms = None
    if cut.source is CutSource.LOCAL_SPEECH and cut.spoken_s is not None:
        spoken = tape.frame_at(cut.spoken_s)
        yielded_ms = 1000 * (last - spoken) / rate_hz
        if spoken < at:
            ducked_ms = _first_soft(samples[spoken : last + _ENVELOPE]) * 1000 / rate_hz
    return JudgedInterruption(
        cut,
        silent_ms=1000 * (last - at) / rate_hz,
        heard_error_ms=found.error_ms(item.heard_ms),
        late_samples=found.late,
        click_db=click_db(emitted, received, rate_hz),
        ducked_ms=ducked_ms,
        yielded_ms=yielded_ms,
    )


def _first_soft(samples: Samples) -> int:
    """Return after how many samples the answer, noise of constant level, is 10 dB softer than at its start."""
    power = np.convolve(samples.astype(np.float64) ** 2, np.ones(_ENVELOPE) / _ENVELOPE, "valid")
    soft = np.flatnonzero(power < power[0] * _DUCKED**2)
    return int(soft[0]) + _ENVELOPE if len(soft) else len(samples)


def _wrong_truncates(book: Sequence[dict[str, Any]], done: Sequence[Cut]) -> int:
    """Count answers whose heard part was not sent to the service exactly once, by one matching truncation."""
    told = {entry["number"]: entry["told"] for entry in book}
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
        if truncates != [expected] or item.heard_ms > item.received_ms:
            wrong += 1
            print(f"cut {cut.number} by {cut.source}: sent {truncates}, not {expected}", file=sys.stderr)
    return wrong


@asynccontextmanager
async def _opponent(folder: Path, every_nth: int, loaded_from: int, *, listens: bool) -> AsyncIterator[Endpoint]:
    socket = folder / "opponent.sock"
    arguments = map(str, (socket, folder / "book.jsonl", 1, every_nth, loaded_from, int(listens)))
    child = await children.start(children.python("edgevoice.testbed.bench.opponent", *arguments))
    try:
        if child.stdout is not None:
            await child.stdout.readline()
        yield local(socket)
    finally:
        await children.end(child)


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
