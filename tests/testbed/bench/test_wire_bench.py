"""The codec benchmark runs and reports its figures; the limit has a margin for a busy machine."""

import json

import pytest

from edgevoice.testbed.bench.shown import lines_of
from edgevoice.testbed.bench.wire import measure


def test_the_codec_bench_reports_all_figures_and_decodes_100_ms_in_a_fraction_of_a_millisecond(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert measure(300, as_json=True) == 0

    report = json.loads(capsys.readouterr().out)
    assert report.pop("rounds") == 300
    assert (report.pop("audio_delta_ms"), report.pop("append_ms")) == (100, 40)
    assert len(report) == 5
    for name, spread in report.items():
        assert name.endswith("_us")
        assert 0 < spread["p50"] <= spread["p95"]
    # The aim is 30; ten times that is a margin for a machine that is busy with other things.
    assert report["decode_audio_delta_us"]["p50"] < 300


def test_a_readable_table_precedes_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    measure(300, as_json=False)

    *table, last = capsys.readouterr().out.splitlines()
    assert table == list(lines_of(json.loads(last)))
