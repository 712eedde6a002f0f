"""``python -m edgevoice.wakeword``: make the streaming front end, and what else is made once, in the cache folder.

To be run at install. ``FILE`` writes the front end there, ``--pairs MODEL TARGET...`` the models that take two windows:
so the daemon has them made, each time in a process of its own.
"""

import os
import sys
from pathlib import Path

from edgevoice.errors import WakeWordUnavailable
from edgevoice.wakeword.models import words_present
from edgevoice.wakeword.pairs import make_pair, pair_models
from edgevoice.wakeword.parts import cache_folder, parts_of


def main(arguments: list[str]) -> int:
    """Make the parts; return the exit status."""
    try:
        if arguments[:1] == ["--pairs"]:
            for model, target in zip(arguments[1::2], arguments[2::2], strict=True):
                make_pair(Path(model), Path(target))
        elif arguments:
            # Here alone, in a process of its own: the package onnx is 30 MB of memory.
            from edgevoice.wakeword.making import make_parts  # noqa: PLC0415

            make_parts().write(Path(arguments[0]))
        else:
            folder = cache_folder(os.environ)
            parts_of(folder)
            pair_models([*words_present().values()], folder)
    except WakeWordUnavailable as error:
        print(error.line(), file=sys.stderr)  # noqa: T201 - told to whoever started this
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
