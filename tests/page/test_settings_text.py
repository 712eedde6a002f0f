"""Changes of the settings keep the owner's comments, and give the error lines that the file would give."""

import tomllib

import pytest

from edgevoice.commands.config_template import template
from edgevoice.page.changeable import CHANGEABLE, may_change
from edgevoice.page.settings_text import ChangeRefused, changed
from edgevoice.settings.catalogue import ENTRIES

OWN = """\
# My box in the kitchen
[speaker]
volume_percent = 60  # not louder: the neighbours

[service]
voice = "Sarah"
"""


def refused(text: str, **changes: object) -> tuple[str, ...]:
    with pytest.raises(ChangeRefused) as refusal:
        changed(text, {name.replace("__", "."): value for name, value in changes.items()}, "edgevoice.toml")
    return refusal.value.faults


def test_a_value_is_replaced_where_it_is_and_comments_stay() -> None:
    text = changed(OWN, {"speaker.volume_percent": 55, "service.speed": 1.1}, "edgevoice.toml")

    assert "volume_percent = 55  # not louder: the neighbours\\n" in text.replace("\n", "\\n")
    assert text.startswith("# My box in the kitchen\n")
    assert tomllib.loads(text) == {"speaker": {"volume_percent": 55}, "service": {"voice": "Sarah", "speed": 1.1}}


def test_a_new_value_is_put_below_what_the_file_says_about_it() -> None:
    lines = changed(
        template(), {"service.speed": 1.2, "quiet.begin": "22:00", "quiet.end": "07:00"}, "edgevoice.toml"
    ).splitlines()

    assert lines[lines.index("# speed = 1.0") + 1] == "speed = 1.2"
    assert lines[lines.index('# begin = ""') + 1] == 'begin = "22:00"'
    assert len(lines) == len(template().splitlines()) + 3


def test_a_value_is_removed_and_follows_the_default_again() -> None:
    text = changed(OWN, {"speaker.volume_percent": None, "speaker.prefill_ms": None}, "edgevoice.toml")

    assert tomllib.loads(text).get("speaker", {}) == {}
    assert "# My box in the kitchen" in text
    assert 'voice = "Sarah"' in text


@pytest.mark.parametrize(
    "text",
    ["speaker = {volume_percent = 60, prefill_ms = 80}  # short\n", "[speaker]\nvolume_percent = 0x3C\n", ""],
)
def test_other_ways_of_writing_are_edited_too(text: str) -> None:
    edited = changed(text, {"speaker.volume_percent": 55}, "edgevoice.toml")

    assert tomllib.loads(edited)["speaker"]["volume_percent"] == 55
    assert ("# short" in edited) is ("# short" in text)


def test_a_browsers_whole_number_stays_one() -> None:
    text = changed(OWN, {"speaker.volume_percent": 55.0, "service.speed": 1.0}, "edgevoice.toml")

    assert "volume_percent = 55 " in text
    assert "speed = 1.0\n" in text


def test_the_error_lines_are_those_of_the_file() -> None:
    faults = refused(OWN, speaker__volume_percent=130, service__speed="fast")

    assert faults == (
        "edgevoice.toml: speaker.volume_percent is 130; it must be between 0 and 100 (line 3)",
        'edgevoice.toml: service.speed is "fast"; it must be a number between 0.5 and 1.5 (line 7)',
    )


def test_values_that_do_not_fit_together_are_refused() -> None:
    (fault,) = refused(OWN, wakeword__threshold=0.9)

    assert "wakeword.sure_threshold" in fault


@pytest.mark.parametrize("text", ["[speaker\n", 'speaker = "loud"\n', "speaker = 1\n"])
def test_a_file_that_only_a_person_can_repair_is_left_alone(text: str) -> None:
    (fault, *_) = refused(text, speaker__volume_percent=55)

    assert fault.startswith("edgevoice.toml: ")


@pytest.mark.parametrize(
    "name",
    [
        "service.url",
        "service.auth",
        "service.key_file",
        "service.provider_data",
        "wakeword.model",
        "tools.folder",
        "tools.enabled",
        "tools.http",
        "mcp.servers",
        "memory.enabled",
        "transcript.keep_days",
        "wakeword.keep_near_misses",
        "grading.judge_url",
        "control.may_unmute",
        "control.enabled",
        "page.lan",
        "page.names",
        "panel.talk_button_gpio",
        "service",
        "service.voice.x",
        "",
        "api_key",
    ],
)
def test_the_page_cannot_change_keys_addresses_programs_pins_or_who_may_listen(name: str) -> None:
    with pytest.raises(ChangeRefused, match="cannot be changed on the page"):
        changed(OWN, {name: "x"}, "edgevoice.toml")
    assert not may_change(name)


def test_every_setting_that_may_be_changed_exists() -> None:
    names = {f"{section}.{name}" for section, names in CHANGEABLE.items() for name in names}

    assert names <= set(ENTRIES)


def test_a_flood_of_changes_is_refused() -> None:
    with pytest.raises(ChangeRefused, match="more than 100"):
        changed(OWN, _Flood({"service.voice": "x"}), "edgevoice.toml")


class _Flood(dict[str, object]):
    """Changes that say they are many."""

    def __len__(self) -> int:
        return 101
