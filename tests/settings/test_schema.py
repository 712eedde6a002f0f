"""The settings themselves: defaults, ranges, and constraints between settings."""

from typing import Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect

from edgevoice.settings.agreement import disagreements
from edgevoice.settings.catalogue import (
    ENTRIES,
    Entry,
    ValueRefused,
    _descriptions,
    sections,
)
from edgevoice.settings.file import (
    NOT_SETTINGS,
)
from edgevoice.settings.panel import PanelSettings
from edgevoice.settings.schema import Settings
from edgevoice.settings.service import ServiceSettings
from edgevoice.settings.sound import AmplifierSettings, EchoSettings, MicrophoneSettings, SpeakerSettings
from edgevoice.settings.wakeword import WakewordSettings

# --- the structs -----------------------------------------------------------------------------------------------------


def test_every_default_lies_within_its_own_range() -> None:
    for entry in ENTRIES.values():
        value = list(entry.default) if isinstance(entry.default, tuple) else entry.default

        assert entry.read(value) == entry.default, entry.dotted


def test_every_setting_and_nothing_else_is_documented() -> None:
    for section, struct in sections().items():
        assert tuple(_descriptions(struct)) == struct.__struct_fields__, section
    assert all(len(entry.description) > 15 for entry in ENTRIES.values())


def test_every_number_has_a_lower_and_an_upper_bound() -> None:
    for entry in ENTRIES.values():
        parts = entry.kind.types if isinstance(entry.kind, inspect.UnionType) else (entry.kind,)
        for part in parts:
            if isinstance(part, inspect.IntType | inspect.FloatType):
                assert part.ge is not None, entry.dotted
                assert part.le is not None, entry.dotted


def test_no_section_has_an_underscore_so_that_a_variable_splits_in_one_way() -> None:
    assert not [section for section in sections() if "_" in section]
    assert len({entry.variable for entry in ENTRIES.values()}) == len(ENTRIES)
    assert not {entry.variable for entry in ENTRIES.values()} & NOT_SETTINGS.keys()


def test_settings_cannot_be_changed_after_validation() -> None:
    with pytest.raises(AttributeError):
        Settings().speaker.volume_percent = 90  # type: ignore[misc]


@pytest.mark.parametrize(
    ("url", "dialect", "auth"),
    [
        ("", "inworld", "basic"),
        ("local", "inworld", "basic"),
        ("wss://api.inworld.ai/api/v1/realtime/session", "inworld", "basic"),
        ("wss://INWORLD.AI", "inworld", "basic"),
        ("wss://notinworld.ai/", "openai", "bearer"),
        ("wss://inworld.ai.example.org/", "openai", "bearer"),
        ("wss://api.openai.com/v1/realtime", "openai", "bearer"),
        ("ws://127.0.0.1:8080", "openai", "bearer"),
    ],
)
def test_auto_derives_the_dialect_and_the_key_format_from_the_host(url: str, dialect: str, auth: str) -> None:
    service = ServiceSettings(url=url)

    assert (service.spoken_dialect, service.spoken_auth) == (dialect, auth)


def test_an_explicit_dialect_overrides_the_host() -> None:
    service = ServiceSettings(url="wss://api.inworld.ai/", dialect="openai", auth="basic")

    assert (service.spoken_dialect, service.spoken_auth) == ("openai", "basic")


# --- paths -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["service.key_file", "mqtt.ca_file", "tools.folder", "speaker.earcons_folder"])
def test_a_path_is_absolute_because_the_service_and_a_person_run_in_different_folders(name: str) -> None:
    paths = [each for each in ENTRIES if each.endswith(("_file", "folder"))]
    assert name in paths
    assert len(paths) == 4, "a new setting with a path belongs in this test"

    assert ENTRIES[name].read("/srv/thing") == "/srv/thing"
    for relative in ("thing", "./thing", "../thing"):
        with pytest.raises(ValueRefused, match=r"it must be .*absolute path"):
            ENTRIES[name].read(relative)


@pytest.mark.parametrize("model", ["hey_jarvis", "/srv/computer.onnx", "~/computer.onnx", "~anna/computer.onnx"])
def test_a_wake_word_is_named_or_has_a_path_that_means_the_same_everywhere(model: str) -> None:
    assert ENTRIES["wakeword.model"].read(model) == model


@pytest.mark.parametrize("model", ["computer.onnx", "./computer.onnx", "models/computer", "computer.JSON"])
def test_a_relative_path_of_a_model_is_refused(model: str) -> None:
    with pytest.raises(ValueRefused, match="it must be a text: the name of a word, or a path that begins with /"):
        ENTRIES["wakeword.model"].read(model)

    (found,) = disagreements(Settings(wakeword=WakewordSettings(words={"other": {"model": model}})))
    assert "wakeword.words.other.model is wrong; it must be a text: the name of a word" in found.text


# --- ranges ----------------------------------------------------------------------------------------------------------


def bounds(entry: Entry) -> inspect.IntType | inspect.FloatType | None:
    parts = entry.kind.types if isinstance(entry.kind, inspect.UnionType) else (entry.kind,)
    return next((part for part in parts if isinstance(part, inspect.IntType | inspect.FloatType)), None)


NUMBERS = [entry for entry in ENTRIES.values() if bounds(entry) is not None]


@given(entry=st.sampled_from(NUMBERS), value=st.integers() | st.floats())
def test_a_number_is_accepted_exactly_when_it_is_in_range(entry: Entry, value: float) -> None:
    limits = bounds(entry)
    assert limits is not None
    assert limits.ge is not None
    assert limits.le is not None
    has_right_type = isinstance(value, int) or isinstance(limits, inspect.FloatType)
    is_right = has_right_type and limits.ge <= value <= limits.le

    if is_right:
        assert entry.read(value) == value
    else:
        with pytest.raises(ValueRefused, match=f"between {limits.ge:g} and {limits.le:g}") as caught:
            entry.read(value)
        assert len(str(caught.value)) < 120


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=3,
)


@settings(max_examples=200, deadline=None)
@given(entry=st.sampled_from(list(ENTRIES.values())), value=anything)
def test_any_value_is_accepted_or_refused_in_one_printable_line(entry: Entry, value: object) -> None:
    refusal = ""
    taken = entry.default
    try:
        taken = entry.read(value)
    except ValueRefused as refused:
        refusal = str(refused)

    assert refusal.isprintable()
    assert msgspec.json.encode(taken)


# --- disagreements ---------------------------------------------------------------------------------------------------


def test_lights_may_share_a_pin() -> None:
    shared = PanelSettings(listening_led_gpio=5, speaking_led_gpio=5, status_led_gpio=5)

    assert not list(disagreements(Settings(panel=shared)))


@pytest.mark.parametrize(("kind", "count"), [("auto", 1), ("gpio", 1), ("terminal", 0), ("none", 0)])
def test_a_panel_without_gpio_leaves_its_pins_to_the_amplifier(kind: str, count: int) -> None:
    panel = msgspec.convert({"kind": kind}, PanelSettings)

    assert len(list(disagreements(Settings(panel=panel, amplifier=AmplifierSettings(mute_gpio=22))))) == count


def test_equal_thresholds_are_accepted() -> None:
    assert not list(disagreements(Settings(wakeword=WakewordSettings(threshold=0.6, sure_threshold=0.6))))


@pytest.mark.parametrize(
    ("without_lights", "percent", "agrees"), [("sound", 0, False), ("sound", 1, True), ("listen", 0, True)]
)
def test_a_sound_that_replaces_the_lights_must_be_audible(
    without_lights: Literal["sound", "listen"], percent: int, *, agrees: bool
) -> None:
    settings = Settings(
        panel=PanelSettings(without_lights=without_lights), speaker=SpeakerSettings(earcon_percent=percent)
    )

    assert [each.names for each in disagreements(settings)] == (
        [] if agrees else [("panel.without_lights", "speaker.earcon_percent")]
    )


@pytest.mark.parametrize(("reference", "agrees"), [("own", True), ("hw:Loopback,1", True), ("array", False)])
def test_the_echo_is_not_taken_from_the_microphone_itself(reference: str, *, agrees: bool) -> None:
    settings = Settings(echo=EchoSettings(reference=reference), microphone=MicrophoneSettings(device="array"))
    found = [*disagreements(settings)]

    assert [each.names for each in found] == ([] if agrees else [("echo.reference", "microphone.device")])
    assert agrees or 'echo.reference is "array", which is the microphone itself' in found[0].text
    assert settings.echo.has_mix is (reference != "own")
