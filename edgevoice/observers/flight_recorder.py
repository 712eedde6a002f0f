"""Flight recorder: the last events without words, and from them the last failures, each with its cause and remedy.

The failures are in a file in the cache folder, which every user may read; they outlast a restart.
"""

import contextlib
import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Final

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    FAILURES,
    DeviceLost,
    DeviceRestored,
    HearingImpaired,
    HearingRestored,
    LinkLost,
    LinkOpened,
    LoopStalled,
    MutePressed,
    PlaybackCut,
    PlaybackStarted,
    ResponseEnded,
    ResponseStarted,
    ServiceComplained,
    TalkHeld,
    TalkPressed,
    ToolFinished,
    TurnEnded,
    UserStartedSpeaking,
    WakeRequested,
    WakeWordHeard,
)
from edgevoice.core.guest_facts import GuestFailed, GuestRestored
from edgevoice.core.lights import FAULT_EARCONS
from edgevoice.core.notices import Notice, PhaseEntered
from edgevoice.core.orders import CloseLink, Earcon, Light, OpenLink, PlayEarcon, RunTool, ShowLight
from edgevoice.core.ports import Observer
from edgevoice.core.recent import Recent
from edgevoice.errors import AnswerFailed, EdgevoiceError
from edgevoice.observers.failures import (
    BROKEN_OFF,
    NO_ANSWER,
    TOOL_FAILED,
    Failure,
    needs_network,
    plain,
    problem_of,
    what_to_do,
)
from edgevoice.store.files import write_whole

NAME: Final = "failures.json"

_FAILED: Final = FAULT_EARCONS | {Earcon.ERROR}
"""The earcons that say that something has failed."""

_MOST_FAILURES: Final = 20
_MOST_EVENTS: Final = 40
_MOST_CALLS: Final = 64
_TRAIL_S: Final = 120.0
_TRAIL_EVENTS: Final = 12
_STALL_S: Final = 30.0
"""For how long after a stall of the box it may be the cause of something."""

_LARGEST_BYTES: Final = 262_144


class Situation:
    """What is known of the conversation at this moment; the trail is what has happened, newest last."""

    def __init__(self) -> None:
        self.trail: deque[tuple[float, str]] = deque(maxlen=_MOST_EVENTS)
        self.linked_at: float | None = None
        self.turn_ended_at: float | None = None
        self.lost_by = ""
        self.complaint = ""
        self.stall: tuple[float, float] | None = None

    def take(self, notice: Notice, now: float) -> None:
        """Follow what happens."""
        match notice:
            case LinkOpened():
                self.linked_at, self.lost_by, self.complaint = now, "", ""
            case LinkLost(code=code):
                self.linked_at, self.lost_by = None, code
            case CloseLink():
                self.linked_at = None
            case TurnEnded():
                self.turn_ended_at = now
            case ServiceComplained(code=code):
                self.complaint = plain(code)
            case LoopStalled(late_s=late_s):
                self.stall = now, late_s
            case _:
                pass
        if (event := _event_of(notice)) is not None:
            self.trail.append((now, event))

    def problem(self, code: str, now: float) -> str:
        """Return what went wrong, as a clause."""
        if code == NO_ANSWER and self.turn_ended_at is not None:
            return f"no answer within {now - self.turn_ended_at:.0f} s"
        return problem_of(code)

    def circumstances(self, code: str, now: float, is_online: Callable[[], bool]) -> tuple[str, ...]:
        """Return what may help to find the cause, each as a clause."""
        found = []
        if code == BROKEN_OFF and self.lost_by:
            found.append(problem_of(self.lost_by))
        if needs_network(code):
            if self.linked_at is not None:
                found.append(f"the service had accepted the session {now - self.linked_at:.0f} s before")
            found.append("the network was up" if is_online() else "there was no network (no default route)")
        if self.complaint:
            found.append(f"the service said {self.complaint}")
        if self.stall is not None and now - self.stall[0] <= _STALL_S:
            found.append(f"the box itself had stalled for {self.stall[1]:.1f} s")
        return tuple(found)

    def before(self, now: float) -> tuple[tuple[float, str], ...]:
        """Return the last events with how many seconds ago each was."""
        recent = [(round(now - at, 1), what) for at, what in self.trail if now - at <= _TRAIL_S]
        return tuple(recent[-_TRAIL_EVENTS:])


class FlightRecorder(Observer):
    """An observer that keeps the last failures in ``place``, those of earlier runs too.

    ``defer`` receives the writing, to be done when the loop has nothing more urgent; ``is_online`` returns whether
    there is a network, ``now`` the local time.
    """

    def __init__(
        self,
        place: Path,
        *,
        defer: Callable[[Callable[[], None]], object],
        is_online: Callable[[], bool],
        now: Callable[[], datetime],
    ) -> None:
        self._place = place
        self._defer = defer
        self._is_online = is_online
        self._now = now
        self._situation = Situation()
        self._lasting: set[str] = set()
        self._guests: set[str] = set()
        self._noted: set[str] = set()
        self._calls = Recent[str, str](_MOST_CALLS)
        self._failures: deque[Failure] = deque(read_failures(place), maxlen=_MOST_FAILURES)

    @property
    def failures(self) -> Sequence[Failure]:
        """The last failures, newest first."""
        return tuple(reversed(self._failures))

    def observe(self, notice: Notice, now: float) -> None:
        """Follow what happens, and record what fails."""
        self._situation.take(notice, now)
        match notice:
            case PhaseEntered(phase=Phase.CONNECTING) if self._situation.lost_by == "":
                self._noted.clear()
            case ShowLight(light=Light.FAULT, reason=code):
                self._note_once(code, now)
            case DeviceLost(device=device):
                self._note_lasting(device.value, now)
            case DeviceRestored(device=device):
                self._lasting.discard(device.value)
            case HearingImpaired(code=code):
                self._note_lasting(code, now)
            case HearingRestored():
                self._lasting -= {code for code in self._lasting if code not in {"microphone", "speaker"}}
            case GuestFailed():
                self._note_guest(notice, now)
            case GuestRestored(guest=guest):
                self._guests.discard(guest)
            case ResponseEnded(status=status, fault=fault) if status in FAILURES:
                self._note_once(fault or AnswerFailed.code, now)
            case PlayEarcon(earcon=earcon) if earcon in _FAILED and not self._noted and not self._lasting:
                self._note_once(BROKEN_OFF, now)
            case RunTool(call=call):
                self._calls[call.call_id] = plain(call.name)
            case ToolFinished(call_id=call_id, output=output, is_wish_refused=is_wish_refused):
                name = self._calls.pop(call_id, "")
                if output.startswith('{"error":') and not is_wish_refused:
                    self._add(TOOL_FAILED, f"the tool {name} failed" if name else "a tool failed", now)
            case PhaseEntered(phase=Phase.IDLE):
                self._situation.lost_by = ""
            case _:
                pass  # nothing failed

    def ended(self, error: EdgevoiceError) -> None:
        """Record the error with which the box ends, and write it now."""
        self._failures.append(Failure(self._time(), error.code, f"the box stopped: {error}", error.remedy))
        self._write()

    def _note_lasting(self, code: str, now: float) -> None:
        if code not in self._lasting:
            self._lasting.add(code)
            self._add(code, self._situation.problem(code, now), now)

    def _note_guest(self, failed: GuestFailed, now: float) -> None:
        """Record that a guest does not work, once until it works again; the error says it best itself."""
        if failed.guest not in self._guests:
            self._guests.add(failed.guest)
            problem = f"{failed.guest} does not work: {failed.problem}"
            self._keep(Failure(self._time(), failed.code, problem, failed.remedy, (), self._situation.before(now)))

    def _note_once(self, code: str, now: float) -> None:
        """Record a failure unless this conversation has had it already: first its fact comes, later its light."""
        if code not in self._lasting | self._noted:
            self._noted.add(code)
            self._add(code, self._situation.problem(code, now), now)

    def _add(self, code: str, problem: str, now: float) -> None:
        situation = self._situation
        circumstances = situation.circumstances(code, now, self._is_online)
        self._keep(Failure(self._time(), code, problem, what_to_do(code), circumstances, situation.before(now)))

    def _keep(self, failure: Failure) -> None:
        self._failures.append(failure)
        self._defer(self._write)

    def _write(self) -> None:
        # If the folder cannot be written, the box still knows them itself.
        with contextlib.suppress(OSError):
            write_whole(self._place, json.dumps([asdict(each) for each in self._failures]).encode())
            self._place.chmod(0o644)

    def _time(self) -> str:
        return self._now().isoformat(timespec="seconds")


def read_failures(place: Path) -> list[Failure]:
    """Return the failures in a file, oldest first; none if it is missing or not ours."""
    try:
        with place.open("rb") as file:
            found = json.loads(file.read(_LARGEST_BYTES))
    except (OSError, ValueError, RecursionError):
        return []
    kept = [Failure.of(each) for each in found] if isinstance(found, list) else []
    return [each for each in kept if each is not None][-_MOST_FAILURES:]


def _event_of(notice: Notice) -> str | None:
    """Return a notice in a few words for the trail, ``None`` if it says nothing about failures."""
    match notice:
        case WakeWordHeard() | WakeRequested() | TalkPressed() | TalkHeld() | MutePressed():
            return _BY_HAND[type(notice)]
        case OpenLink(resumes=resumes):
            return "the service was dialled again" if resumes else "the service was dialled"
        case LinkOpened():
            return "the session was open"
        case LinkLost(code=code):
            return f"the session was lost: {code}"
        case CloseLink():
            return "hung up"
        case UserStartedSpeaking():
            return "the user spoke"
        case TurnEnded():
            return "the user's turn ended"
        case ResponseStarted():
            return "an answer was begun"
        case ResponseEnded(status=status):
            return f"the answer was {status}"
        case PlaybackStarted():
            return "the answer sounded"
        case PlaybackCut():
            return "the answer was cut"
        case RunTool(call=call):
            return f"a tool was called: {plain(call.name)}"
        case ToolFinished():
            return "the tool had finished"
        case ServiceComplained(code=code):
            return f"the service complained: {plain(code)}"
        case DeviceLost(device=device):
            return f"the {device} was lost"
        case DeviceRestored(device=device):
            return f"the {device} was back"
        case LoopStalled(late_s=late_s):
            return f"the box had stalled for {late_s:.1f} s"
        case _:
            return None


_BY_HAND: Final = {
    WakeWordHeard: "the wake word was heard",
    WakeRequested: "a program woke the box",
    TalkPressed: "the talk button was pressed",
    TalkHeld: "the talk button was held",
    MutePressed: "the mute button was pressed",
}
