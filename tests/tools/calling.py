"""Calls a tool as the runner does, for tests of the tool itself."""

from typing import Any

from edgevoice.tools.tool import Tool, ToolContext


async def called(tool: Tool, arguments: str = "", context: ToolContext | None = None) -> Any:
    """Return what a tool answers to JSON text."""
    return await tool.call(tool.check(arguments), context or ToolContext())
