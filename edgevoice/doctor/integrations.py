"""Checks of what the box does with other machines: Home Assistant, its MQTT broker, and music beside the box."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from edgevoice.box.guests import MQTT_PASSWORD, mqtt_connector, mqtt_password
from edgevoice.box.home_tool import HOME_TOKEN, home_token
from edgevoice.doctor.declared_tools import is_stored
from edgevoice.doctor.findings import Finding, doubtful, fine, skipped, wrong
from edgevoice.errors import EdgevoiceError, SettingsInvalid, ToolRefused
from edgevoice.extras import has, how_to_add
from edgevoice.settings.integrations import HomeSettings, MqttSettings, MusicSettings, is_loopback

_SERVICE = "The log says whether it works: journalctl -u edgevoice."


def examine_home(settings: HomeSettings, environment: Mapping[str, str], root: Path) -> Finding:
    """Prove that the address is Home Assistant's and that it accepts the token; changes nothing there."""
    from edgevoice.tools.home import HomeAssistant  # noqa: PLC0415 - loaded only if it is wanted

    try:
        token = home_token(environment)
    except SettingsInvalid as refusal:
        return _without_secret("home", HOME_TOKEN, refusal, root)
    try:
        HomeAssistant(settings, token.reveal(), "en").check()
    except ToolRefused as refused:
        remedy = "Check home.url; a new token is made in Home Assistant under your profile, Security."
        return wrong("home", str(refused).partition("; tell the user")[0], remedy)
    if settings.url.startswith("http://") and not is_loopback(urlsplit(settings.url).hostname or ""):
        text = "Home Assistant answers and accepts the token, but the connection is not encrypted"
        return doubtful("home", text, "Use https:// where Home Assistant offers it, or trust everybody on the network.")
    return fine("home", "Home Assistant answers and accepts the token")


def examine_mqtt(settings: MqttSettings, environment: Mapping[str, str], root: Path) -> Finding:
    """Prove that the broker accepts the box; publishes nothing."""
    try:
        mqtt_password(settings, environment)
    except SettingsInvalid as refusal:
        return _without_secret("MQTT", MQTT_PASSWORD, refusal, root)
    try:
        connect = mqtt_connector(settings, environment, suffix="-doctor")
        asyncio.run(_connect(connect))
    except EdgevoiceError as error:
        return wrong("MQTT", str(error), error.remedy, code=error.code)
    how = "encrypted" if settings.is_encrypted else "on this machine"
    return fine("MQTT", f"the broker {settings.host} accepts the box ({how})")


def judge_music(settings: MusicSettings, *, has_mix: bool) -> Finding:
    """Report what can be promised while other programs play music; ``has_mix``: the echo reference holds that."""
    if not has("dbus_fast"):
        return wrong("music", "the package dbus-fast is not installed", f"Add it: {how_to_add('music')}")
    if has_mix:
        return fine("music", "players are lowered while it listens; what interrupts it over them, echo reference says")
    # The echo canceller knows only what the box itself plays.
    text = "players are lowered while it listens; interrupting an answer by speaking is not promised while they play"
    return doubtful(
        "music",
        text,
        f"Set echo.reference, or use the wake word or the button; music.percent = {settings.percent // 2} helps.",
    )


async def _connect(connect: Callable[[], AbstractAsyncContextManager[Any]]) -> None:
    async with connect():
        pass


def _without_secret(line: str, secret: str, refusal: SettingsInvalid, root: Path) -> Finding:
    if is_stored(secret, root):
        return skipped(line, f"the secret {secret} is stored, and only the service itself may read it", _SERVICE)
    return wrong(line, str(refusal), refusal.remedy, code=refusal.code)
