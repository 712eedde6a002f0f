"""Plays one connection by a script: compares what arrives with the steps, and sends what they say."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, assert_never

from websockets.exceptions import ConnectionClosed

from edgevoice.errors import EdgevoiceError
from edgevoice.local.behaviour import OpenConnection, ServiceControls
from edgevoice.local.mind import brain
from edgevoice.local.mind.calls import RequestedCall
from edgevoice.local.refusals import RequestRefused
from edgevoice.local.scripted import results, script
from edgevoice.local.scripted.state import Answering, Outgoing, ScriptedHearing
from edgevoice.local.speech.listener import Hypothesis, TurnHeard, UserSpeechStarted

Sleep = Callable[[float], Awaitable[None]]

_BROKEN = 1008
_COMMIT = "input_audio_buffer.commit"
_UNEXPECTED = "a frame arrived that is not an event"


class ScriptBroken(EdgevoiceError, AssertionError):
    """A client did not follow the script; the text names the step, what was expected and what arrived."""

    code = "script-broken"
    remedy = "Fix the client, or the script."


class _Meeting:
    """A client event and the step that expects it: the first to arrive waits for the other."""

    def __init__(self) -> None:
        self.has_come = False
        self.is_script_there = asyncio.Event()
        self.is_obeyed = asyncio.Event()


class Play:
    """Play one session; ``number`` is its place in the script.

    ``sleep`` waits as long as the script says. ``broken`` is called with any error, and then the connection is closed.
    """

    def __init__(
        self, session: script.ScriptedSession, number: int, sleep: Sleep, broken: Callable[[ScriptBroken], None]
    ) -> None:
        self._session = session
        self._number = number
        self._sleep = sleep
        self._report = broken
        self._at = 0
        steps = [*enumerate(session.steps)]
        self._meetings = {at: _Meeting() for at, step in steps if isinstance(step, script.Expect)}
        self._answers = {at: Answering.of(step) for at, step in steps if isinstance(step, script.AnswerStep)}
        self._begun: list[Answering] = []
        self._outgoing = Outgoing(session.terms.greeting)
        self._stopped = asyncio.Event()
        self.hearing = ScriptedHearing()

    @property
    def terms(self) -> script.Terms:
        """How connections are accepted."""
        return self._session.terms

    @property
    def is_over(self) -> bool:
        """Whether every step was used."""
        return self._at >= len(self._session.steps)

    def check(self) -> None:
        """Raise ScriptBroken if a step is still unused."""
        if not self.is_over:
            raise self._broken(self._at, "its end was never reached")

    # --- what the service does unprompted -----------------------------------------------------------------------------

    async def run(self, service: ServiceControls) -> None:
        """Play one step after the other to the end of the script or of the connection."""
        try:
            while not self.is_over:
                await self._take(self._session.steps[self._at], service)
                self._at += 1
        except ConnectionClosed:
            pass  # `left` knows whether that is allowed
        except ScriptBroken as broken:
            self._report(broken)
            await service.line.close(_BROKEN, "the script is broken")
        finally:
            self._stopped.set()
            for meeting in self._meetings.values():
                meeting.is_script_there.set()

    async def _take(self, step: script.Step, service: ServiceControls) -> None:
        line = service.line
        match step:
            case script.Expect():
                await self._await_client(step)
            case script.Send(send=event):
                await _put(line, script.filled(event, self._outgoing.names.known))
            case script.Frame(frame=frame):
                await line.put_frame(frame)
            case script.Binary(binary=data):
                await line.put_frame(data)
            case script.TurnStep():
                await self._speak(step, service)
            case script.Backchannel(backchannel=words, skipped=reason, runs_on=runs_on):
                await service.say_backchannel(words, reason, runs_on=runs_on)
            case script.Hear(hear=words):
                heard = await self.hearing.turns.get()
                if words not in {script.ANYTHING, heard}:
                    raise self._broken(self._at, f"the listener heard {heard!r}")
            case script.AnswerStep():
                await self._answers[self._at].reached.wait()
            case script.Resume(resume=until):
                if not self._begun or self._begun[-1].is_done:
                    raise self._broken(self._at, "no answer is running")
                await self._begun[-1].go_on(until)
            case script.End():
                await self._end_answer(step, service)
            case script.Wait(wait_s=seconds):
                await self._sleep(seconds)
            case script.Close(close=code, reason=reason):
                await line.close(code, reason)
            case script.Drop(drop=how):
                line.abort(how)
            case script.Freeze():
                line.freeze()
            case script.ChangeStep():
                self._outgoing.changes.append(step)
            case _:
                assert_never(step)

    async def _await_client(self, step: script.Expect) -> None:
        self.hearing.scripted = step.words
        meeting = self._meetings[self._at]
        meeting.is_script_there.set()
        # What follows from it, perhaps an answer, begins before the script continues.
        await meeting.is_obeyed.wait()
        self.hearing.scripted = None

    async def _speak(self, step: script.TurnStep, service: ServiceControls) -> None:
        begin_ms = service.audio_ms
        if service.turn_item_id is None:
            await service.hear(UserSpeechStarted(begin_ms))
        if step.until == "started":
            return
        for words in step.rolling:
            await service.hear(Hypothesis(words))
        where = {"item_id": service.turn_item_id}
        if step.suggestion is not None:
            guess = {"utterance_index": 0, "probability": step.suggestion}
            await _put(service.line, {"type": "input_audio_buffer.turn_suggestion", **where, **guess})
        if step.is_revoked:
            await _put(
                service.line, {"type": "input_audio_buffer.turn_suggestion_revoked", **where, "utterance_index": 0}
            )
        if step.until == "suggestion":
            return
        if step.until == "stopped":
            end = {"audio_end_ms": service.audio_ms, **where}
            await _put(service.line, {"type": "input_audio_buffer.speech_stopped", **end})
            return
        heard = TurnHeard(service.audio_ms, service.audio_ms - begin_ms, step.turn)
        await service.hear(heard, may_answer=step.until == "end")

    async def _end_answer(self, step: script.End, service: ServiceControls) -> None:
        if step.end == "failed":
            await _put(service.line, _error(script.Refuse(None, "Failed to read content stream.", type="server_error")))
        if not await service.end_answer(step.end):
            raise self._broken(self._at, "no answer is running")

    # --- what the client does ----------------------------------------------------------------------------------------

    async def received(self, line: OpenConnection, event: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Compare an event with the script; return it if it is to be obeyed, once the script gets there."""
        kind = event.get("type")
        if not isinstance(kind, str):
            # Counts as unreadable, like a frame of garbage; the service distinguishes them in its error.
            kind = script.UNREADABLE
        at, step = self._expected()
        if step is None or step.expect != kind:
            if kind in self.terms.allow:
                return event
            await self._break(line, at, _UNEXPECTED if kind == script.UNREADABLE else f"{script.shown(kind)} came")
            return None
        found = script.difference(script.filled(step.where, self._outgoing.names.known), event)
        if found is not None:
            await self._break(line, at, f"{kind} came, and {found}")
            return None
        self._outgoing.names.note_client(event)
        return event if await self._meet(line, at, step) else None

    async def unreadable(self, line: OpenConnection, refusal: RequestRefused) -> RequestRefused | None:
        """Compare a frame that is not an event with the script; return its refusal, if any."""
        at, step = self._expected()
        if step is None or step.expect != script.UNREADABLE:
            if script.UNREADABLE in self.terms.allow:
                return refusal
            await self._break(line, at, _UNEXPECTED)
            return None
        self._outgoing.names.note_client({})
        return refusal if await self._meet(line, at, step) else None

    def obeyed(self) -> None:
        """Note that the last event was obeyed or refused."""
        for meeting in self._meetings.values():
            if meeting.has_come:
                meeting.is_obeyed.set()

    async def left(self) -> None:
        """Note that the client has left: allowed if the script says so, or has no more steps."""
        if self._stopped.is_set():
            return
        at, expected = self._expected()
        place = self._place()
        step = self._session.steps[place] if place < len(self._session.steps) else None
        if expected is not None and expected.expect == script.GONE:
            self._meetings[at].is_obeyed.set()
            await self._stopped.wait()
        elif isinstance(step, script.Close | script.Drop):
            # The connection is closed, or is about to be: later steps are of no use.
            self._at = max(self._at, place + 1)
            if not self.is_over:
                self._report(self._broken(self._at, "the connection is closed"))
        elif step is not None:
            self._report(self._broken(place, "the client left"))
        else:
            self._at = place

    def answer(self, request: brain.Prompt) -> brain.Reply:
        """Return what the script answers at this place."""
        # The service may be a moment ahead of the script, which is then still at the step being answered.
        for at in (self._at, self._at + 1):
            answering = self._answers.get(at)
            if answering is not None and answering not in self._begun:
                self._begun.append(answering)
                step = self._session.steps[at]
                assert isinstance(step, script.AnswerStep)  # noqa: S101 - that is what has an answering
                return self._scripted(at, step, request)
        self._begun.append(Answering())
        if self.terms.answers == "scripted":
            self._report(self._broken(self._at, "the service must answer here, but the script does not say what"))
        return brain.answer(request)

    def _scripted(self, at: int, step: script.AnswerStep, request: brain.Prompt) -> brain.Reply:
        try:
            words = results.in_words(step.answer, request.past)
            calls = [RequestedCall(c.name, {}, results.in_json(c.arguments, request.past)) for c in step.calls]
        except LookupError as error:
            self._report(self._broken(at, str(error.args[0])))
            return brain.Reply(step.answer or "The script is broken.")
        return brain.Reply(words, tuple(calls))

    async def pause(self, seconds: float) -> None:
        """Wait between two pieces of an answer, and longer if the script says so."""
        await self._sleep(seconds)
        if self._begun:
            await self._begun[-1].pause()

    async def sending(self, line: OpenConnection, event: Mapping[str, Any]) -> None:
        """Send what the service wants to send, as changed by the script."""
        kind = str(event["type"])
        made = self._outgoing.made(event)
        if made is not None:
            await line.put(made)
        if self._begun:
            self._begun[-1].sent(kind)
        if kind == "input_audio_buffer.committed" and self.terms.turns == "heard":
            await self._turn_heard(line)

    async def _turn_heard(self, line: OpenConnection) -> None:
        step = None if self.is_over else self._session.steps[self._at]
        if isinstance(step, script.TurnStep) or (isinstance(step, script.Expect) and step.expect == _COMMIT):
            return
        awaited = sum(isinstance(step, script.Hear) for step in self._session.steps[self._at :])
        if awaited <= self.hearing.turns.qsize():
            await self._break(line, self._at, "the listener heard a turn")
        self.hearing.turn_heard()

    # --- inside ------------------------------------------------------------------------------------------------------

    def _place(self) -> int:
        """Return the first step that has not been met; the script may still be before it."""
        place = self._at
        while place in self._meetings and self._meetings[place].has_come:
            place += 1
        return place

    def _expected(self) -> tuple[int, script.Expect | None]:
        """Return the index of the step that says what the client must do next, and the step if there is one."""
        place = self._place()
        at = script.next_expected(self._session.steps, place)
        step = self._session.steps[at] if at is not None else None
        return (at, step) if at is not None and isinstance(step, script.Expect) else (place, None)

    async def _meet(self, line: OpenConnection, at: int, step: script.Expect) -> bool:
        """Wait for the script, then treat the client as it says; return whether the event is to be obeyed."""
        meeting = self._meetings[at]
        meeting.has_come = True
        await meeting.is_script_there.wait()
        if self._stopped.is_set():
            return False
        await self._sleep(step.delay_s)
        if step.refuse is not None:
            await _put(line, _error(step.refuse, self._outgoing.names.known["client"]))
        return step.then == "obey" and step.refuse is None

    def _broken(self, at: int, what: str) -> ScriptBroken:
        steps = self._session.steps
        if at >= len(steps):
            return ScriptBroken(f"session {self._number} is over after step {len(steps)}, and {what}")
        step = steps[at]
        verb = step.__struct_fields__[0]
        return ScriptBroken(f"session {self._number}, step {at + 1} ({verb} {getattr(step, verb)!r}): {what}")

    async def _break(self, line: OpenConnection, at: int, what: str) -> None:
        self._report(self._broken(at, what))
        await line.close(_BROKEN, "the script is broken")


def _error(refuse: script.Refuse, event_id: str | None = None) -> dict[str, Any]:
    told = {"type": refuse.type, "code": refuse.code, "message": refuse.message, "param": refuse.param}
    return {"type": "error", "error": {**told, "event_id": event_id}}


async def _put(line: OpenConnection, event: Mapping[str, Any]) -> None:
    made = {"type": event.get("type"), "event_id": line.new_id("event"), **event}
    await line.put(made if "type" in event else {key: made[key] for key in made if key != "type"})
