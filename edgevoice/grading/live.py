"""Live grading: scores a share of real conversations once they are over. An observer; it delays and decides nothing."""

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from edgevoice import threads
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import PlaybackCut, PlaybackStarted, ToolFinished, TurnEnded, UserStartedSpeaking
from edgevoice.core.notices import Notice, PhaseEntered, Role, TranscriptChanged, UsageTold
from edgevoice.core.orders import CutPlayback, RunTool
from edgevoice.core.ports import Observer, Report
from edgevoice.core.recent import Recent
from edgevoice.grading.grades import GradeEntry, add_grade
from edgevoice.grading.held import AnswerCut, Exchange, HeldConversation, RecordedCall
from edgevoice.grading.sampling import is_sampled
from edgevoice.grading.scenarios import Cost, CutToSilence, TimeToSound
from edgevoice.grading.scorers import Score, score
from edgevoice.journal import tell
from edgevoice.wall_clock import local_now

_log = logging.getLogger(__name__)

_MOST_EXCHANGES: Final = 200
_MOST_ITEMS: Final = 64
"""Items and calls of an exchange, and kinds of tokens: a service may invent any number of them."""

_MOST_WAITING: Final = 20
"""Conversations that may wait for the judge or the disk; beyond that they are not scored."""

Judged = Callable[[HeldConversation], Awaitable[Score]]


@dataclass(slots=True)
class _Draft:
    """An exchange as far as it has happened; ``words`` are empty unless transcripts may be read."""

    began_s: float
    words: "Recent[tuple[Role, str], str]"
    sounded_s: float | None = None
    decided_s: float | None = None
    cuts: list[AnswerCut] = field(default_factory=list)
    calls: "Recent[str, RecordedCall]" = field(default_factory=lambda: Recent(_MOST_ITEMS))

    def exchange(self) -> Exchange:
        """Return the exchange."""
        said = {role: " ".join(text for (by, _), text in self.words.items() if by is role and text) for role in Role}
        return Exchange(
            said=said[Role.USER],
            heard=said[Role.USER],
            answer=said[Role.ASSISTANT],
            calls=tuple(self.calls.values()),
            spoken_s=self.began_s,
            sounded_s=self.sounded_s,
            cuts=tuple(self.cuts),
        )


class LiveGrading(Observer):
    """Scores the share ``rate`` of all conversations, chosen by the hash of their ids, and writes the scores.

    ``new_id`` returns the id of a new conversation. Waits are counted from when the service took the user's turn as
    finished to the first audio of the answer that reached the playout buffer, and cuts to when the card was given the
    last of it: what the box knows without a tape. Without a ``judge`` no transcript is looked at. ``folder`` is where
    the scores are kept.
    """

    def __init__(self, folder: Path, rate: float, new_id: Callable[[], str], judge: Judged | None = None) -> None:
        self._folder = folder
        self._rate = rate
        self._new_id = new_id
        self._judge = judge
        self._session = ""
        self._is_open = False
        self._is_speaking = False
        self._drafts: list[_Draft] = []
        self._next: Recent[tuple[Role, str], str] = Recent(_MOST_ITEMS)
        self._tokens: Recent[str, int] = Recent(_MOST_ITEMS)
        self._over: asyncio.Queue[tuple[str, HeldConversation]] = asyncio.Queue(_MOST_WAITING)

    def observe(self, notice: Notice, now: float) -> None:
        """Record what scorers need, of a conversation that was chosen."""
        if isinstance(notice, PhaseEntered):
            self._enter(notice.phase)
        elif self._session:
            self._take(notice, now)

    def _enter(self, phase: Phase) -> None:
        if phase is Phase.IDLE:
            if self._session and self._drafts and not self._over.full():
                held = HeldConversation(
                    exchanges=tuple(draft.exchange() for draft in self._drafts), tokens=dict(self._tokens)
                )
                self._over.put_nowait((self._session, held))
            self._session, self._is_open = "", False
        elif not self._is_open:
            # Once for each conversation, however often its session is lost and dialled again.
            self._is_open = True
            session = self._new_id()
            self._session = session if is_sampled(session, self._rate) else ""
            self._drafts, self._next, self._tokens = [], Recent(_MOST_ITEMS), Recent(_MOST_ITEMS)

    def _take(self, notice: Notice, now: float) -> None:
        last = self._drafts[-1] if self._drafts else None
        match notice:
            case TurnEnded() if len(self._drafts) < _MOST_EXCHANGES:
                self._drafts.append(_Draft(now, self._next))
                self._next, self._is_speaking = Recent(_MOST_ITEMS), False
            case UserStartedSpeaking():
                self._is_speaking = True
            case TranscriptChanged() if self._judge:
                self._write(notice)
            case UsageTold(tokens=tokens):
                for kind, count in tokens.items():
                    self._tokens[kind] = self._tokens.get(kind, 0) + count
            case PlaybackStarted() if last and last.sounded_s is None:
                last.sounded_s = now
            case CutPlayback() if last:
                last.decided_s = now
            case PlaybackCut(items=items) if last and last.decided_s is not None:
                reported_ms = sum(item.heard_ms for item in items)
                last.cuts.append(AnswerCut(decided_s=last.decided_s, silent_s=now, reported_ms=reported_ms))
                last.decided_s = None
            case RunTool(call=call) if last:
                last.calls[call.call_id] = RecordedCall(call.name, call.arguments if self._judge else "")
            case ToolFinished(call_id=call_id, output=output) if self._judge and last and call_id in last.calls:
                last.calls[call_id] = RecordedCall(last.calls[call_id].tool, last.calls[call_id].arguments, output)
            case _:
                pass

    def _write(self, words: TranscriptChanged) -> None:
        """Add words to the exchange in which their item was first seen: the next one while the user speaks."""
        item = (words.role, words.item_id)
        is_next = not self._drafts or (words.role is Role.USER and self._is_speaking)
        first = self._next if is_next else self._drafts[-1].words
        known = (draft.words for draft in self._drafts if item in draft.words)
        next(known, first)[item] = words.text

    async def run(self, report: Report) -> None:  # noqa: ARG002 - it reports nothing
        """Score each conversation that is over, and write the scores; forever."""
        while True:
            session, held = await self._over.get()
            scores = [score(scorer, held) for scorer in (TimeToSound(), Cost())]
            if any(exchange.cuts for exchange in held.exchanges):
                scores.append(score(CutToSilence(), held))
            if self._judge is not None:
                scores.append(await self._judge(held))
            # Where nobody answered, there is nothing to be measured.
            known = tuple(each for each in scores if each.figure is not None or each.scorer == "judge")
            entry = GradeEntry(at=local_now().isoformat(timespec="seconds"), session=session, scores=known)
            try:
                await threads.run(functools.partial(add_grade, self._folder, entry), name="grades")
            except OSError as error:
                tell(_log, logging.WARNING, "grades-not-kept", problem=error.strerror or type(error).__name__)
