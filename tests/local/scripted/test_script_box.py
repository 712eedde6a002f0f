"""The box itself, link, engine and sound, against a script: it keeps to it, and is found out when it does not."""

import asyncio
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.conversation.policy import Policy
from edgevoice.core.facts import BackchannelStarted, TalkPressed
from edgevoice.core.notices import PhaseEntered
from edgevoice.local.scripted.opponent import Opponent
from edgevoice.local.scripted.play import ScriptBroken
from edgevoice.local.scripted.script import (
    AnswerStep,
    Backchannel,
    Call,
    End,
    Expect,
    Hear,
    Script,
    ScriptedSession,
    Send,
    Step,
    Terms,
    TurnStep,
    Wait,
)
from tests.e2e.quick_box import noise_of, quick_box, spoken_question
from tests.local.client import LIMIT_S
from tests.waiting import eventually

Samples = npt.NDArray[np.int32]
POLICY = Policy(hears_itself=False, follow_up_s=0.5)
QUESTION: tuple[Step, ...] = (
    Expect("session.update", where={"session": {"providerData": {"auto_tool_response": False}}}),
    Hear("what time is it"),
    AnswerStep(calls=(Call("get_current_time"),)),
)
OUTPUT = Expect("conversation.item.create", where={"item": {"type": "function_call_output", "call_id": "$call"}})


def ask(folder: Path, *steps: Step) -> None:
    opponent = Opponent(script=Script((ScriptedSession(steps, Terms(turns="heard")),)))

    async def scene() -> None:
        async with quick_box(folder, opponent, POLICY) as box:
            box.engine.report(TalkPressed(box.ears.position))
            box.card.say(spoken_question())
            async with asyncio.timeout(LIMIT_S):
                await opponent.over()
            await eventually(lambda: box.phase is Phase.IDLE)

    asyncio.run(scene())


def test_the_box_asks_runs_the_tool_survives_a_broken_answer_and_hangs_up(tmp_path: Path) -> None:
    ask(
        tmp_path,
        *QUESTION,
        OUTPUT,
        Expect("response.create"),
        AnswerStep("It is half past six in the morning.", until="response.output_audio.delta", times=3),
        Send({"type": "error", "message": "top-level only"}),
        End("max_output_tokens"),
        Expect("close"),
    )


def test_anything_the_box_does_outside_the_script_is_detected(tmp_path: Path) -> None:
    with pytest.raises(
        ScriptBroken, match=r"step 4 \(expect 'response\.create'\): \"conversation\.item\.create\" came"
    ):
        ask(tmp_path, *QUESTION, Expect("response.create"), OUTPUT)


def without_silence(heard: Samples) -> Samples:
    """Remove silences of 100 samples and more: at this speed a busy machine leaves gaps in the audio."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], heard == 0, [False]])))
    kept = np.ones(len(heard), bool)
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        kept[begin:end] = end - begin < 100
    return heard[kept]


@pytest.mark.parametrize("hears_itself", [False, True])
def test_a_backchannel_plays_quietly_during_a_turn_that_is_still_heard_and_answered(
    tmp_path: Path, *, hears_itself: bool
) -> None:
    chance = np.random.default_rng(3)
    said = chance.choice(np.array([-3000, 3000], np.int16), 16_000 * 6)
    script = (
        Expect("session.update"),
        TurnStep("well", until="started"),
        Backchannel("mm-hm"),
        Wait(0.25),  # 2 s in this box, long enough to play it to its end
        TurnStep("well you know"),
        AnswerStep("I do."),
        Expect("close"),
    )
    opponent = Opponent(script=Script((ScriptedSession(script),)))

    async def scene() -> None:
        async with quick_box(tmp_path, opponent, Policy(hears_itself=hears_itself, follow_up_s=0)) as box:
            box.card.say(said)
            box.engine.report(TalkPressed(box.ears.position))
            async with asyncio.timeout(LIMIT_S):
                await opponent.over()
            await eventually(lambda: box.phase is Phase.IDLE)
            heard = box.card.tape.astype(np.int32)
            phases = [entered.phase for entered in box.all_of(PhaseEntered)]
            assert len(box.all_of(BackchannelStarted)) == 1

        # At this speed a busy machine leaves gaps in the answer, and the box waits for more of it.
        assert phases[:4] == ["connecting", "listening", "thinking", "speaking"]
        assert set(phases[4:-1]) <= {"thinking", "speaking"}
        assert phases[-1] == "idle"
        quiet, answer = noise_of("mm-hm"), noise_of("I do.")
        sounds = without_silence(heard)
        assert np.abs(sounds[: len(quiet)] - quiet * 10 ** (-9 / 20)).max() <= 1
        assert np.array_equal(sounds[len(quiet) :], answer), "the answer is heard as loud as ever, and nothing else is"

    asyncio.run(scene())

    with wave.open(str(tmp_path / "uplink-1.wav")) as recording:
        sent = np.abs(np.frombuffer(recording.readframes(recording.getnframes()), np.int16).astype(np.int32))
    tenths = sent[: 2400 * 15].reshape(-1, 2400).max(axis=1)
    assert tenths.min() > 1000, "no hole in what the user said"
