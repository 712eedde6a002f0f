"""What the broker shows of the box: its state as one object, and its events. Pure; names of timers only with words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from edgevoice.core.announcements import RingDue
from edgevoice.core.facts import MutePressed, PlaybackCut, TalkHeld, TalkPressed, WakeRequested, WakeWordHeard
from edgevoice.core.notices import Notice
from edgevoice.core.orders import ReportRing, ResumePlayback
from edgevoice.integrations.control.commands import BoxHandles
from edgevoice.integrations.control.view import BoxView

Event = tuple[str, dict[str, Any]]
"""The event's name, and its fields; ``event_type`` is one of those in `device.EVENTS`."""

NO_FAULT: Final = "none"


@dataclass(frozen=True, slots=True)
class RingSummary:
    """A timer, an alarm or a reminder that is set; ``due_wall_s``: when it rings, in seconds of the wall clock.

    A timer that is paused has no such time: ``None``.
    """

    ring_id: int
    is_timer: bool
    due_wall_s: float | None
    label: str = ""


class KnownRings:
    """What is set, and what was until a moment ago: how the last ring of something ended is still to be sent."""

    def __init__(self) -> None:
        self.set: Sequence[RingSummary] = ()
        self._known: dict[int, RingSummary] = {}

    def take(self, rings: Sequence[RingSummary]) -> None:
        """Take what is set now."""
        self._known = {ring.ring_id: ring for ring in (*self.set, *rings)}
        self.set = tuple(rings)

    def find(self, ring_id: int) -> RingSummary | None:
        """Return what has this id."""
        return self._known.get(ring_id)


def state_of(
    view: BoxView, box: BoxHandles, rings: Sequence[RingSummary], *, minutes_today: float, wake_score: float | None
) -> dict[str, Any]:
    """Return everything that can be read."""
    fields = view.fields()
    personas = box.personas.choices() if box.personas is not None else {}
    return {
        "phase": fields["phase"],
        "fault": view.fault or NO_FAULT,
        "fault_details": fields["fault"] or {},
        "next_timer": _soonest(rings, is_timer=True),
        "next_alarm": _soonest(rings, is_timer=False),
        "minutes_today": round(minutes_today, 1),
        "wake_score": wake_score,
        "version": box.version,
        "link": "ON" if view.is_linked else "OFF",
        "noisy_room": "ON" if view.is_noisy else "OFF",
        "mute": "ON" if view.is_muted else "OFF",
        "volume": box.speaker.volume_percent,
        "earcons": box.speaker.earcon_percent,
        "brightness": box.lights.brightness_percent if box.lights is not None else None,
        "persona": personas.get("persona"),
        "voice": personas.get("voice"),
    }


def _soonest(rings: Sequence[RingSummary], *, is_timer: bool) -> str | None:
    times = [ring.due_wall_s for ring in rings if ring.is_timer is is_timer and ring.due_wall_s is not None]
    due = min(times, default=None)
    return None if due is None else datetime.fromtimestamp(round(due), UTC).isoformat()


def event_of(notice: Notice, ring: Callable[[int], RingSummary | None], *, words: bool) -> Event | None:
    """Return a notice as an event, ``None`` if it is none that the broker is sent; ``ring`` finds what is set."""
    match notice:
        case WakeWordHeard(word=word, score=score):
            return "wake", {"event_type": "wake_word", "word": word, "score": round(score, 3)}
        case WakeRequested(word=word):
            return "wake", {"event_type": "program", "word": word}
        case PlaybackCut(items=items):
            return "interrupted", {"event_type": "interrupted", "heard_ms": sum(item.heard_ms for item in items)}
        case ResumePlayback():
            return "interrupted", {"event_type": "resumed"}
        case RingDue(ring_id=ring_id):
            return _ringing(ring(ring_id), "due", words=words)
        case ReportRing(ring_id=ring_id, outcome=outcome):
            return _ringing(ring(ring_id), outcome.value, words=words)
        case TalkPressed():
            return "button", {"event_type": "talk"}
        case TalkHeld():
            return "button", {"event_type": "talk_held"}
        case MutePressed():
            return "button", {"event_type": "mute"}
        case _:
            return None


def _ringing(ring: RingSummary | None, event_type: str, *, words: bool) -> Event:
    fields = {"event_type": event_type}
    if ring is None:
        return "alarm", fields
    if words and ring.label:
        fields["label"] = ring.label
    return "timer" if ring.is_timer else "alarm", fields


def reply_of(request_id: Any, command: str, result: Mapping[str, Any], *, words: bool) -> dict[str, Any]:
    """Return what came of something that was said or asked; without ``words``, only whether somebody replied."""
    fields = {name: result[name] for name in ("outcome", "heard_ms") if result.get(name) is not None}
    if "understood" in result:
        fields["replied"] = bool(result["understood"])
        if words:
            fields |= {"understood": result["understood"], "answered": result["answered"]}
    return {"id": "" if request_id is None else request_id, "do": command, "ok": True, **fields}
