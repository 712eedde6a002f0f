"""`edgevoice devices`: the sound cards by name."""

import json

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from edgevoice.audio.cards import cards_present, is_of_sound_server, stable_name, words_of
from edgevoice.audio.devices import SoundDevice, present, sound_library
from edgevoice.core.facts import Device


def show(*, as_json: bool) -> int:
    """Print the devices; exit with 1 if there is no microphone or no speaker."""
    with sound_library() as library:
        found = present(library)
    able = {device: [one for one in found if one.can_be(device)] for device in Device}
    if as_json:
        print(json.dumps({str(device): [_facts(one) for one in ones] for device, ones in able.items()}))
    else:
        _print_table(found, able)
    return 0 if all(able.values()) else 1


def _print_table(found: list[SoundDevice], able: dict[Device, list[SoundDevice]]) -> None:
    console = Console()
    table = Table("name", "microphone", "speaker", "own rate", "card", box=None, pad_edge=False)
    cards = cards_present()
    for one in found:
        marks = ["✓" if one.can_be(device) else "" for device in Device]
        name = stable_name(one.name, cards)
        table.add_row(escape(name), *marks, f"{one.rate_hz} Hz", escape(words_of(one.name) if name != one.name else ""))
    if found:
        console.print(table)
        console.print("\nPut a name into microphone.device and speaker.device: it stays with the card across restarts.")
    if any(is_of_sound_server(one.name) for one in found):
        console.print(
            "Of a sound server, one device is named as pulse:NAME, and what a sink plays as pulse:NAME.monitor: "
            "`pactl list short sinks` and `pactl list short sources` print the names."
        )
    for device, ones in able.items():
        if not ones:
            console.print(f"No {device} is present: plug one in, then look at `arecord -l` and `aplay -l`.")


def _facts(one: SoundDevice) -> dict[str, str | int]:
    name = stable_name(one.name, cards_present())
    return {"name": name, "listed_as": one.name, "inputs": one.inputs, "outputs": one.outputs, "rate_hz": one.rate_hz}
