"""Named arrays in one file that is mapped, not read: only what is used becomes resident, and once for all readers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]

_MOST_HEADER = 64 << 10
"""Of the file's description of itself, which numpy otherwise limits to 10,000 characters."""

_KINDS: Final = {np.dtype("<f4"), np.dtype("<i4"), np.dtype("<i2"), np.dtype("i1")}


def dump_arrays(arrays: Arrays, file: BinaryIO) -> None:
    """Write arrays of 8, 16 and 32 bits as one record in numpy's own format."""
    # The widest first, so that each lies at a multiple of its own size.
    named = sorted(arrays.items(), key=lambda item: -item[1].itemsize)
    record = np.zeros(1, [(name, array.dtype, array.shape) for name, array in named])
    for name, array in named:
        record[name][0] = array
    np.lib.format.write_array(file, record, version=(2, 0), allow_pickle=False)


def map_arrays(path: Path) -> Arrays:
    """Return the arrays of a file, read-only. Raises ``OSError``, and ``ValueError`` for a file of another kind."""
    try:
        record = np.load(path, mmap_mode="r", allow_pickle=False, max_header_size=_MOST_HEADER)
    except EOFError as error:
        raise ValueError(f"{path} is empty") from error
    names = getattr(record, "dtype", np.dtype("u1")).names
    if not names or record.shape != (1,):
        raise ValueError(f"{path} holds something else")
    found = {name: np.asarray(record[name][0]) for name in names}
    if any(array.dtype not in _KINDS or not array.flags.c_contiguous for array in found.values()):
        raise ValueError(f"{path} holds something else")
    return found
