"""`edgevoice bench wakeword`: our engine and the library's on the same sound, each in its own process."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgevoice.errors import WakeWordUnavailable
from edgevoice.testbed.bench.shown import show
from edgevoice.testbed.stage.talker import words as speech_of
from edgevoice.wakeword.models.present import find_model, words_present
from edgevoice.wakeword.models.shapes import FRAME, RATE_HZ
from edgevoice.wakeword.scorer import require_library

_THRESHOLD = 0.5
_SLICE_FRAMES = 125
"""10 s of sound: the engines take turns, so that both meet the same load of the machine."""

_SLICES = 12
_YARDSTICK_SLICES = 5
_RESET_EVERY = 4
_SAID = ("Hey Jarvis.", "What time is it?", "Set a timer for ten minutes.", "Alexa.", "The service was rather slow.")
_Samples = npt.NDArray[np.int16]


class _Engine:
    """An engine in a child process."""

    def __init__(self, child: "subprocess.Popen[str]") -> None:
        self._child = child
        self.load_s = self._read()["load_s"]

    def score(self, first: int, last: int) -> dict[str, Any]:
        """Score frames ``first`` to ``last``; return the CPU time, the memory and the scores."""
        self._send(f"{first} {last}")
        return self._read()

    def reset(self) -> None:
        """Reset the engine's state."""
        self._send("reset")

    def _send(self, line: str) -> None:
        if self._child.stdin is not None:
            self._child.stdin.write(f"{line}\n")
            self._child.stdin.flush()

    def _read(self) -> dict[str, Any]:
        line = self._child.stdout.readline() if self._child.stdout is not None else ""
        if not line:
            raise WakeWordUnavailable("an engine ended unexpectedly; its own output is above")
        answer: dict[str, Any] = json.loads(line)
        return answer


@dataclass(slots=True)
class _Tally:
    """What one engine used for each slice, and the scores."""

    cpu_s: list[float] = field(default_factory=list)
    scores: list[list[float]] = field(default_factory=list)
    rss_mb: float = 0.0

    def take(self, answer: dict[str, Any]) -> None:
        self.cpu_s.append(answer["cpu_s"])
        self.scores += answer["scores"]
        self.rss_mb = max(self.rss_mb, answer["rss_mb"])

    def cpu_ms_per_s(self) -> float:
        """Return the median over the slices, in milliseconds of CPU time for each second of sound."""
        return float(np.median(self.cpu_s)) * 1000 / (_SLICE_FRAMES * FRAME / RATE_HZ)


def measure(*, as_json: bool) -> int:
    """Run both engines with one word and with four, and print the figures; return the exit status."""
    require_library()
    names = sorted(words_present(), key=lambda name: name != "hey_jarvis")
    with tempfile.TemporaryDirectory(prefix="edgevoice-bench-") as folder:
        sound, silence = Path(folder) / "sound.npy", Path(folder) / "silence.npy"
        np.save(sound, _sound())
        np.save(silence, np.random.default_rng(9).integers(-8, 9, _SLICES * _SLICE_FRAMES * FRAME, np.int16))
        report = _compare(sound, names[:1])
        report["gate"] = _gated(sound, silence, names[:1])
        _remark(report, "one word", is_quiet=as_json)
        four = _compare(sound, names[:4])
        _remark(four, f"{len(names[:4])} words", is_quiet=as_json)
        report["four_words"] = {"words": len(names[:4])} | four
    show(report, as_json=as_json)
    return 0


def library_cpu_ms_per_s() -> float:
    """Return what openWakeWord's own engine costs on this machine now: milliseconds of CPU per second of sound.

    A yardstick for other figures: machines differ by a factor of three in speed, and so does one machine from hour to
    hour; the ratio of a cost to this one does not.
    """
    tally = _Tally()
    with tempfile.TemporaryDirectory(prefix="edgevoice-bench-") as folder:
        sound = Path(folder) / "sound.npy"
        np.save(sound, _sound())
        with _engine("openwakeword", "off", sound, ["hey_jarvis"]) as library:
            for number in range(_YARDSTICK_SLICES):
                tally.take(library.score(number * _SLICE_FRAMES, (number + 1) * _SLICE_FRAMES))
    return round(tally.cpu_ms_per_s(), 2)


def _remark(report: dict[str, Any], words: str, *, is_quiet: bool) -> None:
    if not is_quiet:
        ours, theirs = report["cpu_ms_per_s"], report["library_cpu_ms_per_s"]
        print(f"{words}: {ours} ms of CPU per second of sound, the library {theirs}", file=sys.stderr)


def _compare(sound: Path, names: Sequence[str]) -> dict[str, Any]:
    ours, theirs = _Tally(), _Tally()
    with (
        _engine("streaming", "off", sound, names) as streaming,
        _engine("openwakeword", "off", sound, names) as library,
    ):
        for number in range(_SLICES):
            if number % _RESET_EVERY == 0:
                streaming.reset()
                library.reset()
            place = number * _SLICE_FRAMES, (number + 1) * _SLICE_FRAMES
            ours.take(streaming.score(*place))
            theirs.take(library.score(*place))
        load_s = streaming.load_s
    one, other = np.array(ours.scores), np.array(theirs.scores)
    return {
        "cpu_ms_per_s": round(ours.cpu_ms_per_s(), 2),
        "library_cpu_ms_per_s": round(theirs.cpu_ms_per_s(), 2),
        # Slice by slice, because a change of load lasts for several of them.
        "ratio": round(float(np.median(np.divide(ours.cpu_s, theirs.cpu_s))), 3),
        "max_score_difference": float(f"{np.abs(one - other).max():.2g}"),
        "disagreements": int(((one >= _THRESHOLD) != (other >= _THRESHOLD)).sum()),
        "frames_over_threshold": int((other >= _THRESHOLD).sum()),
        "rss_mb": ours.rss_mb,
        "library_rss_mb": theirs.rss_mb,
        "load_s": round(load_s, 2),
    }


def _gated(sound: Path, silence: Path, names: Sequence[str]) -> dict[str, Any]:
    """Measure the gate in a silent room, and whether it misses a word in a room where people speak."""
    with ExitStack() as engines:
        quiet, tally = engines.enter_context(_engine("streaming", "energy", silence, names)), _Tally()
        # The first slice is left out: the gate is open until it has learned the room.
        quiet.score(0, _SLICE_FRAMES)
        for number in range(1, _SLICES):
            tally.take(quiet.score(number * _SLICE_FRAMES, (number + 1) * _SLICE_FRAMES))
        gated = engines.enter_context(_engine("streaming", "energy", sound, names))
        free = engines.enter_context(_engine("streaming", "off", sound, names))
        last = _SLICES * _SLICE_FRAMES
        one, other = (np.array(engine.score(0, last)["scores"]) for engine in (gated, free))
    return {
        "cpu_ms_per_s_in_silence": round(tally.cpu_ms_per_s(), 2),
        "disagreements": int(((one >= _THRESHOLD) != (other >= _THRESHOLD)).sum()),
    }


@contextmanager
def _engine(engine: str, gate: str, sound: Path, names: Sequence[str]) -> Iterator[_Engine]:
    models = [str(find_model(name)) for name in names]
    command = [sys.executable, "-P", "-m", "edgevoice.testbed.bench.wakeword_engine", engine, gate, str(sound), *models]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0)
    try:
        yield _Engine(child)
    finally:
        child.communicate()


def _sound() -> _Samples:
    """Return 120 s of speech with wake words, in rooms of different noise, with silences and steps between."""
    chance = np.random.default_rng(6)
    length = _SLICES * _SLICE_FRAMES * FRAME
    pieces: list[_Samples] = []
    while sum(map(len, pieces)) < length:
        for text in _SAID:
            spoken = speech_of(text) * chance.uniform(0.1, 1.0)
            noise = chance.normal(0, chance.choice([2, 20, 200]), len(spoken) + RATE_HZ // 2)
            noise[: len(spoken)] += spoken
            pieces += [np.clip(noise, -32768, 32767).astype(np.int16), np.zeros(RATE_HZ // 3, np.int16)]
        pieces.append(chance.integers(-4000, 4000, RATE_HZ, np.int16))
    return np.concatenate(pieces)[:length]
