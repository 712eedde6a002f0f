"""How strict a script is, its official types, and the command that plays it."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from edgevoice.local.__main__ import main
from edgevoice.local.scripted.opponent import Opponent
from edgevoice.local.scripted.play import ScriptBroken
from edgevoice.local.scripted.script import (
    AnswerStep,
    Call,
    Close,
    End,
    Expect,
    Hear,
    Resume,
    Send,
    Step,
    TurnStep,
    Wait,
)
from edgevoice.local.server import LocalService
from edgevoice.local.speech.voice import HibariVoice
from tests.local.client import HEADERS, QUERY, Client, dialled_unix, question
from tests.local.talking import (
    DELTA,
    DETECTION,
    SETUP,
    Hears,
    Tone,
    closing,
    only_setup,
    play,
    script_of,
    setup,
)
from tests.waiting import eventually

# --- strictness ------------------------------------------------------------------------------------------------------


async def sends_too_much(client: Client) -> None:
    await setup(client)
    await client.send("response.cancel")
    assert await closing(client) == 1008


async def sends_another(client: Client) -> None:
    await client.send("response.create")
    await closing(client)


async def sends_other_values(client: Client) -> None:
    await client.send("session.update", session={"model": "b"})
    await closing(client)


async def sends_nonsense(client: Client) -> None:
    await client.socket.send("{")
    await closing(client)


async def sends_no_type(client: Client) -> None:
    await client.socket.send('{"type":[]}')
    assert await closing(client) == 1008


async def sends_nothing(client: Client) -> None:
    await client.until("session.created")


async def waits_for_the_end(client: Client) -> None:
    await setup(client)
    await closing(client)


BROKEN: dict[str, tuple[Callable[[Client], Awaitable[None]], tuple[Step, ...], str]] = {
    "one too many": (sends_too_much, (SETUP,), 'session 1 is over after step 1, and "response.cancel" came'),
    "another": (sends_another, (SETUP,), "session 1, step 1 (expect 'session.update'): \"response.create\" came"),
    "other values": (
        sends_other_values,
        (Expect("session.update", where={"session": {"model": "a"}}),),
        'session 1, step 1 (expect \'session.update\'): session.update came, and session.model is "b", not "a"',
    ),
    "nonsense": (sends_nonsense, (SETUP,), "step 1 (expect 'session.update'): a frame arrived that is not an event"),
    "no type": (sends_no_type, (SETUP,), "step 1 (expect 'session.update'): a frame arrived that is not an event"),
    "left early": (sends_nothing, (SETUP,), "session 1, step 1 (expect 'session.update'): the client left"),
    "unused": (
        only_setup,
        (SETUP, Wait(1), Expect("response.create")),
        "session 1, step 3 (expect 'response.create'): the client left",
    ),
    "unused after the close": (
        waits_for_the_end,
        (SETUP, Close(1000), Expect("response.create")),
        "session 1, step 3 (expect 'response.create'): the connection is closed",
    ),
    "an answer that nobody wrote": (
        waits_for_the_end,
        (SETUP, TurnStep("hi"), Close(1000)),
        "step 2 (turn 'hi'): the service must answer here, but the script does not say what",
    ),
    "an end of nothing": (waits_for_the_end, (SETUP, End("failed")), "step 2 (end 'failed'): no answer is running"),
    "nothing to resume": (
        waits_for_the_end,
        (SETUP, TurnStep("hi"), AnswerStep("Hi."), Resume()),
        "step 4 (resume 'response.done'): no answer is running",
    ),
}


@pytest.mark.parametrize(("talk", "steps", "told"), BROKEN.values(), ids=BROKEN)
def test_a_broken_script_error_names_the_step_what_was_expected_and_what_came(
    talk: Callable[[Client], Awaitable[None]], steps: tuple[Step, ...], told: str
) -> None:
    with pytest.raises(ScriptBroken) as broken:
        play(talk, *steps)

    assert told in str(broken.value)


def test_an_event_that_comes_before_its_step_waits_for_it() -> None:
    async def eager(client: Client) -> None:
        await setup(client)
        await client.send("response.cancel")
        await client.until("error")
        assert client.kinds()[-2:] == ["mark", "error"]

    play(eager, SETUP, Wait(5), Send({"type": "mark"}), Expect("response.cancel"))


def test_a_client_may_disconnect_where_the_script_says_so() -> None:
    play(only_setup, SETUP, Wait(1), Expect("close"))


def test_an_unscripted_turn_breaks_the_script(voice: HibariVoice) -> None:
    async def speak(client: Client) -> None:
        await setup(client)
        await client.speak(question(voice, "What time is it?"))
        await closing(client)

    with pytest.raises(ScriptBroken, match="the listener heard a turn"):
        play(speak, SETUP, turns="heard", hears="what")


def test_a_turn_with_a_different_transcript_breaks_the_script(voice: HibariVoice) -> None:
    async def speak(client: Client) -> None:
        await setup(client)
        await client.speak(question(voice, "What time is it?"))
        await closing(client)

    with pytest.raises(ScriptBroken, match=r"step 2 \(hear 'tell me'\): the listener heard 'what'"):
        play(speak, SETUP, Hear("tell me"), AnswerStep("No."), turns="heard", hears="what")


def test_an_extra_connection_is_refused_and_breaks_the_script() -> None:
    async def scene() -> None:
        opponent = Opponent(script=script_of())
        async with LocalService(voice=Tone(), recogniser=Hears(), behaviour=opponent) as service:
            async with connect(service.url + QUERY, additional_headers=HEADERS):
                pass
            with pytest.raises(InvalidStatus, match="503"):
                await connect(service.url + QUERY, additional_headers=HEADERS)
        with pytest.raises(ScriptBroken, match="the script is over after session 1, but another client connected"):
            opponent.check()

    asyncio.run(scene())


def test_a_script_leaves_nothing_running(voice: HibariVoice) -> None:
    async def scene() -> None:
        opponent = Opponent(script=script_of(SETUP, TurnStep("hi"), AnswerStep("Hello.", until=DELTA), Expect("close")))
        async with LocalService(voice=Tone(), recogniser=Hears(), behaviour=opponent) as service:
            before = asyncio.all_tasks()
            async with connect(service.url + QUERY, additional_headers=HEADERS) as socket:
                client = Client(socket)
                await setup(client)
                await client.until(DELTA)
            await opponent.over()
            await eventually(lambda: asyncio.all_tasks() <= before)

    asyncio.run(scene())


# --- official types, worked trace, command ----------------------------------------------------------------------------


def test_every_event_of_a_script_is_one_that_openai_knows() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
    # Only Inworld has these.
    theirs = {"input_audio_buffer.turn_suggestion", "output_audio_buffer.cleared"}

    async def everything(client: Client) -> None:
        await client.send("session.update", session=DETECTION)
        for status in ("failed", "incomplete", "completed"):
            assert (await client.answered())["status"] == status
        call = client.events[-1]["response"]["output"][1]
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "{}"}
        await client.send("conversation.item.create", item=output)
        await client.until(DELTA)
        await client.send("response.cancel")
        assert (await client.answered())["status"] == "cancelled"
        await client.send("output_audio_buffer.clear")
        await client.until("output_audio_buffer.cleared")
        for event in client.events:
            if event["type"] not in theirs:
                adapter.validate_python(event)
        assert len({event["type"] for event in client.events}) > 22

    play(
        everything,
        SETUP,
        TurnStep("hi", rolling=("h",), suggestion=0.5),
        AnswerStep("A long story.", until=DELTA),
        End("failed"),
        TurnStep("hi"),
        AnswerStep("A long story.", until=DELTA),
        End("max_output_tokens"),
        TurnStep("volume up"),
        AnswerStep("Yes.", calls=(Call("set_volume", '{"percent":5}'),)),
        Expect("conversation.item.create"),
        AnswerStep("A long story.", until=DELTA),
        Expect("response.cancel"),
        Expect("output_audio_buffer.clear"),
    )


@pytest.mark.parametrize("variant", ["session.jsonl", "session-barge-in.jsonl"])
def test_a_whole_recorded_session_can_be_a_script(variant: str) -> None:
    data = Path(__file__).parents[2] / "data"
    trace = [json.loads(line) for line in (data / "session.jsonl").read_text().splitlines()]
    if variant != "session.jsonl":
        cut = next(place for place, event in enumerate(trace) if event.get("event_id") == "event_36")
        trace = trace[:cut] + [json.loads(line) for line in (data / variant).read_text().splitlines()]
    directions = [event.pop("_dir") for event in trace]
    steps: list[Step] = []
    for direction, event in zip(directions, trace, strict=True):
        expected = {key: value for key, value in event.items() if key not in {"type", "event_id"}}
        steps.append(Send(event) if direction == "s" else Expect(event["type"], where=expected, then="ignore"))

    async def follow(client: Client) -> None:
        for direction, event in zip(directions, trace, strict=True):
            if direction == "c":
                await client.socket.send(json.dumps(event))
            else:
                assert await client.receive() == event

    play(follow, *steps, greeting="none")


@pytest.mark.parametrize("is_right", [True, False])
def test_the_command_plays_a_script_and_ends_with_its_verdict(*, is_right: bool, tmp_path: Path) -> None:
    (tmp_path / "script.toml").write_text('[[session]]\nsteps = [{ expect = "session.update" }, { close = 1000 }]')
    command = [sys.executable, "-m", "edgevoice.local", "--unix", str(tmp_path / "s")]
    child = subprocess.Popen(
        [*command, "--script", str(tmp_path / "script.toml")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    async def talk() -> None:
        async with dialled_unix(str(tmp_path / "s"), "ws://localhost/api/v1/realtime/session") as client:
            await client.send("session.update" if is_right else "response.create", session={})
            await closing(client)

    try:
        assert child.stdout is not None
        while "ready" not in child.stdout.readline():
            assert child.poll() is None
        asyncio.run(talk())
        _, told = child.communicate(timeout=30)
    finally:
        child.kill()
        child.wait()

    assert child.returncode == (0 if is_right else 1)
    expected = "session 1, step 1 (expect 'session.update'): \"response.create\" came. Fix the client, or the script.\n"
    assert told == ("" if is_right else expected)


def test_a_script_cannot_be_combined_with_options_for_all_sessions(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--script", "x.toml", "--refuse", "401"])

    assert ended.value.code == 2
    assert "a script sets" in capsys.readouterr().err


def test_an_unreadable_script_ends_the_command_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--script", str(tmp_path / "none.toml")]) == 1

    assert capsys.readouterr().err.count("\n") == 1
