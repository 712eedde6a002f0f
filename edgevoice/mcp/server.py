"""A server of tools, as a program or the settings name it. No I/O."""

from collections.abc import Mapping, Sequence

from msgspec import Struct


class McpServer(Struct, frozen=True, kw_only=True):
    """A server of the Model Context Protocol: a command that is started here (stdio), or an address (streamable HTTP).

    ``command`` and ``args``: the program, which runs with the rights of this one. ``env``: variables that it gets
    beside a few of this process's own (HOME, PATH and the like). ``url``: the address, with ``headers`` for every
    request. ``allow``: the tools that the model may call, by the server's own names; ``None`` allows all.
    ``requires_approval``: those that run only after the user has agreed. ``timeout_s``: how long each may take.

    Raises ``ValueError`` unless it has either a command or a url.
    """

    command: str = ""
    args: Sequence[str] = ()
    env: Mapping[str, str] = {}
    url: str = ""
    headers: Mapping[str, str] = {}
    allow: Sequence[str] | None = None
    requires_approval: Sequence[str] = ()
    timeout_s: float | None = None

    def __post_init__(self) -> None:
        if bool(self.command) == bool(self.url):
            raise ValueError("an MCP server has either a command or a url")

    def secrets(self) -> tuple[str, ...]:
        """Return the values that no log may show."""
        return (*self.env.values(), *self.headers.values())

    def __repr__(self) -> str:
        # Variables and headers may hold a key.
        return f"McpServer({self.command or self.url!r})"
