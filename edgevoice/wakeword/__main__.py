"""``python -m edgevoice.wakeword``: make the kernel's weights, the streaming front end and other one-time parts.

It is run at installation, and makes them in the cache folder. ``-`` writes the front end to standard output, ``--pairs
MODEL TARGET...`` writes the models that take two windows, ``--kernel MODEL TARGET...`` the kernel's weights (``-`` for
those of the front end), ``--events TARGET`` YAMNet's: the daemon has each of them made in this way, in a separate
process.
"""

import contextlib
import io
import os
import sys
from pathlib import Path

from edgevoice.errors import WakeWordUnavailable, of_machine
from edgevoice.store.folders import cache_folder
from edgevoice.store.making import EXIT_NOT_NOW
from edgevoice.wakeword.kernel.kernel import Kernel, open_kernel, weights_for
from edgevoice.wakeword.kernel.library import KernelUnavailable
from edgevoice.wakeword.models.front_end import FrontEndParts, PartsUnavailable, parts_of
from edgevoice.wakeword.models.paired import make_pair, pair_models
from edgevoice.wakeword.models.present import words_present
from edgevoice.wakeword.models.yamnet import write_weights, yamnet_weights


def main(arguments: list[str]) -> int:
    """Make the parts; return the exit status."""
    try:
        if arguments[:1] == ["--pairs"]:
            for model, target in zip(arguments[1::2], arguments[2::2], strict=True):
                make_pair(Path(model), Path(target))
        elif arguments[:1] == ["--kernel"]:
            os.umask(0o077)
            for model, target in zip(arguments[1::2], arguments[2::2], strict=True):
                Path(target).write_bytes(weights_for(model))
        elif arguments[:1] == ["--events"]:
            os.umask(0o077)
            write_weights(Path(arguments[1]))
        elif arguments:
            # Imported only here, in a separate process: the package onnx takes 30 MB of memory.
            from edgevoice.wakeword.models.make_front_end import make_parts  # noqa: PLC0415

            _write(make_parts())
        else:
            _make_all(cache_folder(os.environ))
    except WakeWordUnavailable as error:
        print(error.line(), file=sys.stderr)  # noqa: T201 - for the caller of this command
        return 1
    except (OSError, MemoryError) as error:
        if (trouble := of_machine(error)) is None:
            raise
        print(trouble.line(), file=sys.stderr)  # noqa: T201
        return EXIT_NOT_NOW
    return 0


def _make_all(folder: Path) -> None:
    """Make whatever the words that are present need, with the kernel and without it."""
    words = [*words_present().values()]
    kernel: Kernel | None = None
    try:
        kernel = open_kernel(folder)
        kernel.learn(words)
    except KernelUnavailable as error:
        print(error.line(), file=sys.stderr)  # noqa: T201
    try:
        parts_of(folder)
    except PartsUnavailable:
        # The package onnx is removed once they are made: without them there is only no fallback.
        if kernel is None:
            raise
    pair_models(words, folder)
    # Setup has said so where its package could not be fetched.
    with contextlib.suppress(WakeWordUnavailable):
        yamnet_weights(folder)


def _write(parts: FrontEndParts) -> None:
    made = io.BytesIO()  # writing a zip archive seeks back and forth, which a pipe does not allow
    parts.dump(made)
    sys.stdout.buffer.write(made.getvalue())
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
