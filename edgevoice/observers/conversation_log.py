"""Conversation log: a line for each conversation, each fault light, and each noisy room. Never what was said."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict

from edgevoice.core.facts import LinkOpened, TurnEnded, WakeWordHeard
from edgevoice.core.lights import meaning
from edgevoice.core.notices import Notice, PhaseEntered, SpeechHeeded, SpeechIgnored, UsageTold
from edgevoice.core.orders import CutPlayback, Light, OpenLink, ResumePlayback, ShowLight
from edgevoice.core.ports import Observer
from edgevoice.journal import tell

_log = logging.getLogger(__name__)

_NOISY = (
    "speech cannot be told from what goes on in the room; until the answer is over or the room is quiet, only the wake "
    "word and the talk button interrupt"
)

_COUNTED = (
    "turns",
    "barge_ins",
    "false_interruptions",
    "input_tokens",
    "output_tokens",
    "tokens",
    "redials",
    "reconnects",
)


class ConversationLog(Observer):
    """An observer that counts during a conversation and logs a summary when it is over.

    ``xruns`` returns how often the sound system has lost audio since it was opened, ``today_s`` for how many seconds
    sessions were open today, ``lost_s`` how many seconds of near-end were too old to be sent, since the start.
    """

    def __init__(
        self,
        xruns: Callable[[], int] = lambda: 0,
        today_s: Callable[[], float] = lambda: 0.0,
        lost_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._xruns = xruns
        self._today_s = today_s
        self._lost_s = lost_s
        self._xruns_before = 0
        self._lost_before_s = 0.0
        self._began_at: float | None = None
        self._counts: Counter[str] = Counter()
        self._was_cut = False

    def observe(self, notice: Notice, now: float) -> None:
        """Take what happened; log at the end of a conversation."""
        match notice:
            case WakeWordHeard(word=word, score=score):
                tell(_log, logging.DEBUG, "wakeword-heard", word=word, score=score)
            case ShowLight(light=Light.FAULT, reason=reason):
                tell(_log, logging.WARNING, "fault", code=reason, problem=meaning(Light.FAULT, reason))
            case OpenLink(resumes=True):
                self._counts["redials"] += 1
            case LinkOpened() if self._began_at is None:
                self._began_at = now
                self._xruns_before = self._xruns()
                self._lost_before_s = self._lost_s()
                self._counts.clear()
            case LinkOpened():
                self._counts["reconnects"] += 1
            case TurnEnded():
                self._counts["turns"] += 1
            case CutPlayback():
                self._was_cut = True
            case ResumePlayback():
                self._counts["barge_ins"] -= 1  # it had been counted as one
                self._counts["false_interruptions"] += 1
            case UsageTold(tokens=tokens):
                self._count_tokens(tokens)
            case SpeechIgnored(noise=noise):
                tell(_log, logging.INFO, "speech-ignored", **asdict(noise), why=_NOISY)
            case SpeechHeeded():
                tell(_log, logging.INFO, "speech-heeded")
            case PhaseEntered(phase=phase):
                self._take_phase(phase, now)
            case _:
                pass  # of no interest here

    def _take_phase(self, phase: str, now: float) -> None:
        """Log at the end; a cut after which the conversation continues was the user's, the others are hang-ups."""
        was_cut, self._was_cut = self._was_cut, False
        if phase != "idle":
            self._counts["barge_ins"] += was_cut
        elif self._began_at is not None:
            self._write(now - self._began_at)
            self._began_at = None

    def _count_tokens(self, tokens: Mapping[str, int]) -> None:
        """Add the tokens of an answer; without a total from the service, use the sum."""
        spent, made = tokens.get("input_tokens", 0), tokens.get("output_tokens", 0)
        self._counts.update(input_tokens=spent, output_tokens=made, tokens=tokens.get("total_tokens", spent + made))

    def _write(self, seconds: float) -> None:
        counts = {name: self._counts[name] for name in _COUNTED}
        xruns = self._xruns() - self._xruns_before
        minutes = round(self._today_s() / 60, 1)
        tell(
            _log,
            logging.INFO,
            "conversation-over",
            seconds=round(seconds, 1),
            **counts,
            xruns=xruns,
            lost_s=round(self._lost_s() - self._lost_before_s, 2),
            minutes_today=minutes,
        )
