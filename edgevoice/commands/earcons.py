"""`edgevoice earcons`: which status sounds there are, and how each of them sounds."""

import os
import time
from typing import Annotated

import typer

from edgevoice.commands.commandline import group
from edgevoice.commands.config import ConfigOption
from edgevoice.commands.outcome import run_command
from edgevoice.core.facts import Device
from edgevoice.core.orders import Earcon
from edgevoice.errors import DeviceBusy

app = group("The short status sounds: list them, and play one.")

_TAIL_S = 0.2
"""The card still holds this much when it has been given the last sample."""


@app.command("list")
def list_all(*, config: ConfigOption = None) -> None:
    """List the earcons, when each of them sounds, and which are your own files."""
    from edgevoice.audio.own_earcons import look, misplaced
    from edgevoice.core.panel_spec import STATES
    from edgevoice.settings.file import load

    def command() -> int:
        folder = load(config, os.environ).settings.speaker.earcons_folder
        own = look(folder)
        states = {earcon: state.name for state in STATES for earcon in state.sounds}
        for earcon in Earcon:
            sound = own.get(earcon)
            remark = "" if sound is None else f"  ({sound})" if isinstance(sound, str) else "  (your own)"
            print(f"{earcon:<14}{states.get(earcon, '')}{remark}")
        for problem in misplaced(folder):
            print(problem)
        return 0

    run_command(command)


@app.command()
def play(
    name: Annotated[str, typer.Argument(metavar="NAME", help="One of `edgevoice earcons list`.")],
    *,
    config: ConfigOption = None,
) -> None:
    """Play an earcon on the speaker of the settings as the box does: as loud, and in words if it has them."""
    if name not in set(Earcon):
        raise typer.BadParameter(f"there is no earcon {name!r}; `edgevoice earcons list` names them")
    earcon = Earcon(name)
    from edgevoice.audio.earcons import EarconMixer
    from edgevoice.audio.far_end_mixer import factor
    from edgevoice.audio.own_earcons import look
    from edgevoice.box import sayings
    from edgevoice.settings.file import load
    from edgevoice.store.folders import cache_folder

    def command() -> int:
        settings = load(config, os.environ).settings.speaker
        own = look(settings.earcons_folder).get(earcon)
        if isinstance(own, str):
            print(own)
        mixer = EarconMixer(
            factor(settings.earcon_percent), {} if own is None or isinstance(own, str) else {earcon: own}
        )
        spoken = sayings.read(earcon, cache_folder(os.environ))
        if spoken is not None:
            mixer.learn(earcon, spoken)
        mixer.play(earcon, factor(settings.volume_percent))
        _play(mixer.rest().astype("<i2").tobytes(), settings.device)
        return 0

    run_command(command)


def _play(pcm: bytes, device: str) -> None:
    import pyaudio

    from edgevoice.audio.devices import find, sound_library
    from edgevoice.core.sound.rates import FAR_END_HZ

    with sound_library([device]) as library:
        found = find(library, Device.SPEAKER, device)
        try:
            stream = library.open(
                rate=FAR_END_HZ, channels=1, format=pyaudio.paInt16, output=True, output_device_index=found.index
            )
        except (OSError, ValueError) as error:
            raise DeviceBusy(f'"{found.name}" does not open at {FAR_END_HZ} Hz: {error}') from error
        stream.write(pcm + bytes(2 * round(_TAIL_S * FAR_END_HZ)))
        time.sleep(stream.get_output_latency())
        stream.close()
