"""A server made with the SDK, over either transport: ``sdk_server.py [SOCKET]``. Over HTTP it wants a header."""

import sys

import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

server = MCPServer("calculator", log_level="ERROR")


@server.tool()
def add(a: int, b: int = 0) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
async def grow(context: Context) -> str:
    """Offer another tool."""
    server.add_tool(lambda: "new", name="new", description="Be new.")
    await context.notify_tools_changed()
    return "grown"


class WithKey:
    """Refuses requests without the key."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer: ASGIApp | Response = self._app
        if scope["type"] == "http" and Request(scope).headers.get("authorization") != "Bearer of-news":
            answer = PlainTextResponse("who are you?", status_code=401)
        await answer(scope, receive, send)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        app = WithKey(server.streamable_http_app())
        uvicorn.run(app, fd=int(sys.argv[1]), log_level="error")
    else:
        server.run()
