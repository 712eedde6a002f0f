"""edgevoice: a smart speaker on a Raspberry Pi, and the same conversation as a library.

``Agent``, ``McpServer``, ``Persona``, ``RealtimeVoice``, ``tool`` and ``ToolContext`` are the library; they are
loaded when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgevoice.agent.agent import Agent
    from edgevoice.agent.voice import RealtimeVoice
    from edgevoice.mcp.server import McpServer
    from edgevoice.personas.persona import Persona
    from edgevoice.tools.decorator import tool
    from edgevoice.tools.tool import ToolContext

__all__ = ["Agent", "McpServer", "Persona", "RealtimeVoice", "ToolContext", "__version__", "tool"]

__version__ = "0.2.0"

_HOMES = {
    "Agent": "edgevoice.agent.agent",
    "McpServer": "edgevoice.mcp.server",
    "Persona": "edgevoice.personas.persona",
    "RealtimeVoice": "edgevoice.agent.voice",
    "ToolContext": "edgevoice.tools.tool",
    "tool": "edgevoice.tools.decorator",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
