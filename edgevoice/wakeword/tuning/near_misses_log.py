"""The log of near misses: one line of JSON each, in the state folder; sound only if the settings ask for it.

It is written by its own thread: an SD card may block for seconds. A disk that refuses writes costs one entry in the
journal, never a wake word. Files are readable only by their owner.
"""

import contextlib
import errno
import io
import logging
import os
import queue
import re
import threading
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from edgevoice.journal import tell
from edgevoice.store.files import DAMAGED
from edgevoice.wakeword.models.shapes import RATE_HZ

_log = logging.getLogger(__name__)

FILE_NAME: Final = "near-misses.jsonl"
OLDER_NAME: Final = "near-misses.1.jsonl"
CLIPS_NAME: Final = "near-misses"

LARGEST_BYTES: Final = 512 << 10
"""Bytes of a file, of which there are two: some 3,500 lines each, months of a quiet home."""

_MOST_WAITING = 64
_LONGEST_LINE = 2000
_CLIP = re.compile(r"\d{8}T\d{6}\.\d{3}-[\w-]{1,40}\.wav")

Share = Annotated[float, Meta(ge=0, le=1)]
Seconds = Annotated[float, Meta(ge=0, le=1e7)]


class Listening(Struct, frozen=True, kw_only=True, tag_field="kind", tag="listening", omit_defaults=True):
    """The box listened for ``listened_s`` seconds since the last such entry; ``at`` is an ISO 8601 date."""

    at: Annotated[str, Meta(max_length=40)]
    listened_s: Seconds = 0.0


class Detection(Listening, frozen=True, kw_only=True, tag="detection"):
    """A wake word was heard; see `edgevoice.wakeword.tuning.near_misses.Rise`.

    ``smoothing_frames`` is how many scores were averaged, ``models`` whose models made them.
    """

    word: Annotated[str, Meta(max_length=200)]
    peak: Share
    held: Share
    threshold: Share
    floor: Share
    is_speaking: bool = False
    smoothing_frames: int = 1
    models: Annotated[str, Meta(max_length=40)] = "openwakeword"


class NearMiss(Detection, frozen=True, kw_only=True, tag="near-miss"):
    """A wake word was nearly heard; ``clip`` is the file with the sound, if there is one."""

    clip: Annotated[str, Meta(max_length=100)] = ""


class ConversationOutcome(Listening, frozen=True, kw_only=True, tag="conversation"):
    """The outcome of a detection: turns that ended, and answers that sounded; ``is_dismissed``: the button ended it."""

    word: Annotated[str, Meta(max_length=200)]
    turns: Annotated[int, Meta(ge=0)]
    answers: Annotated[int, Meta(ge=0)] = 0
    is_dismissed: bool = False


Entry = Listening | Detection | NearMiss | ConversationOutcome

_decoder = msgspec.json.Decoder(Entry)


class NearMissLog:
    """Writes entries into ``folder``, and at most ``most_clips`` recordings; beyond that the oldest are deleted.

    Between ``begin`` and ``end`` a thread does the writing; ``put`` may be called from any thread, at any time, and
    returns at once. Entries are dropped if the queue is full or the thread is not running. ``near_misses`` and
    ``dropped`` count since the start.
    """

    def __init__(self, folder: Path, *, most_clips: int = 0) -> None:
        self._folder = folder
        self._most_clips = most_clips
        self._waiting: queue.Queue[tuple[Entry, bytes] | None] = queue.Queue(_MOST_WAITING)
        self._is_failing = False
        self._may_be_torn = True
        self._logged_dropped = 0
        self.dropped = 0
        self.near_misses = 0

    @property
    def wants_sound(self) -> bool:
        """Whether recordings are kept."""
        return self._most_clips > 0

    def begin(self) -> threading.Thread:
        """Start writing; clips beyond the limit are removed, including those of an earlier run."""
        thread = threading.Thread(target=self._work, name="near-misses", daemon=True)
        thread.start()
        return thread

    def put(self, entry: Entry, sound: bytes = b"") -> None:
        """Queue an entry for writing; ``sound`` is mono s16 at 16 kHz, kept only if clips are wanted."""
        self.near_misses += isinstance(entry, NearMiss)
        try:
            self._waiting.put_nowait((entry, sound if self.wants_sound else b""))
        except queue.Full:
            self.dropped += 1

    def end(self) -> None:
        """Let the thread end once it has written what is queued; does not wait for it."""
        while True:
            try:
                self._waiting.put_nowait(None)
            except queue.Full:
                with contextlib.suppress(queue.Empty):
                    self._waiting.get_nowait()
                    self.dropped += 1
            else:
                return

    def _work(self) -> None:
        self._try(self._remove_clips, self._most_clips)
        while (item := self._waiting.get()) is not None:
            self._try(self._write, *item)
            if self._waiting.empty():
                self._log_dropped()

    def _log_dropped(self) -> None:
        """Log once for each time that the disk was too slow, not once for each entry."""
        if self.dropped > self._logged_dropped:
            count, self._logged_dropped = self.dropped - self._logged_dropped, self.dropped
            problem = f"{self._folder} is written too slowly; near misses are missing from the log"
            tell(_log, logging.WARNING, "near-misses-dropped", count=count, problem=problem)

    def _try(self, work: Callable[..., None], *arguments: object) -> None:
        try:
            work(*arguments)
        except OSError as error:
            if not self._is_failing:
                # Once, not with every entry: a disk may be full for weeks.
                problem = f"{self._folder} cannot be written: {error.strerror or error}; near misses are not kept"
                tell(_log, logging.WARNING, "near-misses", problem=problem)
            self._is_failing = self._may_be_torn = True

    def _write(self, entry: Entry, sound: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sound and isinstance(entry, NearMiss):
            entry = msgspec.structs.replace(entry, clip=_clip_name(entry))
        file = self._folder / FILE_NAME
        size = _size_of(file)
        if size > LARGEST_BYTES:
            file.replace(self._folder / OLDER_NAME)
            size = 0
        # A line that a full disk or a power cut has left half written must not spoil the next one.
        _append(file, (b"\n" if size and self._may_be_torn else b"") + msgspec.json.encode(entry) + b"\n")
        self._may_be_torn = False
        if sound and isinstance(entry, NearMiss):
            self._keep_clip(entry.clip, sound)
        self._is_failing = False

    def _keep_clip(self, name: str, sound: bytes) -> None:
        self._remove_clips(self._most_clips - 1)
        place = self._folder / CLIPS_NAME / name
        place.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            _create(place, _wav(sound))
        except FileExistsError:
            pass  # two in one millisecond: one of them is enough
        except OSError:
            place.unlink(missing_ok=True)
            raise

    def _remove_clips(self, most: int) -> None:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            # The names begin with the time.
            kept = sorted(each for each in (self._folder / CLIPS_NAME).iterdir() if _CLIP.fullmatch(each.name))
            for clip in kept[: max(0, len(kept) - most)]:
                clip.unlink(missing_ok=True)


def read_log(folder: Path) -> list[Entry]:
    """Return the entries, oldest first, without invalid lines. Raises ``OSError`` if there is no log."""
    older = b""
    with contextlib.suppress(FileNotFoundError):
        older = _content(folder / OLDER_NAME)
    try:
        newer = _content(folder / FILE_NAME)
    except FileNotFoundError:
        if not older:
            raise
        newer = b""  # a full disk, or a power cut, came between renaming the old file and writing the new one
    entries: list[Entry] = []
    for line in (older + b"\n" + newer).splitlines():
        with contextlib.suppress(*DAMAGED):
            if line and len(line) <= _LONGEST_LINE:
                entries.append(_decoder.decode(line))
    return entries


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(2 * LARGEST_BYTES)


def _size_of(file: Path) -> int:
    with contextlib.suppress(FileNotFoundError):
        return file.stat().st_size
    return 0


def _append(file: Path, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    _put(os.open(file, flags, 0o600), data)


def _create(file: Path, data: bytes) -> None:
    _put(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), data)


def _put(descriptor: int, data: bytes) -> None:
    try:
        if os.write(descriptor, data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(descriptor)


def _clip_name(entry: NearMiss) -> str:
    moment = re.sub(r"[-:]|[+].*", "", entry.at)
    return f"{moment}-{re.sub(r'[^A-Za-z0-9_-]', '_', entry.word)[:40] or '_'}.wav"


def _wav(sound: bytes) -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(sound)
    return made.getvalue()
