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

_HIDDEN = ("/run/user/", "/home/", "/root/", "/tmp/", "/var/tmp/")  # noqa: S108 - none is written
"""Where ProtectHome= and PrivateTmp= in the service's unit hide a bus from it (systemd.exec)."""

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


def examine_music(settings: MusicSettings, *, has_mix: bool, hides_homes: bool = False) -> Finding:
    """Report which players the box reaches, and what can be promised while they play; changes nothing there.

    ``has_mix``: the echo reference holds their music, too. ``hides_homes``: the box is a service that cannot see what
    belongs to a person.
    """
    if not has("dbus_fast"):
        return wrong("music", "the package dbus-fast is not installed", f"Add it: {how_to_add('music')}")
    from edgevoice.integrations.music.players import BusRefused  # noqa: PLC0415 - needs the package

    if hides_homes and is_of_a_person(settings.bus):
        text = f'the installed service cannot reach the bus of a person, as music.bus = "{settings.bus}" asks'
        return wrong("music", text, BusRefused.remedy)
    try:
        states = asyncio.run(_states(settings.bus))
    except EdgevoiceError as error:
        return wrong("music", str(error), error.remedy, code=error.code)
    return _judge_players(settings, states, has_mix=has_mix)


def is_of_a_person(bus: str) -> bool:
    """Return whether a D-Bus belongs to somebody who is logged in, so that the service's unit hides it."""
    return bus == "session" or bus.removeprefix("unix:path=").startswith(_HIDDEN)


def _judge_players(settings: MusicSettings, states: Mapping[str, str], *, has_mix: bool) -> Finding:
    names = {name.removeprefix("org.mpris.MediaPlayer2."): state for name, state in states.items()}
    if silent := [name for name, state in names.items() if not state]:
        text = f"{', '.join(silent)} does not answer the box, so it is not lowered"
        return wrong("music", text, "`sudo scripts/setup` renews the rule by which the system bus lets the box do so.")
    found = f"players found: {', '.join(names)}" if names else "no player is there at the moment"
    if has_mix:
        return fine("music", f"{found}; what interrupts the box over their music, echo reference says")
    # The echo canceller knows only what the box itself plays.
    return doubtful(
        "music",
        f"{found}; interrupting an answer by speaking is not promised while they play",
        f"Set echo.reference, or use the wake word or the button; music.percent = {settings.percent // 2} helps.",
    )


async def _states(bus: str) -> Mapping[str, str]:
    from edgevoice.integrations.music.players import players_of  # noqa: PLC0415 - needs the package

    async with players_of(bus) as players:
        return await players.states()


async def _connect(connect: Callable[[], AbstractAsyncContextManager[Any]]) -> None:
    async with connect():
        pass


def _without_secret(line: str, secret: str, refusal: SettingsInvalid, root: Path) -> Finding:
    if is_stored(secret, root):
        return skipped(line, f"the secret {secret} is stored, and only the service itself may read it", _SERVICE)
    return wrong(line, str(refusal), refusal.remedy, code=refusal.code)
