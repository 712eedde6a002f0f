"""The body of an answer over HTTP is limited by its length, and a stream of events by how many they are."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from edgevoice.mcp.child.http import _Limited
from edgevoice.mcp.child.traffic import MESSAGE_LIMIT_BYTES, TOO_LONG, Traffic

SEGMENT_BYTES = 1448
"""What one packet of a network brings."""


class Pieces(httpx2.AsyncByteStream):
    def __init__(self, piece: bytes, count: int) -> None:
        self._piece = piece
        self._count = count

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self._count):
            yield self._piece


def read(piece: bytes, count: int, *, is_open_end: bool = False) -> int:
    """Return how many bytes of the pieces get through, all within the same second."""

    async def scene() -> int:
        body = _Limited(Pieces(piece, count), Traffic(lambda: 0.0), is_open_end=is_open_end)
        return sum([len(each) async for each in body])

    return asyncio.run(scene())


def test_an_answer_is_one_message_however_small_its_pieces() -> None:
    count = MESSAGE_LIMIT_BYTES // SEGMENT_BYTES

    assert read(b"x" * SEGMENT_BYTES, count) == count * SEGMENT_BYTES


def test_a_longer_answer_is_refused() -> None:
    with pytest.raises(httpx2.StreamError, match=TOO_LONG):
        read(b"x" * SEGMENT_BYTES, MESSAGE_LIMIT_BYTES // SEGMENT_BYTES + 1)


def test_each_event_of_a_stream_counts() -> None:
    with pytest.raises(httpx2.StreamError, match="it sends without end"):
        read(b"data: {}\n\n" * 100, 100, is_open_end=True)
