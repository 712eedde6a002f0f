"""The codec benchmark measures whole events of the lengths that it names, and reports each figure."""

import base64
import json

import pytest

from edgevoice.core.protocol import wire
from edgevoice.core.protocol.downlink import AudioPiece
from edgevoice.testbed.bench.shown import lines_of
from edgevoice.testbed.bench.wire import measure, works


def test_what_is_measured_is_a_whole_event_of_the_reported_length(capsys: pytest.CaptureFixture[str]) -> None:
    measure(1, as_json=True)
    report = json.loads(capsys.readouterr().out)

    done = {name: work() for name, work in works().items()}

    assert [name for name in report if name.endswith("_us")] == [*done]
    heard = done["decode_audio_delta_us"]
    assert isinstance(heard, wire.AudioDelta)
    assert len(heard.delta) == report["audio_delta_ms"] * 48
    assert done["take_audio_delta_us"][-1] == AudioPiece("resp_2", "item_A2", 0, heard.delta)
    assert done["decode_transcript_delta_us"] == wire.TranscriptDelta("resp_2", "item_A2", 0, "four past six.")
    assert done["decode_unknown_event_us"] == wire.Unknown("rate_limits.updated")
    sent = json.loads(done["encode_append_us"])
    assert base64.b64decode(sent["audio"]) == heard.delta[: report["append_ms"] * 48]


def test_each_figure_is_a_spread_over_all_rounds(capsys: pytest.CaptureFixture[str]) -> None:
    assert measure(300, as_json=True) == 0

    report = json.loads(capsys.readouterr().out)
    assert report.pop("rounds") == 300
    assert (report.pop("audio_delta_ms"), report.pop("append_ms")) == (100, 40)
    assert len(report) == 5
    assert all(0 < spread["p50"] <= spread["p95"] for spread in report.values())


def test_a_readable_table_precedes_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    measure(300, as_json=False)

    *table, last = capsys.readouterr().out.splitlines()
    assert table == list(lines_of(json.loads(last)))
