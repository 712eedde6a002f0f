"""The picture of a soak: memory, xruns, phases and recovery over time, with the faults marked."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgevoice.testbed.soak.box import PHASES
from edgevoice.testbed.soak.record import FaultKind, Record

_COLOURS = dict(zip(FaultKind, ("C0", "C1", "C2", "C3", "C4", "C5", "C6", "C7"), strict=True))


def draw(record: Record, place: Path) -> None:
    """Write the picture as PNG; needs matplotlib."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(4, 1, figsize=(14, 11), sharex=True, height_ratios=(3, 2, 2, 2))
    memory, counts, phases, recovery = axes
    minutes = [(sample.at_s - record.began_s) / 60 for sample in record.samples]
    memory.plot(minutes, [sample.rss_mb for sample in record.samples], color="0.2", linewidth=1, label="resident")
    memory.plot(minutes, [each.anonymous_mb for each in record.samples], color="0.6", linewidth=1, label="anonymous")
    at_rest = [(rest.sample.at_s - record.began_s) / 60 for rest in record.rests]
    memory.plot(at_rest, [rest.sample.rss_mb for rest in record.rests], "k.", markersize=5, label="at rest")
    memory.set_ylabel("memory, MB")
    memory.legend(loc="lower right", fontsize=8, ncols=3)
    counts.step(minutes, [sample.xruns for sample in record.samples], where="post", color="C3", label="xruns (sum)")
    counts.plot(minutes, [sample.threads for sample in record.samples], color="C0", linewidth=1, label="threads")
    counts.plot(minutes, [sample.files for sample in record.samples], color="C2", linewidth=1, label="descriptors")
    counts.plot(at_rest, [rest.tasks for rest in record.rests], "k.", markersize=5, label="tasks at rest")
    counts.legend(loc="upper left", fontsize=8, ncols=4)
    _draw_phases(phases, record)
    for episode in record.episodes:
        at = (episode.ended_s - record.began_s) / 60
        wait_s = max(0.0, (episode.recovered_s or episode.ended_s + 30) - episode.ended_s)
        recovery.plot(at, wait_s, "o" if episode.recovered_s else "X", color=_COLOURS[episode.kind])
    recovery.set_ylabel("listens again, s\nafter the fault's end")
    recovery.set_xlabel("minutes")
    _mark_faults(axes, record)
    figure.suptitle(f"edgevoice soak, seed {record.seed}: {len(record.episodes)} faults")
    figure.tight_layout()
    figure.savefig(place, dpi=100)
    plt.close(figure)


def _draw_phases(axis: Any, record: Record) -> None:
    known = [((at_s - record.began_s) / 60, PHASES.index(phase)) for at_s, phase in record.phases if phase in PHASES]
    ends = [*known[1:], ((record.ended_s - record.began_s) / 60, 0)]
    for (begin, phase), (end, _) in zip(known, ends, strict=False):
        axis.barh(phase, end - begin, left=begin, height=0.8, color="0.35" if phase else "0.8")
    troubled = [(at_s - record.began_s) / 60 for at_s, phase in record.phases if phase.startswith("fault")]
    axis.plot(troubled, [len(PHASES)] * len(troubled), "rv", markersize=5)
    axis.set_yticks(range(len(PHASES) + 1), [*PHASES, "fault light"], fontsize=8)


def _mark_faults(axes: Sequence[Any], record: Record) -> None:
    named = set()
    for episode in record.episodes:
        begin, end = ((at_s - record.began_s) / 60 for at_s in (episode.began_s, episode.ended_s))
        for axis in axes:
            # A jump has no duration: give it one that is visible.
            axis.axvspan(begin, max(end, begin + 0.02), color=_COLOURS[episode.kind], alpha=0.3, linewidth=0)
        named.add(episode.kind)
    marks = [
        axes[-1].plot([], [], "o", color=_COLOURS[kind], label=kind.value)[0] for kind in FaultKind if kind in named
    ]
    axes[-1].legend(handles=marks, loc="upper right", fontsize=8, ncols=4)
