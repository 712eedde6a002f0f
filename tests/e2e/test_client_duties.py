"""The twelve duties of a client of the Realtime protocol, in order; the test names are the list.

A duty is tested as a whole, across link, core, speaker and tools, in one test or in two or three where it is two or
three promises; their rooms' own tests have the rest.
"""

import asyncio
import base64
import json
import logging
import wave
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgevoice.audio.speaker import PERIOD, Speaker
from edgevoice.audio.upsampler import Upsampler
from edgevoice.core.conversation.conversation import Conversation
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.conversation.policy import Policy
from edgevoice.core.facts import (
    AnswerProgressed,
    CallMade,
    Event,
    LinkLost,
    LinkOpened,
    PlaybackDrained,
    ResponseEnded,
    ResponseStarted,
    ResponseStatus,
    ServiceComplained,
    TalkPressed,
    ToolCall,
    ToolFinished,
    UserStartedSpeaking,
    UserStoppedSpeaking,
)
from edgevoice.core.notices import Role, TranscriptChanged
from edgevoice.core.orders import CreateResponse, Light, OpenLink, RunTool, SendToolOutput, ShowLight
from edgevoice.core.protocol.downlink import AudioPiece, ItemComplete
from edgevoice.engine import Adapters, Engine
from edgevoice.local.scripted.opponent import Opponent
from edgevoice.local.scripted.script import Expect, Script, ScriptedSession
from edgevoice.realtime.endpoint import remote
from edgevoice.realtime.link import Link
from edgevoice.realtime.session import session_of
from edgevoice.settings.service import ServiceSettings
from edgevoice.tools.functions import FunctionSource
from edgevoice.tools.registry import Registry
from edgevoice.tools.runner import ToolLimits, ToolRunner
from tests.core.drive import (
    CALL,
    COMPLETED,
    NETWORK_GONE,
    OTHER_CALL,
    TO_ANSWERING,
    TO_LISTENING,
    TO_SPEAKING,
    TO_THINKING,
    TO_TOOLS,
    WAKE,
    Driven,
    drive,
)
from tests.e2e.quick_box import quick_box
from tests.fakes import Diary, FakeNearEnd, FakePanel, FakeService, FakeTools
from tests.realtime.services import KEY, Caller, Service, Talker, obliging
from tests.waiting import eventually

MS = 24
"""Samples in a millisecond at 24 kHz."""

_BIG = 12_582_000
"""Bytes of audio that make a frame of 16 MiB, but for some hundred bytes."""


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("all_proxy", "http_proxy", "https_proxy", "ws_proxy", "wss_proxy", "socks_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def live(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scene, timeout=20))


class Room:
    """The real engine, conversation and speaker among fakes: what the service gets, and what the room hears."""

    def __init__(self) -> None:
        self.diary = Diary()
        self.conversation = Conversation(Policy(hears_itself=False), chance=lambda: 0.5)
        speaker = Speaker(self._report, prefill_ms=0, volume_percent=100, earcon_percent=0)
        self.speaker = speaker
        adapters = Adapters(
            FakeService(self.diary), FakeNearEnd(self.diary), speaker, FakePanel(self.diary), FakeTools(self.diary)
        )
        self.engine = Engine(self.conversation, adapters, lambda: 50.0)

    def _report(self, event: Event) -> None:
        self.engine.report(event)

    @property
    def told(self) -> list[tuple[object, ...]]:
        """Everything that was sent to the service."""
        return [told for told in self.diary.told if str(told[0]).startswith("service.")]

    def answering(self) -> None:
        for fact in TO_ANSWERING:
            self.engine.report(fact)
        self.diary.told.clear()

    def send(self, milliseconds: int, item_id: str = "i1", content_index: int = 0, response_id: str = "r1") -> None:
        pcm = np.full(milliseconds * MS, 10_000, "<i2").tobytes()
        self.engine.take([AudioPiece(response_id, item_id, content_index, pcm)])

    def hear(self, periods: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
        pieces = [self.speaker.callback(None, PERIOD, None, 0)[0] for _ in range(periods)]
        return np.frombuffer(b"".join(pieces), np.int16)


# --- the link --------------------------------------------------------------------------------------------------------


def test_duty_01_basic_auth_a_fresh_key_per_connection_text_frames_big_frames_and_one_limit_for_connecting() -> None:
    kinds: list[type] = []
    big = base64.b64encode(bytes(_BIG)).decode()
    assert 0.999 * 16 * 2**20 < len(big) < 16 * 2**20
    assert 10 <= ServiceSettings().connect_s <= 15

    async def telling(talker: Talker) -> None:
        kinds.append(type(await talker.connection.recv()))
        await talker.say({"type": "session.updated", "session": {}})
        await talker.say({"type": "response.output_audio.delta", "response_id": "r", "delta": big})
        kinds.append(type(await talker.connection.recv()))
        await talker.listen_to_the_end()

    async def greeting_for_ever(talker: Talker) -> None:
        while True:
            await talker.say({"type": "session.created", "session": {}})
            await asyncio.sleep(0.05)

    service = Service(telling, telling, greeting_for_ever)

    async def scene() -> None:
        async with service.listening() as url:
            inworld = ServiceSettings(url=url, dialect="inworld")
            async with Caller(lambda: remote(inworld, KEY), connect_s=1.0).running() as caller:
                for number in (1, 2):
                    caller.link.open()
                    await eventually(lambda: len(caller.arrivals) == 3)
                    assert caller.arrivals[2] == AudioPiece("r", "nameless:item of r", 0, bytes(_BIG))
                    caller.link.send_audio(bytes(960))
                    await eventually(lambda: len(kinds) == 2 * number)  # noqa: B023 - asked within the turn
                    caller.link.close()
                    caller.arrivals.clear()
                caller.link.open()
                assert await caller.lost() == LinkLost("service-unreachable", is_retriable=True)

    live(scene())

    requests = [talker.connection.request for talker in service.talkers]
    assert all(request is not None and request.headers["Authorization"] == f"Basic {KEY}" for request in requests)
    paths = [request.path for request in requests if request is not None]
    assert len(set(paths)) == 3, "each connection has a key of its own"
    assert all("protocol=realtime" in path and KEY not in path for path in paths)
    assert set(kinds) == {str}, "text frames"


def test_duty_02_speech_before_the_session_is_configured_is_kept_and_then_sent_in_order(tmp_path: Path) -> None:
    chance = np.random.default_rng(7)
    said = chance.integers(-8000, 8000, 24_000, np.int16)
    opponent = Opponent(script=Script((ScriptedSession((Expect("session.update", delay_s=0.4), Expect("close"))),)))

    async def scene() -> None:
        async with quick_box(tmp_path, opponent, Policy(hears_itself=False, no_speech_s=0.8)) as box:
            box.card.say(said)
            await eventually(lambda: box.ears.position >= 8000)
            # Speech before the button is the pre-roll; the rest is spoken while it connects and after that.
            box.engine.report(TalkPressed(0))
            assert box.phase is Phase.CONNECTING
            await eventually(lambda: box.card.is_quiet and box.phase is Phase.LISTENING)
            await opponent.over()
            events = [json.loads(line) for line in (tmp_path / "wire-1.jsonl").read_text().splitlines()]
        kinds = [(event["from"], event["event"]["type"]) for event in events]
        updated = kinds.index(("server", "session.updated"))
        sent = [kind for origin, kind in kinds[:updated] if origin == "client"]
        assert sent == ["session.update"], "no audio before the session is in force"

    live(scene())

    with wave.open(str(tmp_path / "uplink-1.wav")) as recording:
        heard = np.frombuffer(recording.readframes(recording.getnframes()), np.int16)
    expected = Upsampler().resample_chunk(said)
    assert len(heard) >= len(expected)
    start = expected[:35_000].astype(np.int32)
    assert np.abs(heard[: len(start)] - start).max() <= 2, "all of it, once, from the first sample on"


def test_duty_03_the_configuration_is_sent_in_full_with_explicit_booleans_and_object_formats() -> None:
    service = Service()

    async def scene() -> None:
        async with service.listening() as url:
            inworld = ServiceSettings(url=url, dialect="inworld", noise_reduction="off")
            link = Link(
                lambda: remote(inworld, KEY), lambda _word: session_of(inworld, []), lambda _arrivals: None, connect_s=5
            )
            running = asyncio.create_task(link.run())
            link.open()
            await eventually(lambda: bool(service.talkers) and bool(service.talkers[0].received))
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    live(scene())

    (update,) = service.talkers[0].received
    session = update["session"]
    assert update["type"] == "session.update"
    assert set(session) == {
        *("type", "model", "instructions", "output_modalities", "max_output_tokens", "tools", "tool_choice"),
        *("audio", "providerData"),
    }
    near, far = session["audio"]["input"], session["audio"]["output"]
    assert set(near) == {"format", "transcription", "noise_reduction", "turn_detection"}
    assert set(far) == {"format", "model", "voice", "speed"}
    assert near["format"] == far["format"] == {"type": "audio/pcm", "rate": 24000}
    assert near["turn_detection"]["create_response"] is True
    assert near["turn_detection"]["interrupt_response"] is True
    assert near["noise_reduction"] is None
    assert session["providerData"]["auto_tool_response"] is False


def test_duty_04_unknown_events_and_fields_do_no_harm_older_names_work_and_ids_may_be_missing() -> None:
    async def talking(talker: Talker) -> None:
        await talker.accept()
        await talker.say(
            {"type": "nobody.knows.this", "nested": [{"a": None}]},
            {"errorType": "SESSION_RESOURCES_EXHAUSTED"},
            {"type": "response.created", "response": {"id": "r1", "voice_of_the_year": True}, "trace": {"x": 1}},
            {"type": "response.audio.delta", "response_id": "r1", "delta": "AQA="},
            {"type": "response.audio_transcript.delta", "response_id": "r1", "delta": "Yes."},
            {"type": "response.output_item.added", "item": {"type": "function_call", "call_id": "c1", "name": "stop"}},
            {"type": "response.function_call_arguments.done", "response_id": "r1", "call_id": "c1"},
            {"type": "response.audio.done"},
            {"type": "response.done", "response": {"id": "r1", "status": "completed"}},
            {"type": "response.created", "response": {"id": "r2", "output": None, "usage": None}},
            {"type": "response.output_item.added", "item": {"type": "message", "id": "a2", "role": None}},
            {"type": "response.output_audio.delta", "item_id": None, "content_index": None, "delta": "AQA="},
            {"type": "response.output_audio.delta", "response_id": None, "delta": None},
            {"type": "response.output_audio_transcript.done", "item_id": None, "transcript": "No."},
            {"type": "response.output_audio.done", "response_id": None, "item_id": None, "content_index": None},
            {"type": "response.done", "response": {"status": "completed", "output": None, "usage": None}},
            {"type": "response.created", "response": {"id": None}},
            {"type": "response.output_audio.delta", "item_id": "a3", "delta": "AQA="},
            {"type": "response.output_audio.delta", "response_id": "r3", "delta": "AQA="},
            {"type": "response.done", "response": None},
        )
        await talker.listen_to_the_end()

    caller: list[Caller] = []

    async def scene() -> None:
        async with Service(talking).listening() as url, Caller(url).running() as calling:
            caller.append(calling)
            calling.link.open()
            await eventually(lambda: sum(isinstance(arrival, ResponseEnded) for arrival in calling.arrivals) == 3)

    live(scene())

    nameless = "nameless:response 1"
    assert [arrival for arrival in caller[0].arrivals if not isinstance(arrival, AnswerProgressed)] == [
        LinkOpened(),
        ResponseStarted("r1"),
        AudioPiece("r1", "nameless:item of r1", 0, b"\1\0"),
        TranscriptChanged(Role.ASSISTANT, "nameless:item of r1", "Yes.", is_final=False),
        CallMade("r1", ToolCall("c1", "stop", "")),
        ItemComplete("r1", "nameless:item of r1"),
        ResponseEnded("r1", ResponseStatus.COMPLETED, (ToolCall("c1", "stop", ""),), has_audio=True),
        ResponseStarted("r2"),
        AudioPiece("r2", "a2", 0, b"\1\0"),
        AudioPiece("r2", "a2", 0, b""),
        TranscriptChanged(Role.ASSISTANT, "a2", "No.", is_final=True),
        ItemComplete("r2", "a2"),
        ResponseEnded("r2", ResponseStatus.COMPLETED, has_audio=True),
        ResponseStarted(nameless),
        AudioPiece(nameless, "a3", 0, b"\1\0"),
        AudioPiece(nameless, "a3", 0, b"\1\0"),
        ResponseEnded(nameless, ResponseStatus.COMPLETED, has_audio=True),
    ]


# --- the answer ------------------------------------------------------------------------------------------------------


def test_duty_05_what_was_received_and_heard_is_counted_for_each_item_and_part_by_the_callbacks() -> None:
    async def scene() -> None:
        room = Room()
        room.answering()
        room.send(50, "i1", content_index=0)
        room.send(40, "i2", content_index=1)
        room.engine.take([ItemComplete("r1", "i1")])
        room.send(500, "i2", content_index=1)
        room.hear(8)
        room.engine.report(UserStartedSpeaking())
        assert room.told == [], "nothing is known before the card has been given the fade"
        room.hear(1)

        # i1 was heard to its end and needs no report; of i2 three periods and the fade were heard.
        assert room.told == [("service.truncate", "i2", 1, 80 - 50 + 3)]

    live(scene())


@pytest.mark.parametrize("is_generated", [True, False], ids=["generated and still sounding", "being generated"])
def test_duty_06_barge_in_is_keyed_on_playback_active_silent_within_a_period_fenced_and_truncated_once(
    *, is_generated: bool
) -> None:
    async def scene() -> None:
        room = Room()
        room.answering()
        room.send(2000)
        if is_generated:
            room.engine.take([ItemComplete("r1", "i1"), COMPLETED])
        room.hear(50)
        assert room.conversation.phase is Phase.SPEAKING

        room.engine.report(UserStartedSpeaking())
        fading = room.hear(1)
        assert not fading[3 * MS :].any(), "silent within one period"
        room.send(300)  # was on its way
        if not is_generated:
            room.engine.take([ResponseEnded("r1", ResponseStatus.CANCELLED, has_audio=True)])
        room.send(300)
        room.engine.report(UserStartedSpeaking())
        assert not room.hear(100).any(), "what comes late falls at the fence"

        assert room.told == [("service.truncate", "i1", 0, 503)], "once, and no bare cancel"

    live(scene())


def test_duty_06_speech_while_nothing_plays_cuts_nothing_and_no_more_than_was_received_is_claimed() -> None:
    async def scene() -> None:
        silent = Room()
        silent.answering()
        silent.engine.report(UserStartedSpeaking())
        assert silent.told == []

        starved = Room()
        starved.answering()
        starved.send(100)
        starved.hear(30)  # 300 ms, of which the service had sent 100
        starved.engine.report(UserStartedSpeaking())
        starved.hear(1)
        assert starved.told == [("service.truncate", "i1", 0, 100)]

    live(scene())


def test_duty_07_every_call_of_a_completed_response_is_answered_in_bounded_time_with_one_response_create() -> None:
    outputs: dict[str, Any] = {}
    asked: list[CreateResponse] = []
    calls = (ToolCall("c1", "never", ""), ToolCall("c2", "broken", "{}"), ToolCall("c3", "nobody_has_this", "{"))

    async def never() -> None:
        """Never return."""
        await asyncio.Event().wait()

    def broken() -> None:
        """Fail."""
        raise RuntimeError("a fault in a tool")

    async def scene() -> None:
        conversation = drive(*TO_ANSWERING)

        def tell(fact: Event) -> None:
            for order in conversation.hear(fact):
                match order:
                    case RunTool(call=call):
                        tools.run(call)
                    case SendToolOutput(call_id=call_id, output=output):
                        assert call_id not in outputs, "each call is answered once"
                        assert not asked, "the asking comes last"
                        outputs[call_id] = json.loads(output)
                    case CreateResponse():
                        asked.append(order)
                    case _:
                        pass  # lights

        tools = ToolRunner(Registry([FunctionSource([never, broken])]), tell, ToolLimits(timeout_s=0.1))
        tell(ResponseEnded("r1", ResponseStatus.COMPLETED, calls))
        await eventually(lambda: bool(asked))
        tools.close()

    live(scene())

    assert set(outputs) == {"c1", "c2", "c3"}
    assert all("error" in output for output in outputs.values())
    assert asked == [CreateResponse()]
    broken_off = drive(*TO_ANSWERING).hear(ResponseEnded("r1", ResponseStatus.CANCELLED, calls))
    assert not any(isinstance(order, RunTool) for order in broken_off), "only those of a completed response are run"


def test_duty_07_no_answer_is_requested_if_the_user_has_spoken_since_but_the_outputs_are_sent() -> None:
    waiting = drive(*TO_TOOLS, ToolFinished("c1", "{}"), UserStartedSpeaking())

    assert waiting.hear(ToolFinished("c2", "{}")) == [SendToolOutput("c2", "{}")]


def test_duty_08_one_response_at_a_time_and_a_refused_request_is_repeated_once_after_response_done() -> None:
    asked = drive(*TO_TOOLS)
    assert asked.hear(ToolFinished("c1", "{}")) == [SendToolOutput("c1", "{}")]
    assert asked.hear(ToolFinished("c2", "{}"))[-1] == CreateResponse()
    # The service had begun another response by itself.
    asked.hear(ResponseStarted("r2"))

    assert asked.hear(ServiceComplained("conversation_already_has_active_response")) == []
    assert asked.hear(ResponseEnded("r2", ResponseStatus.COMPLETED)) == [CreateResponse()]
    asked.hear(ResponseStarted("r3"))
    assert CreateResponse() not in asked.hear(ResponseEnded("r3", ResponseStatus.COMPLETED, has_audio=True))


def test_duty_09_the_turn_is_over_when_the_response_is_done_and_playback_drained_and_no_tool_round_open() -> None:
    orders: list[tuple[Event, Event]] = [(COMPLETED, PlaybackDrained(1)), (PlaybackDrained(1), COMPLETED)]
    for first, last in orders:
        speaking = drive(*TO_SPEAKING, first)
        assert speaking.phase is not Phase.LISTENING
        assert ShowLight(Light.LISTENING) in speaking.hear(last)
        assert speaking.waits_s == 6, "the follow-up window opens now"

    with_tools = drive(*TO_SPEAKING, ResponseEnded("r1", ResponseStatus.COMPLETED, (CALL, OTHER_CALL), has_audio=True))
    with_tools.hear(PlaybackDrained(1), ToolFinished("c1", "{}"))
    assert with_tools.phase is Phase.THINKING, "a tool round is open"
    with_tools.hear(ToolFinished("c2", "{}"))
    assert with_tools.phase is Phase.THINKING, "its answer is due"


# --- timeouts, and the end --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "limit_s"),
    [
        (TO_LISTENING, 8.0),
        ((*TO_LISTENING, UserStartedSpeaking()), 90.0),
        ((*TO_LISTENING, UserStartedSpeaking(), UserStoppedSpeaking()), 15.0),
        (TO_THINKING, 15.0),
        (TO_ANSWERING, 15.0),
        ((*TO_SPEAKING, PlaybackDrained(1)), 15.0),
    ],
    ids=["no speech", "no end of speech", "no commit", "no response", "no sound", "no progress"],
)
def test_duty_10_every_missing_event_has_a_time_limit_after_which_the_box_is_idle(
    way: tuple[Event, ...], limit_s: float
) -> None:
    early, late = drive(*way), drive(*way)
    early.wait(limit_s - 0.1)
    late.wait(limit_s + 0.1)

    assert early.phase is not Phase.IDLE
    assert late.phase is Phase.IDLE


def test_duty_10_a_connection_that_stops_answering_pings_is_lost() -> None:
    async def falling_silent(talker: Talker) -> None:
        await talker.accept()
        talker.connection.transport.pause_reading()
        await talker.connection.wait_closed()

    service = Service(falling_silent)

    async def scene() -> None:
        async with service.listening() as url, Caller(url, pong_s=0.2).running() as caller:
            await caller.opened()
            assert await caller.lost() == LinkLost("service-unreachable", is_retriable=True)
            service.talkers[0].connection.transport.abort()

    live(scene())


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 4000])
def test_duty_11_any_close_ends_the_session_is_reported_once_and_leaves_nothing_for_the_next(code: int) -> None:
    async def closing(talker: Talker) -> None:
        await talker.accept()
        await talker.connection.close(code, "over")

    service = Service(closing, obliging)

    async def scene() -> None:
        async with service.listening() as url, Caller(url).running() as caller:
            caller.link.open()
            await caller.lost()
            caller.link.send_audio(b"said to a session that is no more")
            caller.link.truncate("item_of_the_lost_session", 0, 100)
            caller.arrivals.clear()
            caller.link.open(resumes=True)
            await eventually(lambda: LinkOpened() in caller.arrivals)
            caller.link.send_audio(b"new.")
            await eventually(lambda: len(service.talkers[1].received) == 2)

    live(scene())

    assert [event["type"] for event in service.talkers[1].received] == ["session.update", "input_audio_buffer.append"]
    assert base64.b64decode(service.talkers[1].received[1]["audio"]) == b"new."


def test_duty_11_the_service_is_redialled_at_growing_intervals_with_jitter_and_then_given_up() -> None:
    def waits_of(chance: float) -> list[float]:
        lost = Driven(Policy(hears_itself=False))
        lost.conversation = Conversation(Policy(hears_itself=False), lambda: chance)
        lost.conversation.start()
        lost.hear(WAKE, LinkOpened(), NETWORK_GONE)
        waits = []
        while lost.phase is Phase.CONNECTING:
            waits.append(lost.waits_s or 0)
            assert lost.wait(waits[-1]) == [OpenLink("hey_jarvis", resumes=True)]
            lost.hear(NETWORK_GONE)
        return waits

    early, late = waits_of(0.0), waits_of(1.0)

    assert len(early) == len(late) == 4
    assert early == sorted(early)
    assert early[0] < early[2] <= 2
    assert all(one != other for one, other in zip(early, late, strict=True)), "no two boxes dial in step"


def test_duty_12_the_key_and_what_is_said_are_in_no_log_and_steering_tags_in_nothing_that_people_read(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    words = {"response_id": "r1", "item_id": "a1"}

    async def talking(talker: Talker) -> None:
        await talker.accept()
        await talker.say(
            {"type": "conversation.item.input_audio_transcription.completed", "item_id": "u1", "transcript": "recipe"},
            {"type": "response.output_audio_transcript.delta", **words, "delta": "[cheer"},
            {"type": "response.output_audio_transcript.delta", **words, "delta": "ful] Flour"},
            {"type": "response.output_audio_transcript.delta", **words, "delta": " and [la"},
            {"type": "response.output_audio_transcript.delta", **words, "delta": "ugh] salt."},
            {"type": "response.output_audio_transcript.done", **words, "transcript": "[cheerful] Flour and salt."},
            {"type": "error", "error": {"code": "invalid_value", "message": f"recipe {KEY}"}},
        )
        await talker.connection.close(1011, "over")

    read: list[str] = []

    async def scene() -> None:
        async with Service(talking).listening() as url:
            inworld = ServiceSettings(url=url, dialect="inworld")
            async with Caller(lambda: remote(inworld, KEY)).running() as caller:
                caller.link.open()
                await caller.lost()
                read.extend(arrival.text for arrival in caller.arrivals if isinstance(arrival, TranscriptChanged))

    live(scene())

    assert read == ["recipe", "", "Flour", "Flour and", "Flour and salt.", "Flour and salt."]
    ours = [record for record in caplog.records if not record.name.startswith("websockets.server")]
    log = "\n".join(f"{record.getMessage()} {vars(record)}" for record in ours)
    assert "service-complains" in log
    assert not any(secret in log for secret in (KEY, "recipe", "Flour"))
