"""The guests of a box: what speaks to other programs and machines. Each may fail alone, loaded only if wanted."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TYPE_CHECKING

from edgevoice import __version__
from edgevoice.alarms.rings import RingKind
from edgevoice.box.assembly import Parts
from edgevoice.box.context import BoxContext
from edgevoice.box.control import handles_of, open_control
from edgevoice.box.presses import Presses
from edgevoice.core.ports import Observer
from edgevoice.core.sound.rates import NEAR_END_HZ
from edgevoice.errors import EdgevoiceError, StorageUnavailable
from edgevoice.extras import Extra, has, how_to_add
from edgevoice.host.credentials import Key, find_secret
from edgevoice.integrations.control.commands import BoxHandles
from edgevoice.integrations.control.view import BoxView, FollowedBox
from edgevoice.integrations.guest import Guest
from edgevoice.settings.integrations import MetricsSettings, MqttSettings, MusicSettings
from edgevoice.settings.schema import Settings
from edgevoice.store.folders import cache_folder, runtime_folder

if TYPE_CHECKING:
    from edgevoice.integrations.mqtt.broker import Broker
    from edgevoice.integrations.mqtt.state import RingSummary

MQTT_PASSWORD = "mqtt_password"  # noqa: S105 - the name of a secret, not one


class PackageMissing(EdgevoiceError):
    """What the settings ask for needs a package that is not installed."""

    code = "package-missing"
    needs_person = True


def open_guests(
    settings: Settings, context: BoxContext, parts: Parts, reload: Callable[[], str], presses: Presses
) -> tuple[Observer, ...]:
    """Return the guests that the settings and the context ask for; the control socket is the last.

    The first of the observers follows the box for those that are started again.
    """
    handles = handles_of(settings, context, parts, reload, presses)
    followed = FollowedBox()
    outward = _outward(settings, context, parts, handles, followed) if context.environment is not None else ()
    control = [open_control(handles, context.control, followed)] if context.control is not None else []
    return (followed, *outward, *control)


def _outward(
    settings: Settings, context: BoxContext, parts: Parts, handles: BoxHandles, followed: FollowedBox
) -> Iterator[Observer]:
    environment = context.environment or {}
    if settings.mqtt.host:
        mqtt = partial(_mqtt, settings.mqtt, context, parts, handles)
        yield Guest("mqtt", lambda: mqtt(followed.view.copy()), proves_itself=True)
    if settings.music.bus:
        yield Guest("music", lambda: _music(settings.music, environment, followed.view.copy()))
    if settings.metrics.enabled:
        yield Guest("metrics", lambda: _metrics(settings.metrics, context, parts, environment))


def _require(package: str, extra: Extra) -> None:
    if not has(package.replace("-", "_")):
        raise PackageMissing(f"the package {package} is not installed", remedy=f"Add it: {how_to_add(extra)}")


def mqtt_password(settings: MqttSettings, environment: Mapping[str, str]) -> Key | None:
    """Return the broker's password, ``None`` without a username. Raises ``SettingsInvalid`` if it is not stored."""
    return find_secret(MQTT_PASSWORD, environment) if settings.username else None


def mqtt_connector(
    settings: MqttSettings, environment: Mapping[str, str], *, suffix: str = ""
) -> "Callable[[], AbstractAsyncContextManager[Broker]]":
    """Return what opens a connection; ``suffix`` tells the doctor's apart from the box's own.

    Raises ``SettingsInvalid``, and ``PackageMissing``.
    """
    _require("aiomqtt", "mqtt")
    from edgevoice.integrations.mqtt.broker import connected  # noqa: PLC0415 - loaded only if it is wanted
    from edgevoice.integrations.mqtt.identity import box_id  # noqa: PLC0415
    from edgevoice.integrations.mqtt.topics import Topics  # noqa: PLC0415

    topics = Topics(box_id(), settings.discovery_topic)
    will = (topics.available, "offline") if not suffix else None
    return partial(
        connected, settings, mqtt_password(settings, environment), f"edgevoice-{topics.box_id}{suffix}", will
    )


def _mqtt(settings: MqttSettings, context: BoxContext, parts: Parts, handles: BoxHandles, view: BoxView) -> Observer:
    connect = mqtt_connector(settings, context.environment or {})
    from edgevoice.integrations.mqtt.identity import box_id, box_name  # noqa: PLC0415
    from edgevoice.integrations.mqtt.link import MqttLink, MqttMeans  # noqa: PLC0415
    from edgevoice.integrations.mqtt.state import RingSummary  # noqa: PLC0415
    from edgevoice.integrations.mqtt.topics import Topics  # noqa: PLC0415

    async def rings() -> "list[RingSummary]":
        return [
            RingSummary(
                each.ring_id, each.kind is RingKind.TIMER, None if each.is_paused else each.due_wall_s, each.label
            )
            for each in await parts.alarms.rings()
        ]

    minutes = context.storage.minutes
    means = MqttMeans(
        Topics(box_id(), settings.discovery_topic),
        settings.name or box_name(),
        connect,
        rings,
        lambda: minutes.today_s / 60 if minutes is not None else 0.0,
        words=settings.words,
    )
    return MqttLink(handles, means, view)


def _music(settings: MusicSettings, environment: Mapping[str, str], view: BoxView) -> Observer:
    _require("dbus-fast", "music")
    from edgevoice.integrations.music.ducking import NAME, MusicDucking  # noqa: PLC0415 - loaded only if it is wanted
    from edgevoice.integrations.music.players import players_of  # noqa: PLC0415

    return MusicDucking(lambda: players_of(settings.bus), settings.percent, cache_folder(environment) / NAME, view)


def _metrics(settings: MetricsSettings, context: BoxContext, parts: Parts, environment: Mapping[str, str]) -> Observer:
    _require("prometheus-client", "metrics")
    folder = runtime_folder(environment)
    if folder is None:
        raise StorageUnavailable("there is no runtime folder for the metrics", remedy="Set XDG_RUNTIME_DIR.")
    from edgevoice.integrations.metrics.file import NAME, Gauges, MetricsFile  # noqa: PLC0415 - half a megabyte

    minutes, near_misses, detector = context.storage.minutes, context.storage.near_misses, parts.detector
    drops: dict[str, Callable[[], float]] = {"uplink_seconds": lambda: parts.uplink.lost / NEAR_END_HZ}
    if detector is not None:
        drops["wakeword_frames"] = lambda: detector.dropped
    if near_misses is not None:
        drops["near_misses"] = lambda: near_misses.dropped
    gauges = Gauges(
        __version__,
        time.monotonic,
        lambda: parts.xruns,
        lambda: near_misses.near_misses if near_misses is not None else 0,
        lambda: minutes.today_s / 60 if minutes is not None else 0.0,
        drops,
    )
    return MetricsFile(folder / NAME, settings.every_s, gauges)
