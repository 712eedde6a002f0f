"""What is counted of the conversations, from what observers see. Pure; never what was said."""

from collections import Counter
from enum import StrEnum

from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    LinkLost,
    LinkOpened,
    NearSpeechBegan,
    NearSpeechConfirmed,
    NearSpeechFaded,
    PlaybackCut,
    TalkHeld,
    TalkPressed,
    TurnEnded,
    UserStartedSpeaking,
    WakeRequested,
    WakeWordHeard,
)
from edgevoice.core.notices import Notice, PhaseEntered, UsageTold
from edgevoice.core.orders import CloseLink, CutPlayback, DropPlayback, Light, ResumePlayback, RunTool, ShowLight

_MOST_NAMES = 64
_LONGEST_NAME = 64
OTHER = "other"
"""What counts the names beyond these limits: a model may call any number of tools that do not exist, and a service may
invent kinds of tokens.
"""


class BargeInSource(StrEnum):
    """What interrupted an answer."""

    WAKE_WORD = "wake-word"
    BUTTON = "button"
    PROGRAM = "program"
    SPEECH = "speech"
    SERVICE = "service"


class BargeInCounts:
    """Counts what interrupted answers; times are monotonic seconds.

    ``take_silent_after`` returns, for each cut, the time from the first sign of the interruption (speech over the
    answer, the wake word, the button) to the last sample that the card was given.
    """

    def __init__(self) -> None:
        self.by_source: Counter[BargeInSource] = Counter()
        self.false_interruptions = 0
        self._cause: tuple[BargeInSource, float] | None = None
        self._cut: tuple[BargeInSource, float] | None = None
        self._suspected: tuple[BargeInSource, float] | None = None
        self._silencing: tuple[BargeInSource, float] | None = None
        self._silent_after_s: list[float] = []

    def take_silent_after(self) -> list[float]:
        """Return the times that were added since the last call."""
        taken, self._silent_after_s = self._silent_after_s, []
        return taken

    def observe(self, notice: Notice, now: float) -> None:
        """Take what happened."""
        match notice:
            case WakeWordHeard():
                self._cause = BargeInSource.WAKE_WORD, now
            case WakeRequested():
                self._cause = BargeInSource.PROGRAM, now
            case TalkPressed() | TalkHeld():
                self._cause = BargeInSource.BUTTON, now
            case NearSpeechBegan():
                self._cause = BargeInSource.SPEECH, now
            case NearSpeechConfirmed() if self._cause is None:
                self._cause = BargeInSource.SPEECH, now
            case UserStartedSpeaking() if self._cause is None:
                self._cause = BargeInSource.SERVICE, now
            case CutPlayback(keeps_rest=keeps_rest):
                self._silencing = self._cause
                # With the rest kept it is not known yet whether anybody spoke.
                self._cut, self._suspected = (None, self._cause) if keeps_rest else (self._cause, None)
                self._cause = None
            case PlaybackCut() if self._silencing is not None:
                self._silent_after_s.append(now - self._silencing[1])
                self._silencing = None
            case _:
                self._settle(notice)

    def _settle(self, notice: Notice) -> None:
        """Decide what a cut was: a barge-in, a false one, or the end of the conversation."""
        match notice:
            case ResumePlayback():
                self.false_interruptions += 1
                self._suspected = None
            case DropPlayback() if self._suspected is not None:
                self.by_source[self._suspected[0]] += 1
                self._suspected = None
            case NearSpeechFaded() if self._cause is not None and self._cause[0] is BargeInSource.SPEECH:
                self._cause = None
            case PhaseEntered(phase=phase):
                if self._cut is not None and phase is not Phase.IDLE:
                    self.by_source[self._cut[0]] += 1
                self._cut = None
                if phase is Phase.SPEAKING:
                    self._cause = None
            case _:
                pass


class Counts:
    """Counters since the start of the box; times are monotonic seconds."""

    def __init__(self) -> None:
        self.wakes: Counter[str] = Counter()
        self.barge_ins = BargeInCounts()
        self.tool_calls: Counter[str] = Counter()
        self.tokens: Counter[str] = Counter()
        self.events: Counter[str] = Counter(turns=0, reconnects=0)
        self.fault = ""
        self._session_s = 0.0
        self._since: float | None = None
        self._was_lost = False

    def observe(self, notice: Notice, now: float) -> None:
        """Take what happened."""
        match notice:
            case ShowLight(light=light, reason=reason):
                self.fault = reason if light is Light.FAULT else ""
            case WakeWordHeard(word=word):
                self.wakes[word] += 1
            case TurnEnded():
                self.events["turns"] += 1
            case UsageTold(tokens=tokens):
                for kind, count in tokens.items():
                    _add(self.tokens, kind, count)
            case RunTool(call=call):
                _add(self.tool_calls, call.name, 1)
            case LinkOpened() | LinkLost() | CloseLink() | PhaseEntered():
                self._take_session(notice, now)
            case _:
                pass
        self.barge_ins.observe(notice, now)

    def session_s(self, now: float) -> float:
        """Return how long sessions were open, in seconds: what a service bills by time."""
        return self._session_s + (now - self._since if self._since is not None else 0.0)

    def _take_session(self, notice: Notice, now: float) -> None:
        match notice:
            case PhaseEntered(phase=Phase.LISTENING) if self._since is None:
                self._since = now
            case PhaseEntered(phase=Phase.IDLE):
                self._was_lost = False
            case LinkOpened():
                self.events["reconnects"] += self._was_lost
                self._was_lost = False
            case LinkLost() | CloseLink():
                self._was_lost = isinstance(notice, LinkLost)
                if self._since is not None:
                    self._session_s += now - self._since
                    self._since = None
            case _:
                pass


def _add(counter: Counter[str], name: str, count: int) -> None:
    """Add to a name that somebody else has chosen."""
    is_known = name in counter or (len(counter) < _MOST_NAMES and len(name) <= _LONGEST_NAME)
    counter[name if is_known else OTHER] += count
