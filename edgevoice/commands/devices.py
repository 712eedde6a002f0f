"""`edgevoice devices`: the sound cards by name."""

import json

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from edgevoice.audio.devices import Found, present, sound_library
from edgevoice.core.facts import Device


def show(*, as_json: bool) -> int:
    """Print the devices; exit status 1 when there is no microphone or no speaker."""
    with sound_library() as library:
        found = present(library)
    able = {device: [one for one in found if one.can_be(device)] for device in Device}
    if as_json:
        print(json.dumps({str(device): [_facts(one) for one in ones] for device, ones in able.items()}))
    else:
        _print_table(found, able)
    return 0 if all(able.values()) else 1


def _print_table(found: list[Found], able: dict[Device, list[Found]]) -> None:
    console = Console()
    table = Table("name", "microphone", "speaker", "own rate", box=None, pad_edge=False)
    for one in found:
        marks = ["✓" if one.can_be(device) else "" for device in Device]
        table.add_row(escape(one.name), *marks, f"{one.rate_hz} Hz")
    if found:
        console.print(table)
        console.print("\nPut a name, or a part of it that no other has, into microphone.device and speaker.device.")
    for device, ones in able.items():
        if not ones:
            console.print(f"No {device} is present: plug one in, then look at `arecord -l` and `aplay -l`.")


def _facts(one: Found) -> dict[str, str | int]:
    return {"name": one.name, "inputs": one.inputs, "outputs": one.outputs, "rate_hz": one.rate_hz}
