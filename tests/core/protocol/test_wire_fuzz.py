"""A service that sends anything at all: no crash, no endless phase, no growth.

``EDGEVOICE_FUZZ_FRAMES`` says how many frames are mutated, 100,000 for the whole of it.
"""

import asyncio
import gc
import json
import os
import random
import sys
import tracemalloc

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.protocol import wire
from tests.core.drive import HALF_DUPLEX, OPEN_MICROPHONE
from tests.core.fuzz import BARGE_IN, EVERY_EVENT, IDS, SESSION, TYPES, VALUES, FuzzedBox, Mutator, odd

pytestmark = pytest.mark.long

FRAMES = int(os.environ.get("EDGEVOICE_FUZZ_FRAMES", "20000"))
SHARES = 4
MOST_BLOCKS_MORE = 2000
"""Python objects, of whatever size: what a garbage collection may leave by chance."""


@pytest.mark.parametrize("share", range(SHARES))
def test_mutated_frames_never_crash_never_hang_and_leave_nothing_behind(share: int) -> None:
    async def live() -> None:
        mutator = Mutator(share)
        chance = random.Random(1000 + share)
        box = FuzzedBox(replace(HALF_DUPLEX if share % 2 else OPEN_MICROPHONE, session_s=60))
        blocks: list[int] = []
        while box.mutated < FRAMES // SHARES:
            box.open()
            for frame, is_mutated in mutator.session():
                box.receive(frame, is_mutated=is_mutated)
                box.live(chance)
            box.settle(within_s=61)
            # The loop drops the engine's cancelled timers only while it runs.
            await asyncio.sleep(0)
            if box.mutated >= FRAMES // SHARES * (len(blocks) + 1) // 10:
                gc.collect()
                blocks.append(sys.getallocatedblocks())
        assert box.phases == set(Phase), "some phase was never come to"
        assert box.refused > box.mutated / 10, "hardly anything was broken"
        assert box.mutated / 10 < box.mutated - box.refused, "hardly anything was read"
        assert blocks[-1] - blocks[1] < MOST_BLOCKS_MORE
        box.engine.stop()

    asyncio.run(live())


# By number: Hypothesis prints a failing strategy with all its choices, and these values are long.
ODD = st.integers(0, len(VALUES) - 1).map(odd)
ANY = st.recursive(
    ODD | st.sampled_from(IDS) | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ["response_id", "item_id", "content_index", "call_id", "delta", "transcript", "arguments", "name", "usage"]
EVENTS = st.fixed_dictionaries(
    {"type": st.sampled_from(TYPES)},
    optional={
        **dict.fromkeys(FIELDS, ANY),
        "response": ANY | st.fixed_dictionaries({"id": st.sampled_from(IDS)}, optional={"status": ANY, "output": ANY}),
        "item": ANY | st.fixed_dictionaries({"id": ANY, "type": ANY}, optional={"call_id": ANY, "name": ANY}),
        "error": ANY | st.fixed_dictionaries({"code": ANY}, optional={"message": ANY}),
    },
)
WHOLE = SESSION + BARGE_IN + EVERY_EVENT
FRAME = (
    st.integers(0, len(WHOLE) - 1).map(lambda number: WHOLE[number]) | EVENTS.map(json.dumps) | st.binary(max_size=40)
)


@given(frames=st.lists(FRAME, max_size=30), seed=st.integers(0, 99))
@settings(max_examples=150)
def test_no_sequence_of_frames_hangs_the_conversation(frames: list[str | bytes], seed: int) -> None:
    async def live() -> None:
        chance = random.Random(seed)
        box = FuzzedBox(replace(OPEN_MICROPHONE, session_s=60))
        box.open()
        for frame in frames:
            box.receive(frame)
            box.live(chance)
        box.settle(within_s=61)
        box.engine.stop()

    asyncio.run(live())


@pytest.mark.parametrize("frame", SESSION + BARGE_IN + EVERY_EVENT, ids=lambda frame: json.loads(frame).get("type"))
def test_every_prefix_of_every_event_is_read_or_refused(frame: str) -> None:
    for end in range(len(frame)):
        with pytest.raises(wire.WireError):
            wire.decode(frame[:end])


FRESH: dict[str, dict[str, object]] = {
    "words of items": {"type": "response.output_audio_transcript.delta", "item_id": "$", "delta": "so many words"},
    "words of the user": {
        "type": "conversation.item.input_audio_transcription.delta",
        "item_id": "$",
        "delta": "so many words",
    },
    "items": {"type": "conversation.item.added", "item": {"id": "$", "type": "message"}},
    "names of calls": {
        "type": "response.output_item.added",
        "response_id": "r",
        "item": {"type": "function_call", "call_id": "$", "name": "a tool of some name"},
    },
    "calls": {"type": "response.function_call_arguments.done", "response_id": "$", "call_id": "$", "arguments": "{}"},
    "responses": {"type": "response.created", "response": {"id": "$"}},
    "audio of strange responses": {"type": "response.output_audio.delta", "response_id": "$", "delta": "AAAA"},
    "unknown events": {"type": "unheard.of.$"},
}


@pytest.mark.parametrize("name", FRESH)
def test_a_session_does_not_grow_with_ids_that_a_service_invents(name: str) -> None:
    async def live() -> None:
        box = FuzzedBox(OPEN_MICROPHONE)
        box.open()
        template = json.dumps(FRESH[name])
        before = 0
        tracemalloc.start()
        for number in range(10_000):
            if number == 2000:
                before, _ = tracemalloc.get_traced_memory()
            box.receive(template.replace("$", f"id_{number}"))
            if number % 100 == 0:
                await asyncio.sleep(0)
        grown, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert box.is_open
        assert grown - before < 8000 * 10, f"{(grown - before) / 8000:.0f} bytes for each"

    asyncio.run(live())
