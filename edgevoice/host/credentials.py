"""The key of the service, and the secrets of tools: finds, checks and hides them. Never shows any part of one."""

import errno
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgevoice.errors import SettingsInvalid
from edgevoice.settings.fields import SECRET
from edgevoice.settings.service import ServiceSettings
from edgevoice.store.folders import config_folder

LARGEST_KEY_BYTES: Final = 16_384
"""Longer than any HTTP header with a key may be on common servers (8 to 16 kB)."""

_HOMES: Final = ("/home", "/root", "/run/user")
"""Folders that ProtectHome= in the service's unit hides from it (systemd.exec)."""

_STORE: Final = "Store the key for the box: sudo scripts/setup --key-file FILE"
_HOW_TO_STORE: Final = 'Store it as docs/memory-and-tools.md says, under "Secrets", and restart the box.'
_STORE_AGAIN: Final = "Copy the key again from the service's portal: sudo scripts/setup --key-file FILE"

JUDGE_KEY_VARIABLE: Final = "EDGEVOICE_JUDGE_KEY"
_JUDGE_SECRET: Final = "judge_key"  # noqa: S105 - the name of a secret, not one

_AROUND: Final = " \t\r\n"
_PRINTABLE: Final = re.compile(r"[\x21-\x7e]+")


class Key:
    """A key that only ``reveal()`` shows.

    ``source`` names the variable or file where it was found. The class has no dict and is not a dataclass, so that no
    log or encoder reads the key by mistake.
    """

    __slots__ = ("_secret", "source")

    def __init__(self, secret: str, *, source: str) -> None:
        self._secret = secret
        self.source = source

    def reveal(self) -> str:
        """Return the key itself, only for the handshake."""
        return self._secret

    def __repr__(self) -> str:
        return f"Key(hidden, from {self.source})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and other._secret == self._secret

    def __hash__(self) -> int:
        return hash(self._secret)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a key can be neither copied nor pickled")


def find_key(service: ServiceSettings, environment: Mapping[str, str]) -> Key | None:
    """Return the key, or ``None`` if there is none.

    Looks at EDGEVOICE_API_KEY, then for api_key in systemd's CREDENTIALS_DIRECTORY, then at ``service.key_file``.
    An empty variable counts as unset; an empty file does not. Raises ``SettingsInvalid`` for a key that cannot be valid
    and for a key file that other users can read.
    """
    if secret := environment.get("EDGEVOICE_API_KEY", "").strip(_AROUND):
        return checked_key(secret, source="EDGEVOICE_API_KEY")
    if folder := environment.get("CREDENTIALS_DIRECTORY"):
        # systemd owns this folder and guarantees that nobody else can read it (systemd.exec, CREDENTIALS).
        content = _content_of(Path(folder, "api_key"), source="the systemd credential api_key")
        if content is not None:
            return checked_key(content, source="the systemd credential api_key", remedy=_STORE_AGAIN)
    if service.key_file:
        path = _in_home(service.key_file, environment)
        source = f"service.key_file {service.key_file}"
        if str(path) != service.key_file:
            # The service's home folder is not the person's.
            source = f"{source}, which is {path},"
        place = _Place(path, source, is_service="STATE_DIRECTORY" in environment)
        content = _content_of(path, source=source, place=place)
        if content is None:
            raise place.missing()
        return checked_key(content, source=source, remedy=f"Copy the key again from the service's portal into {path}.")
    return None


def answers_itself(service: ServiceSettings, key: Key | None) -> bool:
    """Return whether the service inside the box is the one that answers."""
    return service.url == "local" or (key is None and not service.url)


def find_secret(name: str, environment: Mapping[str, str]) -> Key:
    """Return the secret that the settings mention by ``name``: letters, digits, ``-`` and ``_``.

    Looks at the systemd credential of that name, then at a file of that name in the folder ``secrets`` beside the
    user's own settings, which only its owner may be able to read. Raises ``SettingsInvalid`` if there is none, and for
    one that cannot be valid.
    """
    if folder := environment.get("CREDENTIALS_DIRECTORY"):
        source = f"the systemd credential {name}"
        content = _content_of(Path(folder, name), source=source)
        if content is not None:
            return checked_key(content, source=source, remedy=_HOW_TO_STORE)
    own = config_folder(environment)
    if own is not None:
        path = own / "secrets" / name
        content = _content_of(path, source=str(path), place=_Place(path, str(path), is_service=False))
        if content is not None:
            return checked_key(content, source=str(path), remedy=_HOW_TO_STORE)
    raise _refused(f"the secret {name}", "is not stored", remedy=_HOW_TO_STORE)


def find_judge_key(url: str, environment: Mapping[str, str]) -> str:
    """Return the key of the model at ``url`` that judges conversations; empty for one on this machine without a key.

    Looks at EDGEVOICE_JUDGE_KEY, then for the secret judge_key, see ``find_secret``. Raises ``SettingsInvalid``.
    """
    if key := environment.get(JUDGE_KEY_VARIABLE, "").strip(_AROUND):
        return checked_key(key, source=JUDGE_KEY_VARIABLE).reveal()
    try:
        return find_secret(_JUDGE_SECRET, environment).reveal()
    except SettingsInvalid:
        # Only an address of this machine may be without encryption.
        if url.startswith("http://"):
            return ""
        raise


def with_secrets(text: str, environment: Mapping[str, str]) -> str:
    """Return a value of the settings with each ``${NAME}`` replaced by the secret of that name.

    Raises the errors of `find_secret`.
    """
    return SECRET.sub(lambda match: find_secret(match["name"], environment).reveal(), text)


def _in_home(path: str, environment: Mapping[str, str]) -> Path:
    """Return a path with its ~ replaced by the home folder of ``environment``."""
    return Path(environment.get("HOME", "/"), path[2:]) if path.startswith("~/") else Path(path)


@dataclass(frozen=True, slots=True)
class _Place:
    """A key file that the settings name, with a remedy for each reason why it cannot be used."""

    path: Path
    source: str
    is_service: bool
    """The service has its own user and sees no home folder, so setup must store the person's file for it."""

    def missing(self) -> SettingsInvalid:
        if self._is_hidden():
            return self._hidden()
        remedy = f"Write only the key into {self.path}."
        return _refused(self.source, "does not exist", remedy=_STORE if self.is_service else remedy)

    def unreadable(self, failure: OSError) -> SettingsInvalid:
        if failure.errno not in {errno.EACCES, errno.EPERM}:
            complaint = f"cannot be read: {failure.strerror}"
            return _refused(self.source, complaint, remedy=f"`ls -l {self.path}` shows what it is.")
        if self._is_hidden():
            return self._hidden()
        if self.is_service:
            return _refused(self.source, "is not readable by the service's user", remedy=self._store_it())
        remedy = f'Make it yours alone: sudo chown "$USER" {self.path}; chmod 600 {self.path}'
        return _refused(self.source, "is not readable by this user", remedy=remedy)

    def open_to_others(self, owner: int) -> SettingsInvalid:
        remedy = f"Make it yours alone: chmod 600 {self.path}"
        if owner != os.geteuid():
            # chmod alone would then lock out its current reader.
            own = f'Make it yours alone: sudo chown "$USER" {self.path}; chmod 600 {self.path}'
            remedy = self._store_it() if self.is_service else own
        return _refused(self.source, "can be read by other users", remedy=remedy)

    def _hidden(self) -> SettingsInvalid:
        complaint = "is in a home folder, which the service cannot see"
        return _refused(self.source, complaint, remedy=self._store_it())

    def _is_hidden(self) -> bool:
        return self.is_service and any(self.path.is_relative_to(home) for home in _HOMES)

    def _store_it(self) -> str:
        return f"Store the key for the box: sudo scripts/setup --key-file {self.path}"


def _content_of(path: Path, *, source: str, place: _Place | None = None) -> str | None:
    """Return the content of a key file, ``None`` if it does not exist; a file with a ``place`` must be private."""
    try:
        # A pipe instead of a file must not block the start.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as failure:
        raise _unreadable(source, failure, place) from None
    try:
        # Check what is read: the descriptor, not the path.
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _refused(source, "is not a file", remedy="Name a file that contains only the key.")
        if place is not None and status.st_mode & 0o077:
            raise place.open_to_others(status.st_uid)
        content = os.read(descriptor, LARGEST_KEY_BYTES + 1)
    except OSError as failure:
        raise _unreadable(source, failure, place) from None
    finally:
        os.close(descriptor)
    if len(content) > LARGEST_KEY_BYTES:
        raise _refused(source, "is too large for a key")
    # Every byte is a character in Latin-1; what is not ASCII is refused with the rest.
    return content.decode("latin-1")


def checked_key(content: str, *, source: str, remedy: str | None = None) -> Key:
    """Return what was found at ``source`` as a key, without white space around it.

    Raises ``SettingsInvalid``, which names the source, for what cannot be a key.
    """
    secret = content.strip(_AROUND)
    if not secret:
        complaint = "is empty"
    elif re.search(r"\s", secret):
        complaint = "contains white space; it must contain only the key, without a word before it"
    elif _PRINTABLE.fullmatch(secret) is None:
        complaint = "contains characters that no key has"
    elif secret[0] in "\"'" or secret[-1] in "\"'":
        complaint = "contains quotes; it must contain only the key"
    else:
        return Key(secret, source=source)
    raise _refused(source, complaint, remedy=remedy)


def _unreadable(source: str, failure: OSError, place: _Place | None) -> SettingsInvalid:
    if place is not None:
        return place.unreadable(failure)
    return _refused(source, f"cannot be read: {failure.strerror}", remedy=_STORE_AGAIN)


def _refused(source: str, complaint: str, *, remedy: str | None = None) -> SettingsInvalid:
    return SettingsInvalid(f"{source} {complaint}", remedy=remedy or "Copy the key again from the service's portal.")
