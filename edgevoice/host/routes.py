"""Routes: whether this machine has a way to other networks, by the kernel's own tables."""

from collections.abc import Callable
from pathlib import Path


def has_default_route(read: Callable[[str], str | None] | None = None) -> bool:
    """Return whether there is a default route: destination and mask zero, and not a reject route.

    ``read`` returns the text of a file, ``None`` if it cannot be read; by default it reads this machine's own.
    """
    read = read or _read
    for line in (read("/proc/net/route") or "").splitlines():
        words = line.split()
        if len(words) > 7 and words[1] == "00000000" and words[7] == "00000000":
            return True
    for line in (read("/proc/net/ipv6_route") or "").splitlines():
        words = line.split()
        if len(words) > 9 and words[0] == "0" * 32 and words[1] == "00" and words[9] != "lo":
            return True
    return False


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
