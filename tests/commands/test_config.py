"""`edgevoice config`: the file it writes equals the defaults, and its output fits a terminal and hides the key."""

import asyncio
import json
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from edgevoice.commands.config import app
from edgevoice.commands.config_template import WIDTH, template
from edgevoice.personas.persona import Persona
from edgevoice.personas.personas import Personas
from edgevoice.settings import file as settings_file
from edgevoice.settings.catalogue import ENTRIES
from edgevoice.settings.file import load
from edgevoice.settings.schema import Settings

SECRET = "c2VjcmV0OmtleS10aGF0LW5vYm9keS1tYXktc2Vl"


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [each for each in os.environ if each.startswith(("EDGEVOICE_", "XDG_", "CREDENTIALS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(settings_file, "SYSTEM_FILE", tmp_path / "etc.toml")


def run(*arguments: str | Path, environment: Mapping[str, str] | None = None) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments], env=dict(environment or {}))


# --- init ------------------------------------------------------------------------------------------------------------


def test_the_file_that_init_writes_equals_the_defaults(tmp_path: Path) -> None:
    place = tmp_path / "new" / "edgevoice.toml"

    result = run("init", "--path", place)

    assert (result.exit_code, result.stdout) == (0, f"Wrote {place}\n")
    loaded = load(place, {})
    assert loaded.settings == Settings()
    # A value that is written out would outlast a better default of a later version.
    assert loaded.origins == {}


def test_what_init_writes_survives_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(Path(f"/proc/self/fd/{descriptor}").readlink()))

    run("init", "--path", tmp_path / "new" / "edgevoice.toml")

    assert synced == [tmp_path / "new" / "edgevoice.toml", tmp_path / "new", tmp_path]


def with_all_taken_in(text: str) -> str:
    """Uncomment every setting, as a person would."""
    lines, section, document = iter(text.splitlines()), "", []
    for line in lines:
        section = line[1:-1] if line.startswith("[") else section
        taken = line.removeprefix("# ")
        if f"{section}.{taken.partition(' = ')[0]}" in ENTRIES:
            while not is_toml(taken):
                taken += f"\n{next(lines).removeprefix('# ')}"
            document.append(taken)
        else:
            document.append(line)
    return "\n".join(document)


def is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def test_every_setting_is_in_the_file_and_omitted_ones_have_a_valid_example(tmp_path: Path) -> None:
    place = tmp_path / "edgevoice.toml"
    text = with_all_taken_in(template())
    place.write_text(text, encoding="utf-8")

    loaded = load(place, {})

    assert set(loaded.origins) == set(ENTRIES)
    assert loaded.settings.service == msgspec.structs.replace(
        Settings().service, temperature=0.7, max_output_tokens=1024
    )


def test_every_range_is_given_above_its_setting() -> None:
    lines = template().splitlines()
    assert lines[lines.index("# preroll_s = 2.0") - 1] == "# lost. Between 0 and 5 seconds."
    assert lines[lines.index("# volume_percent = 70") - 1].endswith("Percent, between 0 and 100.")
    assert lines[lines.index('# mute_gpio = "none"') - 1] == '# of the pin, between 0 and 27, or "none".'


def test_two_choices_read_either_or_and_more_read_one_of() -> None:
    text = " ".join(line.removeprefix("# ") for line in template().splitlines())
    assert 'Either "energy" or "off".' in text
    assert 'One of "far_field", "near_field" or "off".' in text
    assert not re.search(r'One of "[\w-]+" or "[\w-]+"\.', text)


def test_the_file_fits_in_80_columns() -> None:
    assert max(len(line) for line in template().splitlines()) <= WIDTH == 80


def test_init_refuses_to_overwrite_unless_forced(tmp_path: Path) -> None:
    place = tmp_path / "edgevoice.toml"
    place.write_text("# mine", encoding="utf-8")

    refused = run("init", "--path", place)

    assert refused.exit_code == 73
    assert refused.stdout == ""
    assert "already exists; --force replaces it" in refused.stderr
    assert place.read_text(encoding="utf-8") == "# mine"

    forced = run("init", "--path", place, "--force")

    assert forced.exit_code == 0
    assert place.read_text(encoding="utf-8") == template()
    assert stat.S_IMODE(place.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [place]


def test_force_replaces_the_target_of_a_link_and_keeps_the_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target.toml", tmp_path / "edgevoice.toml"
    target.write_text("# old", encoding="utf-8")
    link.symlink_to(target)

    assert run("init", "--path", link, "--force").exit_code == 0
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == template()


def test_an_unwritable_path_is_reported_and_nothing_is_left_behind(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "inside").mkdir(parents=True)

    forced = run("init", "--path", folder, "--force")
    below_a_file = run("init", "--path", "/dev/null/edgevoice.toml")

    assert (forced.exit_code, below_a_file.exit_code) == (73, 73)
    assert "cannot be written: Is a directory" in forced.stderr
    assert "/dev/null/edgevoice.toml cannot be written" in below_a_file.stderr
    assert list(tmp_path.iterdir()) == [folder]


def test_init_without_a_path_writes_the_users_own_settings_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert run("init").stdout == f"Wrote {tmp_path}/.config/edgevoice/edgevoice.toml\n"
    assert run("check").stdout == f"{tmp_path}/.config/edgevoice/edgevoice.toml is valid\n"


def test_init_without_a_path_writes_no_file_that_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    (tmp_path / "etc.toml").write_text("# the box's", encoding="utf-8")

    refused = run("init")

    assert (refused.exit_code, refused.stdout) == (77, "")
    assert f"{tmp_path}/etc.toml is the file in use" in refused.stderr
    assert "sudo edgevoice config init" in refused.stderr
    assert not (tmp_path / ".config").exists()


def test_init_without_a_path_writes_the_file_that_the_variable_names(tmp_path: Path) -> None:
    place = tmp_path / "mine.toml"

    assert run("init", environment={"EDGEVOICE_CONFIG": str(place)}).stdout == f"Wrote {place}\n"
    assert load(None, {"EDGEVOICE_CONFIG": str(place)}).source == place


def test_init_as_root_writes_the_file_of_the_box_and_keeps_its_permissions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    place = tmp_path / "etc.toml"

    assert run("init").stdout == f"Wrote {place}\n"
    place.chmod(0o640)
    assert run("init").exit_code == 73
    assert run("init", "--force").exit_code == 0
    assert stat.S_IMODE(place.stat().st_mode) == 0o640


def test_a_dash_writes_to_the_terminal() -> None:
    assert run("init", "--path", "-").stdout == template()


# --- check -----------------------------------------------------------------------------------------------------------


def test_check_confirms_a_valid_file(tmp_path: Path) -> None:
    place = tmp_path / "edgevoice.toml"
    place.write_text("[speaker]\nvolume_percent = 30", encoding="utf-8")

    result = run("check", "--config", place)

    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{place} is valid\n", "")


def test_check_says_that_the_defaults_apply_without_a_file() -> None:
    result = run("check")

    assert result.exit_code == 0
    assert result.stdout == "There is no settings file; the defaults are in force\n"


def test_check_prints_every_error_line_and_ends_with_78(tmp_path: Path) -> None:
    place = tmp_path / "edgevoice.toml"
    place.write_text("[microphone]\npreroll_s = -1\nprerol_s = 1", encoding="utf-8")

    result = run("check", "--config", place)

    assert (result.exit_code, result.stdout) == (78, "")
    assert result.stderr.splitlines() == [
        "edgevoice.toml: microphone.preroll_s is -1; it must be between 0 and 5 seconds (line 2)",
        "edgevoice.toml: microphone.prerol_s is not a setting; did you mean microphone.preroll_s? (line 3)",
        f"Fix {place}; `edgevoice config check --config {place}` checks it.",
    ]


def test_check_examines_the_key_too(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(SECRET, encoding="ascii")
    (tmp_path / "key").chmod(0o644)

    result = run("check", environment={"EDGEVOICE_SERVICE_KEY_FILE": f"{tmp_path}/key"})

    assert result.exit_code == 78
    assert "can be read by other users" in result.stderr
    assert SECRET not in result.stderr


def test_check_names_a_persona_that_is_neither_kept_nor_ships(tmp_path: Path) -> None:
    place = tmp_path / "edgevoice.toml"
    words = {"alexa": "butler", "hey_jarvis": "pirate", "hey_mycroft": "oracle"}
    tables = "".join(f'[wakeword.words.{word}]\npersona = "{name}"\n' for word, name in words.items())
    place.write_text(f"[personas]\nenabled = true\n{tables}", encoding="utf-8")
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    butler = Persona(name="butler", instructions="Be a butler.")

    async def keep() -> None:
        async with Personas(tmp_path / "state/edgevoice") as personas:
            await personas.save_draft(butler)
            await personas.activate("butler")

    (tmp_path / "state/edgevoice").mkdir(parents=True)
    asyncio.run(keep())
    result = run("check", "--config", place, environment=state)
    (tmp_path / "state/edgevoice/personas.db").write_bytes(b"damaged")
    unknown = run("check", "--config", place, environment=state)

    assert (result.exit_code, result.stdout) == (0, f"{place} is valid\n")
    (line,) = result.stderr.splitlines()
    assert line.startswith(
        "wakeword.words.hey_mycroft.persona: there is no persona 'oracle'; there are default, pirate"
    )
    assert (unknown.exit_code, unknown.stderr) == (0, "")


# --- show ------------------------------------------------------------------------------------------------------------


def test_show_gives_the_source_of_each_setting_in_80_columns(tmp_path: Path) -> None:
    place = tmp_path / "edgevoice.toml"
    place.write_text("[speaker]\nvolume_percent = 30", encoding="utf-8")

    result = run("show", "--config", place, environment={"EDGEVOICE_SPEAKER_DEVICE": "dac", "COLUMNS": "80"})

    rows = [line.split() for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert ["volume_percent", "30", "file"] in rows
    assert ["device", '"dac"', "variable"] in rows
    assert ["earcon_percent", "40", "default"] in rows
    assert ["temperature", "not", "set", "default"] in rows
    assert {entry.name for entry in ENTRIES.values()} <= {row[0] for row in rows if row}
    assert max(len(line) for line in result.stdout.splitlines()) <= 80


def test_show_as_json_has_every_setting_with_its_exact_variable(tmp_path: Path) -> None:
    place = tmp_path / "edgevoice.toml"
    place.write_text("[speaker]\nvolume_percent = 30", encoding="utf-8")

    shown = json.loads(run("show", "--config", place, "--json", environment={"EDGEVOICE_SPEAKER_DEVICE": "dac"}).stdout)

    assert (shown["file"], shown["key"]) == (str(place), "not set")
    assert shown["settings"]["speaker"]["volume_percent"] == {"value": 30, "from": "file"}
    assert shown["settings"]["speaker"]["device"] == {"value": "dac", "from": "EDGEVOICE_SPEAKER_DEVICE"}
    assert shown["settings"]["tools"]["enabled"]["value"] == list(Settings().tools.enabled)
    assert {f"{section}.{name}" for section, fields in shown["settings"].items() for name in fields} == set(ENTRIES)


@pytest.mark.parametrize("arguments", [("show",), ("show", "--json")])
def test_show_never_prints_a_key_wherever_it_is_given(arguments: tuple[str, ...]) -> None:
    environment = {
        "EDGEVOICE_API_KEY": SECRET,
        "EDGEVOICE_SERVICE_URL": f"wss://host/?key={SECRET}",
        "EDGEVOICE_SERVICE_PROVIDER_DATA": f'{{mcp = [{{authorization = "{SECRET}"}}]}}',
    }

    result = run(*arguments, environment=environment)

    assert result.exit_code == 0
    assert SECRET not in result.output.replace("\n", "")
    assert "set" in result.output


def test_show_says_whether_the_key_is_set_and_why_not(tmp_path: Path) -> None:
    assert "Key   set (from EDGEVOICE_API_KEY)" in run("show", environment={"EDGEVOICE_API_KEY": SECRET}).stdout
    assert "Key   not set\n" in run("show").stdout
    missing = run("show", environment={"EDGEVOICE_SERVICE_KEY_FILE": "/missing", "COLUMNS": "200"})
    assert "Key   not set (service.key_file /missing does not exist." in missing.stdout


def test_show_of_wrong_settings_ends_like_check() -> None:
    result = run("show", environment={"EDGEVOICE_LOG_LEVEL": "noisy"})

    assert result.exit_code == 78
    assert 'EDGEVOICE_LOG_LEVEL: log.level is "noisy"' in result.stderr
