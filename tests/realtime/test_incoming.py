"""A service that sends too much, or breaks the rules: the session ends with its own error, and the box responds."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from edgevoice.core.facts import LinkLost, LinkOpened, UserStartedSpeaking
from edgevoice.core.notices import TranscriptChanged
from edgevoice.core.protocol.downlink import Arrival, AudioPiece
from edgevoice.realtime.endpoint import Endpoint
from tests.realtime.services import SPEECH_STARTED, Caller, Service, Talker, problem_in
from tests.waiting import eventually

MEBIBYTE = 2**20
NONSENSE = LinkLost("service-nonsense", is_retriable=False)


def lost_by(send: Callable[[Talker], Awaitable[None]]) -> LinkLost:
    async def sending(talker: Talker) -> None:
        await talker.accept()
        await send(talker)
        await talker.listen_to_the_end()

    async def live() -> LinkLost:
        async with Service(sending).listening() as url, Caller(url).running() as caller:
            caller.link.open()
            return await caller.lost()

    return asyncio.run(live())


ITEM = json.dumps({"type": "conversation.item.added", "item": {"id": "i" * MEBIBYTE}})
MANY = json.dumps({"type": "response.done", "response": {"output": [{}] * 65}})
HUGE = json.dumps({"type": "response.output_audio.delta", "delta": "A" * 16 * MEBIBYTE})


@pytest.mark.parametrize(
    ("frame", "problem"),
    [(ITEM, "bytes without audio"), (MANY, "a list of 65 values"), (HUGE, "message too big")],
    ids=["id", "items", "frame"],
)
def test_a_service_that_sends_too_much_is_disconnected(
    frame: str, problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def send(talker: Talker) -> None:
        await talker.connection.send(frame)

    assert lost_by(send) == NONSENSE
    told = problem_in(caplog, "link-lost")
    assert problem in told
    assert "network" not in told


def test_a_websocket_violation_is_distinguished_from_a_lost_network() -> None:
    async def send(talker: Talker) -> None:
        talker.connection.transport.write(b"\xf1\x00")  # a reserved bit, which was not negotiated

    assert lost_by(send) == NONSENSE


def test_json_in_binary_frames_is_read_and_text_that_is_not_utf_8_costs_one_frame_only() -> None:
    async def talking(talker: Talker) -> None:
        await talker.connection.send(json.dumps({"type": "session.created"}).encode())
        await talker.listen(1)
        await talker.connection.send(json.dumps({"type": "session.updated"}).encode())
        await talker.connection.send(json.dumps(SPEECH_STARTED).encode())
        await talker.connection.send(b'{"type": \xff', text=True)
        await talker.connection.send(json.dumps(SPEECH_STARTED).encode())
        await talker.listen_to_the_end()

    async def live() -> list[Arrival]:
        async with Service(talking).listening() as url, Caller(url).running() as caller:
            caller.link.open()
            await eventually(lambda: len(caller.arrivals) == 3)
            return caller.arrivals

    assert asyncio.run(live()) == [LinkOpened(), UserStartedSpeaking(), UserStartedSpeaking()]


STARTED = json.dumps(SPEECH_STARTED)
EIGHT_MEGABYTES = json.dumps({"type": "response.output_audio.delta", "delta": "A" * 8 * MEBIBYTE})


@pytest.mark.parametrize(
    ("frame", "count", "most"), [(STARTED, 5000, 65), (EIGHT_MEGABYTES, 3, 1)], ids=["small", "large"]
)
def test_waiting_frames_are_not_all_read_before_the_loop_runs_again(frame: str, count: int, most: int) -> None:
    async def flooding(talker: Talker) -> None:
        await talker.accept()
        for _ in range(count):
            await talker.connection.send(frame.encode(), text=True)
        await talker.listen_to_the_end()

    async def live() -> tuple[int, list[Arrival]]:
        """Return the largest number of frames read within one iteration of the loop, and all that arrived."""
        read = largest = 0

        def take(_arrivals: list[Arrival]) -> None:
            nonlocal read
            read += 1

        def turn() -> None:
            nonlocal read, largest
            largest, read = max(largest, read), 0
            asyncio.get_running_loop().call_soon(turn)

        async with Service(flooding).listening() as url, Caller(url, take=take).running() as caller:
            caller.link.open()
            turn()
            await eventually(lambda: len(caller.arrivals) == count + 1)
            return largest, caller.arrivals

    largest, arrivals = asyncio.run(live())

    assert 1 <= largest <= most
    sound = sum(len(piece.pcm) for piece in arrivals if isinstance(piece, AudioPiece))
    assert sound == (count * 6 * MEBIBYTE if frame == EIGHT_MEGABYTES else 0)


@pytest.mark.parametrize(("rewrites", "words"), [(False, ["to", "today"]), (True, ["to", "day"])])
def test_the_users_words_are_read_in_the_dialect_of_the_endpoint(*, rewrites: bool, words: list[str]) -> None:
    delta = {"type": "conversation.item.input_audio_transcription.delta", "item_id": "u1"}

    async def writing(talker: Talker) -> None:
        await talker.accept()
        await talker.say({**delta, "delta": "to"}, {**delta, "delta": "day"})
        await talker.listen_to_the_end()

    async def live() -> list[str]:
        async with (
            Service(writing).listening() as url,
            Caller(Endpoint(url, rewrites=rewrites)).running() as caller,
        ):
            caller.link.open()
            await eventually(lambda: len(shown(caller)) == 2)
            return shown(caller)

    def shown(caller: Caller) -> list[str]:
        return [arrival.text for arrival in caller.arrivals if isinstance(arrival, TranscriptChanged)]

    assert asyncio.run(live()) == words
