"""The metrics of the running box, in Prometheus' text format, written to a file every few seconds.

For node_exporter's textfile collector: the box itself opens no port.
"""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from edgevoice.core.notices import AudioReceived, Notice, UplinkSent
from edgevoice.core.ports import Observer, Report
from edgevoice.errors import StorageUnavailable
from edgevoice.integrations.metrics.counts import Counts
from edgevoice.store.files import write_whole

NAME: Final = "edgevoice.prom"

_BUCKETS_S: Final = (0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0)
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Gauges:
    """What is read of the parts when the file is written; each counts from the start of the box.

    ``drops``: how much each bounded queue has dropped, by its name. ``clock`` is that of the observers.
    """

    version: str
    clock: Callable[[], float]
    xruns: Callable[[], int] = lambda: 0
    near_misses: Callable[[], int] = lambda: 0
    minutes_today: Callable[[], float] = lambda: 0.0
    drops: Mapping[str, Callable[[], float]] = field(default_factory=dict)


class MetricsFile(Observer, Collector):
    """An observer that counts, and writes what it has counted to ``place`` every ``every_s`` seconds."""

    def __init__(self, place: Path, every_s: float, gauges: Gauges) -> None:
        self._place = place
        self._every_s = every_s
        self._gauges = gauges
        self._counts = Counts()
        self._registry = CollectorRegistry(auto_describe=False)
        self._silent_after = Histogram(
            "edgevoice_silent_after_seconds",
            "From the first sign of an interruption to the last sample that the sound card was given.",
            registry=self._registry,
            buckets=_BUCKETS_S,
        )
        self._registry.register(self)

    def observe(self, notice: Notice, now: float) -> None:
        """Count what happened."""
        if not isinstance(notice, AudioReceived | UplinkSent):
            self._counts.observe(notice, now)

    async def run(self, report: Report) -> None:  # noqa: ARG002 - it reports nothing
        """Write the file until cancelled, and remove it then: old numbers would look like a box that idles.

        Raises ``StorageUnavailable``.
        """
        try:
            while True:
                self.write()
                await asyncio.sleep(self._every_s)
        finally:
            self._place.unlink(missing_ok=True)

    def write(self) -> None:
        """Write the file now. The runtime folder is in memory, so this takes a millisecond."""
        for seconds in self._counts.barge_ins.take_silent_after():
            self._silent_after.observe(seconds)
        try:
            write_whole(self._place, generate_latest(self._registry))
            self._place.chmod(0o644)
        except OSError as error:
            raise StorageUnavailable.of(f"{self._place} cannot be written", error) from error

    def collect(self) -> Iterator[Metric]:
        """Yield everything but the histogram, for the library."""
        counts, gauges = self._counts, self._gauges
        barge_ins = {source.value: count for source, count in counts.barge_ins.by_source.items()}
        yield _labelled("edgevoice_wakes", "Detections of a wake word.", "word", counts.wakes)
        yield _labelled("edgevoice_barge_ins", "Answers that somebody interrupted.", "source", barge_ins)
        yield _labelled("edgevoice_tool_calls", "Calls of tools.", "tool", counts.tool_calls)
        yield _labelled("edgevoice_tokens", "Tokens, as the service counts them.", "kind", counts.tokens)
        drops = {name: read() for name, read in gauges.drops.items()}
        yield _labelled("edgevoice_dropped", "What bounded queues have dropped.", "queue", drops)
        texts = {
            "turns": "Turns of a user that ended.",
            "reconnects": "Sessions that were opened again after the connection was lost.",
        }
        for name, text in texts.items():
            yield CounterMetricFamily(f"edgevoice_{name}", text, value=counts.events[name])
        resumed = "Answers that were cut although nobody had spoken, and resumed."
        false_interruptions = counts.barge_ins.false_interruptions
        yield CounterMetricFamily("edgevoice_false_interruptions", resumed, false_interruptions)
        yield CounterMetricFamily("edgevoice_near_misses", "Scores just below the threshold.", gauges.near_misses())
        yield CounterMetricFamily("edgevoice_xruns", "Times that sound was lost by the sound system.", gauges.xruns())
        billed_s = counts.session_s(gauges.clock())
        yield CounterMetricFamily("edgevoice_session_seconds", "How long sessions were open: billed time.", billed_s)
        yield GaugeMetricFamily("edgevoice_minutes_today", "Minutes of sessions today.", gauges.minutes_today())
        yield GaugeMetricFamily("edgevoice_resident_memory_bytes", "Memory of the daemon.", resident_bytes())
        fault = {counts.fault: 1} if counts.fault else {}
        yield _labelled("edgevoice_fault", "1 for the fault that the light shows.", "code", fault, GaugeMetricFamily)
        version = {gauges.version: 1}
        yield _labelled("edgevoice_info", "1 for the running version.", "version", version, GaugeMetricFamily)


def _labelled(
    name: str,
    text: str,
    label: str,
    values: Mapping[str, float],
    kind: type[CounterMetricFamily | GaugeMetricFamily] = CounterMetricFamily,
) -> Metric:
    family = kind(name, text, labels=[label])
    for each, value in values.items():
        family.add_metric([str(each)], value)
    return family


def resident_bytes() -> int:
    """Return how much memory this process has in RAM."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
