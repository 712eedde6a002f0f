"""The support archive: what a helper needs to know, without key, transcripts, recordings and network addresses."""

import contextlib
import importlib.metadata
import io
import json
import os
import platform
import re
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from edgevoice import __version__
from edgevoice.doctor.configuration import is_changed
from edgevoice.doctor.findings import Finding
from edgevoice.doctor.probes import Machine
from edgevoice.doctor.service_manager import UNIT
from edgevoice.errors import EdgevoiceError, SettingsInvalid
from edgevoice.host.credentials import find_key
from edgevoice.realtime.redaction import Redactor, secrets_in_address
from edgevoice.settings.catalogue import ENTRIES, HIDDEN, address_without_secrets, without_secrets
from edgevoice.settings.file import Loaded, load

_PERSONAL = {
    "service.instructions",
    "service.provider_data",
    "service.key_file",
    "wakeword.words",
    "tools.http",
    "mcp.servers",
}
"""Settings in which people write about themselves, or a token where no name says so, as in the arguments of a server:
the archive says whether they were changed, but not to what.
"""

_FILES = (
    "/etc/os-release",
    "/proc/device-tree/model",
    "/proc/version",
    "/proc/meminfo",
    "/proc/modules",
    "/proc/loadavg",
    "/proc/asound/version",
    "/proc/asound/cards",
    "/proc/asound/devices",
    "/proc/asound/pcm",
)
_GLOBS = (
    "/proc/asound/card*/pcm*/sub*/hw_params",
    "/proc/asound/card*/pcm*/sub*/status",
    "/proc/asound/card*/stream*",
)
_COMMANDS: Mapping[str, Sequence[str]] = {
    "journal.txt": ["journalctl", "-u", UNIT, "-n", "500", "--no-pager", "-o", "short-iso", "--no-hostname"],
    "unit.txt": ["systemctl", "show", UNIT, "--no-pager", "--property=LoadState,ActiveState,SubState,Result,NRestarts"],
    "gpio.txt": ["gpioinfo"],
    "playback.txt": ["aplay", "-l"],
    "capture.txt": ["arecord", "-l"],
}
_LARGEST = 400_000

_WORDS_OF_KEYS = re.compile(r"(?i)\b(basic|bearer)\s+[\w+/=.:-]{8,}")
_LONG_KEYS = re.compile(r"\b(sk-[\w-]{8,}|[A-Za-z0-9+/]{40,}={0,2})(?![\w/])")
_HARDWARE_ADDRESSES = re.compile(r"(?i)\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b")
_INTERNET_ADDRESSES = re.compile(r"(?<![\d.])(?!127\.0\.0\.1\b|0\.)\d{1,3}(\.\d{1,3}){3}(?![\d.])")
_LONG_ADDRESSES = re.compile(r"(?i)(?<![\w:])(?:(?:[0-9a-f]{1,4}:){4,7}|(?:[0-9a-f]{1,4}:)+:)[0-9a-f:]*(?!\w)")


class BundleNotWritten(EdgevoiceError, OSError):
    """The support archive could not be written."""

    code = "bundle-not-written"
    remedy = "Name another file, one that does not exist yet."


def require_place(place: Path) -> None:
    """Raise ``BundleNotWritten`` if there is no folder for the archive, or a file already, before the checks begin."""
    if place.exists():
        raise BundleNotWritten(f"{place} cannot be written: File exists")
    if not place.parent.is_dir():
        raise BundleNotWritten(f"{place} cannot be written: {place.parent} is not a folder")


def write_bundle(
    place: Path, findings: Sequence[Finding], path: Path | None, environment: Mapping[str, str], machine: Machine
) -> None:
    """Write the archive, readable only by its owner; an existing file is not overwritten."""
    loaded = _settings(path, environment)
    hide, redact = _names(environment), Redactor(_secrets(loaded, environment))
    try:
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as failure:
        raise BundleNotWritten(f"{place} cannot be written: {failure.strerror}") from failure
    try:
        with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
            for name, text in _contents(findings, loaded, machine):
                _put(archive, f"edgevoice-doctor/{name}", scrub(redact(text), hide))
    except OSError as failure:
        place.unlink(missing_ok=True)
        raise BundleNotWritten(f"{place} cannot be written: {failure.strerror}") from failure


def scrub(text: str, hide: Mapping[str, str]) -> str:
    """Return a text without keys and addresses; ``hide`` maps other private strings to their replacements."""
    for secret, instead in hide.items():
        text = text.replace(secret, instead)
    text = _WORDS_OF_KEYS.sub(rf"\1 {HIDDEN}", text)
    for pattern in (_LONG_KEYS, _HARDWARE_ADDRESSES, _INTERNET_ADDRESSES, _LONG_ADDRESSES):
        text = pattern.sub(HIDDEN, text)
    return text


def _settings(path: Path | None, environment: Mapping[str, str]) -> Loaded | None:
    try:
        return load(path, environment)
    except SettingsInvalid:
        return None  # the doctor's own findings say what is wrong with them


def _secrets(loaded: Loaded | None, environment: Mapping[str, str]) -> Iterator[str]:
    """Yield the key and the secrets in the service's address: an older version may have logged a quotation of them."""
    yield environment.get("EDGEVOICE_API_KEY", "").strip()
    if loaded is None:
        return
    yield from secrets_in_address(loaded.settings.service.url)
    with contextlib.suppress(SettingsInvalid):
        if (key := find_key(loaded.settings.service, environment)) is not None:
            yield key.reveal()


def _names(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what would reveal whose machine it is, with replacements."""
    hide: dict[str, str] = {}
    home = environment.get("HOME", "")
    if len(home) > 1:
        hide[home] = "~"
    if (name := platform.node()) and len(name) > 3 and name not in {"localhost", "raspberrypi", "edgevoice"}:
        hide[name] = "(this machine)"
    return hide


def _contents(findings: Sequence[Finding], loaded: Loaded | None, machine: Machine) -> Iterator[tuple[str, str]]:
    """Yield the files of the archive, each with its name."""
    yield "doctor.json", json.dumps([finding.data() for finding in findings], indent=2, ensure_ascii=False)
    yield "versions.txt", _versions()
    if loaded is not None:
        yield "settings.json", json.dumps(_public_settings(loaded), indent=2, ensure_ascii=False)
    for source in (*_FILES, *(found for pattern in _GLOBS for found in machine.glob(pattern))):
        if (text := machine.read(source)) is not None:
            yield f"files{source}", text[:_LARGEST]
    for place in ("/boot/firmware/config.txt", "/boot/config.txt"):
        if (text := machine.read(place)) is not None:
            yield f"files{place}", "\n".join(line for line in text.splitlines() if line.startswith(("dt", "[")))
    for name, command in _COMMANDS.items():
        if (text := machine.ask(command)) is not None:
            yield name, text[-_LARGEST:]


def _versions() -> str:
    packages = sorted({f"{each.name} {each.version}" for each in importlib.metadata.distributions()}, key=str.casefold)
    python = (
        f"python {platform.python_version()} on {platform.machine()}, {platform.libc_ver()[0]} {platform.libc_ver()[1]}"
    )
    return "\n".join([f"edgevoice {__version__}", python, "", *packages])


def _public_settings(loaded: Loaded) -> dict[str, Any]:
    """Return every setting as data that anybody may read, and which settings were changed."""
    told: dict[str, Any] = {}
    for name, entry in ENTRIES.items():
        value = getattr(getattr(loaded.settings, entry.section), entry.name)
        if name in _PERSONAL:
            value = "default" if value == entry.default else HIDDEN
        elif entry.name.endswith("url"):
            value = address_without_secrets(value)
        told[name] = {"value": without_secrets(value), "changed": is_changed(name, loaded)}
    return told


def _put(archive: tarfile.TarFile, name: str, text: str) -> None:
    content = text.encode(errors="replace")
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = len(content), 0o600, time.time()
    archive.addfile(entry, io.BytesIO(content))
