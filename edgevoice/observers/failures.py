"""What can fail, in plain words: the problem and the remedy for each code. Pure data; never what was said."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from edgevoice import errors
from edgevoice.core.facts import Device
from edgevoice.core.lights import meaning
from edgevoice.core.orders import Earcon, Light
from edgevoice.errors import remedy_of

NO_ANSWER: Final = "no-answer"
TOOL_FAILED: Final = "tool-failed"
BROKEN_OFF: Final = "answer-broken-off"

_PROBLEMS: Final[Mapping[str, str]] = {
    NO_ANSWER: "no answer came",
    BROKEN_OFF: "the answer broke off",
    errors.ServiceUnreachable.code: "the service could not be reached",
    errors.ServiceBusy.code: "the service was busy",
    errors.SessionEnded.code: "the service closed the session",
    errors.ServiceRefused.code: "the service refused the session",
    errors.ServiceNonsense.code: "the address in service.url does not speak the Realtime protocol",
    errors.KeyRefused.code: "the service refused the key",
    errors.NoCredit.code: "the account has no credit",
    errors.ProxyRefused.code: "the proxy refused to connect",
    errors.ClockWrong.code: "this machine's clock was wrong",
    errors.AnswerFailed.code: "the service began an answer and could not finish it",
    errors.LocalServiceUnavailable.code: "the answering service inside the box could not run",
    errors.LocalServiceStarting.code: "the answering service inside the box was still loading",
    errors.MICROPHONE_DEAD: "the microphone delivered only silence",
    errors.WAKEWORD_BEHIND: "the wake word model ran slower than real time",
    Device.MICROPHONE.value: "the microphone was gone",
    Device.SPEAKER.value: "the speaker was gone",
    Earcon.SESSION_SPENT.value: "the conversation had lasted as long as budget.session_s allows",
    Earcon.BUDGET_SPENT.value: "the day's minutes, budget.daily_minutes, were used up",
}

_REMEDIES: Final[Mapping[str, str]] = {
    NO_ANSWER: "Ask again; if it happens often, raise conversation.thinking_s or choose a faster service.model.",
    BROKEN_OFF: "Ask again; if it happens often, check the network.",
    TOOL_FAILED: "The log says more: journalctl -u edgevoice | grep tool-",
}

_NETWORK: Final = frozenset({NO_ANSWER, BROKEN_OFF}) | {
    each.code for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.LinkError)
}
"""Codes of failures for which it matters whether there was a network."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that did not work: when (ISO 8601 with its offset), what, under which circumstances, what to do.

    ``trail`` is what had happened before, oldest first: seconds before the failure, and what.
    """

    at: str
    code: str
    problem: str
    remedy: str
    circumstances: tuple[str, ...] = ()
    trail: tuple[tuple[float, str], ...] = ()

    def sentence(self) -> str:
        """Return the problem with its circumstances, in one line."""
        return "; ".join((self.problem, *self.circumstances))

    @classmethod
    def of(cls, found: Any) -> "Failure | None":
        """Return a failure that was read from a file, ``None`` if it is none of ours."""
        try:
            trail = tuple((float(seconds), str(what)) for seconds, what in found.pop("trail", ()))
            circumstances = tuple(str(each) for each in found.pop("circumstances", ()))
            texts = {name: str(found[name]) for name in ("at", "code", "problem", "remedy")}
        except (AttributeError, KeyError, TypeError, ValueError):
            return None
        return cls(**texts, circumstances=circumstances, trail=trail)


def problem_of(code: str) -> str:
    """Return what went wrong, as a clause."""
    return _PROBLEMS.get(code) or meaning(Light.FAULT, code).partition(":")[0]


def what_to_do(code: str) -> str:
    """Return what to do about it, as a sentence."""
    return _REMEDIES.get(code) or remedy_of(code)


def needs_network(code: str) -> bool:
    """Return whether a failure with this code may be the network's."""
    return code in _NETWORK


def plain(code: str) -> str:
    """Return a service's own code if it is nothing but a code; a service may send anything, even a key."""
    return code if _PLAIN.fullmatch(code) else ""
