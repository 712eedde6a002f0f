"""A word over an answer that the service hears: how long it takes until silence, and each part of the way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from edgevoice.audio.microphone import Microphone
from edgevoice.core.notices import Notice, UplinkSent
from edgevoice.core.ports import Observer
from edgevoice.testbed.bench.cuts import CutSource, JudgedInterruption, Samples
from edgevoice.testbed.percentiles import p50_p95
from edgevoice.testbed.virtual import Tape

_PROBE_S = 0.3
_NEAR_S = 0.1
"""How much of a remark is looked for on the tape, and how far from where it was expected."""


@dataclass(frozen=True, slots=True)
class SentChunk:
    """Near-end samples ``first`` up to ``end``: when the card delivered the last of them, and when they were sent."""

    first: int
    end: int
    captured_s: float
    sent_s: float


@dataclass(frozen=True, slots=True)
class AtTheService:
    """When the service had heard a word, and when it said so; in monotonic seconds."""

    heard_s: float
    said_s: float


class Chunks(Observer):
    """Records every chunk of the uplink; ``microphone`` is to be set once the box is assembled."""

    def __init__(self) -> None:
        self.microphone: Microphone | None = None
        self._chunks: list[SentChunk] = []

    def observe(self, notice: Notice, now: float) -> None:
        """Record a chunk that was given to the link."""
        if isinstance(notice, UplinkSent) and self.microphone is not None:
            end = notice.first_sample + notice.samples
            self._chunks.append(SentChunk(notice.first_sample, end, self.microphone.called_at, now))

    def with_sample(self, number: int) -> SentChunk | None:
        """Return the chunk that a near-end sample was sent in."""
        return next((chunk for chunk in self._chunks if chunk.first <= number < chunk.end), None)


def onset_s(tape: Tape, said: Samples, about_s: float) -> float:
    """Return when the first sample of ``said`` reached the microphone, according to its tape, in monotonic seconds.

    A card plays what it is given from its next look at it on, so ``about_s`` is known to some 20 ms only.
    """
    rate_hz = tape.header.rate_hz
    begin = max(0, tape.frame_at(about_s - _NEAR_S))
    probe = said[: round(_PROBE_S * rate_hz)].astype(np.float64)
    heard = tape.samples(begin, begin + len(probe) + round(2 * _NEAR_S * rate_hz)).astype(np.float64)
    if len(heard) < len(probe):
        return about_s
    return tape.time_of(begin + int(np.argmax(np.correlate(heard, probe, "valid"))))


def way_to_silence(
    judged: Sequence[JudgedInterruption], chunks: Chunks, near_end: Tape, service: Mapping[int, AtTheService]
) -> dict[str, Any]:
    """Return the milliseconds from the first sound of a word until silence, and of each part of the way.

    ``captured`` lasts until the card has delivered the sound, ``sent`` until it is with the link, ``heard`` until the
    service has it and knows it for a word, ``said`` until its answer is written, ``decided`` until the box has read
    that, ``silent`` until the last sample. The same, busy, under ``loaded``.
    """
    figures: dict[str, Any] = {}
    for name, is_loaded in (("unloaded", False), ("loaded", True)):
        ones = [one for one in judged if one.cut.is_loaded is is_loaded]
        ways = [way for one in ones if (way := _way(one, chunks, near_end, service))]
        if ways:
            parts = {part: p50_p95([way[part] for way in ways]) for part in ways[0]}
            whole = [sum(way.values()) for way in ways]
            without = [sum(way.values()) - way["said"] for way in ways]
            figures[name] = {
                "heard": f"{len(ways)}/{len(ones)}",
                "silent_ms": {**p50_p95(whole), "max": round(max(whole), 1)},
                "without_the_service_ms": p50_p95(without),
                "parts_ms": parts,
            }
    return figures


def _way(
    one: JudgedInterruption, chunks: Chunks, near_end: Tape, service: Mapping[int, AtTheService]
) -> dict[str, float] | None:
    cut, there = one.cut, service.get(one.cut.number)
    if cut.source is not CutSource.SERVICE or cut.spoken_s is None or there is None:
        return None
    chunk = chunks.with_sample(near_end.frame_at(cut.spoken_s))
    if chunk is None:
        return None
    moments = (cut.spoken_s, chunk.captured_s, chunk.sent_s, there.heard_s, there.said_s, cut.decided_s)
    parts = ("captured", "sent", "heard", "said", "decided")
    steps_ms = [1000 * (after - before) for before, after in pairwise(moments)]
    return {**dict(zip(parts, steps_ms, strict=True)), "silent": one.silent_ms}
