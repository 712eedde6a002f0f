"""Every error that a person may see: a stable code, one clear line, one remedy.

Never holds a key, a transcript or the text of a tool's result.
"""

import errno
from collections.abc import Iterator
from typing import ClassVar, Self

MICROPHONE_DEAD = "microphone-dead"
"""The code of a microphone that delivers only zeros; not an exception, because it may just be switched off."""

WAKEWORD_BEHIND = "wakeword-behind"
"""The code of a wake word model that runs slower than real time."""


class EdgevoiceError(Exception):
    """Base of all our errors; ``str()`` is one line that says what is wrong and where.

    ``code`` is stable and goes into logs; ``remedy`` is one sentence that tells a person what to do.
    """

    code: ClassVar[str] = "edgevoice"
    remedy: str = "Look at the log: journalctl -u edgevoice"
    needs_person: ClassVar[bool] = False
    """Whether restarting is useless until somebody has changed something; see ``can_pass``."""

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        if remedy is not None:
            self.remedy = remedy

    def line(self) -> str:
        """Return what is wrong and what to do, as one line for a terminal or a log."""
        problem = str(self)
        return f"{problem}{'' if problem.endswith(('.', '?', '!')) else '.'} {self.remedy}".rstrip()


class SettingsInvalid(EdgevoiceError, ValueError):
    """A settings file or variable was refused; the text names file, key, value and range."""

    code = "settings-invalid"
    needs_person = True
    remedy = "Fix the file; `edgevoice config check` checks it."


class AudioUnavailable(EdgevoiceError, OSError):
    """The sound system itself cannot be used."""

    code = "audio-unavailable"
    remedy = "Check that the sound card is plugged in; `edgevoice devices` lists what is present."


class DeviceMissing(AudioUnavailable):
    """No such sound card; `edgevoice devices` lists those present."""

    code = "audio-device-missing"
    remedy = "Plug it in or name another one in the settings; `edgevoice devices` lists those present."


class DeviceBusy(AudioUnavailable):
    """The sound card is there but would not open."""

    code = "audio-device-busy"
    remedy = "Stop the program that uses it (`fuser -v /dev/snd/*` names it), or check its rate and channels."


class ChannelMissing(AudioUnavailable):
    """The microphone has fewer channels than the settings ask for."""

    code = "audio-channel-missing"
    remedy = "Set microphone.channel to one that it has; `edgevoice doctor` shows the level of each."


class EchoUnavailable(EdgevoiceError, OSError):
    """The library that removes the box's own sound from the near-end is missing."""

    code = "echo-unavailable"
    remedy = "Install it: apt install libspeexdsp1"


class WakeWordUnavailable(EdgevoiceError, ValueError):
    """No such wake word model, or one that cannot be used."""

    code = "wakeword-unavailable"
    needs_person = True
    remedy = "Name one of the words that are present, or the path of an .onnx file, in wakeword.model."


class LinkError(EdgevoiceError, ConnectionError):
    """The session could not be opened, or was lost; ``is_retriable`` says whether dialling again can help."""

    code = "link"
    is_retriable: ClassVar[bool] = True


class ServiceUnreachable(LinkError):
    """No connection: no network, no name resolution, a closed port, a timeout."""

    code = "service-unreachable"
    remedy = "Check the network: `ping -c1 1.1.1.1`, then the address in service.url."


class ProxyRefused(LinkError):
    """The proxy named in the environment does not let this box through, or is not a proxy."""

    code = "proxy-refused"
    is_retriable = False
    remedy = "Check https_proxy, wss_proxy and all_proxy (address, name, password), and that the proxy admits this box."


class ServiceBusy(LinkError):
    """The service cannot open the session or answer now (429, 5xx, or a code or a close that says so)."""

    code = "service-busy"
    remedy = "Wait a minute and say the wake word again."


class ClockWrong(LinkError):
    """By this machine's clock, the service's certificate is not yet valid or has expired."""

    code = "clock-wrong"
    is_retriable = False
    remedy = "The clock is wrong: `timedatectl` shows it; connect the network so that it can be set."


class KeyRefused(LinkError):
    """The service refused the key (401, 403, or a text that says so)."""

    code = "key-refused"
    is_retriable = False
    remedy = (
        "Copy the key again from the portal, unchanged: on a box with `sudo scripts/setup --key-file FILE`, otherwise "
        "into service.key_file or EDGEVOICE_API_KEY."
    )


class NoCredit(LinkError):
    """The account has no credit (402, or a text that says so)."""

    code = "no-credit"
    is_retriable = False
    remedy = "Add credit to the account at the service's portal."


class ServiceRefused(LinkError):
    """The service refused the session for another reason."""

    code = "service-refused"
    is_retriable = False
    remedy = "Check service.url, service.model and the voice in the settings."


class ServiceNonsense(LinkError):
    """The service sent something that is not the Realtime protocol."""

    code = "service-nonsense"
    is_retriable = False
    remedy = "Check service.url: it must be an OpenAI-compatible Realtime WebSocket address."


class SessionEnded(LinkError):
    """The service closed the session."""

    code = "session-ended"
    remedy = "Say the wake word again."


class ConversationOver(EdgevoiceError):
    """A program uses a conversation that is over, or not open yet."""

    code = "conversation-over"
    remedy = "Open another one."


class AnswerFailed(EdgevoiceError):
    """The service began an answer and could not finish it; the session goes on."""

    code = "answer-failed"
    remedy = "Ask again, perhaps in other words."


class BudgetSpent(EdgevoiceError):
    """The minutes of today that the settings allow are used up."""

    code = "budget-spent"
    remedy = "Try again tomorrow, or raise budget.daily_minutes."


class LocalServiceUnavailable(LinkError):
    """The answering service inside the box cannot run."""

    code = "local-service-unavailable"
    is_retriable = False
    remedy = "`edgevoice doctor` says what is wrong with it; a key in EDGEVOICE_API_KEY lets another service answer."


class LocalServiceStarting(LinkError):
    """The answering service inside the box is still loading its models."""

    code = "local-service-starting"
    remedy = "Wait a moment and say the wake word again: a slow Pi takes half a minute after it is switched on."


JOIN_GROUP = "Join its group, then log in again: sudo usermod -aG edgevoice $USER"


class ControlUnavailable(EdgevoiceError, ConnectionError):
    """The control socket of the box cannot be opened or reached."""

    code = "control-unavailable"
    remedy = "Start the box: `edgevoice status` shows whether it runs."


class ControlRefused(EdgevoiceError):
    """The box did not do what a program asked for through its control socket; ``reason`` is the reply's code.

    The remedy is the box's; empty if the problem already says what there is to choose from.
    """

    code = "control-refused"
    remedy = "`edgevoice ctl status` shows what the box is doing."

    def __init__(self, message: str, *, reason: str, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.reason = reason


class ToolRefused(EdgevoiceError, ValueError):
    """A tool was asked to do something that it cannot do; the text goes to the model."""

    code = "tool-refused"
    remedy = "Ask again in other words."


class WishRefused(ToolRefused):
    """What was wished cannot be as things are, such as pausing a timer where none is set: no tool has failed."""

    code = "wish-refused"


class PersonaInvalid(EdgevoiceError, ValueError):
    """There is no such persona, or what it should become is not valid."""

    code = "persona-invalid"
    needs_person = True
    remedy = "`edgevoice persona list` shows those that exist; `edgevoice persona edit NAME` changes one."


class PanelUnavailable(EdgevoiceError, OSError):
    """Lights and buttons cannot be used."""

    code = "panel-unavailable"
    needs_person = True
    remedy = 'Check the pins in [panel], or set panel.kind = "terminal".'


class StorageUnavailable(EdgevoiceError, OSError):
    """A disk is full or read-only, a file belongs to another user, or no folder accepts temporary files."""

    code = "storage-unavailable"
    remedy = "Free some space: `df -h / /tmp /run /dev/shm` shows what is full; `findmnt -t ext4`, what is read-only."

    @classmethod
    def of(cls, message: str, error: OSError) -> Self:
        """Return what stopped us, after ``message``; where permission or a folder is missing, space is no remedy."""
        problem = f"{message}: {error.strerror}"
        if error.errno in {errno.EISDIR, errno.ENOTDIR, errno.ELOOP}:
            return cls(problem, remedy="Something else has this name: move it away.")
        if error.errno == errno.ENOENT:
            return cls(problem, remedy="Make the folder, or name another one.")
        if error.errno not in {errno.EACCES, errno.EPERM}:
            return cls(problem)
        owner = f"`sudo ls -ld {error.filename}` shows" if error.filename else "`sudo ls -l` shows"
        return cls(problem, remedy=f"Run this as the owner, or change the owner with chown; {owner} who that is.")


class MachineExhausted(EdgevoiceError, OSError):
    """The machine has no memory, no process or no open file left for this program."""

    code = "machine-exhausted"
    remedy = "Stop other programs, or restart the machine: `free -h` shows memory, and `ps aux` what is running."


class VirtualCardUnavailable(EdgevoiceError, OSError):
    """The virtual sound card cannot be built or used here."""

    code = "virtual-card"
    remedy = "Install its compiler and headers: apt install gcc libasound2-dev"


_STORAGE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
_MACHINE = frozenset({errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE})
_PASSING = _STORAGE | _MACHINE | {errno.EBUSY, errno.EINTR, errno.ESTALE, errno.ETIMEDOUT}


def of_machine(error: BaseException) -> EdgevoiceError | None:
    """Return what an error of the operating system says about the machine's disk, memory or processes.

    ``None`` for every other error: those are bugs in the program, or explain themselves.
    """
    match error:
        case EdgevoiceError():
            return None
        case MemoryError():
            return MachineExhausted("no memory is left")
        case OSError(errno=number, filename=name, strerror=why) if number in _STORAGE:
            return StorageUnavailable(f"{name}: {why}" if name else f"{why}")
        case OSError(errno=number, filename=name, strerror=why) if number in _MACHINE:
            return MachineExhausted(f"{name}: {why}" if name else f"{why}")
        case FileNotFoundError() if "No usable temporary directory" in str(error):
            # Python's own text, for which it has no class: see `tempfile`.
            return StorageUnavailable("no folder accepts temporary files")
        case _:
            return None


_CHECK_PLUG = "Check its plug; `edgevoice devices` lists the cards that are present."

_REMEDIES = {
    MICROPHONE_DEAD: "Check the microphone's plug and its own mute switch.",
    WAKEWORD_BEHIND: "Stop other programs, or choose fewer wake words.",
    "microphone": _CHECK_PLUG,
    "speaker": _CHECK_PLUG,
    "session-spent": "Say the wake word again, or raise budget.session_s.",
    "budget-spent": "Wait until tomorrow, or raise budget.daily_minutes.",
}
"""What to do about faults that are no exceptions, by their codes: devices that are gone, limits that are reached."""


def remedy_of(code: str) -> str:
    """Return what to do about a fault, by its code; for an unknown one, where to look."""
    if code in _REMEDIES:
        return _REMEDIES[code]
    kinds = [each for each in globals().values() if isinstance(each, type) and issubclass(each, EdgevoiceError)]
    return next((each.remedy for each in kinds if each.code == code), EdgevoiceError.remedy if code else "")


def can_pass(error: EdgevoiceError) -> bool:
    """Return whether restarting may help although nobody has changed anything.

    An error that needs a person may have been caused by a full disk, or by memory that was short for a moment.
    """
    return not error.needs_person or any(_passes(cause) for cause in _causes(error))


def _passes(cause: BaseException) -> bool:
    match cause:
        case StorageUnavailable() | MachineExhausted() | MemoryError():
            return True
        case OSError(errno=number):
            return number in _PASSING
        case _:
            return False


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, including those that ``raise … from None`` hides from a traceback."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__
