"""The document by which Home Assistant knows the box and everything that can be read from it or asked of it. Pure.

Its form: MQTT discovery of a whole device, with ``origin`` (home-assistant.io/integrations/mqtt, "Device discovery").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from edgevoice.core.conversation.phases import Phase
from edgevoice.integrations.mqtt.topics import Topics

Entity = dict[str, Any]

EVENTS: Final = {
    "wake": ("Wake word", "mdi:account-voice", ("wake_word", "program")),
    "interrupted": ("Interrupted", "mdi:hand-back-left", ("interrupted", "resumed")),
    "timer": ("Timer", "mdi:timer-alert", ("due", "stopped", "snoozed", "unanswered")),
    "alarm": ("Alarm", "mdi:alarm", ("due", "stopped", "snoozed", "unanswered")),
    "button": ("Button", "mdi:gesture-tap-button", ("talk", "talk_held", "mute")),
}
"""Each event's name for people, its icon, and its types."""

_BUTTONS: Final = {
    "talk": ("Talk", "mdi:microphone-message"),
    "stop": ("Stop", "mdi:stop"),
    "hang-up": ("Hang up", "mdi:phone-hangup"),
    "snooze": ("Snooze", "mdi:alarm-snooze"),
}


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """What the document says about the box: its name and version, what it lets be changed, and what it offers.

    ``personas`` and ``voices`` are those that can be chosen; empty where there is no choice.
    """

    name: str
    version: str
    can_dim: bool = False
    personas: Sequence[str] = ()
    voices: Sequence[str] = ()


def document(topics: Topics, facts: DeviceFacts) -> dict[str, Any]:
    """Return the document; an entity that the box does not have is one that Home Assistant removes."""
    entities = {**_sensors(topics), **_events(topics), **_controls(topics, facts)}
    prefix = f"edgevoice_{topics.box_id}"
    for key, entity in entities.items():
        if len(entity) > 1:
            entity["unique_id"] = f"{prefix}_{key}"
    return {
        "device": {
            "identifiers": [prefix],
            "name": facts.name,
            "manufacturer": "edgevoice",
            "model": "Smart speaker",
            "sw_version": facts.version,
        },
        "origin": {"name": "edgevoice", "sw_version": facts.version},
        "availability_topic": topics.available,
        "components": entities,
    }


def _sensors(topics: Topics) -> dict[str, Entity]:
    def sensor(name: str, field: str, platform: str = "sensor", **more: Any) -> Entity:
        template = f"{{{{ value_json.{field} }}}}"
        return {"platform": platform, "name": name, "state_topic": topics.state, "value_template": template, **more}

    diagnostic = {"entity_category": "diagnostic"}
    switched = {"payload_on": "ON", "payload_off": "OFF", **diagnostic}
    return {
        "phase": sensor("Phase", "phase", device_class="enum", options=[phase.value for phase in Phase]),
        "fault": sensor(
            "Fault",
            "fault",
            icon="mdi:alert-circle-outline",
            json_attributes_topic=topics.state,
            json_attributes_template="{{ value_json.fault_details | tojson }}",
            **diagnostic,
        ),
        "next_timer": sensor("Next timer", "next_timer", device_class="timestamp", icon="mdi:timer-outline"),
        "next_alarm": sensor("Next alarm", "next_alarm", device_class="timestamp", icon="mdi:alarm"),
        "minutes_today": sensor(
            "Minutes today",
            "minutes_today",
            unit_of_measurement="min",
            device_class="duration",
            state_class="total_increasing",
        ),
        "wake_score": sensor(
            "Last wake score", "wake_score", state_class="measurement", icon="mdi:waveform", **diagnostic
        ),
        "version": sensor("Version", "version", icon="mdi:tag-outline", **diagnostic),
        "link": sensor("Session", "link", "binary_sensor", device_class="connectivity", **switched),
        "noisy_room": sensor("Noisy room", "noisy_room", "binary_sensor", icon="mdi:volume-vibrate", **switched),
    }


def _events(topics: Topics) -> dict[str, Entity]:
    return {
        f"event_{key}": {
            "platform": "event",
            "name": name,
            "icon": icon,
            "state_topic": topics.event(key),
            "event_types": list(types),
        }
        for key, (name, icon, types) in EVENTS.items()
    }


def _controls(topics: Topics, facts: DeviceFacts) -> dict[str, Entity]:
    config = {"entity_category": "config"}
    dimmer = _percent(topics, "Brightness", "brightness", "mdi:brightness-6", **config)
    buttons = {
        key.replace("-", "_"): {
            "platform": "button",
            "name": name,
            "icon": icon,
            "command_topic": topics.command(key),
            "payload_press": "PRESS",
        }
        for key, (name, icon) in _BUTTONS.items()
    }
    return {
        "mute": {"platform": "switch", "name": "Mute", "icon": "mdi:microphone-off", **_settable(topics, "mute")},
        "volume": _percent(topics, "Volume", "volume", "mdi:volume-high"),
        "earcons": _percent(topics, "Earcon volume", "earcons", "mdi:bell-ring-outline", **config),
        "brightness": dimmer if facts.can_dim else {"platform": "number"},
        "persona": _choice(topics, "Persona", "persona", facts.personas, "mdi:drama-masks"),
        "voice": _choice(topics, "Voice", "voice", facts.voices, "mdi:account-tie-voice"),
        **buttons,
        "say": {"platform": "notify", "name": "Say", "icon": "mdi:bullhorn", "command_topic": topics.command("say")},
    }


def _settable(topics: Topics, field: str) -> Entity:
    return {
        "command_topic": topics.command(field),
        "state_topic": topics.state,
        "value_template": f"{{{{ value_json.{field} }}}}",
    }


def _percent(topics: Topics, name: str, field: str, icon: str, **more: Any) -> Entity:
    scale = {"min": 0, "max": 100, "step": 5, "unit_of_measurement": "%"}
    return {"platform": "number", "name": name, "icon": icon, **_settable(topics, field), **scale, **more}


def _choice(topics: Topics, name: str, field: str, options: Sequence[str], icon: str) -> Entity:
    if not options:
        return {"platform": "select"}
    return {"platform": "select", "name": name, "icon": icon, **_settable(topics, field), "options": list(options)}
