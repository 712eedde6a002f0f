"""Where settings come from: the file, the environment, and the panel of a file that is refused."""

import errno
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgevoice.settings import file as settings_file
from edgevoice.settings.catalogue import (
    ENTRIES,
    sections,
)
from edgevoice.settings.file import (
    SYSTEM_FILE,
    Loaded,
    SettingsRefused,
    file_places,
    load,
    salvage_panel,
)
from edgevoice.settings.panel import PanelSettings
from edgevoice.settings.schema import Settings

SECRET = "c2VjcmV0LWtleS10aGF0LW5vYm9keS1tYXktc2Vl"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "edgevoice.toml"


@pytest.fixture
def _nothing_in_etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_file, "SYSTEM_FILE", tmp_path / "etc.toml")


def variable_faults(**environment: str) -> tuple[str, ...]:
    with pytest.raises(SettingsRefused) as caught:
        load(Path(os.devnull), environment)
    return caught.value.faults


def refusal_of(file: Path, environment: Mapping[str, str]) -> SettingsRefused | None:
    try:
        load(file, environment)
    except SettingsRefused as refusal:
        return refusal
    return None


def load_text(file: Path, text: str, environment: Mapping[str, str] | None = None) -> Loaded:
    file.write_text(text, encoding="utf-8")
    return load(file, environment or {})


# --- where settings come from ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_nothing_in_etc")
def test_without_file_and_variables_the_defaults_apply(tmp_path: Path) -> None:
    loaded = load(None, {"HOME": str(tmp_path)})

    assert loaded == Loaded(Settings(), None, {})


def test_the_environment_overrides_the_file_and_the_file_overrides_the_defaults(file: Path) -> None:
    loaded = load_text(
        file, "[speaker]\nvolume_percent = 30\nearcon_percent = 20", {"EDGEVOICE_SPEAKER_VOLUME_PERCENT": "50"}
    )

    assert loaded.settings.speaker.volume_percent == 50
    assert loaded.settings.speaker.earcon_percent == 20
    assert loaded.settings.speaker.prefill_ms == 80
    assert loaded.source == file
    assert loaded.origins == {
        "speaker.volume_percent": "EDGEVOICE_SPEAKER_VOLUME_PERCENT",
        "speaker.earcon_percent": "edgevoice.toml",
    }


@pytest.mark.usefixtures("_nothing_in_etc")
def test_a_named_file_wins_over_the_variable_and_the_variable_over_the_home_folder(tmp_path: Path) -> None:
    home = tmp_path / ".config" / "edgevoice" / "edgevoice.toml"
    home.parent.mkdir(parents=True)
    named, by_variable = tmp_path / "named.toml", tmp_path / "variable.toml"
    for place, percent in ((home, 1), (by_variable, 2), (named, 3)):
        place.write_text(f"[speaker]\nvolume_percent = {percent}", encoding="utf-8")
    environment = {"HOME": str(tmp_path), "EDGEVOICE_CONFIG": str(by_variable)}

    assert load(named, environment).settings.speaker.volume_percent == 3
    assert load(None, environment).settings.speaker.volume_percent == 2
    assert load(None, environment | {"EDGEVOICE_CONFIG": ""}).settings.speaker.volume_percent == 1


def test_files_are_searched_in_etc_then_in_the_users_configuration() -> None:
    assert file_places({"HOME": "/h"}) == [SYSTEM_FILE, Path("/h/.config/edgevoice/edgevoice.toml")]
    assert file_places({"HOME": "/h", "XDG_CONFIG_HOME": "/x"}) == [SYSTEM_FILE, Path("/x/edgevoice/edgevoice.toml")]
    assert file_places({"HOME": "/h", "XDG_CONFIG_HOME": "x"})[1] == Path("/h/.config/edgevoice/edgevoice.toml")
    assert file_places({}) == [SYSTEM_FILE]


@pytest.mark.usefixtures("_nothing_in_etc")
def test_a_home_folder_that_the_service_may_not_enter_counts_as_empty(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def closed(path: Path) -> bool:
        if path.is_relative_to(tmp_path / "home"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return False

    monkeypatch.setattr(Path, "is_file", closed)

    assert load(None, {"HOME": str(tmp_path / "home")}).source is None


def test_an_unreadable_file_in_etc_is_never_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "is_file", closed)

    with pytest.raises(SettingsRefused, match=r"^/etc/edgevoice/edgevoice\.toml is not readable by this user$"):
        load(None, {})


def test_a_named_file_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"

    with pytest.raises(SettingsRefused, match=f"^{missing} does not exist$") as caught:
        load(missing, {})
    assert "config init" in caught.value.remedy
    with pytest.raises(SettingsRefused, match=f"^EDGEVOICE_CONFIG: {missing} does not exist$"):
        load(None, {"EDGEVOICE_CONFIG": str(missing)})


def test_a_folder_an_endless_file_and_no_path_at_all_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match="is a folder, not a file"):
        load(tmp_path, {})
    with pytest.raises(SettingsRefused, match="is larger than 1024 KiB"):
        load(Path("/dev/zero"), {})
    with pytest.raises(SettingsRefused, match="is not a path"):
        load(Path("a\0b"), {})


@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.EACCES, "is not readable by this user"), (errno.EIO, "cannot be read: Input/output error")],
)
def test_an_unreadable_file_is_reported_with_the_reason(
    file: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    def failing(*_arguments: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "open", failing)

    with pytest.raises(SettingsRefused, match=f"{words}$"):
        load(file, {})


def test_a_file_written_on_windows_is_read(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf[speaker]\r\nvolume_percent = 30\r\n")

    assert load(file, {}).settings.speaker.volume_percent == 30


# --- variables -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "raw", "name", "value"),
    [
        ("EDGEVOICE_MICROPHONE_PREROLL_S", "1", "microphone.preroll_s", 1.0),
        ("EDGEVOICE_SERVICE_VOICE", "Sarah", "service.voice", "Sarah"),
        ("EDGEVOICE_SERVICE_VOICE", '"Sarah"', "service.voice", "Sarah"),
        ("EDGEVOICE_SERVICE_VOICE", "42", "service.voice", "42"),
        ("EDGEVOICE_SERVICE_VOICE", "a\nb = 1", "service.voice", "a\nb = 1"),
        ("EDGEVOICE_SERVICE_VOICE", "1\nb = 1", "service.voice", "1\nb = 1"),
        ("EDGEVOICE_SERVICE_URL", "", "service.url", ""),
        ("EDGEVOICE_SERVICE_MAX_OUTPUT_TOKENS", "100", "service.max_output_tokens", 100),
        ("EDGEVOICE_SERVICE_PROVIDER_DATA", "{stt = {size = 3}}", "service.provider_data", {"stt": {"size": 3}}),
        ("EDGEVOICE_PANEL_TALK_BUTTON_GPIO", "none", "panel.talk_button_gpio", "none"),
        ("EDGEVOICE_PANEL_TALK_BUTTON_GPIO", "5", "panel.talk_button_gpio", 5),
        ("EDGEVOICE_PANEL_LED_ACTIVE_HIGH", "false", "panel.led_active_high", False),
        ("EDGEVOICE_TOOLS_ENABLED", '["set_volume"]', "tools.enabled", ("set_volume",)),
        ("EDGEVOICE_TOOLS_ENABLED", "[]", "tools.enabled", ()),
    ],
)  # fmt: skip
def test_a_variable_is_read_as_toml_if_possible_and_as_text_otherwise(
    variable: str, raw: str, name: str, value: object
) -> None:
    loaded = load(Path(os.devnull), {variable: raw})

    section, key = name.split(".")
    assert getattr(getattr(loaded.settings, section), key) == value
    assert loaded.origins == {name: variable}


def test_an_invalid_variable_is_reported_by_name_with_its_own_remedy() -> None:
    with pytest.raises(SettingsRefused) as caught:
        load(Path(os.devnull), {"EDGEVOICE_MICROPHONE_PREROLL_S": "-1"})

    assert caught.value.faults == (
        "EDGEVOICE_MICROPHONE_PREROLL_S: microphone.preroll_s is -1; it must be between 0 and 5 seconds",
    )
    assert caught.value.remedy.startswith("Fix the variable")


def test_a_variable_for_an_unknown_setting_is_refused_by_name() -> None:
    assert variable_faults(EDGEVOICE_SPEAKR_DEVICE="x") == (
        "EDGEVOICE_SPEAKR_DEVICE is not a setting; did you mean EDGEVOICE_SPEAKER_DEVICE?",
    )
    assert variable_faults(EDGEVOICE_ZZZZ="x") == ("EDGEVOICE_ZZZZ is not a setting",)


def test_a_variable_that_contradicts_the_file_is_blamed_rather_than_the_file() -> None:
    (line,) = variable_faults(EDGEVOICE_WAKEWORD_THRESHOLD="0.9")

    assert line.startswith("EDGEVOICE_WAKEWORD_THRESHOLD: wakeword.sure_threshold is 0.8; it must be at least")


def test_a_variable_that_contains_an_api_key_is_refused() -> None:
    (line,) = variable_faults(EDGEVOICE_SERVICE_API_KEY=SECRET)

    assert "use service.key_file or EDGEVOICE_API_KEY" in line
    assert SECRET not in line


def test_a_variable_that_is_not_utf_8_is_refused() -> None:
    assert variable_faults(EDGEVOICE_SERVICE_VOICE="\udcff") == ("EDGEVOICE_SERVICE_VOICE: service.voice is not UTF-8",)


def test_the_key_the_path_and_other_programs_variables_are_not_settings() -> None:
    environment = {"EDGEVOICE_API_KEY": SECRET, "EDGEVOICE_CONFIG": "/unused", "PATH": "/bin", "edgevoice_x": "y"}

    assert load(Path(os.devnull), environment).settings == Settings()


@given(st.dictionaries(st.sampled_from([each.variable for each in ENTRIES.values()]), st.text(), max_size=3))
def test_any_content_of_a_variable_is_loaded_or_refused(environment: dict[str, str]) -> None:
    refusal = refusal_of(Path(os.devnull), environment)

    assert refusal is None or all(line.isprintable() for line in refusal.faults)


@given(st.binary(max_size=200))
def test_any_content_of_a_file_is_loaded_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.mktemp("any") / "edgevoice.toml"
    file.write_bytes(content)

    refusal = refusal_of(file, {})

    if refusal is None:
        assert tomllib.loads(re.sub("\r\n?", "\n", content.decode("utf-8-sig"))).keys() <= sections().keys()
    else:
        assert all(line.isprintable() for line in refusal.faults)


# --- the panel of a broken file ---------------------------------------------------------------------------------------


def test_the_panel_is_used_though_another_section_of_the_file_is_invalid(file: Path) -> None:
    file.write_text("[speaker]\nvolume_percent = 900\n[nonsense]\n[panel]\nstatus_led_gpio = 5", encoding="utf-8")

    assert salvage_panel(file, {"EDGEVOICE_NONSENSE": "1"}) == PanelSettings(status_led_gpio=5)
    assert salvage_panel(file, {"EDGEVOICE_PANEL_STATUS_LED_GPIO": "6"}) == PanelSettings(status_led_gpio=6)


@pytest.mark.parametrize("broken", ["[microphone\n", "[log]\nlevel = info\n", "[service]\nurl = 'ws\n"])
def test_the_panel_is_used_though_the_file_is_invalid_toml_elsewhere(file: Path, broken: str) -> None:
    file.write_text(f"[panel]\nstatus_led_gpio = 5\n{broken}", encoding="utf-8")
    assert salvage_panel(file, {}) == PanelSettings(status_led_gpio=5)

    file.write_text(f"{broken}[panel]\nstatus_led_gpio = 6\n", encoding="utf-8")
    assert salvage_panel(file, {}) == PanelSettings(status_led_gpio=6)

    file.write_text(broken, encoding="utf-8")
    assert salvage_panel(file, {}) == PanelSettings()


@pytest.mark.parametrize(
    "text",
    ["[panel", "[panel]\nstatus_led_gpio = 99", "[panel]\nnonsense = 1", "[panel]\ntalk_button_gpio = 24", "panel = 3",
     "[amplifier]\nmute_gpio = 22"],
)  # fmt: skip
def test_an_invalid_panel_section_is_not_guessed(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")

    assert salvage_panel(file, {}) is None


def test_with_an_invalid_panel_variable_there_is_no_panel(file: Path) -> None:
    file.write_text("", encoding="utf-8")

    assert salvage_panel(file, {"EDGEVOICE_PANEL_HOLD_S": "99"}) is None


@pytest.mark.usefixtures("_nothing_in_etc")
def test_the_default_panel_shows_the_fault_unless_a_named_file_is_missing(tmp_path: Path) -> None:
    assert salvage_panel(None, {"HOME": str(tmp_path), "EDGEVOICE_LOG_LEVEL": "noisy"}) == PanelSettings()
    assert salvage_panel(tmp_path / "missing.toml", {}) is None
