"""The echo self-test's record: the measurements in the state folder from which the daemon chooses its tier."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from edgevoice.store.files import DAMAGED, write_whole

FILE_NAME = "echo.json"

_LARGEST = 10_000


class EchoRecord(Struct, frozen=True, kw_only=True):
    """The findings of one self-test; losses in dB, ``delay_ms`` beyond the delay given by the streams' clocks.

    ``microphone`` and ``speaker`` are the devices' names in the settings; ``measured_at`` is an ISO 8601 date.
    """

    tier: Literal["none", "linear", "suppressor", "hardware"]
    microphone: str
    speaker: str
    delay_ms: Annotated[float, Meta(ge=-100, le=2000)]
    return_loss_db: float | None = None
    cancelled_db: float | None = None
    drift_ppm: float | None = None
    measured_at: str = ""


def read_record(folder: Path) -> EchoRecord | None:
    """Return the record in the state folder; ``None`` if there is none, or if it cannot be read."""
    try:
        with (folder / FILE_NAME).open("rb") as file:
            return msgspec.json.decode(file.read(_LARGEST), type=EchoRecord)
    except (OSError, *DAMAGED):
        return None


def write_record(folder: Path, record: EchoRecord) -> Path:
    """Replace the last record, readable by its owner only; return the path. Raises ``OSError``."""
    file = folder / FILE_NAME
    write_whole(file, msgspec.json.format(msgspec.json.encode(record)), is_durable=True)
    return file
