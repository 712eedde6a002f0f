"""The settings of ``[mcp]``: servers of the Model Context Protocol, whose tools the model may call."""

from typing import Annotated, Any

from msgspec import Meta, Struct, convert

from edgevoice.settings.fields import NotEmpty

_TEXTS = Meta(extra={"must_be": 'a table of texts, such as {Authorization = "Bearer ${NAME}"}'})
_TOOLS = Meta(extra={"must_be": "a list of the names of tools"})


class McpServerSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of one server: a command that is started here, or an address.

    ``allow`` names its tools that may be called, else all; ``requires_approval`` those that run only after the user has
    agreed.
    """

    command: Annotated[NotEmpty, Meta(extra={"must_be": "the name or the absolute path of a program"})] | None = None
    args: Annotated[tuple[str, ...], Meta(extra={"must_be": "a list of texts"})] = ()
    env: Annotated[dict[str, str], _TEXTS] = {}
    url: Annotated[NotEmpty, Meta(extra={"must_be": "an address that begins with http:// or https://"})] | None = None
    headers: Annotated[dict[str, str], _TEXTS] = {}
    allow: Annotated[tuple[str, ...], _TOOLS] | None = None
    requires_approval: Annotated[tuple[str, ...], _TOOLS] = ()
    timeout_s: Annotated[float, Meta(ge=1, le=600, extra={"must_be": "between 1 and 600 seconds"})] | None = None


class McpSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Tools from MCP servers: other programs, here or on the network. Without a server nothing is loaded for them.

    servers: The servers by name, each with a command, its args and env, or with a url and its headers; allow limits it
        to the tools that it names, requires_approval names those that ask the user first, and timeout_s is the time of
        each. In env and headers, ${NAME} stands for a secret that is stored under that name. For example {news = {url =
        "https://news.example/mcp", headers = {Authorization = "Bearer ${news}"}}}.
    """

    servers: dict[str, Any] = {}

    def all_servers(self) -> dict[str, McpServerSettings]:
        """Return ``servers`` as structs, by name.

        Raises ``msgspec.ValidationError`` for an invalid one; see `mcp_rules`.
        """
        return {name: convert(server, McpServerSettings) for name, server in self.servers.items()}
