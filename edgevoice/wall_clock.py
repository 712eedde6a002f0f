"""Wall clock: this machine's local time, even when its time zone changes while the program runs."""

import os
import time
from datetime import date, datetime

_SYSTEM_ZONE = "/etc/localtime"


def local_now() -> datetime:
    """Return the time now in this machine's time zone, with its offset."""
    return local_time(time.time())


def local_time(seconds: float) -> datetime:
    """Return ``seconds`` since the epoch in this machine's time zone, with its offset."""
    _follow_time_zone()
    return datetime.fromtimestamp(seconds).astimezone()


def local_today() -> date:
    """Return today's date in this machine's time zone."""
    return local_now().date()


def local_struct(seconds: float | None = None) -> time.struct_time:
    """Return ``seconds`` since the epoch, or now, as local time; a converter for `logging`."""
    _follow_time_zone()
    return time.localtime(seconds)


def _follow_time_zone() -> None:
    """Read the time zone again if it has changed: a process keeps the one that it first used.

    Costs one `stat` of /etc/localtime, some microseconds: glibc reads the file only if it has changed.
    """
    if os.environ.get("TZ", "").lstrip(":") == _SYSTEM_ZONE:
        # Some systems set TZ to this path. It means the same as no TZ, but glibc never rereads a named file.
        del os.environ["TZ"]
    time.tzset()
