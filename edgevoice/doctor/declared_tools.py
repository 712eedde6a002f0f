"""Checks of the tools that the settings declare: whether the secrets of web services are stored. Calls no service."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from edgevoice.box.http_tools import missing_secrets
from edgevoice.doctor.findings import Finding, doubtful, fine
from edgevoice.settings.assistant import ToolsSettings

_STORES: Final = ("etc/credstore", "etc/credstore.encrypted")
"""Where systemd looks for the credentials of an installed box, which only the service itself can read as such."""


def examine_declared_tools(settings: ToolsSettings, environment: Mapping[str, str], root: Path) -> Finding:
    """Report the declared web services, and those that cannot be called because a secret is not stored."""
    missing = [(tool, secret) for tool, secret in missing_secrets(settings, environment) if not is_stored(secret, root)]
    if not missing:
        return fine("tools", f"web services: {', '.join(settings.http)}", declared=len(settings.http))
    lacks = ", ".join(f"{tool} lacks the secret {secret}" for tool, secret in missing)
    return doubtful("tools", lacks, 'Store it as docs/memory-and-tools.md says, under "Secrets"; until then it is off.')


def is_stored(secret: str, root: Path) -> bool:
    """Return whether a secret is where the service finds it, though not everybody may read it."""
    try:
        return any((root / store / f"edgevoice.{secret}").exists() for store in _STORES)
    except PermissionError:
        return False
