"""Records a conversation from its events, exchange by exchange, and measures it on what was heard. No I/O, no clock."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from edgevoice.agent import events
from edgevoice.agent.events import AgentEvent
from edgevoice.core.notices import Role
from edgevoice.core.sound.fade import FADE, fade_out
from edgevoice.core.sound.rates import FAR_END_HZ
from edgevoice.grading.held import AnswerCut, Exchange, HeldConversation, RecordedCall
from edgevoice.testbed.stage.compare import find_on_tape
from edgevoice.testbed.stage.events import StepMissed

Samples = npt.NDArray[np.int16]

_GAP_S = 0.05
"""A silence that ends a sound: longer than any within a word, shorter than a person would call a pause."""

_BEFORE_S = 1.0
"""How long before its first event an answer is looked for on the tape."""

_PROBES_MS = (0, 50, 100, 200)
"""How far after a resumption the sound of an answer is looked for."""

_PER_MS = FAR_END_HZ // 1000


class FarEndTape(Protocol):
    """All that was heard of the far end, with the time of each sample in monotonic seconds."""

    def samples(self) -> Samples:
        """Return all samples so far, mono s16 at 24 kHz."""
        ...

    def frame_at(self, moment_s: float) -> int:
        """Return the sample that was heard at a moment."""
        ...

    def first_sound_after(self, moment_s: float) -> float | None:
        """Return when the first sound at or after a moment was heard; ``None`` if there is none yet."""
        ...

    def last_sound_after(self, moment_s: float, *, gap_s: float) -> float | None:
        """Return when the sound that was heard at a moment ended; ``None`` if there was silence."""
        ...


@dataclass(frozen=True, slots=True)
class _Cut:
    """A cut as it was reported."""

    response_id: str
    decided_s: float
    reported_ms: int


@dataclass(slots=True)
class _Draft:
    """An exchange as far as it has happened."""

    said: str
    is_spoken: bool
    spoken_s: float | None = None
    heard: dict[str, str] = field(default_factory=dict)
    is_transcribed: bool = False
    answer: dict[str, str] = field(default_factory=dict)
    calls: dict[str, RecordedCall] = field(default_factory=dict)
    received: defaultdict[str, bytes] = field(default_factory=lambda: defaultdict(bytes))
    first_audio_s: dict[str, float] = field(default_factory=dict)
    cuts: list[_Cut] = field(default_factory=list)
    is_over: bool = False


class ConversationRecording:
    """One conversation while it is held; ``clock`` returns monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._drafts: list[_Draft] = []
        self._of_response: dict[str, _Draft] = {}
        self._of_item: dict[str, _Draft] = {}
        self._tokens: defaultdict[str, int] = defaultdict(int)
        self._decided_s: float | None = None
        self._problem = ""
        self._is_closed = False
        self._news = asyncio.Event()

    # --- what the person does -----------------------------------------------------------------------------------------

    def begin(self, said: str, *, is_spoken: bool = True) -> None:
        """Begin an exchange: the person says something."""
        self._drafts.append(_Draft(said, is_spoken))

    def spoken(self, at_s: float) -> None:
        """Note when the last of the words sounded, or was sent in writing."""
        self._drafts[-1].spoken_s = at_s

    # --- what happens -------------------------------------------------------------------------------------------------

    def decided(self, at_s: float) -> None:
        """Note when a cut was decided, if that is known more exactly than by the event ``Interrupted``."""
        self._decided_s = at_s

    def failed(self, problem: str) -> None:
        """Note the line of the error that ended the conversation; the first one counts."""
        self._problem = self._problem or problem
        self._news.set()

    def take(self, event: AgentEvent) -> None:
        """Take an event at the moment at which it happens."""
        self._news.set()
        if not self._drafts:
            return
        now = self._drafts[-1]
        match event:
            case events.Speaking(audio=audio, response_id=response_id):
                draft = self._of_response.setdefault(response_id, now)
                draft.first_audio_s.setdefault(response_id, self._clock())
                draft.received[response_id] += audio
            case events.Writing():
                self._write(event)
            case events.ToolCallStart(call_id=call_id, tool=tool, arguments=arguments):
                now.calls[call_id] = RecordedCall(tool, arguments)
            case events.ToolCallResult(call_id=call_id, output=output):
                draft = next((each for each in self._drafts if call_id in each.calls), now)
                call = draft.calls.get(call_id, RecordedCall(event.tool))
                draft.calls[call_id] = RecordedCall(call.tool, call.arguments, output)
            case events.Interrupted(response_id=response_id, heard_ms=heard_ms):
                decided_s, self._decided_s = self._decided_s or self._clock(), None
                self._of_response.get(response_id, now).cuts.append(_Cut(response_id, decided_s, heard_ms))
            case events.TurnDone(response_id=response_id):
                self._of_response.get(response_id, now).is_over = True
            case events.Usage(tokens=tokens):
                for kind, count in tokens.items():
                    self._tokens[kind] += count
            case events.Error(text=text, is_fatal=True):
                self.failed(text)
            case events.Closed():
                self._is_closed = True
            case _:
                pass

    def _write(self, written: events.Writing) -> None:
        if written.role is Role.USER:
            draft = self._of_item.setdefault(written.item_id, self._drafts[-1])
            draft.heard[written.item_id] = written.text
            draft.is_transcribed |= written.is_final
        else:
            draft = self._of_response.setdefault(written.response_id, self._drafts[-1])
            draft.answer[written.item_id] = written.text

    # --- waiting ------------------------------------------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        """Whether the answer to what was said last is over, has been heard, and what was said is transcribed."""
        last = self._drafts[-1]
        return last.is_over and (last.is_transcribed or not last.is_spoken)

    @property
    def is_answered(self) -> bool:
        """Whether the answer to what was said last is over and has been heard."""
        return self._drafts[-1].is_over

    @property
    def has_sound(self) -> bool:
        """Whether sound of an answer to what was said last has arrived."""
        return bool(self._drafts[-1].first_audio_s)

    async def wait_until(self, is_so: Callable[[], bool], what: str, limit_s: float) -> None:
        """Wait for something that events bring; ``StepMissed`` if it does not come, or no longer can."""
        try:
            async with asyncio.timeout(limit_s):
                while not is_so() and not self._problem and not self._is_closed:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise StepMissed(f"{what} did not come within {limit_s:g} s") from None
        if not is_so():
            raise StepMissed(self._problem or f"{what} did not come: the conversation is over")

    def sounding_since(self, tape: FarEndTape) -> float | None:
        """Return when the answer to what was said last began to sound; ``None`` if it has not."""
        return _sounded_s(self._drafts[-1], tape)

    # --- the end ------------------------------------------------------------------------------------------------------

    def held(self, tape: FarEndTape, xruns: int = 0) -> HeldConversation:
        """Return what was held, measured on the tape of the far end, which lost sound in so many ``xruns``."""
        exchanges = tuple(_exchange(draft, tape) for draft in self._drafts)
        return HeldConversation(exchanges=exchanges, tokens=dict(self._tokens), problem=self._problem, xruns=xruns)


def _exchange(draft: _Draft, tape: FarEndTape) -> Exchange:
    return Exchange(
        said=draft.said,
        is_spoken=draft.is_spoken,
        heard=" ".join(filter(None, draft.heard.values())),
        answer=" ".join(filter(None, draft.answer.values())),
        calls=tuple(draft.calls.values()),
        spoken_s=draft.spoken_s,
        sounded_s=_sounded_s(draft, tape),
        cuts=tuple(_measured(draft, number, tape) for number in range(len(draft.cuts))),
    )


def _sounded_s(draft: _Draft, tape: FarEndTape) -> float | None:
    first_s = min(draft.first_audio_s.values(), default=None)
    return tape.first_sound_after(first_s) if first_s is not None else None


def _measured(draft: _Draft, number: int, tape: FarEndTape) -> AnswerCut:
    cut = draft.cuts[number]
    earlier = [each for each in draft.cuts[:number] if each.response_id == cut.response_id]
    silent_s = tape.last_sound_after(cut.decided_s, gap_s=_GAP_S)
    return AnswerCut(
        decided_s=cut.decided_s,
        silent_s=cut.decided_s if silent_s is None else silent_s,
        reported_ms=cut.reported_ms,
        sounded_ms=_sounded_ms(draft, cut, earlier[-1] if earlier else None, tape),
    )


def _sounded_ms(draft: _Draft, cut: _Cut, before: _Cut | None, tape: FarEndTape) -> float | None:
    """Return how much of the answer is on the tape up to a cut; of one that was resumed, from the cut ``before`` on."""
    received: Samples = np.frombuffer(draft.received[cut.response_id], "<i2")
    since_s = draft.first_audio_s.get(cut.response_id, 0.0) - _BEFORE_S
    begins: tuple[int, ...] = (0,)
    if before is not None:
        # It was resumed within the millisecond after what was reported, and faded in; a pause in it proves nothing.
        since_s, first = before.decided_s, (before.reported_ms + 1) * _PER_MS + FADE
        begins = tuple(first + skipped * _PER_MS for skipped in _PROBES_MS)
    sounding = _end_on_tape(tape.samples(), received, max(0, tape.frame_at(since_s)), begins)
    if sounding is None:
        return None
    reported = range(cut.reported_ms * _PER_MS, (cut.reported_ms + 1) * _PER_MS)
    return next((end for end in reported if _last_of_fade(received, end) == sounding), sounding) / _PER_MS


def _end_on_tape(heard: Samples, received: Samples, since: int, begins: Sequence[int]) -> int | None:
    """Return up to which sample an answer is on the tape, whose sound is found from one of ``begins`` on."""
    for begin in begins:
        with contextlib.suppress(ValueError):
            return begin + find_on_tape(heard, received[begin:], since).samples
    return None


def _last_of_fade(received: Samples, end: int) -> int:
    """Return where the sound ends of an answer that was cut at ``end``: the last samples of a fade may be zeros."""
    fading = received[max(0, end - FADE) : end]
    faded = (fading * fade_out(len(fading))).astype(np.int16)
    audible = np.flatnonzero(faded)
    return end - len(faded) + (int(audible[-1]) + 1 if len(audible) else 0)
