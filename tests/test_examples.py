"""Every example is a program that does what its first line says."""

import asyncio
import json
import os
import signal
import socket
import sys
import threading
import wave
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from edgevoice.local.scripted.opponent import Opponent
from edgevoice.local.scripted.script import AnswerStep, Call, Expect
from edgevoice.local.server import LocalService
from edgevoice.local.speech.voice import HibariVoice
from edgevoice.testbed.stage.talker import Talker
from edgevoice.testbed.virtual import AcousticPath, VirtualCard
from edgevoice.testbed.virtual.room import synthetic_response
from tests.local.client import openai_address, question
from tests.local.talking import Hears, Tone, script_of

pytestmark = pytest.mark.long

EXAMPLES = Path(__file__).parents[1] / "examples"
LIMIT_S = 240.0
TESTED = {"grade_two_models.py", "http_tool.py", "mcp_tool.py", "relay.py", "talk.py", "wav.py"}


def bare() -> dict[str, str]:
    """The environment without an address and a key: the service inside the package answers."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("EDGEVOICE_", "INWORLD_"))}


async def run(name: str, *arguments: str, **environment: str) -> tuple[int | None, str, str]:
    """Run an example to its end; return its exit status and what it wrote."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLES / name),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**bare(), **environment},
    )
    async with asyncio.timeout(LIMIT_S):
        out, problems = await child.communicate()
    return child.returncode, out.decode(), problems.decode()


@pytest.fixture(scope="module")
def asked() -> bytes:
    return question(HibariVoice.load(), "What time is it?")


def test_every_example_is_run_here() -> None:
    assert {place.name for place in EXAMPLES.glob("*.py")} == TESTED


def test_a_recording_is_answered_by_a_recording(tmp_path: Path, asked: bytes) -> None:
    with wave.open(str(tmp_path / "question.wav"), "wb") as recording:
        recording.setparams((1, 2, 24_000, 0, "NONE", ""))
        recording.writeframes(asked)

    status, out, problems = asyncio.run(run("wav.py", str(tmp_path / "question.wav"), str(tmp_path / "answer.wav")))

    assert (status, problems) == (0, "")
    assert out.lower().startswith("user: what time is it")
    assert "assistant: " in out
    with wave.open(str(tmp_path / "answer.wav")) as answer:
        assert answer.getnframes() > 24_000


@pytest.mark.parametrize("name", sorted(TESTED - {"talk.py"}))
def test_an_example_that_is_called_wrongly_says_how_to_call_it(name: str) -> None:
    status, out, problems = asyncio.run(run(name))

    assert (status, out) == (1, "")
    assert f"`python examples/{name} " in problems.splitlines()[0]


def test_a_recording_of_two_channels_is_not_taken_for_one(tmp_path: Path) -> None:
    place = tmp_path / "question.wav"
    with wave.open(str(place), "wb") as recording:
        recording.setparams((2, 2, 24_000, 0, "NONE", ""))
        recording.writeframes(bytes(400))

    status, _, problems = asyncio.run(run("wav.py", str(place), str(tmp_path / "answer.wav")))

    assert (status, problems) == (1, f"{place}: expected one channel of 16-bit samples\n")


class _Forecast(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"current": {"temperature_2m": 7.5, "rain": 0.4}}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def forecast() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Forecast)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_tool_asks_a_web_service(forecast: str) -> None:
    script = script_of(
        Expect("session.update"),
        Expect("conversation.item.create"),
        Expect("response.create"),
        AnswerStep(calls=(Call("get_weather", '{"latitude": 60.4, "longitude": 5.3}'),)),
        Expect("conversation.item.create", {"item": {"output": '{"temperature_2m":7.5,"rain":0.4}'}}),
        Expect("response.create"),
        AnswerStep("It is raining."),
    )

    async def scene() -> tuple[int | None, str, str]:
        opponent = Opponent(script=script)
        async with LocalService(voice=Tone(), recogniser=Hears(), behaviour=opponent, pace=1000.0) as service:
            there = {"EDGEVOICE_SERVICE_URL": openai_address(service), "EDGEVOICE_API_KEY": "any"}
            return await run("http_tool.py", "Is it raining?", **there, FORECAST_URL=forecast)

    status, out, problems = asyncio.run(scene())

    assert (status, problems) == (0, "")
    assert out.splitlines() == ['(get_weather {"latitude": 60.4, "longitude": 5.3})', "It is raining."]


QUICK = """
gates = ["called_tool"]

[[scenario]]
name = "clock"
steps = [{ ask = "What time is it?" }]
scorers = [{ scorer = "called_tool", tool = "get_current_time" }, { scorer = "cost" }]
"""


def test_two_models_are_graded_by_the_same_scenarios(tmp_path: Path) -> None:
    (tmp_path / "quick.toml").write_text(QUICK)

    async def scene() -> tuple[int | None, str, str]:
        async with LocalService(voice=Tone(), recogniser=Hears(), pace=1000.0) as service:
            there = {"EDGEVOICE_SERVICE_URL": openai_address(service), "EDGEVOICE_API_KEY": "any"}
            return await run("grade_two_models.py", "large", "small", str(tmp_path / "quick.toml"), **there)

    status, out, problems = asyncio.run(scene())

    assert (status, problems) == (0, "")
    *told, found, cost, verdict = out.splitlines()
    assert told == ["large: clock", "small: clock"]
    assert found.split() == ["called_tool", "1.00", "1.00"]
    assert [cost.split()[at] for at in (0, 1, 3, 4)] == ["cost", "-", "tokens", "-"]
    assert verdict == "large: passed; small: passed"


def test_a_tool_comes_from_an_mcp_server() -> None:
    script = script_of(
        Expect("session.update"),
        Expect("session.update", {"session": {"tools": [{"name": "calculator__multiply"}]}}),
        Expect("conversation.item.create"),
        Expect("response.create"),
        AnswerStep(calls=(Call("calculator__multiply", '{"a": 19, "b": 23}'),)),
        Expect("conversation.item.create", {"item": {"output": '{"result":437.0}'}}),
        Expect("response.create"),
        AnswerStep("It is 437."),
    )

    async def scene() -> tuple[int | None, str, str]:
        opponent = Opponent(script=script)
        async with LocalService(voice=Tone(), recogniser=Hears(), behaviour=opponent, pace=1000.0) as service:
            there = {"EDGEVOICE_SERVICE_URL": openai_address(service), "EDGEVOICE_API_KEY": "any"}
            return await run("mcp_tool.py", "What is 19 times 23?", **there)

    status, out, problems = asyncio.run(scene())

    assert (status, problems) == (0, "")
    assert out.splitlines() == ['(calculator__multiply {"a": 19, "b": 23})', "It is 437."]


def test_a_relay_serves_a_client_of_the_same_kind(asked: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    async def scene() -> tuple[int, list[str]]:
        child = await asyncio.create_subprocess_exec(
            sys.executable, str(EXAMPLES / "relay.py"), str(port), stdout=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(LIMIT_S):
                assert child.stdout is not None
                assert await child.stdout.readline() == b"ready\n"
                return await talk()
        finally:
            child.terminate()
            await child.wait()

    async def talk() -> tuple[int, list[str]]:
        sound, told = 0, []
        async with connect(f"ws://127.0.0.1:{port}") as client:
            await client.send(asked)
            async for frame in client:
                if isinstance(frame, bytes):
                    sound += len(frame)
                else:
                    told.append(json.loads(frame)["type"])
                    if told[-1] == "turn_done":
                        break
        return sound, told

    sound, told = asyncio.run(scene())

    assert sound > 24_000
    assert set(told) == {"writing", "turn_done"}


@pytest.mark.sound
def test_a_person_talks_with_the_machine_and_interrupts_it() -> None:
    async def scene(card: VirtualCard) -> str:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            str(EXAMPLES / "talk.py"),
            stdout=asyncio.subprocess.PIPE,
            env=bare() | dict(card.environment),
        )
        assert child.stdout is not None
        shown = ""

        async def until(words: str) -> None:
            nonlocal shown
            while words not in shown:
                shown += (await child.stdout.readline()).decode()  # type: ignore[union-attr]

        talker = Talker(card)
        try:
            async with asyncio.timeout(LIMIT_S):
                await until("Say something.")
                await talker.say(0.5, "Tell me a story.", 4.5, "No, stop it please.", 1.0)
                await until("(interrupted after")
        finally:
            child.send_signal(signal.SIGINT)
            assert await child.wait() == 0
        return shown

    with VirtualCard(room=AcousticPath(synthetic_response(1, gain_db=-12), delay_ms=30.0)) as card:
        shown = asyncio.run(scene(card))

    assert "user: tell me a story" in shown.lower()
