"""The settings in scripts/setup: a board's settings are added to every file that the program accepts."""

import stat
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from edgevoice.commands.config_template import template
from edgevoice.panel.boards import BOARDS, settings_of
from edgevoice.settings.file import load
from tests.test_setup import SETUP, System, well

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not SETUP.exists(), reason="scripts/setup is not beside these tests: an installed copy"),
    pytest.mark.skipif(not Path("/etc/debian_version").exists(), reason="scripts/setup is for Debian, and this is not"),
]

SETTINGS: Final = "/etc/edgevoice/edgevoice.toml"
HAT: Final = "max98357a"
PROGRAM: Final = """#!/bin/sh
[ "$2" != init ] || cp -- "$0.template" "$4"
"""
STEP: Final = """
open_settings() { :; }
stat() { if [[ ${*: -1} == "$settings_file" ]]; then echo "edgevoice 640"; else command stat "$@"; fi; }
step "settings" settings ""
"""
BY_HAND: Final = {
    "nothing": "",
    "a comment": "# mine\n",
    "another section": '[service]\nvoice = "Dennis" # she is nice\n\n# that is all\n',
    "a part of the section": '[panel]\n# my lights\nkind = "gpio"\n\n# my box\n[log]\nlevel = "debug"\n',
    "a commented header": '# [panel]\n# talk_button_gpio = 5\n[log]\nlevel = "info"\n',
    "a commented key": "[panel]\n# talk_button_gpio = 5\n# the end",
    "a bare header": "[panel]\n[amplifier]",
    "words about a header": "[ panel ] # [panel]\n",
    "values of its own writing": "[panel]\n  talk_button_gpio=5 # red\n\n['speaker']\n\"device\"='default'\n",
    "several lines": '[tools]\nenabled = [\n  "set_timer", # [panel]\n]\n[service]\ninstructions = """\n[panel]\n"""\n',
    "names with a dot": 'panel.kind = "gpio"\npanel.talk_button_gpio = 5\n[log]\nlevel = "info"\n',
    "lines of another system": '[panel]\r\nkind = "gpio"\r\n',
}


def of_board(name: str) -> dict[str, Any]:
    return tomllib.loads(settings_of(BOARDS[name]))


@pytest.fixture
def pi(tmp_path: Path) -> System:
    found = System(tmp_path)
    found.write("/boot/firmware/config.txt", "dtparam=audio=on\n")
    found.path("/var/lib").mkdir(parents=True)
    found.write("/opt/edgevoice/bin/edgevoice", PROGRAM).chmod(0o755)
    found.write("/opt/edgevoice/bin/edgevoice.template", template())
    return found


def settings(pi: System, **chosen: str) -> str:
    """Run the step without the program's user; return its output."""
    return well(pi.step(STEP, **chosen))


def plug(pi: System) -> None:
    for name, text in (("id", "Jabra\n"), ("usbid", "0b0e:0422\n"), ("pcm0c/info", ""), ("pcm0p/info", "")):
        pi.write(f"/proc/asound/card2/{name}", text)


def without(document: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return a document but for the keys that others change."""
    left = {
        name: {key: each for key, each in values.items() if key not in changes.get(name, {})}
        for name, values in document.items()
    }
    return {name: values for name, values in left.items() if values}


@pytest.mark.parametrize("text", BY_HAND.values(), ids=BY_HAND)
def test_a_board_is_added_to_a_hand_written_file(pi: System, text: str) -> None:
    place = pi.write(SETTINGS, text)

    settings(pi, hat=HAT)

    after, board = tomllib.loads(place.read_text(encoding="utf-8")), of_board(HAT)
    assert {name: {key: after[name][key] for key in values} for name, values in board.items()} == board
    assert without(after, board) == without(tomllib.loads(text), board)
    load(place, {})


@pytest.mark.parametrize("text", [*BY_HAND.values(), template()], ids=[*BY_HAND, "all that there is"])
def test_every_line_and_comment_stays_in_its_order(pi: System, text: str) -> None:
    place = pi.write(SETTINGS, text)

    settings(pi, hat=HAT)

    changed = ("talk_button_gpio", "device", '"device"')
    after = iter(place.read_text(encoding="utf-8").splitlines())
    for line in text.splitlines():
        name, _, value = line.partition("=")
        if name.strip().removeprefix("panel.") in {key for values in of_board(HAT).values() for key in values} | {
            *changed
        }:
            comment = value.partition("#")[2]
            assert any(each.startswith(f"{name}=") and each.endswith(comment) for each in after), line
        else:
            assert line in after, line


def test_keys_are_added_at_the_end_of_their_section_and_sections_at_the_end_of_the_file(pi: System) -> None:
    place = pi.write(SETTINGS, '[microphone]\npreroll_s = 1.0\n\n# my box\n[log]\nlevel = "debug"')

    plug(pi)
    settings(pi)

    assert place.read_text(encoding="utf-8") == (
        '[microphone]\npreroll_s = 1.0\ndevice = "edgevoice_mic"\n\n# my box\n[log]\nlevel = "debug"\n'
        '\n[speaker]\ndevice = "edgevoice_dac"\n'
    )


def test_a_value_is_written_below_its_commented_default(pi: System) -> None:
    place = pi.write(SETTINGS, template())

    settings(pi, hat=HAT)

    lines = place.read_text(encoding="utf-8").splitlines()
    for section in of_board(HAT).values():
        for key in section:
            written = [index for index, line in enumerate(lines) if line.startswith(f"{key} = ")]
            assert written, key
            assert all(lines[index - 1].startswith(f"# {key} = ") for index in written), key
    # Settings that the board does not mention keep following the defaults.
    assert "# volume_percent = 70" in lines


def test_a_usb_card_does_not_replace_a_device_named_by_the_owner(pi: System) -> None:
    place = pi.write(SETTINGS, '[microphone]\ndevice = "mine"\n')
    plug(pi)

    settings(pi)

    after = tomllib.loads(place.read_text(encoding="utf-8"))
    assert after == {"microphone": {"device": "mine"}, "speaker": {"device": "edgevoice_dac"}}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[panel\n", "it is no TOML: "),
        ('panel = {kind = "gpio", hold_s = 2.0}\n', "only a person can edit how this is written: [panel]"),
        ("panel = 1\n", "panel is not a section"),
    ],
)
def test_a_file_that_cannot_be_edited_is_kept_and_named_in_one_line(pi: System, text: str, complaint: str) -> None:
    place = pi.write(SETTINGS, text)

    ended = pi.step(STEP, hat=HAT)

    assert ended.returncode == 1
    assert f"{place}: {complaint}" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert place.read_text(encoding="utf-8") == text
    assert not pi.path("/var/lib/edgevoice.setup").exists()


def test_the_files_owner_and_mode_are_kept(pi: System) -> None:
    place = pi.write(SETTINGS, "")
    place.chmod(0o640)

    settings(pi, hat=HAT)

    assert stat.S_IMODE(place.stat().st_mode) == 0o640
    assert [each.name for each in place.parent.iterdir()] == [place.name]


@pytest.mark.parametrize("hat", ["", HAT, "i2s", "usb-speakerphone"])
def test_settings_deleted_by_the_owner_are_restored(pi: System, hat: str) -> None:
    plug(pi)
    settings(pi, hat=hat)
    place = pi.path(SETTINGS)
    first, noted = place.read_text(encoding="utf-8"), pi.path("/var/lib/edgevoice.setup").read_text(encoding="utf-8")
    assert first != template()
    place.unlink()

    told = settings(pi)

    assert place.read_text(encoding="utf-8") == first
    assert pi.path("/var/lib/edgevoice.setup").read_text(encoding="utf-8") == noted
    assert "every setting and its default" in told
    assert "as it should be" in settings(pi)


def test_changes_made_by_the_owner_since_are_kept(pi: System) -> None:
    settings(pi, hat=HAT)
    place = pi.path(SETTINGS)
    mine = place.read_text(encoding="utf-8").replace("talk_button_gpio = 23", "talk_button_gpio = 5")
    place.write_text(mine, encoding="utf-8")

    assert "as it should be" in settings(pi)
    assert "as it should be" in settings(pi, hat=HAT)
    assert place.read_text(encoding="utf-8") == mine


@pytest.mark.parametrize("polkitd", [True, False], ids=["with-polkitd", "without"])
def test_the_service_may_shut_the_machine_down_only_while_the_settings_want_it(pi: System, *, polkitd: bool) -> None:
    rule, settings = pi.path("/etc/polkit-1/rules.d/49-edgevoice-poweroff.rules"), pi.path(SETTINGS)
    if polkitd:
        pi.write("/usr/lib/polkit-1/polkitd", "")
    well(pi.step(STEP))
    assert not rule.exists()

    text = settings.read_text()
    settings.write_text('panel.shuts_down = true\n[log]\nlevel = "info"\n')
    told = well(pi.step(STEP))
    assert '"edgevoice"' in rule.read_text()
    assert rule.stat().st_mode & 0o777 == 0o644
    assert ("apt-get install polkitd" in told) is not polkitd

    settings.write_text(text)
    well(pi.step(STEP))
    assert not rule.exists()
