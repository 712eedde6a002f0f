"""The settings of other programs and the box: ``[control]``, ``[mqtt]``, ``[home]``, ``[music]``, ``[metrics]``."""

import ipaddress
from typing import Annotated

from msgspec import Meta, Struct

from edgevoice.settings.fields import AbsolutePath, Percent

Host = Annotated[
    str,
    Meta(
        pattern=r"^([A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:]{2,45})?$",
        extra={"must_be": 'empty, or the name or address of a machine, such as "homeassistant.local"'},
    ),
]
TopicPart = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_-]{1,64}(/[A-Za-z0-9_-]{1,64}){0,3}$",
        extra={"must_be": 'a topic without wildcards, such as "homeassistant"'},
    ),
]
BusName = Annotated[
    str,
    Meta(
        pattern=r"^(|session|system|unix:[!-~]{1,200})$",
        extra={"must_be": 'empty, "session", "system" or an address that begins with unix:'},
    ),
]


class ControlSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The control socket, through which programs of this machine ask the box for something or watch it.

    enabled: Whether there is one. Root, and members of the group edgevoice, may use it.
    may_unmute: Whether a program may open a muted microphone, through the socket or an MQTT broker; otherwise only the
        mute button does.
    """

    enabled: bool = True
    may_unmute: bool = False


class MqttSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The box in Home Assistant, through an MQTT broker that it connects to. Without a host nothing is loaded for it.

    host: The name or the address of the broker. The connection is encrypted unless the broker is on this machine.
    port: The broker's port; 0 chooses 8883, on this machine 1883.
    username: The name by which the box logs in; its password is the stored secret mqtt_password.
    ca_file: The certificate of the authority that signed the broker's, if that is one of your own.
    name: What the box is called in Home Assistant; empty for the name of this machine.
    discovery_topic: Where Home Assistant looks for devices.
    words: Whether what was said, and what timers are called, may leave the box through the broker.
    """

    host: Host = ""
    port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    username: Annotated[str, Meta(max_length=100)] = ""
    ca_file: AbsolutePath = ""
    name: Annotated[
        str, Meta(max_length=60, pattern=r"^$|\S", extra={"must_be": "empty, or a name of at most 60 characters"})
    ] = ""
    discovery_topic: TopicPart = "homeassistant"
    words: bool = False

    @property
    def is_encrypted(self) -> bool:
        """Whether the connection to the broker uses TLS: always, unless the broker is on this machine."""
        return not is_loopback(self.host)

    @property
    def dialled_port(self) -> int:
        """The port that is dialled."""
        return self.port or (8883 if self.is_encrypted else 1883)


class HomeSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the model may ask of Home Assistant: one tool, `home`, which passes on a sentence. Nothing without a url.

    url: The address of Home Assistant, such as http://homeassistant.local:8123. Its long-lived access token is the
        stored secret home_assistant_token.
    agent: The conversation agent that answers; empty for Home Assistant's own.
    timeout_s: How long Home Assistant may take.
    """

    url: Annotated[str, Meta(extra={"is_private": True})] = ""
    agent: Annotated[str, Meta(max_length=200)] = ""
    timeout_s: Annotated[float, Meta(ge=1, le=60)] = 10.0


class MusicSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Music of other programs on this machine, which is lowered while the box listens and speaks (MPRIS players).

    bus: Where the players are. "system": those that run as services. "session", or the address of a bus: only for a box
        that runs as the person whose bus that is; the installed service cannot reach it. Empty: they are left alone.
    percent: How loud they are meanwhile, in percent of their own volume.
    """

    bus: BusName = ""
    percent: Percent = 20


class MetricsSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Counts and times of the running box for Prometheus, in a file; see `edgevoice metrics`.

    enabled: Whether the file is written: edgevoice.prom in the runtime folder, for node_exporter's textfile collector.
    every_s: How often it is written.
    """

    enabled: bool = False
    every_s: Annotated[float, Meta(ge=5, le=3600)] = 15.0


def is_loopback(host: str) -> bool:
    """Return whether a name or an address can only be this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
