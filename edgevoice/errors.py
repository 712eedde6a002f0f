"""Every error that a person may meet: a stable code, one clear line, one remedy.

Never holds a key, a transcript or the text of a tool's result.
"""

import errno
from collections.abc import Iterator
from typing import ClassVar

MICROPHONE_DEAD = "microphone-dead"
"""The code of a microphone that delivers nothing but zeros; it is no exception, because it may be switched off."""

WAKEWORD_BEHIND = "wakeword-behind"
"""The code of a wake word that is computed more slowly than people speak."""


class EdgevoiceError(Exception):
    """Base of all our errors; ``str()`` is one line that says what is wrong and where.

    ``code`` is stable and goes into logs; ``remedy`` is one sentence that tells a person what to do.
    """

    code: ClassVar[str] = "edgevoice"
    remedy: str = "Look at the log: journalctl -u edgevoice"
    needs_person: ClassVar[bool] = False
    """Whether starting again cannot help before somebody has changed something; see ``can_pass``."""

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        if remedy is not None:
            self.remedy = remedy

    def line(self) -> str:
        """Return what is wrong and what to do, as one line for a terminal or a log."""
        return f"{self}. {self.remedy}"


class SettingsInvalid(EdgevoiceError, ValueError):
    """A settings file or variable was refused; the text names file, key, value and range."""

    code = "settings-invalid"
    needs_person = True
    remedy = "Fix the file; `edgevoice config check` says whether it is right."


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
    remedy = "Stop the program that uses it (`fuser -v /dev/snd/*` names it), or check rate and channels."


class ChannelMissing(AudioUnavailable):
    """The microphone has fewer channels than the settings ask for."""

    code = "audio-channel-missing"
    remedy = "Set microphone.channel to one that it has; `edgevoice doctor` shows what each of them hears."


class EchoUnavailable(EdgevoiceError, OSError):
    """The library that takes the box's own sound out of the near-end is not there."""

    code = "echo-unavailable"
    remedy = "Install it: apt install libspeexdsp1"


class WakeWordUnavailable(EdgevoiceError, ValueError):
    """No such wake word model, or one that cannot be used."""

    code = "wakeword-unavailable"
    needs_person = True
    remedy = "Name one of the words that are present, or the path of an .onnx file, in wakeword.model."


class LinkError(EdgevoiceError, ConnectionError):
    """The session could not be opened or was lost; ``is_retriable`` says whether dialling again can help."""

    code = "link"
    is_retriable: ClassVar[bool] = True


class ServiceUnreachable(LinkError):
    """No connection: no network, no name resolution, a closed port, a time-out."""

    code = "service-unreachable"
    remedy = "Check the network: `ping -c1 1.1.1.1`, then the address in service.url."


class ProxyRefused(LinkError):
    """The proxy named in the environment does not let this box through, or cannot be one."""

    code = "proxy-refused"
    is_retriable = False
    remedy = "Check https_proxy, wss_proxy and all_proxy: address, name and password, and whom the proxy lets through."


class ServiceBusy(LinkError):
    """The service cannot take the session or answer now (429, 5xx, or a code or a close that says so)."""

    code = "service-busy"
    remedy = "Wait a minute and say the wake word again."


class ClockWrong(LinkError):
    """The service's certificate is not valid yet or any more by this machine's clock."""

    code = "clock-wrong"
    is_retriable = False
    remedy = "The clock is wrong: `timedatectl` shows it; connect the network so that it can be set."


class KeyRefused(LinkError):
    """The service refused the key (401, 403, or words that say so)."""

    code = "key-refused"
    is_retriable = False
    remedy = (
        "Copy the key again from the portal, unchanged: on a box by `sudo scripts/setup --key-file FILE`, else into "
        "service.key_file or EDGEVOICE_API_KEY."
    )


class NoCredit(LinkError):
    """The account has no credit (402, or words that say so)."""

    code = "no-credit"
    is_retriable = False
    remedy = "Add credit to the account at the service's portal."


class ServiceRefused(LinkError):
    """The service refused the session for another reason."""

    code = "service-refused"
    is_retriable = False
    remedy = "Check service.url, service.model and the voice in the settings."


class ServiceNonsense(LinkError):
    """The service sent what is not the Realtime protocol."""

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


class LocalServiceUnavailable(LinkError):
    """The answering service inside the box cannot run."""

    code = "local-service-unavailable"
    is_retriable = False
    remedy = "Install it: pip install 'edgevoice[local]', or set a key in EDGEVOICE_API_KEY."


class LocalServiceStarting(LinkError):
    """The answering service inside the box still loads its models."""

    code = "local-service-starting"
    remedy = "Wait a moment and say the wake word again: a slow Pi takes half a minute after it was switched on."


class ToolRefused(EdgevoiceError, ValueError):
    """A tool was asked for what it cannot do; the text goes to the model."""

    code = "tool-refused"
    remedy = "Ask again in other words."


class PanelUnavailable(EdgevoiceError, OSError):
    """Lights and buttons cannot be used."""

    code = "panel-unavailable"
    needs_person = True
    remedy = 'Check the pins in [panel], or set panel.kind = "terminal".'


class StorageUnavailable(EdgevoiceError, OSError):
    """A disk is full or read-only, or no folder takes the files that are needed for a moment."""

    code = "storage-unavailable"
    remedy = "Free some space: `df -h / /tmp /run /dev/shm` shows what is full, `findmnt -t ext4` what is read-only."


class MachineExhausted(EdgevoiceError, OSError):
    """The machine has no memory, no process or no open file left for this program."""

    code = "machine-exhausted"
    remedy = "Stop other programs, or restart the machine: `free -h` shows the memory, `ps aux` what runs."


class VirtualCardUnavailable(EdgevoiceError, OSError):
    """The virtual sound card cannot be built or used here."""

    code = "virtual-card"
    remedy = "Install its compiler and headers: apt install gcc libasound2-dev"


_STORAGE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})
_MACHINE = frozenset({errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE})
_PASSING = _STORAGE | _MACHINE | {errno.EBUSY, errno.EINTR, errno.ESTALE, errno.ETIMEDOUT}


def of_machine(error: BaseException) -> EdgevoiceError | None:
    """Return what an error of the operating system says about the machine's disk, memory or processes.

    ``None`` for every other error: those are faults of the program, or say themselves what is wrong.
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
            # Python's own words, for which it has no class: see `tempfile`.
            return StorageUnavailable("no folder takes temporary files")
        case _:
            return None


def can_pass(error: EdgevoiceError) -> bool:
    """Return whether starting again may help though nobody has changed anything.

    An error for which somebody must act may have its cause in a full disk or in memory that was short for a moment.
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
    """Yield an error and what it came of, also where ``raise … from None`` hides that from a traceback."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__
