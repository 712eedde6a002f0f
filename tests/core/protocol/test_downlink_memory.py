"""The memory that a service can make one session use is small, whatever it sends and however long."""

import asyncio
import gc
import io
import json
import tracemalloc
from collections.abc import Callable

import pytest

from edgevoice.commands.screen import Screen
from edgevoice.core.notices import TranscriptChanged
from edgevoice.core.protocol import wire
from edgevoice.core.protocol.downlink import Downlink
from edgevoice.core.protocol.history import History
from tests.core.drive import OPEN_MICROPHONE
from tests.core.fuzz import FuzzedBox

pytestmark = pytest.mark.long

MOST_KEPT = 6 * 2**20
"""Bytes that one session keeps, but for its sound: of that a quarter of an hour may wait (`core/playout.py`)."""

WIDE = "\U00010000"
"""A letter that takes four bytes in memory."""

Event = dict[str, object]


class Nowhere(io.StringIO):
    """A terminal that discards its output."""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        return len(text)


ID = WIDE * 500


def fresh(number: int) -> str:
    """Return another of the longest ids."""
    return f"{ID}{number:012}"


LONG = WIDE * 60_000
TOO_MUCH = "calls that no response ends"

ATTACKS: dict[str, tuple[int, Callable[[int], list[Event]]]] = {
    TOO_MUCH: (
        100,
        lambda n: [
            {"type": "response.function_call_arguments.done", "call_id": fresh(n), "name": ID, "arguments": LONG},
        ],
    ),
    "names of calls": (
        300,
        lambda n: [
            {"type": "response.output_item.added", "item": {"type": "function_call", "call_id": fresh(n), "name": ID}}
        ],
    ),
    "calls of responses that end": (
        30,
        lambda n: [
            {"type": "response.created", "response": {"id": fresh(n)}},
            {
                "type": "response.done",
                "response": {
                    "id": fresh(n),
                    "output": [
                        {"type": "function_call", "call_id": fresh(call), "name": ID, "arguments": "x" * 10_000}
                        for call in range(30)
                    ],
                },
            },
        ],
    ),
    "words of answers": (
        20,
        lambda n: [
            {"type": "response.output_audio_transcript.delta", "item_id": fresh(n), "delta": LONG},
            {"type": "response.output_audio_transcript.done", "item_id": fresh(n)},
        ],
    ),
    "words of one answer": (
        20,
        lambda _n: [{"type": "response.output_audio_transcript.delta", "item_id": ID, "delta": LONG}],
    ),
    "words of the user": (
        20,
        lambda n: [
            {"type": "conversation.item.input_audio_transcription.delta", "item_id": fresh(n), "delta": LONG},
            {"type": "conversation.item.input_audio_transcription.delta", "item_id": fresh(n), "delta": f" {LONG}"},
            {"type": "conversation.item.input_audio_transcription.completed", "item_id": fresh(n), "transcript": LONG},
        ],
    ),
    "items of the user": (
        300,
        lambda n: [
            {"type": "conversation.item.added", "item": {"id": fresh(n), "role": "user"}, "previous_item_id": ID},
            {"type": "input_audio_buffer.committed", "item_id": fresh(n), "previous_item_id": ID},
        ],
    ),
    "empty deltas of items": (
        600,
        lambda n: [
            {"type": "response.created", "response": {"id": "r"}},
            {"type": "response.output_audio.delta", "response_id": "r", "item_id": fresh(n), "delta": ""},
        ],
    ),
    "parts of one item": (
        600,
        lambda n: [
            {"type": "response.created", "response": {"id": "r"}},
            {"type": "response.output_audio.delta", "response_id": "r", "content_index": n, "delta": "AAAA"},
        ],
    ),
    "responses": (
        300,
        lambda n: [
            {"type": "response.created", "response": {"id": fresh(n)}},
            {"type": "response.output_audio.delta", "response_id": fresh(n), "item_id": fresh(n), "delta": "AAAA"},
        ],
    ),
    "usage and complaints": (
        20,
        lambda n: [
            {"type": "response.done", "response": {"id": fresh(n), "usage": {f"{key}{ID}": 1 for key in range(99)}}},
            {"type": "error", "error": {"code": LONG}},
        ],
    ),
}


def kept_after(*names: str) -> int:
    """Return the bytes that a session holds after alternating attacks."""
    attacks = [ATTACKS[name] for name in names]
    is_too_much = TOO_MUCH in names
    rounds = [
        [json.dumps(event) for times, events in attacks if number < times for event in events(number)]
        for number in range(max(times for times, _ in attacks))
    ]

    async def live() -> int:
        box = FuzzedBox(OPEN_MICROPHONE)
        box.open()
        downlink, history, screen = Downlink(), History(), Screen(Nowhere())
        gc.collect()
        tracemalloc.start()
        for frame in (frame for frames in rounds for frame in frames):
            box.receive(frame)
            try:
                event = wire.decode(frame)
                arrivals = downlink.take(event)
            except wire.LimitExceeded:
                assert is_too_much
                break  # the link hangs up: nothing more is kept
            history.order(event)
            for arrival in arrivals:
                history.take(arrival)
                if isinstance(arrival, TranscriptChanged):
                    screen.observe(arrival, 0.0)
            await asyncio.sleep(0)
        box.finish_tools()
        gc.collect()
        # The box has its own downlink, so its memory is counted twice.
        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return kept

    return asyncio.run(live())


@pytest.mark.parametrize("name", ATTACKS)
def test_a_session_keeps_little_whatever_a_service_sends(name: str) -> None:
    assert kept_after(name) < MOST_KEPT


def test_a_session_keeps_little_of_everything_combined() -> None:
    assert kept_after(*(name for name in ATTACKS if name != TOO_MUCH)) < MOST_KEPT
