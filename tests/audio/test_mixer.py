"""Controls of a card: real libasound on a mixer without hardware."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgevoice.audio.alsa import AlsaError
from edgevoice.audio.mixer import Mixer, MixerPlace, Scale, mixer_place
from edgevoice.testbed.virtual import VirtualCard


@pytest.fixture
def mixed(_plugin_cache: None) -> Iterator[VirtualCard]:
    with VirtualCard(mixer="PCM") as card:
        card.install()
        yield card


def test_a_control_says_its_range_and_where_it_is(mixed: VirtualCard) -> None:
    mixed.mixer_db = -12
    with Mixer("edgevoice_dac") as mixer:
        assert mixer.scales() == [Scale("PCM", -60.0, 0.0, -12.0)]
        assert mixer.level_db("PCM") == -12.0


def test_a_control_goes_to_the_step_that_is_not_below_what_is_asked(mixed: VirtualCard) -> None:
    with Mixer("edgevoice_dac") as mixer:
        assert mixer.move("PCM", -20.0) == -20.0
        assert mixer.move("PCM", -30.5) == -30.0
        assert mixer.move("PCM", -99.0) == -60.0

    assert mixed.mixer_db == -60.0


def test_what_somebody_else_moves_is_seen(mixed: VirtualCard) -> None:
    with Mixer("edgevoice_dac") as mixer:
        mixed.mixer_db = -7
        assert mixer.level_db("PCM") == -7.0


@pytest.mark.skipif(shutil.which("amixer") is None, reason="there is no amixer here")
def test_it_is_the_same_control_as_that_of_amixer(mixed: VirtualCard) -> None:
    with Mixer("edgevoice_dac") as mixer:
        command = ["amixer", "-q", "-D", "edgevoice_dac", "sset", "PCM", "--", "-33dB"]
        subprocess.run(command, check=True, env={**os.environ, **mixed.environment})
        assert mixer.level_db("PCM") == -33.0


def test_a_card_that_is_unplugged_is_an_error_and_no_crash(mixed: VirtualCard) -> None:
    with Mixer("edgevoice_dac") as mixer:
        mixed.unplug()
        with pytest.raises(AlsaError):
            mixer.level_db("PCM")
        with pytest.raises(AlsaError):
            mixer.move("PCM", -3.0)
        mixer.close()
    with pytest.raises(AlsaError, match="opening the mixer of edgevoice_dac"):
        Mixer("edgevoice_dac")


def test_a_control_that_is_not_there_is_named(mixed: VirtualCard) -> None:
    assert mixed.mixer_db == 0
    with Mixer("edgevoice_dac") as mixer, pytest.raises(AlsaError, match='no control "Master"'):
        mixer.move("Master", 0.0)


@pytest.mark.parametrize(
    ("device", "place"),
    [
        ("plughw:CARD=Jabra,DEV=0", MixerPlace("hw:Jabra", is_alone=True)),
        ("hw:1,0", MixerPlace("hw:1", is_alone=True)),
        ("USB Audio: - (hw:2,0)", MixerPlace("hw:2", is_alone=True)),
        ("CARD=Jabra", MixerPlace("hw:Jabra", is_alone=True)),
        # ALSA's own mixing: others may play, too.
        ("sysdefault:CARD=Jabra", MixerPlace("hw:Jabra")),
        ("dmix:CARD=Jabra,DEV=0", MixerPlace("hw:Jabra")),
        # Names of a configuration.
        ("ours", MixerPlace("hw:Jabra", is_alone=True)),
        ("shared", MixerPlace("hw:Jabra")),
        ("server", MixerPlace("server")),
        ("mixed", MixerPlace("mixed")),
        ("pulse", MixerPlace("pulse")),
        ("unheard of", MixerPlace("unheard of")),
    ],
)
def test_the_mixer_of_a_device_is_that_of_its_card(
    device: str, place: MixerPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = tmp_path / "asound.conf"
    configuration.write_text(
        """
        pcm.ours { type plug slave.pcm "hw:CARD=Jabra,DEV=0" hint { show on description "the box" } }
        pcm.shared { type plug slave.pcm "sysdefault:CARD=Jabra" }
        pcm.server { type plug slave.pcm "pulse" }
        pcm.mixed { type dmix slave.pcm "hw:CARD=Jabra" ipc_key 1 }
        """
    )
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(configuration))

    assert mixer_place(device) == place
