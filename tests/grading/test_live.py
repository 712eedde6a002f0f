"""A share of real conversations is scored once they are over; what was said is read only for a judge, never kept."""

import asyncio
import json
import logging
from collections.abc import Sequence
from pathlib import Path

import pytest

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    ItemHeard,
    PlaybackCut,
    PlaybackStarted,
    ToolCall,
    ToolFinished,
    TurnEnded,
    UserStartedSpeaking,
)
from edgevoice.core.notices import Notice, PhaseEntered, Role, TranscriptChanged, UsageTold
from edgevoice.core.orders import CutPlayback, RunTool
from edgevoice.grading.grades import NAME, GradeEntry, add_grade, read_grades
from edgevoice.grading.held import HeldConversation
from edgevoice.grading.live import Judged, LiveGrading
from edgevoice.grading.sampling import is_sampled
from edgevoice.grading.scorers import Score
from tests.waiting import eventually


def said(role: Role, item_id: str, text: str) -> Notice:
    return TranscriptChanged(role, item_id, text, is_final=True)


CONVERSATION: Sequence[tuple[float, Notice]] = (
    (0.0, PhaseEntered(Phase.CONNECTING)),
    (0.5, PhaseEntered(Phase.LISTENING)),
    (1.0, UserStartedSpeaking()),
    (1.5, said(Role.USER, "u1", "what time")),
    (2.0, TurnEnded()),
    (2.1, said(Role.USER, "u1", "what time is it")),
    (2.2, RunTool(ToolCall("c1", "clock", "{}"))),
    (2.3, ToolFinished("c1", '"noon"')),
    (2.5, PlaybackStarted(1)),
    (2.6, said(Role.ASSISTANT, "a1", "It is noon.")),
    (3.0, UserStartedSpeaking()),
    (3.1, CutPlayback()),
    (3.125, PlaybackCut((ItemHeard("a1", 0, 600, 2000, is_complete=False),))),
    (3.5, said(Role.USER, "u2", "thank you")),
    (4.0, TurnEnded()),
    (5.0, PlaybackStarted(2)),
    (5.1, said(Role.ASSISTANT, "a2", "You are welcome.")),
    (5.2, UsageTold({"total_tokens": 7})),
    (6.0, PhaseEntered(Phase.IDLE)),
)


async def watched(grading: LiveGrading, conversations: int = 1) -> None:
    for _ in range(conversations):
        for at_s, notice in CONVERSATION:
            grading.observe(notice, at_s)


def scored(
    folder: Path, rate: float = 1.0, judge: Judged | None = None, ids: Sequence[str] = ("session-1",), expected: int = 1
) -> list[GradeEntry]:
    """Hold one conversation for each id; return what is kept of them."""

    async def scene() -> None:
        left = iter(ids)
        grading = LiveGrading(folder, rate, lambda: next(left), judge)
        running = asyncio.create_task(grading.run(lambda _fact: None))
        await watched(grading, len(ids))
        if expected:
            await eventually(lambda: (folder / NAME).exists() and len(read_grades(folder)) >= expected)
        await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(scene())
    return read_grades(folder) if (folder / NAME).exists() else []


def test_the_scores_of_a_conversation_are_kept_and_nothing_else(tmp_path: Path) -> None:
    (entry,) = scored(tmp_path / "state")

    assert entry.session == "session-1"
    assert entry.scores == (
        Score(scorer="time_to_sound", figure=1.0, unit="s"),
        Score(scorer="cost", figure=7, unit="tokens"),
        Score(scorer="cut_to_silence", figure=25.0, unit="ms"),
    )
    content = (tmp_path / "state" / NAME).read_text()
    assert not [word for word in ("noon", "time is", "thank", "clock") if word in content]
    assert (tmp_path / "state" / NAME).stat().st_mode & 0o777 == 0o600


def test_without_a_judge_no_transcript_is_looked_at(tmp_path: Path) -> None:
    grading = LiveGrading(tmp_path, 1.0, lambda: "session-1")
    for at_s, notice in CONVERSATION[:-1]:
        grading.observe(notice, at_s)

    exchanges = [draft.exchange() for draft in grading._drafts]

    assert [(each.said, each.answer) for each in exchanges] == [("", ""), ("", "")]
    assert [call.output for each in exchanges for call in each.calls] == [""]


def test_a_judge_reads_who_said_what_and_its_reason_is_not_kept(tmp_path: Path) -> None:
    seen: list[HeldConversation] = []

    async def judge(held: HeldConversation) -> Score:
        seen.append(held)
        return Score(scorer="judge", value=0.5, reason="It said that it is noon.")

    (entry,) = scored(tmp_path, judge=judge)

    (held,) = seen
    assert [(each.said, each.answer) for each in held.exchanges] == [
        ("what time is it", "It is noon."), ("thank you", "You are welcome."),
    ]  # fmt: skip
    assert [(call.tool, call.output) for call in held.calls] == [("clock", '"noon"')]
    assert entry.scores[-1] == Score(scorer="judge", value=0.5)


def test_the_choice_depends_on_the_id_and_equal_rates_choose_the_same(tmp_path: Path) -> None:
    ids = [f"session-{number}" for number in range(12)]
    chosen = [each for each in ids if is_sampled(each, 0.5)]
    assert 0 < len(chosen) < 12

    for folder in (tmp_path / "a", tmp_path / "b"):
        assert [entry.session for entry in scored(folder, 0.5, ids=ids, expected=len(chosen))] == chosen


def test_at_rate_0_nothing_is_scored(tmp_path: Path) -> None:
    assert scored(tmp_path, 0.0, expected=0) == []


def test_a_conversation_in_which_nobody_spoke_is_not_scored(tmp_path: Path) -> None:
    grading = LiveGrading(tmp_path, 1.0, lambda: "session-1")
    grading.observe(PhaseEntered(Phase.CONNECTING), 0.0)
    grading.observe(PhaseEntered(Phase.IDLE), 9.0)

    assert grading._over.empty()


def test_a_session_that_is_dialled_again_is_the_same_conversation(tmp_path: Path) -> None:
    ids = iter(["session-1"])
    grading = LiveGrading(tmp_path, 1.0, lambda: next(ids))
    for phase in (Phase.CONNECTING, Phase.LISTENING, Phase.CONNECTING, Phase.LISTENING):
        grading.observe(PhaseEntered(phase), 0.0)

    assert next(ids, None) is None


def test_a_judge_that_hangs_costs_only_scores(tmp_path: Path) -> None:
    grading = LiveGrading(tmp_path, 1.0, lambda: "session-1")
    asyncio.run(watched(grading, 30))

    assert grading._over.full()


def test_a_folder_that_cannot_be_written_is_logged_and_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()

    async def scene() -> None:
        grading = LiveGrading(tmp_path / "file", 1.0, lambda: "session-1")
        running = asyncio.create_task(grading.run(lambda _fact: None))
        await watched(grading)
        await eventually(lambda: bool(caplog.records))
        assert not running.done()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    with caplog.at_level(logging.WARNING):
        asyncio.run(scene())


def entry(number: int) -> GradeEntry:
    score = Score(scorer="judge", value=1.0, reason="x" * 150)
    return GradeEntry(at="2026-11-29T12:00:00+00:00", session=f"session-{number}", scores=(score,))


@pytest.mark.parametrize("line", [b'{"at": "20', b'{"at": ' + b"[" * 9999, b'{"x": ' + b"[" * 9999, b"\xff"])
def test_a_damaged_line_costs_only_itself(tmp_path: Path, line: bytes) -> None:
    add_grade(tmp_path, entry(1))
    with (tmp_path / NAME).open("ab") as file:
        file.write(line)
    add_grade(tmp_path, entry(2))

    assert [each.session for each in read_grades(tmp_path)] == ["session-1", "session-2"]


def test_the_file_stays_small(tmp_path: Path) -> None:
    line = json.dumps({"at": "t", "session": "old", "scores": [], "padding": "x" * 200}).encode() + b"\n"
    (tmp_path / NAME).write_bytes(line * 1400)

    add_grade(tmp_path, entry(1))

    kept = read_grades(tmp_path)
    assert (len(kept), kept[-1].session) == (1001, "session-1")
    assert (tmp_path / NAME).stat().st_size < 100_000


def test_what_a_service_invents_does_not_accumulate(tmp_path: Path) -> None:
    seen: list[HeldConversation] = []

    async def judge(held: HeldConversation) -> Score:
        seen.append(held)
        return Score(scorer="judge", value=1.0)

    async def scene() -> None:
        grading = LiveGrading(tmp_path, 1.0, lambda: "session-1", judge)
        for at_s, notice in CONVERSATION[:-1]:
            grading.observe(notice, at_s)
        for number in range(1000):
            grading.observe(UsageTold({f"kind_{number}": 1}), 5.3)
            grading.observe(RunTool(ToolCall(f"c{number}", "clock", "{}")), 5.3)
        grading.observe(CONVERSATION[-1][1], 6.0)
        running = asyncio.create_task(grading.run(lambda _fact: None))
        await eventually(lambda: bool(seen))
        running.cancel()

    asyncio.run(scene())

    assert (len(seen[0].tokens), len(seen[0].calls)) == (64, 65)
