"""The key of the service: found, checked, and hidden. Never logs, prints or repeats it, nor any part of it."""

import errno
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from edgevoice.errors import SettingsInvalid
from edgevoice.settings import Service

LARGEST_KEY_BYTES: Final = 16_384
"""Longer than any HTTP header that carries a key may be with common servers (8 to 16 kB)."""

_AROUND: Final = " \t\r\n"
_PRINTABLE: Final = re.compile(r"[\x21-\x7e]+")


class Key:
    """A key that shows itself only to who asks with ``reveal()``.

    ``source`` names where it was found: a variable or a file. It has no dict and is no dataclass, so that neither a log
    nor an encoder walks into it by mistake.
    """

    __slots__ = ("_secret", "source")

    def __init__(self, secret: str, *, source: str) -> None:
        self._secret = secret
        self.source = source

    def reveal(self) -> str:
        """Return the key itself, for the handshake and nothing else."""
        return self._secret

    def __repr__(self) -> str:
        return f"Key(hidden, from {self.source})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and other._secret == self._secret

    def __hash__(self) -> int:
        return hash(self._secret)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a key is neither copied nor pickled")


def find_key(service: Service, environment: Mapping[str, str]) -> Key | None:
    """Return the key, ``None`` when there is none.

    Looks into EDGEVOICE_API_KEY, then for api_key in systemd's CREDENTIALS_DIRECTORY, then into ``service.key_file``.
    An empty variable counts as none; an empty file does not. Raises ``SettingsInvalid`` for a key that cannot be right
    and for a key file that is open to other users.
    """
    if secret := environment.get("EDGEVOICE_API_KEY", "").strip(_AROUND):
        return _checked(secret, source="EDGEVOICE_API_KEY")
    if folder := environment.get("CREDENTIALS_DIRECTORY"):
        # systemd owns this folder, and promises that nobody else may read it (systemd.exec, CREDENTIALS).
        content = _content_of(Path(folder, "api_key"), source="the systemd credential api_key")
        if content is not None:
            return _checked(content, source="the systemd credential api_key")
    if service.key_file:
        path = _in_home(service.key_file, environment)
        source = f"service.key_file {service.key_file}"
        if str(path) != service.key_file:
            # The service's home folder is another one than the person's.
            source = f"{source}, which is {path},"
        content = _content_of(path, source=source, is_private=True)
        if content is None:
            raise _refused(source, "does not exist", remedy=f"Write the key into {path}, and nothing else.")
        return _checked(content, source=source)
    return None


def _in_home(path: str, environment: Mapping[str, str]) -> Path:
    """Return a path with its ~ replaced by the home of ``environment``."""
    return Path(environment.get("HOME", "/"), path[2:]) if path.startswith("~/") else Path(path)


def _content_of(path: Path, *, source: str, is_private: bool = False) -> str | None:
    """Return what is in a key file, ``None`` when there is no such file; ``is_private`` refuses one others may read."""
    try:
        # A pipe in the file's place must not hold up the start.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as failure:
        raise _unreadable(source, failure) from None
    try:
        # What is checked is what is read: the descriptor, not the path.
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _refused(source, "is not a file")
        if is_private and status.st_mode & 0o077:
            raise _refused(source, "is open to other users", remedy=f"Make it yours alone: chmod 600 {path}")
        content = os.read(descriptor, LARGEST_KEY_BYTES + 1)
    except OSError as failure:
        raise _unreadable(source, failure) from None
    finally:
        os.close(descriptor)
    if len(content) > LARGEST_KEY_BYTES:
        raise _refused(source, "is too large for a key")
    # Any byte has a character in Latin-1; what is not ASCII is refused with the rest.
    return content.decode("latin-1")


def _checked(content: str, *, source: str) -> Key:
    secret = content.strip(_AROUND)
    if not secret:
        raise _refused(source, "is empty")
    if re.search(r"\s", secret):
        raise _refused(source, "has white space inside; only the key itself belongs there, without a word before it")
    if _PRINTABLE.fullmatch(secret) is None:
        raise _refused(source, "has characters in it that no key has")
    if secret[0] in "\"'" or secret[-1] in "\"'":
        raise _refused(source, "has quotes around it; only the key itself belongs there")
    return Key(secret, source=source)


def _unreadable(source: str, failure: OSError) -> SettingsInvalid:
    if failure.errno in {errno.EACCES, errno.EPERM}:
        return _refused(source, "may not be read by this user")
    return _refused(source, f"cannot be read: {failure.strerror}")


def _refused(source: str, complaint: str, *, remedy: str | None = None) -> SettingsInvalid:
    return SettingsInvalid(f"{source} {complaint}", remedy=remedy or "Copy the key again from the service's portal.")
