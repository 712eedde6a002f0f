"""Notices as the events that `watch` sends. Pure; what was said is left out unless it is asked for, sound always."""

from typing import Any

from edgevoice.core.announcements import RingDue
from edgevoice.core.facts import (
    DeviceLost,
    DeviceRestored,
    HearingImpaired,
    HearingRestored,
    LinkLost,
    LinkOpened,
    NearSpeechBegan,
    NearSpeechConfirmed,
    NearSpeechFaded,
    PlaybackCut,
    PlaybackDrained,
    PlaybackStarted,
    ResponseEnded,
    ResponseStarted,
    ToolFinished,
    UserStartedSpeaking,
    UserStoppedSpeaking,
    WakeRequested,
    WakeWordHeard,
)
from edgevoice.core.guest_facts import GuestFailed, GuestRestored
from edgevoice.core.lights import PROVISIONAL_LIGHTS
from edgevoice.core.notices import (
    Notice,
    PhaseEntered,
    RingingBegan,
    RingingEnded,
    SpeechHeeded,
    SpeechIgnored,
    TranscriptChanged,
    UsageTold,
)
from edgevoice.core.orders import (
    CloseLink,
    CutPlayback,
    DuckPlayback,
    MuteMicrophone,
    PlayEarcon,
    ReportAnnouncement,
    ReportRing,
    RestorePlayback,
    ResumePlayback,
    RunTool,
    ShowLight,
    UnmuteMicrophone,
)
from edgevoice.core.panel_facts import VolumeChanged
from edgevoice.core.sound.rates import NEAR_END_HZ

Event = tuple[str, dict[str, Any]]
"""The event's name, and its fields."""


def event_of(notice: Notice, *, words: bool, position: int = 0) -> Event | None:
    """Return a notice as an event, ``None`` if those who watch do not see it.

    ``position`` is the newest near-end sample, from which follows how long ago speech began.
    """
    match notice:
        case TranscriptChanged(role=role, item_id=item_id, text=text, is_final=is_final):
            said = {"role": role, "item": item_id, "text": text, "final": is_final}
            return ("words", said) if words else None
        case PhaseEntered(phase=phase):
            return "phase", {"phase": phase}
        case ShowLight(light=light, reason=reason, level=level):
            shown = {"light": light, "fault": reason}
            return "light", shown | {"level": round(level, 2)} if light in PROVISIONAL_LIGHTS else shown
        case WakeWordHeard(word=word, score=score):
            return "wake-word", {"word": word, "score": round(score, 3)}
        case WakeRequested(word=word):
            return "woken", {"word": word}
        case PlayEarcon(earcon=earcon):
            return "earcon", {"earcon": earcon}
        case MuteMicrophone() | UnmuteMicrophone():
            return "muted", {"muted": isinstance(notice, MuteMicrophone)}
        case RingingBegan() | RingingEnded():
            return "ringing", {"ringing": isinstance(notice, RingingBegan)}
        case RingDue(ring_id=ring_id):
            return "ring", {"ring": ring_id, "state": "due"}
        case ReportRing(ring_id=ring_id, outcome=outcome):
            return "ring", {"ring": ring_id, "state": outcome}
        case ReportAnnouncement(announcement_id=announcement_id, outcome=outcome, heard_ms=heard_ms):
            return "announcement", {"announcement": announcement_id, "state": outcome, "heard_ms": heard_ms}
        case DeviceLost(device=device) | DeviceRestored(device=device):
            return "device", {"device": device, "works": isinstance(notice, DeviceRestored)}
        case HearingImpaired(code=code):
            return "hearing", {"works": False, "code": code}
        case HearingRestored():
            return "hearing", {"works": True, "code": ""}
        case GuestFailed(guest=guest, code=code):
            return "guest", {"guest": guest, "works": False, "code": code}
        case GuestRestored(guest=guest):
            return "guest", {"guest": guest, "works": True, "code": ""}
        case VolumeChanged(percent=percent):
            return "volume", {"volume_percent": percent}
        case NearSpeechBegan(at_sample=at_sample) | NearSpeechConfirmed(at_sample=at_sample):
            state = "began" if isinstance(notice, NearSpeechBegan) else "confirmed"
            return "near-speech", {"state": state, "ago_ms": max(0, position - at_sample) * 1000 // NEAR_END_HZ}
        case NearSpeechFaded():
            return "near-speech", {"state": "faded", "ago_ms": 0}
        case _:
            return _of_playback(notice) or _of_conversation(notice)


def _of_playback(notice: Notice) -> Event | None:
    """Return what happens to the sound of an answer as an event."""
    match notice:
        case PlaybackStarted():
            return "playback", {"state": "started"}
        case PlaybackDrained():
            return "playback", {"state": "drained"}
        case DuckPlayback():
            return "playback", {"state": "ducked"}
        case RestorePlayback():
            return "playback", {"state": "restored"}
        case CutPlayback():
            return "playback", {"state": "cut"}
        case _:
            return None


def _of_conversation(notice: Notice) -> Event | None:
    """Return what happens inside a conversation as an event."""
    match notice:
        case LinkOpened():
            return "session", {"state": "open", "code": ""}
        case LinkLost(code=code):
            return "session", {"state": "lost", "code": code}
        case CloseLink():
            return "session", {"state": "closed", "code": ""}
        case UserStartedSpeaking() | UserStoppedSpeaking():
            return "speech", {"state": "started" if isinstance(notice, UserStartedSpeaking) else "stopped"}
        case ResponseStarted(response_id=response_id):
            return "answer", {"state": "started", "answer": response_id}
        case ResponseEnded(response_id=response_id, status=status, fault=fault):
            return "answer", {"state": status, "answer": response_id, "code": fault}
        case PlaybackCut(items=items):
            return "interrupted", {"heard_ms": sum(item.heard_ms for item in items)}
        case ResumePlayback():
            return "resumed", {}
        case RunTool(call=call):
            # Neither arguments nor results: they hold what was said.
            return "tool", {"state": "started", "name": call.name, "call": call.call_id}
        case ToolFinished(call_id=call_id):
            return "tool", {"state": "finished", "call": call_id}
        case SpeechIgnored() | SpeechHeeded():
            return "noisy-room", {"noisy": isinstance(notice, SpeechIgnored)}
        case UsageTold(tokens=tokens):
            return "usage", {"tokens": dict(tokens)}
        case _:
            return None
