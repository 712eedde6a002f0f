"""Wire: what the program and its child say to each other, as frames of JSON after four bytes of length."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final, TypeVar

import msgspec

from edgevoice.mcp.server import McpServer

TO_CHILD_LIMIT: Final = 1 << 20
"""Bytes of a frame to the child: arguments have at most 65,536 characters, and the settings at most 1 MiB."""

TO_PROGRAM_LIMIT: Final = 1 << 19
"""Bytes of a frame to the program: the definitions of a server's tools are the largest."""

RESULT_LIMIT_BYTES: Final = 1 << 16
"""The longest result that leaves the child, as JSON; how much the model is given is decided where tools are run."""

_LENGTH_BYTES: Final = 4

_T = TypeVar("_T")


class OfferedTool(msgspec.Struct, frozen=True):
    """A tool as the model sees it; ``parameters`` is a JSON schema without references."""

    name: str
    description: str
    parameters: dict[str, Any]


# --- to the child -----------------------------------------------------------------------------------------------------


class Serve(msgspec.Struct, frozen=True, tag=True):
    """Connect to these servers, and stay connected. The first message."""

    servers: dict[str, McpServer]


class CallTool(msgspec.Struct, frozen=True, tag=True):
    """Call a tool by its offered name; ``Answered`` with the same id follows."""

    id: int
    server: str
    tool: str
    arguments: dict[str, Any]


class CancelCall(msgspec.Struct, frozen=True, tag=True):
    """Nobody waits for a call any more; it is still answered."""

    id: int


class Retry(msgspec.Struct, frozen=True, tag=True):
    """Try at once to reach the servers that could not be reached: a conversation begins."""


ToChild = Serve | CallTool | CancelCall | Retry


# --- to the program ---------------------------------------------------------------------------------------------------


class SdkLoaded(msgspec.Struct, frozen=True, tag=True):
    """The SDK is loaded. The first message."""


class Started(msgspec.Struct, frozen=True, tag=True):
    """A server's process runs; ``group`` is its process group."""

    server: str
    group: int


class Offered(msgspec.Struct, frozen=True, tag=True):
    """All tools of a connected server; ``remarks`` say which were left out, and why."""

    server: str
    tools: tuple[OfferedTool, ...]
    remarks: tuple[str, ...] = ()


class Lost(msgspec.Struct, frozen=True, tag=True):
    """A server cannot be reached; the next try follows after ``again_s`` seconds.

    ``is_gone``: its tools can no longer be called. Else it worked until now, and calls wait for the next try.
    """

    server: str
    problem: str
    again_s: float
    is_gone: bool


class Answered(msgspec.Struct, frozen=True, tag=True):
    """What a call has returned, or one line for the model that says why not."""

    id: int
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: str | None = None


ToProgram = SdkLoaded | Started | Offered | Lost | Answered

_encode = msgspec.json.Encoder().encode
to_child = msgspec.json.Decoder(ToChild)
to_program = msgspec.json.Decoder(ToProgram)


class FrameInvalid(Exception):
    """The other side sent something that is not a frame; the text says what."""


def frame(message: ToChild | ToProgram) -> bytes:
    """Return a message as it is written."""
    content = _encode(message)
    return len(content).to_bytes(_LENGTH_BYTES, "big") + content


async def frames(reader: asyncio.StreamReader, decoder: msgspec.json.Decoder[_T], limit: int) -> AsyncIterator[_T]:
    """Yield messages until the other side closes its end; raises ``FrameInvalid``."""
    while True:
        try:
            size = int.from_bytes(await reader.readexactly(_LENGTH_BYTES), "big")
            if size > limit:
                raise FrameInvalid(f"a frame of {size} bytes; at most {limit}")
            content = await reader.readexactly(size)
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise FrameInvalid("half a frame") from None
            return
        try:
            message = decoder.decode(content)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            raise FrameInvalid("a frame that is not a message") from None
        yield message
