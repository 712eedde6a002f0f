"""Status file: what `edgevoice status` shows, written when it changes, never while idle. Never what was said.

It is in the cache folder, which every user may read: the state folder belongs to the service alone, and the runtime
folder disappears with the service.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from edgevoice.core.conversation.noisy_room import Noise
from edgevoice.core.facts import LinkOpened, TurnEnded
from edgevoice.core.guest_facts import GuestFailed, GuestRestored
from edgevoice.core.notices import Notice, PhaseEntered, SpeechHeeded, SpeechIgnored
from edgevoice.core.orders import Light, MuteMicrophone, ShowLight, UnmuteMicrophone
from edgevoice.core.panel_facts import MuteSwitched
from edgevoice.core.ports import Observer
from edgevoice.store.files import write_whole

NAME: Final = "status.json"
_LARGEST_BYTES: Final = 65_536

Kept = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Status:
    """What is known about a box; times are ISO 8601 with their offset, empty if it has not happened.

    ``fault`` is the code of the fault that the light shows; ``problem`` is the line with which the box ended;
    ``remark`` is the result of the last reload. ``conversation`` has ``ended``, ``seconds`` and ``turns`` of the last
    one. ``last_fault`` has ``code`` and ``at`` of a fault after which no conversation has succeeded yet. ``noisy_room``
    has since when and until when speech could not interrupt an answer of the last conversation, and why; until is empty
    while that lasts. ``echo_reference``, if a mix is to be the reference, has its ``device``, whether it is ``used``,
    and ``why`` it is not. ``guests`` has ``problem`` and ``remedy`` of each guest that does not work, by its name.
    ``why_muted`` is why the box muted itself, empty if its owner did.
    """

    version: str = ""
    pid: int = 0
    started: str = ""
    is_talking: bool = False
    is_muted: bool = False
    why_muted: str = ""
    fault: str = ""
    problem: str = ""
    remark: str = ""
    conversation: Kept | None = None
    last_fault: Kept | None = None
    noisy_room: Kept | None = None
    echo_reference: Kept | None = None
    guests: Kept | None = None

    @classmethod
    def read(cls, place: Path) -> Self | None:
        """Return the content of the file, ``None`` if it is missing or not ours."""
        try:
            with place.open("rb") as file:
                found = json.loads(file.read(_LARGEST_BYTES))
            kept = cls(**found)
        except (OSError, ValueError, TypeError, RecursionError):
            return None
        wanted = {name: type(value) for name, value in asdict(cls()).items() if value is not None}
        is_whole = all(type(getattr(kept, name)) is kind for name, kind in wanted.items())
        may_lack = (kept.conversation, kept.last_fault, kept.noisy_room, kept.echo_reference, kept.guests)
        return kept if is_whole and all(isinstance(each, dict | None) for each in may_lack) else None

    def has_process(self) -> bool:
        """Return whether the box that wrote this still runs."""
        return self.pid > 0 and Path(f"/proc/{self.pid}").exists()

    def failing(self) -> Iterator[tuple[str, str, str]]:
        """Yield each guest that does not work, with the problem and what to do; only of a box that runs."""
        for name, each in (self.guests or {}).items() if self.has_process() else ():
            if isinstance(each, dict):
                yield name, str(each.get("problem", "")), str(each.get("remedy", ""))


class StatusFile(Observer):
    """An observer that writes the file of a running box and keeps the last conversation of an earlier run.

    ``defer`` receives the writing, to be done when the loop has nothing more urgent; ``now`` returns the local time.
    """

    def __init__(
        self, place: Path, version: str, *, defer: Callable[[Callable[[], None]], object], now: Callable[[], datetime]
    ) -> None:
        self._place = place
        self._defer = defer
        self._now = now
        self._is_deferred = False
        self._linked_at: float | None = None
        self._turns = 0
        self._went_well = False
        self._was_noisy = False
        before = Status.read(place)
        self._status = Status(
            version=version,
            pid=os.getpid(),
            started=self._time(),
            conversation=before.conversation if before is not None else None,
            last_fault=before.last_fault if before is not None else None,
            noisy_room=_ended(before.noisy_room, self._time()) if before is not None else None,
        )
        self._written: Status | None = None
        self._change(self._status)

    def observe(self, notice: Notice, now: float) -> None:
        """Take what happened, and have it written if it changes the status."""
        match notice:
            case ShowLight(light=Light.FAULT, reason=reason):
                self._went_well = False
                last = {"code": reason, "at": self._time()}
                self._change(replace(self._status, fault=reason, last_fault=last))
            case ShowLight():
                self._change(replace(self._status, fault=""))
            case MuteSwitched(is_muted=True, why=why) if why:
                self._change(replace(self._status, why_muted=why))
            case MuteMicrophone():
                self._change(replace(self._status, is_muted=True))
            case UnmuteMicrophone():
                self._change(replace(self._status, is_muted=False, why_muted=""))
            case LinkOpened() if self._linked_at is None:
                self._linked_at, self._turns = now, 0
                self._went_well, self._was_noisy = True, False
            case TurnEnded():
                self._turns += 1
            case SpeechIgnored(noise=noise):
                self._take_noise(noise)
            case SpeechHeeded():
                self._change(replace(self._status, noisy_room=_ended(self._status.noisy_room, self._time())))
            case PhaseEntered(phase=phase):
                self._take_phase(phase, now)
            case GuestFailed(guest=guest, problem=problem, remedy=remedy):
                failed = {guest: {"problem": problem, "remedy": remedy}}
                self._change(replace(self._status, guests=(self._status.guests or {}) | failed))
            case GuestRestored(guest=guest):
                others = {name: each for name, each in (self._status.guests or {}).items() if name != guest}
                self._change(replace(self._status, guests=others or None))
            case _:
                pass  # does not change the status

    def remark(self, remark: str) -> None:
        """Store the result of a reload; empty if nothing is left to do."""
        self._change(replace(self._status, remark=remark))

    def note_echo_reference(self, device: str, problem: str) -> None:
        """Store whether the mix captured from ``device`` is the echo reference, and otherwise why not."""
        kept = {"device": device, "used": not problem, "why": problem}
        self._change(replace(self._status, echo_reference=kept))

    def ended(self, problem: str) -> None:
        """Store the line with which the box ends, and write it now."""
        self._status = replace(self._status, problem=problem, pid=0, is_talking=False)
        self._write()

    def _take_phase(self, phase: str, now: float) -> None:
        is_talking = phase != "idle"
        if not is_talking and self._linked_at is not None:
            seconds, self._linked_at = round(now - self._linked_at, 1), None
            last = {"ended": self._time(), "seconds": seconds, "turns": self._turns}
            fault = None if self._went_well else self._status.last_fault
            noisy = self._status.noisy_room if self._was_noisy else None
            self._change(replace(self._status, is_talking=False, conversation=last, last_fault=fault, noisy_room=noisy))
        else:
            self._change(replace(self._status, is_talking=is_talking))

    def _take_noise(self, noise: Noise) -> None:
        self._was_noisy = True
        self._change(replace(self._status, noisy_room={"since": self._time(), "until": "", **asdict(noise)}))

    def _change(self, status: Status) -> None:
        self._status = status
        if status != self._written and not self._is_deferred:
            self._is_deferred = True
            self._defer(self._write)

    def _write(self) -> None:
        self._is_deferred = False
        self._written = self._status
        # If the folder cannot be written, the command shows old news, but no answer is lost.
        with contextlib.suppress(OSError):
            write_whole(self._place, json.dumps(asdict(self._status)).encode())
            self._place.chmod(0o644)

    def _time(self) -> str:
        return self._now().isoformat(timespec="seconds")


def _ended(noisy_room: Kept | None, at: str) -> Kept | None:
    """Return what is kept of a noisy room once speech interrupts again, or the box has ended in the middle of it."""
    return noisy_room if noisy_room is None or noisy_room.get("until") else noisy_room | {"until": at}
