"""Approver: asks the user before a tool runs, and runs it if their next turn agrees; ``core.approvals`` decides.

The call is answered at once, before the user is asked. A call that stays open while people speak is handled differently
by each service: some call the tool again, some refuse the next answer, and most lose a late output. What the tool
returns is therefore reported as a note, or as the output of a second call if the model makes one.
"""

import asyncio
import functools
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from edgevoice.core.approvals import Approvals, ApprovalVerdict
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import ApprovalSettled, ToolCall, ToolFinished, UserStartedSpeaking
from edgevoice.core.notices import Notice, PhaseEntered, Role, TranscriptChanged
from edgevoice.core.ports import Observer, Report
from edgevoice.core.protocol.downlink import WRITTEN
from edgevoice.errors import ToolRefused
from edgevoice.journal import tell
from edgevoice.tools.tool import ToolDefinition

_log = logging.getLogger(__name__)

DECLINED: Final = '{"declined":true}'
"""What the model is answered for a tool to which the user has not agreed."""

_ASKED: Final = (
    '{"status":"not done yet","why":"The user is being asked for their approval. If they agree, it runs by itself, and '
    'you are told what it returned. Do not call it again, and do not say that it is done."}'
)
_BUSY: Final = '{"declined":true,"why":"the user is being asked about something else; call it again after that"}'
_LONGEST_QUESTION: Final = 600
"""Characters: some 40 s of speech, heard to its end within ``ASKED_WITHIN_S``. Nobody approves what they do not hear,
so a call with a longer question is refused.
"""


@dataclass(slots=True)
class _Request:
    """A call that waits for the user's approval; ``key`` is what it would do.

    ``outcome``: the output, once the user has replied and the tool has run. ``is_told``: another call waits for it.
    """

    key: tuple[str, bytes]
    call_id: str
    run: Callable[[], Awaitable[str]]
    outcome: asyncio.Future[str]
    is_told: bool = False


class Approver(Observer):
    """Runs the calls of tools that require approval, one at a time; create it in the loop.

    ``language``: the one in which people speak to the box. It must observe the conversation whose calls it answers.
    """

    def __init__(self, language: str, report: Report, clock: Callable[[], float] = time.monotonic) -> None:
        self._report = report
        self._clock = clock
        self._approvals = Approvals(language)
        self._request: _Request | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def observe(self, notice: Notice, now: float) -> None:
        """Take a notice of the conversation: the question and the user's reply are among them."""
        was_open = self._approvals.is_open
        self._approvals.take(notice, now)
        if _ends(notice) or (not was_open and _is_next_turn(notice)):
            self._request = None  # the model may ask for the same again
        self._set_timer()

    async def finished(
        self, call: ToolCall, definition: ToolDefinition, arguments: dict[str, Any], run: Callable[[], Awaitable[str]]
    ) -> ToolFinished:
        """Return how a call ends for now: usually that the user is being asked. ``run`` returns the tool's output.

        If the model calls the tool again as the user replies, that call gets what the first one returns. Raises
        ``ToolRefused`` if the question would be too long to listen to.
        """
        # Sorting takes only text as keys, while a parameter may be a ``dict[int, str]``.
        plain = msgspec.to_builtins(arguments, str_keys=True)
        request, key = self._request, (definition.name, msgspec.json.encode(plain, order="sorted"))
        if request is not None and request.key == key:
            if self._approvals.is_open and not self._approvals.is_being_replied:
                return ToolFinished(call.call_id, _ASKED)
            request.is_told = True
            return ToolFinished(call.call_id, await asyncio.shield(request.outcome))
        if self._approvals.is_open:
            return ToolFinished(call.call_id, _BUSY)
        question = _question(definition, arguments)
        if len(question) > _LONGEST_QUESTION:
            tell(_log, logging.WARNING, "tool-question-too-long", tool=definition.name, characters=len(question))
            raise _too_long(question)
        request = self._request = _Request(key, call.call_id, run, asyncio.get_running_loop().create_future())
        self._approvals.open(self._clock(), functools.partial(self._decided, request))
        self._set_timer()
        return ToolFinished(call.call_id, _ASKED, asking=_asking(question))

    def close(self) -> None:
        """Stop whatever waits or runs; nothing more is reported."""
        self._approvals.close()
        self._set_timer()
        for task in tuple(self._running):
            task.cancel()

    def _decided(self, request: _Request, verdict: ApprovalVerdict) -> None:
        if verdict is ApprovalVerdict.APPROVED:
            task = asyncio.get_running_loop().create_task(self._run(request), name="approved-tool")
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        else:
            self._settle(request, DECLINED, "did not agree", is_spoken=verdict is ApprovalVerdict.UNCLEAR)

    async def _run(self, request: _Request) -> None:
        self._settle(request, await request.run(), "agreed", is_spoken=True)

    def _settle(self, request: _Request, output: str, reply: str, *, is_spoken: bool) -> None:
        request.outcome.set_result(output)
        name, has_run = request.key[0], "has run and returned" if reply == "agreed" else "has not run"
        note = "" if request.is_told else f"The user {reply}. {name} {has_run}: {output}"
        is_spoken = is_spoken and not request.is_told
        self._report(ApprovalSettled(request.call_id, name, output, note, is_spoken))

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if (deadline := self._approvals.deadline) is not None:
            wait_s = max(0.0, deadline - self._clock())
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._time_over)

    def _time_over(self) -> None:
        self._approvals.take_time(self._clock())
        self._set_timer()


def _ends(notice: Notice) -> bool:
    """Return whether the conversation is over."""
    return isinstance(notice, PhaseEntered) and notice.phase is Phase.IDLE


def _is_next_turn(notice: Notice) -> bool:
    match notice:
        case UserStartedSpeaking():
            return True
        case TranscriptChanged(role=Role.USER, item_id=item_id):
            return item_id.startswith(WRITTEN)
        case _:
            return False


def _asking(question: str) -> str:
    """Return the instructions for the answer that asks the user: ours, so that the model cannot ask something else."""
    return f'Say exactly: "{question}" Say it in the language of the conversation.'


def _too_long(question: str) -> ToolRefused:
    return ToolRefused(
        f"the user must hear all of what they approve, and the question would have {len(question)} characters; it may "
        f"have {_LONGEST_QUESTION}: call it with less text"
    )


def _question(definition: ToolDefinition, arguments: dict[str, Any]) -> str:
    details = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in arguments.items())
    question = f"Shall I {definition.name.replace('_', ' ')}{': ' if details else ''}{details}?"
    return " ".join(question.replace('"', "'").split())
