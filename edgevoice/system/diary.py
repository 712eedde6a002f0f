"""Diary: one line for each conversation, and one for each fault that the light shows. Never what was said."""

import logging
from collections import Counter

from edgevoice.core.messages import (
    CutPlayback,
    Light,
    LinkOpened,
    Notice,
    OpenLink,
    PhaseEntered,
    ShowLight,
    TurnEnded,
    UsageTold,
    WakeWordHeard,
)
from edgevoice.core.panel import meaning
from edgevoice.journal import tell

_log = logging.getLogger(__name__)


class Diary:
    """An observer that counts through a conversation and writes it down when it is over."""

    def __init__(self) -> None:
        self._began_at: float | None = None
        self._counts: Counter[str] = Counter()

    def __call__(self, notice: Notice, now: float) -> None:
        """Take what happened; write at the end of a conversation."""
        match notice:
            case WakeWordHeard(word=word, score=score):
                tell(_log, logging.DEBUG, "wakeword-heard", word=word, score=score)
            case ShowLight(light=Light.FAULT, reason=reason):
                tell(_log, logging.WARNING, "fault", code=reason, problem=meaning(Light.FAULT, reason))
            case OpenLink(resumes=True):
                self._counts["redials"] += 1
            case LinkOpened() if self._began_at is None:
                self._began_at = now
                self._counts.clear()
            case TurnEnded():
                self._counts["turns"] += 1
            case CutPlayback():
                self._counts["barge_ins"] += 1
            case UsageTold(tokens=tokens):
                self._counts["tokens"] += tokens.get("total_tokens", 0)
            case PhaseEntered(phase="idle") if self._began_at is not None:
                counts = {name: self._counts[name] for name in ("turns", "barge_ins", "tokens", "redials")}
                tell(_log, logging.INFO, "conversation-over", seconds=round(now - self._began_at, 1), **counts)
                self._began_at = None
            case _:
                pass  # of no interest to a diary
