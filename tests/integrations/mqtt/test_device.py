"""The document that describes the device to Home Assistant."""

import json
import re
from pathlib import Path

import pytest

from edgevoice.integrations.mqtt.device import EVENTS, DeviceFacts, document
from edgevoice.integrations.mqtt.topics import Topics

BLUEPRINT = Path(__file__).parents[3] / "docs" / "home-assistant" / "ask-when.yaml"
TOPICS = Topics("0123456789ab")
WHOLE = DeviceFacts("Kitchen", "1.2", can_dim=True, personas=("default", "pirate"), voices=("Sarah",))


def test_one_document_announces_the_device_with_its_origin_and_availability() -> None:
    found = document(TOPICS, WHOLE)

    assert TOPICS.document == "homeassistant/device/edgevoice_0123456789ab/config"
    assert found["origin"]["name"] == "edgevoice"
    assert found["device"] == {
        "identifiers": ["edgevoice_0123456789ab"],
        "name": "Kitchen",
        "manufacturer": "edgevoice",
        "model": "Smart speaker",
        "sw_version": "1.2",
    }
    assert found["availability_topic"] == "edgevoice/0123456789ab/available"


def test_everything_that_can_be_read_and_asked_for_is_an_entity() -> None:
    platforms = {name: entity["platform"] for name, entity in document(TOPICS, WHOLE)["components"].items()}

    assert platforms == {
        **dict.fromkeys(
            ["phase", "fault", "next_timer", "next_alarm", "minutes_today", "wake_score", "version"], "sensor"
        ),
        **dict.fromkeys(["link", "noisy_room"], "binary_sensor"),
        **dict.fromkeys([f"event_{name}" for name in EVENTS], "event"),
        "mute": "switch",
        **dict.fromkeys(["volume", "earcons", "brightness"], "number"),
        **dict.fromkeys(["persona", "voice"], "select"),
        **dict.fromkeys(["talk", "stop", "hang_up", "snooze"], "button"),
        "say": "notify",
    }


def test_ids_are_unique_and_commands_have_their_topic() -> None:
    entities = document(TOPICS, WHOLE)["components"]

    ids = [entity["unique_id"] for entity in entities.values()]
    assert len(set(ids)) == len(ids)
    assert entities["hang_up"]["command_topic"] == "edgevoice/0123456789ab/do/hang-up"
    assert TOPICS.command_of("edgevoice/0123456789ab/do/hang-up") == "hang-up"


@pytest.mark.parametrize("topic", ["edgevoice/0123456789ab/do/a/b", "edgevoice/other/do/mute", "x", ""])
def test_a_topic_of_others_is_no_command(topic: str) -> None:
    assert TOPICS.command_of(topic) == ""


def test_an_entity_that_the_box_does_not_have_is_removed_and_not_left_behind() -> None:
    entities = document(TOPICS, DeviceFacts("Kitchen", "1.2"))["components"]

    # A component with nothing but its platform is how Home Assistant is asked to remove it.
    assert entities["brightness"] == {"platform": "number"}
    assert entities["persona"] == entities["voice"] == {"platform": "select"}


@pytest.mark.skipif(not BLUEPRINT.exists(), reason="the blueprint is not beside these tests: an installed copy")
def test_the_blueprint_uses_the_topics_of_the_box() -> None:
    text = BLUEPRINT.read_text()

    for topic in (Topics("{{ box }}").command("ask"), Topics("{{ box }}").reply):
        assert f'topic: "{topic}"' in text


@pytest.mark.skipif(not BLUEPRINT.exists(), reason="the blueprint is not beside these tests: an installed copy")
@pytest.mark.parametrize(
    ("reply", "means_yes"),
    [
        ("Yes, please.", True),
        ("Oh yeah, do that", True),
        ("OK", True),
        ("Ja, bitte", True),
        ("No.", False),
        ("I'm not sure", False),
        ("No, that's not okay", False),
        ("Please don't, it is okay as it is", False),
        ("It isn't okay", False),
        ("It isn\u2019t okay", False),
        ("Yesterday", False),
        ("Later", False),
    ],
)
def test_the_blueprint_takes_no_doubtful_reply_for_a_yes(reply: str, *, means_yes: bool) -> None:
    (written,) = re.findall(r'^ {4}agree:(?:\n {6,}.*)*?\n {6}default: (".*")$', BLUEPRINT.read_text(), re.MULTILINE)

    # As Home Assistant's filter regex_search does with ignorecase=true.
    assert bool(re.search(json.loads(written), reply, re.IGNORECASE)) is means_yes
