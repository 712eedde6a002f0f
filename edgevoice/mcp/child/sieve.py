"""Sieve: takes out of a list of tools each one that the protocol does not allow. For one, the SDK refuses the list."""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self

from mcp.client._transport import ReadStream
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCResponse, ListToolsResult
from mcp_types.methods import validate_server_result
from pydantic import ValidationError

from edgevoice.mcp.definitions import AnnouncedTool, shown

_METHOD: Final = "tools/list"
_Incoming = ReadStream[SessionMessage | Exception]


class Sieve:
    """The sieve of one connection: `over` sifts what the server sends."""

    def __init__(self) -> None:
        self.version = ""
        self._left_out: list[AnnouncedTool] = []

    def over(self, incoming: _Incoming) -> _Incoming:
        """Return the same messages, with the tools taken out that are not valid."""
        return _Sifted(incoming, self._pass)

    def left_out(self) -> list[AnnouncedTool]:
        """Return the tools that were taken out since the last call, each with what is wrong with it."""
        left_out, self._left_out = self._left_out, []
        return left_out

    def _pass(self, message: SessionMessage | Exception) -> None:
        """Take the tools out of a message, if it is a list of tools."""
        if not isinstance(message, SessionMessage) or not isinstance(message.message, JSONRPCResponse):
            return
        result = message.message.result
        tools = result.get("tools")
        # What is wrong with the rest of the answer, the SDK says.
        if not isinstance(tools, list) or not self._fault(result) or self._fault({**result, "tools": []}):
            return
        kept = []
        for tool in tools:
            if fault := self._fault({**result, "tools": [tool]}):
                name = tool.get("name") if isinstance(tool, dict) else None
                self._left_out.append(AnnouncedTool(name if isinstance(name, str) else "", "", {}, fault))
            else:
                kept.append(tool)
        result["tools"] = kept

    def _fault(self, result: dict[str, Any]) -> str:
        """Return what the SDK would refuse an answer for, "" for nothing."""
        try:
            validate_server_result(_METHOD, self.version, result)
            ListToolsResult.model_validate(result, by_name=False)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            # The first two lead to the tool.
            place = ".".join(str(part) for part in first["loc"][2:] if part != "dict[str,any]")
            return f"{shown(place) if place else 'it'} is {'missing' if first['type'] == 'missing' else 'not valid'}"
        except (KeyError, ValueError):
            return ""  # of another version: the SDK knows what to do
        return ""


class _Sifted:
    """A stream whose messages have passed the sieve."""

    def __init__(self, incoming: _Incoming, sieve: Callable[[SessionMessage | Exception], None]) -> None:
        self._incoming = incoming
        self._sieve = sieve

    @property
    def last_context(self) -> Any:
        return getattr(self._incoming, "last_context", None)

    async def receive(self) -> SessionMessage | Exception:
        message = await self._incoming.receive()
        self._sieve(message)
        return message

    async def aclose(self) -> None:
        await self._incoming.aclose()

    def __aiter__(self) -> "_Sifted":
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        message = await anext(self._incoming)
        self._sieve(message)
        return message

    async def __aenter__(self) -> Self:
        await self._incoming.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        return await self._incoming.__aexit__(kind, error, traceback)
