"""The box itself, link, engine and sound, against a script: it keeps to it, and is found out when it does not."""

import asyncio
from pathlib import Path

import pytest

from edgevoice.core.manners import Manners
from edgevoice.core.messages import TalkPressed
from edgevoice.core.phases import Phase
from edgevoice.local.opponent import Opponent
from edgevoice.local.script import Answer, Call, End, Expect, Hear, Script, Send, Session, Step, Terms
from edgevoice.local.script_play import ScriptBroken
from tests.e2e.quick_box import quick_box, spoken_question
from tests.local.client import LIMIT_S
from tests.waiting import eventually

MANNERS = Manners(hears_itself=False, follow_up_s=0.5)
QUESTION: tuple[Step, ...] = (
    Expect("session.update", where={"session": {"providerData": {"auto_tool_response": False}}}),
    Hear("what time is it"),
    Answer(calls=(Call("get_current_time"),)),
)
OUTPUT = Expect("conversation.item.create", where={"item": {"type": "function_call_output", "call_id": "$call"}})


def ask(folder: Path, *steps: Step) -> None:
    opponent = Opponent(script=Script((Session(steps, Terms(turns="heard")),)))

    async def scene() -> None:
        async with quick_box(folder, opponent, MANNERS) as box:
            box.engine.report(TalkPressed(box.ears.position))
            box.card.say(spoken_question())
            async with asyncio.timeout(LIMIT_S):
                await opponent.over()
            await eventually(lambda: box.phase is Phase.IDLE)

    asyncio.run(scene())


def test_the_box_asks_runs_the_tool_survives_an_answer_that_breaks_off_and_hangs_up(tmp_path: Path) -> None:
    ask(
        tmp_path,
        *QUESTION,
        OUTPUT,
        Expect("response.create"),
        Answer("It is half past six in the morning.", until="response.output_audio.delta", times=3),
        Send({"type": "error", "message": "top-level only"}),
        End("max_output_tokens"),
        Expect("close"),
    )


def test_what_the_box_does_besides_the_script_is_found_out(tmp_path: Path) -> None:
    with pytest.raises(
        ScriptBroken, match=r"step 4 \(expect 'response\.create'\): \"conversation\.item\.create\" came"
    ):
        ask(tmp_path, *QUESTION, Expect("response.create"), OUTPUT)
