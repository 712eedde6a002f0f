"""The one-line message for a wrong setting; it never contains a key."""

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from edgevoice.errors import SettingsInvalid
from edgevoice.settings.catalogue import (
    ENTRIES,
    address_without_secrets,
    is_secret_name,
    without_secrets,
)
from edgevoice.settings.file import (
    MOST_FAULTS,
    Loaded,
    SettingsRefused,
    faults_in,
    load,
)
from edgevoice.settings.hints import hint
from edgevoice.settings.wording import shown

SECRET = "c2VjcmV0LWtleS10aGF0LW5vYm9keS1tYXktc2Vl"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "edgevoice.toml"


def faults(file: Path, text: str | bytes, environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(SettingsRefused) as caught:
        load(file, environment or {})
    assert str(caught.value).startswith(caught.value.faults[0])
    assert all(line.isprintable() for line in caught.value.faults)
    # Line numbers have their own tests.
    return tuple(re.sub(r" \(line \d+\)$", "", line) for line in caught.value.faults)


def refusal_of(file: Path, environment: Mapping[str, str]) -> SettingsRefused | None:
    try:
        load(file, environment)
    except SettingsRefused as refusal:
        return refusal
    return None


def load_text(file: Path, text: str, environment: Mapping[str, str] | None = None) -> Loaded:
    file.write_text(text, encoding="utf-8")
    return load(file, environment or {})


# --- error messages --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[microphone]\npreroll_s = -1", "microphone.preroll_s is -1; it must be between 0 and 5 seconds"),
        ("[microphone]\nprerol_s = 1", "microphone.prerol_s is not a setting; did you mean microphone.preroll_s?"),
        (
            '[speaker]\nvolume_percent = "loud"',
            'speaker.volume_percent is "loud"; it must be a whole number between 0 and 100',
        ),
        ("[speaker]\nvolume_percent = 50.5",
         "speaker.volume_percent is 50.5; it must be a whole number between 0 and 100"),
        ("[speaker]\nvolume_percent = true",
         "speaker.volume_percent is true; it must be a whole number between 0 and 100"),
        ("[speaker]\nprefill_ms = 5", "speaker.prefill_ms is 5; it must be between 20 and 500 milliseconds"),
        ("[wakeword]\nthreshold = nan", "wakeword.threshold is nan; it must be between 0.05 and 0.99"),
        ("[wakeword]\nthreshold = 2024-01-01",
         "wakeword.threshold is a date or a time; it must be a number between 0.05 and 0.99"),
        ("[wakeword]\nrefractory_s = 0xFFFFFFFFFFFFFFFFFFFF",
         "wakeword.refractory_s is a number with too many digits; it must be between 0 and 10 seconds"),
        ('[log]\nlevel = "loud"', 'log.level is "loud"; it must be "debug", "info" or "warning"'),
        ('[wakeword]\nmodel = ""',
         'wakeword.model is ""; it must be a text: the name of a word, or a path that begins with / or ~/'),
        ("[service]\ninstructions = 1", 'service.instructions is 1; it must be a text; write "1"'),
        ('[service]\nlanguage = "English, please"',
         'service.language is "English, please"; it must be a language code, such as "en" or "de-DE"'),
        ("[panel]\nled_active_high = 1", "panel.led_active_high is 1; it must be true or false; write true"),
        ("[panel]\nmute_button_gpio = 40", 'panel.mute_button_gpio is 40; it must be between 0 and 27, or "none"'),
        ('[panel]\nmute_button_gpio = "no"',
         'panel.mute_button_gpio is "no"; it must be a whole number between 0 and 27, or "none"'),
        (
            '[tools]\nenabled = ["set_volume", "fly away"]',
            'tools.enabled contains "fly away"; it must be a list of the names of tools, such as ["set_timer"]',
        ),
        ("[service]\nprovider_data = []", "service.provider_data is a list; it must be a table"),
        (
            "[service.provider_data.stt]\nsince = [2024-01-01]",
            "service.provider_data has a date or a time at stt.since[0]; it must contain only what JSON can express",
        ),
        ("[service.provider_data]\nx = inf",
         "service.provider_data has inf at x; it must contain only what JSON can express"),
        ("[speaker]\nhold_s = 1", "speaker.hold_s is not a setting; did you mean panel.hold_s?"),
        ("[quiet]\nzzzzz = 1", "quiet.zzzzz is not a setting; [quiet] has begin, end"),
        ('[quiet]\n"a\\nb" = 1', 'quiet."a\\nb" is not a setting; [quiet] has begin, end'),
        ("[panel]\nzzzzz = 1", "panel.zzzzz is not a setting; `edgevoice config show` lists all there are"),
        ("[music]\nenabled = true\n", "music.enabled is not a setting; [music] has bus, percent"),
        ("[page]\nadress = 1", "page.adress is not a setting; [page] has lan, port, pairing_days, names"),
        ("[speaker]\nvolume = 1", "speaker.volume is not a setting; did you mean speaker.volume_percent?"),
        ("[service]\nsecrets = 1", "service.secrets is not a setting; `edgevoice config show` lists all there are"),
        ("[MQTT]\nhost = 1", "MQTT is not a section; did you mean mqtt?"),
        ("[judge]\nx = 1", "judge is not a section; `edgevoice config show` lists all there are"),
        ("model = 1", "model is not inside a section; did you mean service.model or wakeword.model?"),
        ("[microphone]\ndevice = ' '", 'microphone.device is " "; it must be a text that is not empty'),
        ("[mqtt]\nname = '  '", 'mqtt.name is "  "; it must be empty, or a name of at most 60 characters'),
        ('[quiet]\nbegin = "22:00"', "quiet.begin is set and quiet.end is not; set both, or neither"),
        (
            '[quiet]\nbegin = "06:00"\nend = "06:00"',
            "quiet.begin and quiet.end are both 06:00; set two times, or neither",
        ),
        ('[home]\nurl = "http://a b"', "home.url must begin with http:// or https://, such as http://homeassistant.local:8123"),
        ("[wakewrd]\nx = 1", "wakewrd is not a section; did you mean wakeword?"),
        ("[[wakeword]]\nmodel = 'x'", "wakeword must be a section, written [wakeword]"),
        ("threshold = 1", "threshold is not inside a section; did you mean wakeword.threshold?"),
        (
            "[wakeword]\nthreshold = 0.9",
            "wakeword.sure_threshold is 0.8; it must be at least wakeword.threshold, which is 0.9",
        ),
        (
            "[panel]\ntalk_button_gpio = 22",
            (
                "panel.status_led_gpio and panel.talk_button_gpio are both 22; "
                'only lights may share a pin: change one, or set it to "none"'
            ),
        ),
        (
            '[panel]\nled = "rgb"\nmute_button_gpio = 17',
            (
                "panel.red_gpio and panel.mute_button_gpio are both 17; "
                'only lights may share a pin: change one, or set it to "none"'
            ),
        ),
        ('[panel]\nled = "strip"\nstrip_pixels = 0', "panel.strip_pixels is 0; it must be between 1 and 60"),
        (
            "[panel]\nnight_from = '25:00'",
            'panel.night_from is "25:00"; it must be empty or a time of day, such as "22:00"',
        ),
        (
            "[panel]\nvolume_knob_a_gpio = 5",
            "panel.volume_knob_a_gpio and panel.volume_knob_b_gpio are the two pins of one knob; set both, or neither",
        ),
        ("[panel]\nnight_from = '22:00'", "panel.night_from is set and panel.night_to is not; set both, or neither"),
        (
            "[amplifier]\nmute_gpio = 24",
            (
                "panel.mute_button_gpio and amplifier.mute_gpio are both 24; "
                'only lights may share a pin: change one, or set it to "none"'
            ),
        ),
    ],
)  # fmt: skip
def test_the_line_names_file_setting_value_and_range(file: Path, text: str, line: str) -> None:
    assert faults(file, text) == (f"edgevoice.toml: {line}",)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"[log]\nlevel = info",
         ('line 2, column 12: there is something after the end of the setting; a text needs quotes: '
          'write level = "info"')),
        (b"[log]\nlevel = debug",
         ('line 2, column 9: this is not a value; a text needs quotes, a number, true and false do not: '
          'write level = "debug"')),
        (b"[log]\nlevel 3", "line 2, column 7: a setting has the form name = value"),
        (b"[log", "line 1, the end: the bracket ] after the name of the section is missing: write [log]"),
        (b"[[log", "line 1, the end: a section is written [name]"),
        (b"[log]\nlevel = 'info", 'line 2, the end: the quote that closes the text is missing: write level = "info"'),
        (b'[log]\n= "info"', "line 2, column 1: this is neither a section, [name], nor a setting, name = value"),
        (b'[log]\nlevel = "\\ud800"', "line 2, column 16: write a backslash in a text twice: \\\\"),
        (b"[log]\nlevel = 2026-02-31", "line 2, column 9: there is no such date or time; a text needs quotes"),
        (b"[log]\nlevel = {a = 1, a = 2}",
         "line 2, column 22: the same name is there twice in the table; delete one of them"),
        (b'[home]\nurl = "x" "y"',
         "line 2, column 11: there is something after the end of the setting; a text needs quotes; url must be a text"),
        (b'[log]\nlevel = "a"\nlevel = "b"\n',
         "line 3, column 12: the same setting is there twice; delete one of the lines"),
        (b'[log]\nlevel = "info"\nlevel = "debug"',
         "line 3, the end: the same setting is there twice; delete one of the lines"),
        (b"[speaker]\nvolume_percent = 3\nvolume_percent = 4\n",
         "line 3, column 19: the same setting is there twice; delete one of the lines"),
        (b"[log]\n[log]\n",
         "line 2, column 5: the same section is there twice; put its settings under one heading"),
        (b"# fine\n# caf\xe9", "line 2: a byte that is not UTF-8; save the file as UTF-8"),
        ("[log]".encode("utf-16"), "line 1: a byte that is not UTF-8, as in UTF-16; save the file as UTF-8"),
        (b"x = " + b"[" * 5000, "the file is nested too deeply"),
        (b"x = " + b"9" * 5000, "it contains a number or a date that is out of range"),
    ],
)  # fmt: skip
def test_invalid_toml_is_reported_with_line_and_column(file: Path, text: bytes, line: str) -> None:
    assert faults(file, text) == (f"edgevoice.toml: {line}",)


def test_all_errors_are_reported_at_once(file: Path) -> None:
    told = faults(
        file,
        "[microphone]\npreroll_s = -1\n[speaker]\nvolme_percent = 3\n[wakeword]\nthreshold = 0.9",
        {"EDGEVOICE_LOG_LEVEL": "noisy"},
    )

    assert told == (
        "edgevoice.toml: microphone.preroll_s is -1; it must be between 0 and 5 seconds",
        "edgevoice.toml: speaker.volme_percent is not a setting; did you mean speaker.volume_percent?",
        'EDGEVOICE_LOG_LEVEL: log.level is "noisy"; it must be "debug", "info" or "warning"',
        "edgevoice.toml: wakeword.sure_threshold is 0.8; it must be at least wakeword.threshold, which is 0.9",
    )


def test_the_error_message_is_one_line_with_the_number_of_further_errors(file: Path) -> None:
    file.write_text("[microphone]\npreroll_s = -1\ndevice = 3", encoding="utf-8")

    with pytest.raises(SettingsInvalid) as caught:
        load(file, {})

    assert "\n" not in caught.value.line()
    assert "and 1 more: `edgevoice config check`" in str(caught.value)
    assert caught.value.remedy.startswith(f"Fix {file}; ")


def test_contradictory_settings_in_the_file_point_to_the_file(file: Path) -> None:
    file.write_text("[wakeword]\nthreshold = 0.9", encoding="utf-8")

    with pytest.raises(SettingsRefused) as caught:
        load(file, {})

    assert caught.value.remedy.startswith(f"Fix {file}; ")


def test_the_report_on_a_file_of_nonsense_has_bounded_length(file: Path) -> None:
    nonsense = "".join(f"name_{number} = 1\n" for number in range(5_000))

    assert len(faults(file, f"[speaker]\n{nonsense}")) == MOST_FAULTS
    assert len(faults(file, nonsense)) == MOST_FAULTS


def test_an_invalid_setting_is_not_also_reported_as_contradictory(file: Path) -> None:
    assert len(faults(file, "[wakeword]\nthreshold = 0.9\nsure_threshold = 7")) == 1


# --- secrets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        f'[service]\napi_key = "{SECRET}"',
        f'[service]\nAPI-Key = "{SECRET}"',
        f'[service]\ntoken = "{SECRET}"',
        f'password = "{SECRET}"',
        f'[service]\nurl = "wss://user:{SECRET}@example.org/"',
    ],
)
def test_an_api_key_in_the_file_is_refused_and_never_repeated(file: Path, text: str) -> None:
    (line,) = faults(file, text)

    assert "keys do not belong in the settings" in line
    assert "key_file" in line
    assert SECRET not in line


@pytest.mark.parametrize(
    ("text", "secret"),
    [(f'[mqtt]\npassword = "{SECRET}"', "mqtt_password"), (f'[home]\ntoken = "{SECRET}"', "home_assistant_token")],
)
def test_a_password_in_the_file_is_refused_with_the_name_to_store_it_under(file: Path, text: str, secret: str) -> None:
    (line,) = faults(file, text)

    assert f"keys do not belong in the settings; store it as the secret {secret}" in line
    assert SECRET not in line


@pytest.mark.parametrize("name", [entry.dotted for entry in ENTRIES.values()])
def test_an_api_key_in_place_of_any_setting_is_never_repeated(file: Path, name: str) -> None:
    section, key = name.split(".")
    file.write_text(f'[{section}]\n{key} = "{SECRET} {SECRET}\\n"', encoding="utf-8")

    refusal = refusal_of(file, {})

    if refusal is None:
        assert ENTRIES[name].must_be(1).startswith("a text")
    else:
        assert SECRET not in "".join([*refusal.faults, refusal.line()])


@pytest.mark.parametrize("setting", ["url", "auth", "key_file"])
def test_even_a_short_password_is_not_repeated_where_one_may_be_given_by_mistake(file: Path, setting: str) -> None:
    (line,) = faults(file, f'[service]\n{setting} = "hunter2"')

    assert "hunter2" not in line


def test_a_token_limit_is_not_treated_as_a_secret() -> None:
    assert not any(is_secret_name(entry.name) for entry in ENTRIES.values())
    assert not is_secret_name("max_output_token")


def test_addresses_and_tables_are_shown_without_keys() -> None:
    assert address_without_secrets("wss://host/path?key=abc&model=m") == "wss://host/path?key=…&model=…"
    assert address_without_secrets("wss://host/path") == "wss://host/path"
    assert without_secrets({"mcp": [{"apiKey": "abc", "name": "x"}], "max_tokens": 3}) == {
        "mcp": [{"apiKey": "(hidden)", "name": "x"}],
        "max_tokens": 3,
    }


def test_a_long_text_is_described_only_by_its_length() -> None:
    assert shown(SECRET) == "a text of 40 characters"
    assert shown("sk-short") == "a text of 8 characters"


# --- what to write instead -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        (
            "[wakeword]\nthreshold = 0,6",
            "line 2, column 14: this is not how a number is written: write threshold = 0.6",
        ),
        ("[wakeword]\nthreshold = .6", ": write threshold = 0.6"),
        ("[wakeword]\nthreshold = 50 %", ": write threshold = 0.5"),
        ("[speaker]\nvolume_percent = 70%  # loud", ": write volume_percent = 70"),
        ("[speaker]\nvolume_percent = 070", ": write volume_percent = 70"),
        ("[speaker]\nvolume_percent: 70", "a setting has the form name = value: write volume_percent = 70"),
        ("speaker.volume_percent = 70%", ": write speaker.volume_percent = 70"),
        ("[conversation]\nno_speech_s = 8s", ": write no_speech_s = 8"),
        ("[budget]\nsession_s = 10 min", ": write session_s = 600"),
        ("[budget]\nsession_s = 60000ms", ": write session_s = 60"),
        ("[speaker]\nprefill_ms = 0,1 s", ": write prefill_ms = 100"),
        ("[panel]\nled_active_high = yes", "this is neither true nor false: write led_active_high = true"),
        ("[panel]\nled_active_high = False", ": write led_active_high = false"),
        ("[service]\nvoice = \u201cSarah\u201d", 'a text needs straight quotes: write voice = "Sarah"'),
        (
            "[service]\nkey_file = \u201c/etc/key\u201d",
            "a text needs straight quotes; key_file must be empty or an",
        ),
        ("[service]\nvoice = Sarah", ': write voice = "Sarah"'),
        ('[service]\nvoice = "Sarah\n', 'the quote that closes the text is missing: write voice = "Sarah"'),
        ("[echo]\ntier = Linear", ': write tier = "linear"'),
        ("[wakeword]\nmodel = ~/computer.onnx", ': write model = "~/computer.onnx"'),
        ("[service]\nkey_file = ~/key", "; key_file must be empty or an absolute path"),
        ("[tools]\nenabled = set_timer", ': write enabled = ["set_timer"]'),
        ("[speaker\nvolume_percent = 7", ": write [speaker]"),
        ("[speakers\nvolume_percent = 7", "line 1, column 10: the bracket ] after the name of the section is missing"),
        (
            "[speaker]\nvolume_percent\u00a0= 7",
            "a character that only looks like a space (U+00A0); delete it and type a space",
        ),
        ("[speaker]\nvolume_percent =", "; volume_percent must be a whole number between 0 and 100"),
        ("[conversation]\nno_speech_s = 500ms", "; no_speech_s must be a number between 2 and 60 seconds"),
        ("[nowhere]\nx = yes", "this is not a value; a text needs quotes, a number, true and false do not"),
        ("[speaker]\n= 5", "line 2, column 1: "),
        ("x = [1\n2]", "the bracket ] that closes the list is missing"),
        ('[speaker]\nvolume_percent = "70%"', "between 0 and 100; write 70"),
        ('[wakeword]\nthreshold = "0,6"', "; write 0.6"),
        ('[panel]\nled_active_high = "no"', "; write false"),
        ('[echo]\ntier = "Linear"', '; write "linear"'),
        ('[mqtt]\nhost = "mqtt://broker:1883/"', '; write "broker"'),
        ('[mqtt]\nhost = ["broker"]', '; write "broker"'),
        ('[service]\nlanguage = "de_DE"', '; write "de-DE"'),
        ("[service]\nvoice = 5", '; write "5"'),
        ('[panel]\ntalk_button_gpio = "GPIO17"', "; write 17"),
        ("[quiet]\nbegin = 22:00:00", '; write "22:00"'),
        ('[mqtt]\nhost = "br\u00f6ker"', 'mqtt.host is "br\u00f6ker"; it must be empty, or'),
        ('[speaker]\nprefill_ms = "80 ms"', "; write 80"),
        ('[microphone]\npreroll_s = "\u22121"', "between 0 and 5 seconds"),
        ('[service]\nkey_file = "~anna/key"', "; ~ means the home folder only in ~/"),
    ],
)
def test_a_mistake_is_reported_with_what_to_write_instead(file: Path, text: str, instead: str) -> None:
    (line,) = faults(file, text)

    assert instead in line


@pytest.mark.parametrize("raw", ["70%", "70 percent", "\u201c70\u201d"])
def test_a_mistake_in_a_variable_is_reported_with_what_to_write_instead(raw: str) -> None:
    refusal = refusal_of(Path("/dev/null"), {"EDGEVOICE_SPEAKER_VOLUME_PERCENT": raw})

    assert refusal is not None
    assert refusal.faults[0].endswith("; write 70")


@pytest.mark.parametrize(
    "text",
    [
        f"[service]\nkey_file = {SECRET}",
        f"[service]\nkey_file = \u201c{SECRET}\u201d",
        f"[service]\nurl = wss://host/?key={SECRET}",
        f"[service]\nauth = {SECRET}",
        f"[service]\nvoice = {SECRET}{SECRET}",
        f"[service]\nvoice = sk-{SECRET[:20]}",
        f"[service]\napi_key = {SECRET}",
        f"api_key: {SECRET}",
    ],
)
def test_no_advice_repeats_a_possible_key(file: Path, text: str) -> None:
    assert SECRET[:12] not in "".join(faults(file, text))


@pytest.mark.parametrize(
    ("written", "name", "value"),
    [
        ("1", "x", "1"),
        ("0,50", "x", "0.5"),
        ("-3", "x_s", "-3"),
        ("+3", "x", "3"),
        ("2 minutes", "x_s", "120"),
        ("2 minutes", "x_ms", "2"),
        ("1.5s", "x_ms", "1500"),
        ("250 milliseconds", "x_s", "0.25"),
        ("250ms", "x_ms", "250"),
        ("1,2,3", "x", ""),
        ("", "x", ""),
        (".", "x", ""),
        ("%", "x", ""),
    ],
)
def test_numbers_are_read_as_people_write_them(written: str, name: str, value: str) -> None:
    def takes(each: object) -> bool:
        return isinstance(each, int | float) and not isinstance(each, bool)

    assert hint(written, takes, name=name, may_show=True) == value


def test_a_percentage_is_read_as_a_fraction_where_only_that_is_in_range() -> None:
    assert hint("50%", lambda each: each == 0.5, name="threshold", may_show=True) == "0.5"


@pytest.mark.parametrize("written", ["1" * 400, f"1{'0' * 307} s"])
def test_a_number_that_no_computer_has_is_no_hint(written: str) -> None:
    assert hint(written, lambda each: isinstance(each, float), name="vad_silence_ms", may_show=True) == ""
    assert len(faults_in(f'[service]\nvad_silence_ms = "{written}"\n', "x.toml")) == 1


@pytest.mark.parametrize(
    "url",
    ["http://host/", "wss://", "wss:///path", "wss://host:0/", "wss://host:99999/", "wss://[::1/", "ws://a b/", "ws://h/#x",
     "ws://h\t/", "inworld.ai", "wss://h\u00f6st/", "LOCAL"],
)  # fmt: skip
def test_an_invalid_websocket_address_is_refused(file: Path, url: str) -> None:
    (line,) = faults(file, f"[service]\nurl = {msgspec.json.encode(url).decode()}")

    assert line.endswith('it must be empty, "local", or an address that begins with ws:// or wss://')


@pytest.mark.parametrize("url", ["", "local", "ws://127.0.0.1:8080", "wss://[::1]:443/a?b=c", "WSS://api.inworld.ai/x"])
def test_a_valid_websocket_address_is_accepted(file: Path, url: str) -> None:
    assert load_text(file, f'[service]\nurl = "{url}"').settings.service.url == url
