"""The echo self-test's record: what was measured, kept in the state folder for the daemon to choose its tier by."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from edgevoice.store.files import write_whole

FILE_NAME = "echo.json"

_LARGEST = 10_000


class EchoRecord(Struct, frozen=True, kw_only=True):
    """What one self-test found out; losses in dB, ``delay_ms`` beyond what the clocks of the two streams tell.

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
    """Return the record in the state folder; ``None`` when there is none, or none that can be read as one."""
    try:
        with (folder / FILE_NAME).open("rb") as file:
            return msgspec.json.decode(file.read(_LARGEST), type=EchoRecord)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def write_record(folder: Path, record: EchoRecord) -> Path:
    """Put the record in place of the last one, readable by its owner only; return its path. Raises ``OSError``."""
    file = folder / FILE_NAME
    write_whole(file, msgspec.json.format(msgspec.json.encode(record)), is_durable=True)
    return file
