"""Judge: turns the record of a soak into figures and broken promises. Pure: no clock, no files."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edgevoice.testbed.soak.record import Episode, FaultKind, Moment, Record, Rest
from edgevoice.testbed.soak.slope import Slope, slope_of

LISTENS_AGAIN_S = 10.0
LINK_BACK_S = 3.0
CARD_BACK_S = 2.0
GROWTH_MB_PER_HOUR = 1.0

_WATCHDOG_MARGIN_S = 2.0
"""What a busy machine may add to half the watchdog's period: systemd would wait for the whole period.

Beside an emulator it was fed after 4.0 s once, though the log has no stall of the loop.
"""

_WARM_UP_SHARE = 0.4
"""Share of the first rests in which memory may grow: what is loaded and allocated once is not a leak."""

_ALLOCATOR_MB = 1.0
"""How much memory may grow after the warm-up before it is called a leak.

Within ten minutes it was seen to settle by half of that, and glibc to return and reclaim 2.5 MB at a time.
"""

_LATEST = 3

_MOST_EXCUSED = 0.2
"""Share of the questions that the card itself may spoil; with more, the soak proves nothing."""


@dataclass(frozen=True, slots=True)
class SoakVerdict:
    """The report, ready for JSON, and each promise that was broken, as a sentence."""

    report: dict[str, object]
    failures: tuple[str, ...]


def judge(record: Record) -> SoakVerdict:
    """Judge a soak."""
    memory, growing = _memory(record)
    leaks, leaking = _leaks(record.rests)
    watchdog, late = _watchdog(record)
    recovery, deaf = _recovery(record.episodes)
    hearing, missed = _hearing(record)
    failures = (*record.troubles, *deaf, *missed, *growing, *leaking, *late)
    report: dict[str, object] = {
        "minutes": round((record.ended_s - record.began_s) / 60, 2),
        "seed": record.seed,
        "faults": len(record.episodes),
        "questions": hearing,
        "recovery_s": recovery,
        "memory": memory,
        "at_rest": leaks,
        "watchdog": watchdog,
        "xruns": record.samples[-1].xruns if record.samples else 0,
        "log": dict(sorted(record.log.items())),
        "rests": [_row(rest, record.began_s) for rest in record.rests],
        "failures": list(failures),
        "holds": not failures,
    }
    return SoakVerdict(report, failures)


def _recovery(episodes: Sequence[Episode]) -> tuple[dict[str, object], list[str]]:
    """Return the seconds from each fault's end until the box listened, by kind, and what took too long."""
    table: dict[str, object] = {}
    failures = []
    for kind in FaultKind:
        mine = [episode for episode in episodes if episode.kind is kind]
        waits_s = [wait_s for episode in mine if (wait_s := _wait_s(episode)) is not None]
        for episode in mine:
            wait_s = _wait_s(episode)
            if wait_s is None or wait_s > LISTENS_AGAIN_S:
                took = "never" if wait_s is None else f"only {wait_s:.1f} s later"
                failures.append(f"after {kind} ({episode.moment}) the box listened {took}")
        if mine:
            table[kind.value] = {"times": len(mine)} | _spread(waits_s)
    # A box at rest has no link: only a conversation shows how long it takes to get one back.
    links_s = [
        wait_s
        for episode in episodes
        if episode.kind is FaultKind.LINK_CUT and episode.moment is not Moment.AT_REST
        if (wait_s := _wait_s(episode)) is not None
    ]
    if links_s and np.percentile(links_s, 95) > LINK_BACK_S:
        failures.append(f"after a link cut it took {np.percentile(links_s, 95):.1f} s (p95), more than {LINK_BACK_S:g}")
    cards_s = [_wait_s(episode) for episode in episodes if episode.kind.takes_the_card]
    if slow := [wait_s for wait_s in cards_s if wait_s is not None and wait_s > CARD_BACK_S]:
        failures.append(f"a card that came back was used only {max(slow):.1f} s later, not within {CARD_BACK_S:g}")
    return table, failures


def _wait_s(episode: Episode) -> float | None:
    return None if episode.recovered_s is None else max(0.0, episode.recovered_s - episode.ended_s)


def _spread(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    p50, p95, most = (float(np.percentile(values, share)) for share in (50, 95, 100))
    return {"p50": round(p50, 2), "p95": round(p95, 2), "max": round(most, 2)}


def _hearing(record: Record) -> tuple[dict[str, object], list[str]]:
    """Return how many calls were heard and answered, and what was missed.

    Everything that is asked while there is no fault must be heard and answered: a box that is deaf for one conversation
    after a fault has failed its owner. The only excuse is that the card itself lost samples, and only for a small
    share.
    """
    asked = record.asked
    excused = [each for each in asked if each.is_excused and not each.is_answered]
    failures = []
    for each in asked:
        if each.is_answered or each.is_excused:
            continue
        missed = "was heard but not answered" if each.is_heard else "was not heard"
        failures.append(
            f"the question at {(each.at_s - record.began_s) / 60:.2f} min {missed}, although there was no fault"
        )
    if len(excused) > _MOST_EXCUSED * len(asked):
        failures.append(f"{len(excused)} of {len(asked)} questions met overflows of the card: the soak proves nothing")
    if not asked:
        failures.append("nothing was asked")
    if record.wakes > record.calls:
        failures.append(f"the box woke {record.wakes} times but was called {record.calls} times")
    report: dict[str, object] = {
        "asked": len(asked),
        "heard": sum(each.is_heard for each in asked),
        "answered": sum(each.is_answered for each in asked),
        "excused": len(excused),
        "called": record.calls,
        "woke": record.wakes,
    }
    return report, failures


def _memory(record: Record) -> tuple[dict[str, object], list[str]]:
    """Return the growth of the resident memory at rest, after the warm-up.

    It fails when growth beyond the limit is certain (the whole interval lies above it) and is more than an allocator's
    settling. So the smallest leak that can be found depends on the duration, and is reported. Also reported is whether
    growth below the limit is proved: within minutes it rarely can be.
    """
    rests = record.rests[int(_WARM_UP_SHARE * len(record.rests)) :]
    hours = [rest.sample.at_s / 3600 for rest in rests]
    slope = slope_of(hours, [rest.sample.rss_mb for rest in rests])
    span_h = hours[-1] - hours[0] if hours else 0.0
    anonymous = slope_of(hours, [rest.sample.anonymous_mb for rest in rests])
    report: dict[str, object] = {
        "rss_mb_first": round(record.rests[0].sample.rss_mb, 2) if record.rests else None,
        "rss_mb_last": round(record.rests[-1].sample.rss_mb, 2) if record.rests else None,
        "rss_slope_mb_per_hour": _slope_data(slope),
        "anonymous_slope_mb_per_hour": _slope_data(anonymous),
        "fitted_rests": len(rests),
        "fitted_minutes": round(60 * span_h, 1),
        "least_leak_found_mb_per_hour": round(max(GROWTH_MB_PER_HOUR, _ALLOCATOR_MB / span_h), 1) if span_h else None,
        "limit_is_proved": slope is not None and slope.high <= GROWTH_MB_PER_HOUR,
    }
    if slope is not None and slope.low > GROWTH_MB_PER_HOUR and slope.low * span_h > _ALLOCATOR_MB:
        return report, [f"memory grows by {slope.value:.1f} MB an hour (at least {slope.low:.1f})"]
    return report, []


def _row(rest: Rest, began_s: float) -> dict[str, float]:
    sample = rest.sample
    return {
        "minutes": round((sample.at_s - began_s) / 60, 2),
        "rss_mb": round(sample.rss_mb, 2),
        "anonymous_mb": round(sample.anonymous_mb, 2),
        "threads": sample.threads,
        "descriptors": sample.files,
        "tasks": rest.tasks,
    }


def _slope_data(slope: Slope | None) -> dict[str, float] | None:
    if slope is None:
        return None
    return {"slope": round(slope.value, 2), "low_95": round(slope.low, 2), "high_95": round(slope.high, 2)}


_COUNTED: dict[str, Callable[[Rest], int]] = {
    "threads": lambda rest: rest.sample.threads,
    "descriptors": lambda rest: rest.sample.files,
    "tasks": lambda rest: rest.tasks,
}


def _leaks(rests: Sequence[Rest]) -> tuple[dict[str, object], list[str]]:
    """Return the counts at rest; one leaks if its last minimum exceeds the maximum of the first third."""
    report: dict[str, object] = {"rests": len(rests)}
    failures = []
    if len(rests) < 2:
        return report, ["there were too few rests to look for leaks"]
    begin = max(1, len(rests) // 3)
    for name, count in _COUNTED.items():
        first = max(count(rest) for rest in rests[:begin])
        last = min(count(rest) for rest in rests[begin:][-_LATEST:])
        report[name] = {"first_third_most": first, "latest_least": last}
        if last > first:
            failures.append(f"{name} leak: {first} at rest in the beginning, {last} at the end")
    return report, failures


def _watchdog(record: Record) -> tuple[dict[str, object], list[str]]:
    """Return how regularly the watchdog was fed, including while the card is away and the box looks for it."""
    limit_s = record.watchdog_half_s + _WATCHDOG_MARGIN_S
    fed = [*record.fed, record.ended_s]
    worst_s = 0.0
    late = []
    for earlier, later in itertools.pairwise(fed):
        gap_s = later - earlier
        worst_s = max(worst_s, gap_s)
        if gap_s > limit_s:
            late.append(f"the watchdog was fed after {gap_s:.1f} s, not within {limit_s:g}")
    report: dict[str, object] = {
        "half_period_s": record.watchdog_half_s,
        "fed": len(record.fed),
        "longest_gap_s": round(worst_s, 2),
    }
    return report, (late[:1] if record.fed else ["the watchdog was never fed"])
