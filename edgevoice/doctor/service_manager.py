"""Check of the service manager: whether the box is installed as a service, runs, or has failed for good."""

from collections.abc import Mapping

from edgevoice.doctor.findings import Finding, doubtful, fine, skipped, wrong
from edgevoice.doctor.probes import Machine

UNIT = "edgevoice.service"
_PROPERTIES = (
    "LoadState",
    "ActiveState",
    "SubState",
    "Result",
    "NRestarts",
    "UnitFileState",
    "StatusText",
    "MainPID",
    "ProtectHome",
)
_LOG = "`journalctl -u edgevoice -n 30` says why."
_MANY_RESTARTS = 3


def probe_manager(machine: Machine) -> Mapping[str, str] | None:
    """Return what systemd says about the unit, or ``None`` if no systemd answers."""
    answer = machine.ask(["systemctl", "show", UNIT, f"--property={','.join(_PROPERTIES)}", "--no-pager"])
    if answer is None:
        return None
    properties = dict(line.split("=", 1) for line in answer.splitlines() if "=" in line)
    return properties if "LoadState" in properties else None


def is_running(properties: Mapping[str, str] | None) -> bool:
    """Return whether the box runs as a service now, so that it may hold the microphone and pins."""
    # Between two starts it holds nothing, and that is "activating" too.
    is_up = properties is not None and properties.get("ActiveState") in {"active", "reloading", "activating"}
    return is_up and properties is not None and properties.get("SubState") != "auto-restart"


def hides_homes(properties: Mapping[str, str] | None) -> bool:
    """Return whether the box is installed as a service that cannot read home folders."""
    is_installed = properties is not None and properties.get("LoadState") == "loaded"
    return is_installed and properties is not None and properties.get("ProtectHome") in {"yes", "tmpfs"}


def judge_manager(properties: Mapping[str, str] | None) -> Finding:
    """Judge the unit's state."""
    name = "service"
    if properties is None:
        return skipped(name, "no systemd answers here", "Nothing to do if you start `edgevoice run` yourself.")
    if properties["LoadState"] != "loaded":
        return skipped(name, "edgevoice is not installed as a service", "Install it: scripts/setup")
    if properties.get("Result") == "start-limit-hit":
        return wrong(
            name,
            "stopped after too many failed starts in a row",
            f"{_LOG} Then: sudo systemctl reset-failed edgevoice; sudo systemctl start edgevoice",
        )
    restarts = int(properties.get("NRestarts", "0") or 0)
    match properties.get("ActiveState"), properties.get("SubState"):
        case "failed", _:
            return wrong(name, f"failed ({properties.get('Result', 'no reason given')})", _LOG)
        case "activating", "auto-restart":
            return wrong(name, f"keeps ending; restarted {restarts} times so far", _LOG)
        case "inactive" | "deactivating", _:
            return doubtful(name, "installed, but not running", "sudo systemctl enable --now edgevoice")
        case _:
            return _judge_running(properties, restarts)


def _judge_running(properties: Mapping[str, str], restarts: int) -> Finding:
    status = properties.get("StatusText", "")
    text = f"runs{f', {status}' if status else ''}"
    if status.startswith("fault"):
        return doubtful("service", text, _LOG)
    _, _, remark = status.partition("; ")
    if remark:
        return doubtful("service", text, "`edgevoice status` says what to do.")
    if restarts > _MANY_RESTARTS:
        return doubtful("service", f"{text}; restarted {restarts} times", _LOG)
    if properties.get("UnitFileState") == "disabled":
        return doubtful("service", f"{text}, but will not start at boot", "sudo systemctl enable edgevoice")
    return fine("service", f"{text}; restarted {restarts} times", restarts=restarts)
