"""`edgevoice mcp`: the box as tools of an assistant, over standard input and output."""

from pathlib import Path

from edgevoice import __version__
from edgevoice.integrations.mcp_server import server_of


def serve(socket: Path | None) -> int:
    """Serve until the assistant closes standard input; return the exit status."""
    server_of(socket, __version__).run("stdio")
    return 0
