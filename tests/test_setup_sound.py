"""The sound in scripts/setup: which USB card it takes, and that ALSA then plays on that card and records from it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from edgevoice.commands.config_template import template
from edgevoice.settings.file import load
from edgevoice.testbed.virtual.plugin import build_plugin
from tests.test_setup import LIMIT_S, ROOT, SETUP, System, well, well_stdout

pytestmark = [
    pytest.mark.skipif(not SETUP.exists(), reason="scripts/setup is not beside these tests: an installed copy"),
    pytest.mark.skipif(not Path("/etc/debian_version").exists(), reason="scripts/setup is for Debian, and this is not"),
]

BOTH: Final = ("pcm0c", "pcm0p")
SETTINGS: Final = "/etc/edgevoice/edgevoice.toml"
STEPS: Final = """
step "sound board" sound_board ""
usb_news >"$scratch/usb.txt"
names() {
  [[ ! $hat || $(hat_now) == "$hat" ]] || change "set the pins and devices of $hat" board_settings
  [[ ! -s $scratch/usb.txt ]] || change "put the USB sound card into the settings" usb_settings
  alsa_snippet >"$scratch/alsa.conf"
  copy "$scratch/alsa.conf" "$alsa_names" 644
}
step "names" names ""
"""


class Pi(System):
    """A Pi with a boot configuration, fresh settings, and the kernel's list of its sound cards."""

    def plug(self, number: int, name: str, *pcms: str, usb: str = "0b0e:0422") -> None:
        self.write(f"/proc/asound/card{number}/id", f"{name}\n")
        for pcm in pcms:
            self.write(f"/proc/asound/card{number}/{pcm}/info", f"card: {number}\n")
        if usb:
            self.write(f"/proc/asound/card{number}/usbid", f"{usb}\n")

    def unplug(self, number: int) -> None:
        self.path(f"/proc/asound/card{number}").rename(self.path(f"/proc/asound/gone{number}"))

    def set_up(self, **chosen: str) -> str:
        """Run the steps that concern sound; return their output."""
        return well(self.step(STEPS, **chosen))

    def cards(self) -> tuple[str, str]:
        """Return what edgevoice_mic and edgevoice_dac lead to."""
        text = self.path("/etc/alsa/conf.d/99-edgevoice.conf").read_text(encoding="utf-8")
        microphone, speaker = re.findall(
            r'^pcm\.edgevoice_(?:mic|dac) \{[^}]*?slave\.pcm "([^"]+)"', text, re.MULTILINE
        )
        return microphone, speaker

    def devices(self) -> tuple[str, str]:
        settings = load(self.path(SETTINGS), {}).settings
        return settings.microphone.device, settings.speaker.device


@pytest.fixture
def pi(tmp_path: Path) -> Pi:
    found = Pi(tmp_path)
    found.write("/boot/firmware/config.txt", "dtparam=audio=on\n")
    found.write(SETTINGS, template())
    found.path("/var/lib").mkdir(parents=True)
    # A Pi's own: the jack is the first card, and records nothing.
    found.plug(0, "Headphones", "pcm0p", usb="")
    found.plug(1, "vc4hdmi", "pcm0p", usb="")
    return found


JABRA: Final = "hw:CARD=Jabra,DEV=0"
NAMES: Final = ("edgevoice_mic", "edgevoice_dac")


@pytest.mark.parametrize("hat", ["", "usb-speakerphone", "gpio"])
def test_a_speakerphone_is_chosen_without_a_question(pi: Pi, hat: str) -> None:
    pi.plug(2, "Jabra", *BOTH)

    pi.set_up(hat=hat)

    assert pi.cards() == (JABRA, JABRA)
    assert pi.devices() == NAMES


def test_setting_up_again_changes_nothing(pi: Pi) -> None:
    pi.plug(2, "Jabra", *BOTH)
    pi.set_up()
    before = {name: pi.path(name).read_bytes() for name in pi.files()}

    told = pi.set_up()

    assert told.count("as it should be") == 2
    assert {name: pi.path(name).read_bytes() for name in pi.files()} == before


def test_the_card_is_found_again_under_another_number(pi: Pi) -> None:
    pi.plug(2, "Jabra", *BOTH)
    pi.set_up()
    pi.unplug(2)
    pi.plug(5, "Jabra", *BOTH)

    assert "as it should be" in pi.set_up()
    assert pi.cards() == (JABRA, JABRA)


def test_without_a_usb_card_setup_says_what_to_plug_in_and_changes_nothing(pi: Pi) -> None:
    told = pi.set_up()

    assert told.count("no USB sound card records and plays: plug one in") == 1
    assert pi.cards() == ("sysdefault", "sysdefault")
    assert pi.path(SETTINGS).read_text(encoding="utf-8") == template()


def test_a_speakerphone_plugged_in_later_is_chosen_at_the_next_run(pi: Pi) -> None:
    told = pi.set_up(hat="usb-speakerphone")
    assert "microphone: no USB sound card found; plug one in" in told
    assert "speaker: no USB sound card found; plug one in" in told
    pi.plug(2, "Jabra", *BOTH)

    pi.set_up()

    assert pi.cards() == (JABRA, JABRA)
    assert pi.devices() == NAMES


@pytest.mark.parametrize(("hat", "card"), [("max98357a", "MAX98357A"), ("hifiberry-dac", "sndrpihifiberry")])
def test_a_board_without_a_microphone_plays_and_a_usb_card_captures(pi: Pi, hat: str, card: str) -> None:
    pi.plug(2, "Device", "pcm0c")

    pi.set_up(hat=hat)

    assert pi.cards() == ("hw:CARD=Device,DEV=0", f"hw:CARD={card}")
    assert pi.devices() == NAMES


def test_a_board_with_both_leaves_a_usb_card_alone(pi: Pi) -> None:
    pi.plug(2, "Jabra", *BOTH)

    assert "USB" not in pi.set_up(hat="i2s")
    assert pi.cards() == ("hw:CARD=sndrpigooglevoi", "hw:CARD=sndrpigooglevoi")


def test_a_camera_is_not_chosen_where_another_card_may_exist(pi: Pi) -> None:
    pi.plug(2, "C920", "pcm0c")

    assert "no USB sound card records and plays" in pi.set_up()
    assert pi.devices() == ("default", "default")


def test_of_several_cards_the_one_that_records_and_plays_is_chosen_and_the_others_listed(pi: Pi) -> None:
    pi.plug(2, "C920", "pcm0c")
    pi.plug(3, "Jabra", *BOTH)

    told = pi.set_up()

    assert "microphone: the USB sound card Jabra; --usb takes another: C920" in told
    assert "speaker: the USB sound card Jabra\n" in told
    assert pi.cards() == (JABRA, JABRA)


def test_two_cards_of_one_model_are_distinguished_and_either_can_be_named(pi: Pi) -> None:
    pi.plug(2, "Device", *BOTH, usb="1234:5678")
    pi.plug(3, "Device_1", *BOTH, usb="1234:5678")

    assert "--usb takes another: Device_1" in pi.set_up()
    assert pi.cards() == ("hw:CARD=Device,DEV=0",) * 2
    pi.set_up(usb="Device_1")
    assert pi.cards() == ("hw:CARD=Device_1,DEV=0",) * 2
    # The chosen card stays.
    assert "as it should be" in pi.set_up()
    assert pi.cards() == ("hw:CARD=Device_1,DEV=0",) * 2


def test_a_direction_on_a_later_device_of_the_card_is_used_there(pi: Pi) -> None:
    pi.plug(2, "Mixer", "pcm0p", "pcm1c")

    pi.set_up()

    assert pi.cards() == ("hw:CARD=Mixer,DEV=1", "hw:CARD=Mixer,DEV=0")


def test_an_absent_card_stays_configured_until_a_new_one_replaces_it(pi: Pi) -> None:
    pi.plug(2, "Jabra", *BOTH)
    pi.set_up()
    pi.unplug(2)

    assert "microphone: the USB sound card Jabra is not plugged in" in pi.set_up()
    assert pi.cards() == (JABRA, JABRA)
    pi.plug(3, "Anker", *BOTH)
    pi.set_up()
    assert pi.cards() == ("hw:CARD=Anker,DEV=0",) * 2


def test_a_device_named_by_the_owner_is_kept(pi: Pi) -> None:
    named = template().replace('# device = "default"', 'device = "mine"', 1)
    pi.write(SETTINGS, named)
    pi.plug(2, "Jabra", *BOTH)

    pi.set_up()

    assert pi.devices() == ("mine", "edgevoice_dac")


@pytest.mark.parametrize("name", ["bad name", '"', "a/b", ""])
def test_a_card_without_an_alsa_name_is_left_out(pi: Pi, name: str) -> None:
    pi.plug(2, name, *BOTH)

    assert "no USB sound card" in pi.set_up()
    assert pi.cards() == ("sysdefault", "sysdefault")


def test_a_dry_run_names_the_card_and_changes_nothing(pi: Pi) -> None:
    pi.plug(2, "Jabra", *BOTH)
    before = pi.files()

    told = well(pi.setup("--dry-run", "--yes"))

    assert "microphone: the USB sound card Jabra" in told
    assert "would put the USB sound card into the settings" in told
    assert pi.files() == before


def test_an_image_ignores_the_sound_card_of_the_machine_that_builds_it(pi: Pi) -> None:
    pi.plug(2, "Jabra", *BOTH)

    told = well(pi.step(f"in_image() {{ :; }}; {STEPS}"))

    assert "setup does not look for USB sound cards in an image; run it again on the machine itself" in told
    assert pi.cards() == ("sysdefault", "sysdefault")


def test_the_settings_step_itself_sets_the_devices(pi: Pi) -> None:
    pi.plug(2, "Jabra", *BOTH)

    # Without the program, which the step asks at its end, and without its user.
    pi.write("/opt/edgevoice/bin/edgevoice", "#!/bin/sh\n").chmod(0o755)
    well(pi.step('open_settings() { :; }; step "settings" settings ""'))

    assert pi.devices() == NAMES
    assert pi.cards() == (JABRA, JABRA)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--usb", "Jabro"), r"there is no suitable USB sound card Jabro\. Run setup again with one of: C920 Jabra$"),
        (("--usb", "C920", "--hat", "i2s"), "this board has a microphone and a speaker: leave --usb out$"),
    ],
)
def test_a_wrong_card_is_refused_with_the_right_ones(pi: Pi, arguments: tuple[str, ...], complaint: str) -> None:
    pi.plug(2, "C920", "pcm0c")
    pi.plug(3, "Jabra", *BOTH)

    ended = pi.setup("--dry-run", "--yes", *arguments)

    assert ended.returncode == 1
    assert re.search(complaint, ended.stderr, re.MULTILINE)


def test_a_requested_but_missing_card_has_to_be_plugged_in(pi: Pi) -> None:
    ended = pi.setup("--dry-run", "--yes", "--usb", "Jabra")

    assert ended.returncode == 1
    assert ended.stderr == "setup: there is no USB sound card Jabra. Plug it in and run setup again.\n"


@pytest.mark.parametrize(("answer", "taken"), [("", "Device"), ("Device_1", "Device_1")])
def test_an_interactive_user_is_asked_which_of_two_speakerphones_to_use(pi: Pi, answer: str, taken: str) -> None:
    pi.plug(2, "Device", *BOTH)
    pi.plug(3, "Device_1", *BOTH)

    asked = well_stdout(pi.step(f"choose_usb <<<'{answer}'; usb_pcm speaker microphone speaker", asks="yes"))

    assert "Which USB sound card? One of:\n  Device Device_1\nJust Enter: Device. " in asked
    assert asked.endswith(f"hw:CARD={taken},DEV=0\n")


# --- what ALSA makes of it -------------------------------------------------------------------------------------------

LISTEN_AND_PLAY: Final = """
import json
import pyaudio
from edgevoice.audio.devices import find, sound_library
from edgevoice.core.facts import Device

def opened(device, name, rate):
    try:
        found = find(library, device, name)
        if device is Device.MICROPHONE:
            stream = library.open(rate, 1, pyaudio.paInt16, input=True, input_device_index=found.index)
            done = len(stream.read(rate // 10))
        else:
            stream = library.open(rate, 1, pyaudio.paInt16, output=True, output_device_index=found.index)
            stream.write(b"\\1\\0" * (rate // 10))
            done = rate // 5
        stream.close()
    except OSError as error:
        return str(error)
    return done

with sound_library() as library:
    print(json.dumps({
        "straight": opened(Device.SPEAKER, "straight", 24_000),
        "microphone": opened(Device.MICROPHONE, "edgevoice_mic", 16_000),
        "speaker": opened(Device.SPEAKER, "edgevoice_dac", 24_000),
    }))
"""


def card_of_one_format(folder: Path, plugin: Path) -> str:
    """Return an ALSA configuration whose hw is a card of 48 kHz and two channels only, as many a USB one is."""
    taped = f'type edgevoice rate 48000 unplugged "{folder}/unplugged"'
    side = "type multi slaves.a { channels 2 pcm { %s } } bindings { 0 { slave a channel 0 } 1 { slave a channel 1 } }"
    speaker = f'{taped} tape {{ @func concat strings [ "{folder}/" $CARD "-" $DEV "-far-end.tape" ] }}'
    microphone = f'{taped} tape {{ @func concat strings [ "{folder}/" $CARD "-" $DEV "-near-end.tape" ] }}'
    microphone += f' source "{folder}/microphone.fifo" channels 2'
    return f"""
pcm_type.edgevoice {{ lib "{plugin}" }}
pcm.hw {{
  @args [ CARD DEV ]
  @args.CARD {{ type string }}
  @args.DEV {{ type integer default 0 }}
  type asym
  playback.pcm {{ {side % speaker} }}
  capture.pcm {{ {side % microphone} }}
}}
pcm.straight {{ type asym playback.pcm "{JABRA}" capture.pcm "{JABRA}" }}
pcm.default {{ type asym playback.pcm "edgevoice_dac" capture.pcm "edgevoice_mic" }}
"""


@pytest.mark.sound
def test_alsa_records_at_16_khz_and_plays_at_24_khz_on_a_card_that_can_neither(pi: Pi) -> None:
    pi.plug(2, "C920", "pcm0c")
    pi.plug(3, "Jabra", *BOTH)
    pi.set_up()
    folder = pi.path("/card")
    folder.mkdir()
    os.mkfifo(folder / "microphone.fifo")
    snippet = pi.path("/etc/alsa/conf.d/99-edgevoice.conf").read_text(encoding="utf-8")
    (folder / "asound.conf").write_text(card_of_one_format(folder, build_plugin()) + snippet, encoding="utf-8")

    source = os.open(folder / "microphone.fifo", os.O_RDWR)
    try:
        ended = subprocess.run(
            [sys.executable, "-c", LISTEN_AND_PLAY],
            env={**os.environ, "ALSA_CONFIG_PATH": str(folder / "asound.conf")},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    finally:
        os.close(source)

    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    # The stand-in is as strict as such a card: opening it directly is an error.
    assert isinstance(told.pop("straight"), str)
    assert told == {"microphone": 3_200, "speaker": 4_800}
    assert {each.name.split(".")[0] for each in folder.glob("*.tape*")} == {"Jabra-0-near-end", "Jabra-0-far-end"}
