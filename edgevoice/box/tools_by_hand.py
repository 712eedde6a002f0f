"""The model's tools as programs use them: with the same checks, and refusals of the control socket."""

import json
from typing import Any

from edgevoice.control.messages import Refused
from edgevoice.errors import ToolRefused
from edgevoice.tools.functions import FunctionSource
from edgevoice.tools.tool import ToolContext


async def use_tool(source: FunctionSource, name: str, arguments: dict[str, Any]) -> Any:
    """Call a tool by hand and return its result.

    Raises ``Refused``: as ``bad-request`` what is wrong with the arguments, as ``not-possible`` what cannot be done.
    """
    tool = next(each for each in source.tools() if each.definition.name == name)
    try:
        given = tool.check(json.dumps(arguments))
    except ToolRefused as refused:
        raise Refused("bad-request", str(refused), "docs/control.md describes every message.") from None
    try:
        return await tool.call(given, ToolContext())
    except ToolRefused as refused:
        raise Refused("not-possible", str(refused)) from None
