"""The card's ALSA plugin: what it is made of. Never loads it; alsa-lib does."""

from pathlib import Path
from typing import Final

from edgevoice.testbed.virtual.compiling import CSources, compiled

_FOLDER: Final = Path(__file__).parent

PLUGIN: Final = CSources(
    what="the virtual card's plugin",
    name="libasound_module_pcm_edgevoice.so",
    sources=tuple(_FOLDER / name for name in ("pcm_edgevoice.c", "ctl_edgevoice.c", "converter.c", "room.c")),
    headers=tuple(_FOLDER / name for name in ("converter.h", "room.h", "tape.h")),
    libraries=("-lasound", "-lpthread", "-lm"),
)


def build_plugin(cache: Path | None = None) -> Path:
    """Return the path of the compiled plugin; see `compiled`."""
    return compiled(PLUGIN, cache)
