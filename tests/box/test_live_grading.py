import asyncio
import logging
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edgevoice.box.live_grading import live_grading
from edgevoice.grading.held import HeldConversation
from edgevoice.grading.live import LiveGrading
from edgevoice.settings.schema import Settings

JUDGE = {"rate": 0.1, "judge_url": "https://models.example/v1", "judge_model": "small"}


def settings(grading: dict[str, Any], *, remembers: bool = False) -> Settings:
    return msgspec.convert({"grading": grading, "memory": {"enabled": remembers}}, Settings)


def only(found: Any) -> LiveGrading:
    [grading] = found
    assert isinstance(grading, LiveGrading)
    return grading


def test_nothing_is_scored_unless_a_rate_is_set(tmp_path: Path) -> None:
    assert Settings().grading.rate == 0
    assert live_grading(settings({**JUDGE, "rate": 0}, remembers=True), tmp_path, {}) == ()
    assert only(live_grading(settings({"rate": 0.1}), tmp_path, {}))._judge is None


def test_only_a_box_that_keeps_what_was_said_has_a_judge(tmp_path: Path) -> None:
    key = {"EDGEVOICE_JUDGE_KEY": "secret"}

    assert only(live_grading(settings(JUDGE, remembers=False), tmp_path, key))._judge is None
    assert only(live_grading(settings(JUDGE, remembers=True), tmp_path, key))._judge is not None


def test_a_judge_whose_key_is_missing_is_left_out_and_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        grading = only(live_grading(settings(JUDGE, remembers=True), tmp_path, {"HOME": str(tmp_path)}))

    assert grading._judge is None
    assert [record.msg.split()[0] for record in caplog.records] == ["judge-left-out"]


def test_a_judge_that_is_down_leaves_a_score_without_a_value(tmp_path: Path) -> None:
    local = {**JUDGE, "judge_url": "http://127.0.0.1:9/v1"}
    judge = only(live_grading(settings(local, remembers=True), tmp_path, {"HOME": str(tmp_path)}))._judge
    assert judge is not None

    async def scene() -> str:
        return (await judge(HeldConversation())).reason

    assert asyncio.run(scene()) == "not judged: the judge cannot be reached"
