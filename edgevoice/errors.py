"""Every error that a person may meet: a stable code, one clear line, one remedy.

Never holds a key, a transcript or the text of a tool's result.
"""

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
    remedy = "Mend the file, then `edgevoice config check` tells whether it is right."


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


class EchoUnavailable(EdgevoiceError, OSError):
    """The library that takes the box's own sound out of the near-end is not there."""

    code = "echo-unavailable"
    remedy = "Install it: apt install libspeexdsp1"


class WakeWordUnavailable(EdgevoiceError, ValueError):
    """No such wake word model, or one that cannot be used."""

    code = "wakeword-unavailable"
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
    remedy = "Copy the key again from the portal into service.key_file or EDGEVOICE_API_KEY, unchanged."


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


class AnswerFailed(EdgevoiceError):
    """The service began an answer and could not finish it; the session goes on."""

    code = "answer-failed"
    remedy = "Ask again, perhaps in other words."


class LocalServiceUnavailable(LinkError):
    """The answering service inside the box cannot run."""

    code = "local-service-unavailable"
    is_retriable = False
    remedy = "Install it: pip install 'edgevoice[local]', or set a key in EDGEVOICE_API_KEY."


class ToolRefused(EdgevoiceError, ValueError):
    """A tool was asked for what it cannot do; the text goes to the model."""

    code = "tool-refused"
    remedy = "Ask again in other words."


class PanelUnavailable(EdgevoiceError, OSError):
    """Lights and buttons cannot be used."""

    code = "panel-unavailable"
    remedy = 'Check the pins in [panel], or set panel.kind = "terminal".'


class VirtualCardUnavailable(EdgevoiceError, OSError):
    """The virtual sound card cannot be built or used here."""

    code = "virtual-card"
    remedy = "Install its compiler and headers: apt install gcc libasound2-dev"
