"""Tools from an MCP server: `python examples/mcp_tool.py "What is 19 times 23?"` prints the answer."""

import asyncio
import sys

from edgevoice import Agent, McpServer

# Any MCP server will do: this one is the second half of this file. One on the network has `url=` instead of a command.
CALCULATOR = McpServer(command=sys.executable, args=[__file__, "--serve"], allow=["multiply"])


async def main(question: str) -> None:
    """Ask, and print what is said."""
    servers = {"calculator": CALCULATOR}
    # The only question needs the tool, so wait until it is there, even on a slow machine.
    async with Agent(instructions="Answer in one sentence.", mcp_servers=servers, mcp_wait_s=120) as agent:
        agent.on("tool_call_start", lambda call: print(f"({call.tool} {call.arguments})"))
        print(await agent.ask(question))


def serve() -> None:
    """Serve on standard input and output, in a process of its own."""
    from mcp.server import MCPServer  # noqa: PLC0415 - only the server needs it here

    server = MCPServer("calculator")

    @server.tool()
    def multiply(a: float, b: float) -> float:
        """Multiply two numbers."""
        return a * b

    server.run()


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        serve()
    elif len(sys.argv) != 2:
        sys.exit(__doc__)
    else:
        asyncio.run(main(*sys.argv[1:]))
