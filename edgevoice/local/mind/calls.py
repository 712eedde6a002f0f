"""The brain's calls of the client's tools, and their results. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RequestedCall:
    """A tool that the client should run, with its arguments; ``raw``, if any, goes on the wire in their place."""

    name: str
    arguments: Mapping[str, Any]
    raw: str = ""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The output of the client's tool for ``call``; ``output`` is text, by convention JSON."""

    call: RequestedCall
    output: str


def decoded(output: str) -> Any:
    """Return what a tool's output says as JSON; the text itself if it is none."""
    try:
        return json.loads(output)
    except (ValueError, RecursionError):
        return output
