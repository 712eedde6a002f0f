"""HTTP tools: the web services that the settings declare as tools. Without one, nothing is loaded."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from edgevoice.errors import SettingsInvalid
from edgevoice.host.credentials import find_secret, with_secrets
from edgevoice.settings.assistant import ToolsSettings
from edgevoice.settings.fields import SECRET
from edgevoice.settings.http_tools import HttpToolSettings

if TYPE_CHECKING:
    from edgevoice.tools.http_tool import HttpSource, HttpTool


def http_source(
    settings: ToolsSettings, environment: Mapping[str, str], missing: Callable[[str, SettingsInvalid], None]
) -> "HttpSource | None":
    """Return the declared tools, ``None`` if there are none; calls no service.

    A tool whose secret is not stored is left out, and ``missing`` is called with its name and the reason.
    """
    if not settings.http:
        return None
    # Loaded only if one is declared.
    from edgevoice.tools.http_tool import HttpSource  # noqa: PLC0415

    tools: list[HttpTool] = []
    for name, each in settings.http_tools().items():
        try:
            tools.append(_tool(name, each, environment, settings.timeout_s))
        except SettingsInvalid as error:
            missing(name, error)
    return HttpSource(tools)


def missing_secrets(settings: ToolsSettings, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each declared tool that lacks a secret, with the name of the secret."""
    for name, each in settings.http_tools().items():
        for text in (each.url, *each.headers.values()):
            for match in SECRET.finditer(text):
                try:
                    find_secret(match["name"], environment)
                except SettingsInvalid:
                    yield name, match["name"]


def _tool(name: str, settings: HttpToolSettings, environment: Mapping[str, str], timeout_s: float) -> "HttpTool":
    from edgevoice.tools.http_tool import HttpTool  # noqa: PLC0415

    headers = {header: with_secrets(value, environment) for header, value in settings.headers.items()}
    return HttpTool(name, settings, _url(settings.url, environment), headers, timeout_s=timeout_s)


def _url(url: str, environment: Mapping[str, str]) -> str:
    """Return an address with its secrets, escaped as its arguments are."""
    return SECRET.sub(lambda match: quote(find_secret(match["name"], environment).reveal(), safe=""), url)
