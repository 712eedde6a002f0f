"""A cough over the answer, end to end: a cut, a turn without words, and the rest of the answer to the sample."""

import asyncio
from pathlib import Path

import numpy as np

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.conversation.policy import Policy
from edgevoice.core.facts import PlaybackCut, TalkPressed
from edgevoice.core.orders import CutPlayback, ExtendItem, ResumePlayback
from edgevoice.local.scripted.opponent import Opponent
from edgevoice.local.scripted.script import AnswerStep, Expect, Script, ScriptedSession, TurnStep, Wait
from tests import virtual_time
from tests.e2e.quick_box import noise_of, quick_box
from tests.waiting import eventually

STORY = "Once upon a time there was a box that went on after a cough as if nobody had coughed " * 2 + "at all."
APOLOGY = "Sorry, I did not understand that."
FADE = 72


def test_after_a_cough_the_rest_of_the_answer_is_heard_and_the_model_knows(tmp_path: Path) -> None:
    coughed = (
        Expect("session.update"),
        TurnStep("tell me a story"),
        AnswerStep(STORY),
        Wait(0.1),
        TurnStep("", until="started"),
        Expect("conversation.item.truncate"),
        Wait(0.1),  # 0.8 s in this box
        TurnStep(""),
        AnswerStep(APOLOGY),
        Expect("conversation.item.delete"),
        Expect("response.cancel"),
        Expect("conversation.item.create"),
        Expect("close"),
    )
    opponent = Opponent(script=Script((ScriptedSession(coughed),)))

    async def scene() -> None:
        async with quick_box(tmp_path, opponent, Policy(hears_itself=False, follow_up_s=0, resumes=True)) as box:
            box.engine.report(TalkPressed(box.ears.position))
            async with asyncio.timeout(10):
                await opponent.over()
            await eventually(lambda: box.phase is Phase.IDLE)
            assert box.all_of(CutPlayback) == [CutPlayback(keeps_rest=True)]
            assert len(box.all_of(ResumePlayback)) == len(box.all_of(ExtendItem)) == 1
            (cut,) = box.all_of(PlaybackCut)
            tape = box.card.tape
            told = [event for event in box.wire("client") if event["type"].startswith("conversation.item.")]

        # The story has no zeros: zeros on the tape come from the cut or from a service delayed by a busy machine.
        story, played = noise_of(STORY), tape[tape != 0]
        heard = cut.items[0].heard_ms * 24
        left = len(story) - heard - 2 * FADE
        assert np.array_equal(played[: heard - FADE], story[: heard - FADE])
        assert np.array_equal(played[-left:], story[-left:])
        assert 0 <= len(story) - len(played) < 8, "but for what fades to zero"
        assert told[0]["audio_end_ms"] == cut.items[0].heard_ms
        item = told[-1]["item"]
        assert item["role"] == "assistant"
        assert STORY.endswith(item["content"][0]["text"])
        assert told[-1]["previous_item_id"] == told[0]["item_id"]

    virtual_time.run(scene())
