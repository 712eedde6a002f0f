"""The transport to a server on the network: the SDK's, with a limit on each answer and on the whole.

The SDK follows no redirect to another host, scheme or port, so our headers never reach one.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import httpx2
from mcp.client._transport import TransportStreams
from mcp.client.streamable_http import streamable_http_client

from edgevoice.mcp.child.traffic import MESSAGE_LIMIT_BYTES, TOO_LONG, Flooded, Traffic
from edgevoice.mcp.server import McpServer

_CONNECT_S: Final = 10.0
_READ_S: Final = 300.0
"""A server keeps a stream open to announce changes, and may be silent on it for minutes."""


@asynccontextmanager
async def http_transport(server: McpServer, traffic: Traffic) -> AsyncGenerator[TransportStreams]:
    """Open a client for the server's address."""

    async def look(response: httpx2.Response) -> None:
        if response.is_redirect:
            traffic.hint = f"it redirects (HTTP status {response.status_code}), which is followed only on the same host"
        elif response.status_code >= 400:
            traffic.hint = f"it answers with HTTP status {response.status_code}"
        stream = response.stream
        if isinstance(stream, httpx2.AsyncByteStream):
            is_open_end = response.headers.get("content-type", "").lower().startswith("text/event-stream")
            response.stream = _Limited(stream, traffic, is_open_end=is_open_end)

    timeout = httpx2.Timeout(_CONNECT_S, read=_READ_S)
    async with (
        httpx2.AsyncClient(headers=dict(server.headers), timeout=timeout, event_hooks={"response": [look]}) as client,
        streamable_http_client(
            server.url, http_client=client, terminate_on_close=False, max_sse_event_size=MESSAGE_LIMIT_BYTES
        ) as streams,
    ):
        yield streams


class _Limited(httpx2.AsyncByteStream):
    """The body of an answer; raises ``StreamError`` where it is too long, which the SDK reports for its request."""

    def __init__(self, stream: httpx2.AsyncByteStream, traffic: Traffic, *, is_open_end: bool) -> None:
        self._stream = stream
        self._traffic = traffic
        self._is_open_end = is_open_end

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if not self._is_open_end and size > MESSAGE_LIMIT_BYTES:
                raise httpx2.StreamError(TOO_LONG)
            try:
                # However small the pieces in which a network delivers an answer, it is one message.
                is_first = size == len(chunk)
                self._traffic.take(len(chunk), messages=chunk.count(b"\n\n") if self._is_open_end else int(is_first))
            except Flooded as flood:
                self._traffic.end(str(flood))
                raise httpx2.StreamError(str(flood)) from flood
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
