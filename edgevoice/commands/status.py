"""`edgevoice status`: how the box is doing, for any user, running or not. Opens nothing and changes nothing."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, assert_never

from rich.console import Console
from rich.table import Table
from rich.text import Text

from edgevoice import __version__
from edgevoice.core.lights import meaning
from edgevoice.core.orders import Light
from edgevoice.doctor.probes import Machine
from edgevoice.doctor.service_manager import is_running, probe_manager
from edgevoice.errors import remedy_of
from edgevoice.observers.kept_panel import UNMUTE_REMEDY
from edgevoice.observers.status_file import NAME, Status
from edgevoice.store.folders import cache_folder
from edgevoice.wall_clock import local_now

EXIT_FAULT: Final = 1
EXIT_NOT_RUNNING: Final = 3
"""The exit status of `systemctl status` for a unit that is not active."""

SERVICE_FILE: Final = Path("/var/cache/edgevoice") / NAME
"""The status file of a box that is installed as a service, in the unit's CacheDirectory=."""

_LIGHTS: Final = {
    "connecting": Light.CONNECTING,
    "listening": Light.LISTENING,
    "thinking": Light.THINKING,
    "speaking": Light.SPEAKING,
}
_NOISY_REMEDY: Final = "say the wake word or press the talk button to interrupt; turn down what sounds beside the box"
_LOG: Final = "journalctl -u edgevoice -n 30"

State = Literal["runs", "starts", "ended", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that a person should know, with what to do about it."""

    text: str
    remedy: str


@dataclass(frozen=True, slots=True)
class View:
    """How the box is doing; ``phase`` is empty unless it runs, ``fault`` and ``problem`` unless something is wrong."""

    state: State
    phase: str = ""
    is_muted: bool = False
    fault: str = ""
    problem: str = ""
    remedy: str = ""
    since: str = ""
    version: str = ""
    conversation: Mapping[str, Any] | None = None
    last_fault: Mapping[str, Any] | None = None
    noisy_room: Mapping[str, Any] | None = None
    echo_reference: Mapping[str, Any] | None = None
    warnings: tuple[Warned, ...] = field(default_factory=tuple)

    @property
    def exit_status(self) -> int:
        """Return 0 for a box that runs without a fault, 1 for one with a fault, 3 for one that does not run."""
        if self.state != "runs":
            return EXIT_NOT_RUNNING
        return EXIT_FAULT if self.fault or self.problem else 0


def show(*, as_json: bool) -> int:
    """Print how the box is doing and return the exit status."""
    view = look(probe_manager(Machine()), newest_status(os.environ))
    if as_json:
        print(json.dumps(_data(view)))
    else:
        _print(view)
    return view.exit_status


def look(properties: Mapping[str, str] | None, kept: Status | None) -> View:
    """Judge what the service manager and the box's own file say; either may be missing."""
    kept = kept or Status()
    is_service = properties is not None and properties.get("LoadState") == "loaded"
    state = _state_of_service(properties or {}) if is_service else _state_of_process(kept)
    told = (properties or {}).get("StatusText", "").partition(";")[0] if is_service else ""
    view = View(
        state,
        since=kept.started,
        version=kept.version or __version__,
        conversation=kept.conversation,
        last_fault=kept.last_fault,
        noisy_room=kept.noisy_room,
        warnings=tuple(_warnings(state, kept)),
    )
    if state != "runs":
        problem, _, remedy = kept.problem.partition(". ")
        return replace(view, problem=problem, remedy=remedy)
    fault = told.removeprefix("fault: ") if told.startswith("fault: ") else kept.fault
    phase = "conversation" if kept.is_talking else "idle"
    if told in {*_LIGHTS, "idle"}:
        phase = told
    elif told and not fault:
        # The status with which it is about to end.
        return replace(view, problem=told, is_muted=kept.is_muted)
    view = replace(view, phase=phase, is_muted=kept.is_muted, fault=fault, remedy=remedy_of(fault))
    return replace(view, echo_reference=kept.echo_reference)


def _state_of_service(properties: Mapping[str, str]) -> State:
    match properties.get("ActiveState"):
        case "active" | "reloading":
            return "runs"
        case "activating" if is_running(properties):
            return "starts"
        case "activating" | "failed":
            return "failed"
        case _:
            return "ended"


def _state_of_process(kept: Status) -> State:
    if not kept.version:
        return "unknown"
    return "runs" if kept.has_process() else "ended"


def _warnings(state: State, kept: Status) -> list[Warned]:
    found = []
    if state == "runs" and kept.remark:
        refused = kept.remark.startswith("new settings refused")
        remedy = "edgevoice config check" if refused else "sudo systemctl restart edgevoice"
        found.append(Warned(kept.remark, remedy))
    if state == "runs" and kept.why_muted:
        found.append(Warned(f"the microphone is muted: {kept.why_muted}", UNMUTE_REMEDY))
    if state == "runs":
        found += [Warned(f"{name} does not work: {problem}", remedy) for name, problem, remedy in kept.failing()]
    if state == "runs" and kept.version not in {"", __version__}:
        found.append(
            Warned(f"version {kept.version} runs, {__version__} is installed", "sudo systemctl restart edgevoice")
        )
    return found


def newest_status(environment: Mapping[str, str]) -> Status | None:
    """Return what the service reports about itself, else the box that this user started."""
    return Status.read(SERVICE_FILE) or Status.read(cache_folder(environment) / NAME)


# --- showing ---------------------------------------------------------------------------------------------------------


def _data(view: View) -> dict[str, Any]:
    return {
        "version": view.version,
        "state": view.state,
        "phase": view.phase,
        "muted": view.is_muted,
        "fault": {"code": view.fault, "meaning": meaning(Light.FAULT, view.fault), "remedy": view.remedy}
        if view.fault
        else None,
        "problem": view.problem,
        "since": view.since,
        "conversation": view.conversation,
        "last_fault": view.last_fault,
        "noisy_room": view.noisy_room,
        "echo_reference": view.echo_reference,
        "warnings": [{"text": each.text, "remedy": each.remedy} for each in view.warnings],
    }


def _print(view: View) -> None:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("Version", Text(view.version))
    table.add_row("State", Text(_sentence(view)))
    if view.remedy:
        table.add_row("", Text(f"→ {view.remedy}"))
    table.add_row("Last talk", Text(_last(view.conversation)))
    if view.last_fault is not None and not view.fault:
        code = str(view.last_fault.get("code", ""))
        at = _when(str(view.last_fault.get("at", "")))
        table.add_row("Last fault", Text(f"{at}: {meaning(Light.FAULT, code)} ({code})\n→ {remedy_of(code)}"))
    if view.noisy_room is not None:
        table.add_row("Noisy room", Text(_noisy(view.noisy_room)))
    if view.echo_reference is not None:
        table.add_row("Echo from", Text(_reference(view.echo_reference)))
    for each in view.warnings:
        table.add_row("Warning", Text(f"{each.text}\n→ {each.remedy}"))
    Console(highlight=False).print(table)


def _sentence(view: View) -> str:
    match view.state:
        case "runs":
            muted = ", muted" if view.is_muted else ""
            if view.problem:
                return f"Ending: {view.problem}"
            if view.fault:
                return f"Fault: {meaning(Light.FAULT, view.fault)} ({view.fault}){muted}"
            if view.is_muted:
                return meaning(Light.MUTED)
            if view.phase == "conversation":
                return "In a conversation"
            return meaning(_LIGHTS.get(view.phase, Light.IDLE))
        case "starts":
            return "Starting: not listening yet"
        case "failed":
            return f"Failed: {view.problem}" if view.problem else f"Failed; `{_LOG}` shows why"
        case "ended":
            return f"Not running: {view.problem}" if view.problem else "Not running"
        case "unknown":
            return "Not running, and never ran on this machine as this user"
        case _:
            assert_never(view.state)


def _noisy(room: Mapping[str, Any]) -> str:
    ducks, cuts = room.get("ducks", 0), room.get("false_cuts", 0)
    found = f"the answer was lowered {_times(ducks)} and cut {_times(cuts)} without speech to the box"
    if room.get("is_loud"):
        found += ", and the room is as loud as you"
    when = _when(str(room.get("since", "")))
    if room.get("until"):
        return f"{when} speaking could not interrupt an answer: {found}\n→ {_NOISY_REMEDY}"
    return f"since {when} speaking does not interrupt the answer: {found}\n→ {_NOISY_REMEDY}"


def _reference(reference: Mapping[str, Any]) -> str:
    device = reference.get("device", "")
    if reference.get("used"):
        return f"everything that plays, by {device}: it hears you over music, too"
    return f"its own sound only, not over music: {device}: {reference.get('why', '')}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _last(conversation: Mapping[str, Any] | None) -> str:
    if conversation is None:
        return "none yet"
    seconds, turns = conversation.get("seconds", 0), conversation.get("turns", 0)
    return f"{_when(str(conversation.get('ended', '')))}, {seconds:.0f} s, {turns} turn{'' if turns == 1 else 's'}"


def _when(iso: str) -> str:
    try:
        at = datetime.fromisoformat(iso).astimezone()
    except ValueError:
        return "at an unknown time"
    days = (local_now().date() - at.date()).days
    day = "today" if days == 0 else "yesterday" if days == 1 else f"{at:%Y-%m-%d}"
    return f"{day} at {at:%H:%M}"
