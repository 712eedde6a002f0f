"""The file with the metrics: complete, in Prometheus' own format, and gone with the box."""

import asyncio
import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import PlaybackCut, TalkPressed, WakeWordHeard
from edgevoice.core.notices import AudioReceived, PhaseEntered
from edgevoice.core.orders import CutPlayback, Light, ShowLight
from edgevoice.errors import StorageUnavailable
from edgevoice.integrations.metrics.file import NAME, Gauges, MetricsFile
from tests import virtual_time

DASHBOARD = Path(__file__).parents[3] / "docs" / "grafana" / "edgevoice.json"

Sample = tuple[str, tuple[tuple[str, str], ...]]


def samples_of(text: str) -> Mapping[Sample, float]:
    """Return the value of each sample, by its name and its labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def gauges() -> Gauges:
    return Gauges("1.2", lambda: 9.0, lambda: 3, lambda: 4, lambda: 1.5, {"frames": lambda: 2})


def test_everything_that_is_counted_is_in_the_file(tmp_path: Path) -> None:
    place = tmp_path / NAME
    metrics = MetricsFile(place, 15, gauges())
    for now, notice in (
        (1.0, WakeWordHeard("hey_jarvis", 0.9, 7)),
        (2.0, PhaseEntered(Phase.SPEAKING)),
        (2.5, AudioReceived("r", "i", b"")),
        (3.0, TalkPressed(7)),
        (3.0, CutPlayback()),
        (3.0, PhaseEntered(Phase.LISTENING)),
        (3.04, PlaybackCut(())),
        (4.0, ShowLight(Light.FAULT, "no-credit")),
    ):
        metrics.observe(notice, now)
    metrics.write()

    found = samples_of(place.read_text())
    assert found["edgevoice_wakes_total", (("word", "hey_jarvis"),)] == 1
    assert found["edgevoice_barge_ins_total", (("source", "button"),)] == 1
    assert found["edgevoice_silent_after_seconds_bucket", (("le", "0.03"),)] == 0
    assert found["edgevoice_silent_after_seconds_bucket", (("le", "0.05"),)] == 1
    assert found["edgevoice_silent_after_seconds_sum", ()] == pytest.approx(0.04)
    assert found["edgevoice_session_seconds_total", ()] == pytest.approx(6.0)
    assert found["edgevoice_xruns_total", ()] == 3
    assert found["edgevoice_near_misses_total", ()] == 4
    assert found["edgevoice_minutes_today", ()] == 1.5
    assert found["edgevoice_dropped_total", (("queue", "frames"),)] == 2
    assert found["edgevoice_fault", (("code", "no-credit"),)] == 1
    assert found["edgevoice_info", (("version", "1.2"),)] == 1
    assert found["edgevoice_resident_memory_bytes", ()] > 1_000_000
    for name in ("turns", "false_interruptions", "reconnects"):
        assert found[f"edgevoice_{name}_total", ()] == 0


def test_the_file_can_be_read_by_the_exporter_and_is_gone_with_the_box(tmp_path: Path) -> None:
    place = tmp_path / NAME

    async def run() -> None:
        running = asyncio.ensure_future(MetricsFile(place, 15, gauges()).run(lambda _fact: None))
        await asyncio.sleep(1)
        assert place.stat().st_mode & 0o777 == 0o644
        first = place.stat().st_mtime_ns
        await asyncio.sleep(15)
        assert place.stat().st_mtime_ns > first
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    virtual_time.run(run())
    assert not place.exists()


def test_a_folder_that_cannot_be_written_is_one_clear_error() -> None:
    with pytest.raises(StorageUnavailable, match=r"edgevoice\.prom cannot be written"):
        MetricsFile(Path("/dev/null/edgevoice.prom"), 15, gauges()).write()


@pytest.mark.skipif(not DASHBOARD.exists(), reason="the dashboard is not beside these tests: an installed copy")
def test_the_dashboard_shows_metrics_that_exist(tmp_path: Path) -> None:
    MetricsFile(tmp_path / NAME, 15, gauges()).write()
    # A family without a sample has its name in the comments alone.
    written = (tmp_path / NAME).read_text()

    panels = json.loads(DASHBOARD.read_text())["panels"]
    shown = {
        name for panel in panels for target in panel["targets"] for name in re.findall(r"edgevoice_\w+", target["expr"])
    }
    assert len(shown) >= 15
    assert not [name for name in sorted(shown) if re.sub(r"_bucket$", "", name) not in written]
