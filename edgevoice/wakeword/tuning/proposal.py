"""Tuning: from the log of near misses to a threshold, and its expected effect. Pure.

The box never learns what it really heard. So a detection that led to an answer counts as a call, one that led to
nothing as a false wake, a near miss that was followed within seconds by a call as a missed call, and any other near
miss as a sound that must not wake it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from edgevoice.wakeword.tuning.intervals import Interval, rate, share
from edgevoice.wakeword.tuning.near_misses_log import ConversationOutcome, Detection, Entry, Listening, NearMiss

_DAY_S = 86_400.0

_SAID_AGAIN_S = 10.0
"""A person who was not heard soon says it again."""

_CONVERSATION_S = 5400.0
"""The longest session: by then the outcome of a detection is known."""

_LEAST_DAYS = 3.0
_LEAST_CALLS = 20
"""Fewer prove nothing: a threshold that misses one call in ten misses none of 20 one time in eight."""

_STEP = 0.05


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the log holds about one word: scores as (peak, held by two frames).

    ``calls`` were heard and answered, ``missed`` were calls that had to be repeated, ``false`` woke the box without a
    call, ``others`` nearly did. ``unknown`` detections are inconclusive, ``over_speech`` entries happened while the box
    spoke. Below ``floor`` nothing was logged.
    """

    days: float
    calls: tuple[tuple[float, float], ...] = ()
    missed: tuple[tuple[float, float], ...] = ()
    false: tuple[tuple[float, float], ...] = ()
    others: tuple[tuple[float, float], ...] = ()
    unknown: int = 0
    over_speech: int = 0
    floor: float = 0.0

    @property
    def wanted(self) -> tuple[tuple[float, float], ...]:
        """Return everything that should have woken the box."""
        return self.calls + self.missed

    @property
    def unwanted(self) -> tuple[tuple[float, float], ...]:
        """Return everything that should not."""
        return self.false + self.others


@dataclass(frozen=True, slots=True)
class Expected:
    """The expected effect of a threshold: false wakes per day, and the share of calls that are missed."""

    threshold: float
    false_wakes: Interval
    misses: Interval


@dataclass(frozen=True, slots=True)
class Proposal:
    """A threshold, beside the one in force; ``table`` has every step, lowest first."""

    proposed: Expected
    present: Expected
    table: tuple[Expected, ...]
    keeps_within: bool


def evidence_of(
    entries: Sequence[Entry], word: str, *, smoothing_frames: int = 1, models: str = "openwakeword"
) -> Evidence:
    """Sort the log's entries; from those with other smoothing or models, only the listening time counts."""
    days = sum(entry.listened_s for entry in entries) / _DAY_S
    ours = [each for each in entries if isinstance(each, Detection | ConversationOutcome) and each.word == word]
    scale = smoothing_frames, models
    usable = [
        each for each in ours if isinstance(each, ConversationOutcome) or (each.smoothing_frames, each.models) == scale
    ]
    sorted_out: dict[str, list[tuple[float, float]]] = {"calls": [], "missed": [], "false": [], "others": []}
    unknown = over_speech = 0
    floor = 0.0
    for number, entry in enumerate(usable):
        if isinstance(entry, ConversationOutcome):
            continue
        if entry.is_speaking:
            over_speech += 1
            continue
        floor = max(floor, entry.floor)
        kind = _kind_of(entry, usable[number + 1 :])
        if kind:
            sorted_out[kind].append((entry.peak, entry.held))
        else:
            unknown += 1
    by_kind = {name: tuple(scores) for name, scores in sorted_out.items()}
    return Evidence(days, **by_kind, unknown=unknown, over_speech=over_speech, floor=floor)


def _kind_of(entry: Detection, later: Sequence[Entry]) -> str:
    following = next((each for each in later if not isinstance(each, NearMiss)), None)
    if isinstance(entry, NearMiss):
        was_heard_then = following is not None and not isinstance(following, ConversationOutcome)
        return "missed" if was_heard_then and _between_s(entry, following) <= _SAID_AGAIN_S else "others"
    if not isinstance(following, ConversationOutcome) or _between_s(entry, following) > _CONVERSATION_S:
        return ""
    return "false" if following.is_dismissed or not following.turns or not following.answers else "calls"


def _between_s(entry: Listening, later: Listening | None) -> float:
    """Return the seconds between two entries; an invalid date, or a clock that was set, counts as infinite."""
    if later is None:
        return float("inf")
    try:
        seconds = (datetime.fromisoformat(later.at) - datetime.fromisoformat(entry.at)).total_seconds()
    except (ValueError, TypeError):
        return float("inf")
    return seconds if seconds >= 0 else float("inf")


def shortage(evidence: Evidence) -> str:
    """Return what is missing for a proposal; empty if there is enough evidence."""
    if evidence.days >= _LEAST_DAYS and len(evidence.wanted) >= _LEAST_CALLS:
        return ""
    return (
        f"too little to go by: {evidence.days:.1f} days of listening and {len(evidence.wanted)} calls; "
        f"it takes {_LEAST_DAYS:.0f} days and {_LEAST_CALLS} calls"
    )


def propose(evidence: Evidence, present: float, sure: float, *, most_false_wakes: float) -> Proposal:
    """Return the threshold with the fewest misses among those with at most this many false wakes a day.

    If several are equally good, the present one is returned, else the middle one, which has a margin on both sides. If
    all have more, ``keeps_within`` is false, and the one with the fewest false wakes is returned. Thresholds below the
    log's floor are left out, because it holds no evidence about them.
    """
    lowest = max(evidence.floor, _STEP)
    steps = {*(round(number * _STEP, 2) for number in range(1, 20)), present}
    seen = sorted(step for step in steps if step >= lowest) or [lowest]
    table = tuple(_expected(evidence, step, sure) for step in seen)
    good = [each for each in table if each.false_wakes.value <= most_false_wakes]
    keeps_within = bool(good)
    if keeps_within:
        best = min(each.misses.value for each in good)
        equals = [each for each in good if each.misses.value == best]
    else:
        fewest = min(each.false_wakes.value for each in table)
        equals = [each for each in table if each.false_wakes.value == fewest]
    kept = next((each for each in equals if each.threshold == present), equals[len(equals) // 2])
    return Proposal(kept, _expected(evidence, present, sure), table, keeps_within)


def _expected(evidence: Evidence, threshold: float, sure: float) -> Expected:
    def wakes(scores: tuple[float, float]) -> bool:
        peak, held = scores
        return held >= threshold or peak >= max(sure, threshold)

    false = sum(map(wakes, evidence.unwanted))
    missed = len(evidence.wanted) - sum(map(wakes, evidence.wanted))
    return Expected(threshold, rate(false, evidence.days), share(missed, len(evidence.wanted)))
