"""The tool that asks Home Assistant: with its access token, loaded only if the settings name an address."""

import logging
from collections.abc import Mapping

from edgevoice.errors import SettingsInvalid
from edgevoice.host.credentials import Key, find_secret
from edgevoice.journal import tell
from edgevoice.settings.schema import Settings
from edgevoice.tools.tool import ToolSource

_log = logging.getLogger(__name__)

HOME_TOKEN = "home_assistant_token"  # noqa: S105 - the name of a secret, not one


def home_token(environment: Mapping[str, str]) -> Key:
    """Return the access token. Raises ``SettingsInvalid`` if it is not stored."""
    return find_secret(HOME_TOKEN, environment)


def home_tool(settings: Settings, environment: Mapping[str, str]) -> ToolSource | None:
    """Return the source of the tool; ``None`` without an address, and, which is logged, without a token."""
    if not settings.home.url:
        return None
    from edgevoice.tools.home import home_source  # noqa: PLC0415 - loaded only if it is wanted

    try:
        token = home_token(environment)
    except SettingsInvalid as error:
        tell(_log, logging.ERROR, "home-left-out", code=error.code, problem=error.line())
        return None
    return home_source(settings.home, token.reveal(), settings.service.language)
