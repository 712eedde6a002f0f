"""gpiozero is loaded without what it does not need, and all of it still works."""

import subprocess
import sys


def run(program: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.split()


def test_gpiozero_is_loaded_without_the_packages_that_read_entry_points() -> None:
    loaded = run("import sys, edgevoice.panel.gpio, edgevoice.panel.mock; print(*sys.modules)")

    assert {"gpiozero", "gpiozero.pins.mock"} <= set(loaded)
    assert {"importlib.metadata", "importlib_metadata", "email"} & set(loaded) == set()


def test_who_looks_for_a_pin_library_by_gpiozero_still_finds_it() -> None:
    found = run(
        "from edgevoice.panel.gpio import gpiozero\n"
        "import gpiozero.devices\n"
        "print(*(each.name for each in gpiozero.devices.entry_points(group='gpiozero_pin_factories')))"
    )

    assert {"lgpio", "mock"} <= set(found)
