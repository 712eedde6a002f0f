"""``python -m edgevoice.wakeword [FILE]``: make the streaming front end, into the cache or into FILE.

To be run at install.
"""

import os
import sys
from pathlib import Path

from edgevoice.errors import WakeWordUnavailable
from edgevoice.wakeword.parts import cache_folder, parts_of


def main(arguments: list[str]) -> int:
    """Make the parts; return the exit status."""
    try:
        if arguments:
            # Here alone, in a process of its own: the package onnx is 30 MB of memory.
            from edgevoice.wakeword.making import make_parts  # noqa: PLC0415

            make_parts().write(Path(arguments[0]))
        else:
            parts_of(cache_folder(os.environ))
    except WakeWordUnavailable as error:
        print(error.line(), file=sys.stderr)  # noqa: T201 - told to whoever started this
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
