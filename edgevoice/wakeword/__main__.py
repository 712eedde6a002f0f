"""``python -m edgevoice.wakeword``: make the streaming front end and other one-time parts, in the cache folder.

It is run at installation. ``-`` writes the front end to standard output, ``--pairs MODEL TARGET...`` writes the models
that take two windows: the daemon has each of them made in this way, in a separate process.
"""

import io
import os
import sys
from pathlib import Path

from edgevoice.errors import WakeWordUnavailable, of_machine
from edgevoice.store.folders import cache_folder
from edgevoice.wakeword.models.front_end import EXIT_NOT_NOW, FrontEndParts, parts_of
from edgevoice.wakeword.models.paired import make_pair, pair_models
from edgevoice.wakeword.models.present import words_present


def main(arguments: list[str]) -> int:
    """Make the parts; return the exit status."""
    try:
        if arguments[:1] == ["--pairs"]:
            for model, target in zip(arguments[1::2], arguments[2::2], strict=True):
                make_pair(Path(model), Path(target))
        elif arguments:
            # Imported only here, in a separate process: the package onnx takes 30 MB of memory.
            from edgevoice.wakeword.models.make_front_end import make_parts  # noqa: PLC0415

            _write(make_parts())
        else:
            folder = cache_folder(os.environ)
            parts_of(folder)
            pair_models([*words_present().values()], folder)
    except WakeWordUnavailable as error:
        print(error.line(), file=sys.stderr)  # noqa: T201 - for the caller of this command
        return 1
    except (OSError, MemoryError) as error:
        if (trouble := of_machine(error)) is None:
            raise
        print(trouble.line(), file=sys.stderr)  # noqa: T201
        return EXIT_NOT_NOW
    return 0


def _write(parts: FrontEndParts) -> None:
    made = io.BytesIO()  # writing a zip archive seeks back and forth, which a pipe does not allow
    parts.dump(made)
    sys.stdout.buffer.write(made.getvalue())
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
