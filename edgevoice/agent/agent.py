"""Agent: a conversation with a Realtime service, for programs. It includes no microphone, no speaker and no pins.

It uses the same engine, conversation and link as the box; a program takes the place of the sound card.
"""

import asyncio
import functools
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Any, Literal, Self

from edgevoice.agent import events
from edgevoice.agent.arguments import require_numbers, require_playback, require_types, require_words
from edgevoice.agent.character import Character
from edgevoice.agent.emitter import AnyCallback, Emitter, EventStream
from edgevoice.agent.observation import Observation
from edgevoice.agent.open_session import OpenSession
from edgevoice.agent.parts import AgentParts, Toolbox, Watchers, join
from edgevoice.agent.questions import MOST_TIMES, Questions
from edgevoice.agent.sound import ProgramSound, Sound
from edgevoice.agent.voice import RealtimeVoice
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import TalkHeld, TalkPressed, TurnEnded
from edgevoice.core.notices import Notice, PhaseEntered, TranscriptChanged
from edgevoice.errors import AnswerFailed, ConversationOver, EdgevoiceError, LinkError, ServiceBusy, of_machine
from edgevoice.journal import tell
from edgevoice.mcp.server import McpServer
from edgevoice.memory.memory import Memory
from edgevoice.memory.remembering import Remembering
from edgevoice.personas.persona import Persona
from edgevoice.personas.presets import persona_of
from edgevoice.realtime.session import session_of

_log = logging.getLogger(__name__)

_REPORT_S = 0.5
"""How long a sound card has, once the conversation is over, to report how much was heard of the answer."""

_BROKEN = "a part of the conversation has failed by a fault of edgevoice"


class Agent:
    """A conversation between a program and a Realtime service, open for the duration of ``async with``.

    ``instructions``: the model's system prompt. ``tools``: typed functions with docstrings. ``voice``: the service, its
    model and its voice.

    ``sound``: a ``SoundCard``, which listens and speaks on its own; without one the program does both, with ``send`` at
    ``input_rate_hz``, 8,000 to 48,000, and as ``playback`` says. "push", the default: the program plays the pieces of
    ``Speaking`` as they arrive; how much was heard is then an estimate by the clock. "pull": the program calls ``read``
    whenever its player needs samples, so that the exact sample up to which the answer was heard is known; without a
    reader no answer ends. Either way the user interrupts by speaking; the program must keep the answer's sound out of
    what it sends.

    ``mcp_servers``: servers whose tools the model may call, too, as NAME__TOOL. Once the session is open, entering
    waits up to ``mcp_wait_s`` seconds for them; the tools of one that is later are added to the open session.

    ``memory``: what is remembered between conversations; each new session gets up to ``history_tokens`` of the model's
    tokens from earlier ones. Without it nothing is written.

    ``persona``: a role with a model, a voice, a speed and tools of its own, or the name of one that ships, "pirate".

    All methods except ``read`` belong to the loop's thread. Entering raises ``LinkError`` if no session opens, and
    ``AudioUnavailable`` if the sound card is missing.
    """

    def __init__(
        self,
        *,
        name: str = "",
        instructions: str = "",
        tools: Iterable[Callable[..., Any]] = (),
        voice: RealtimeVoice | None = None,
        sound: Sound | None = None,
        input_rate_hz: int = 24_000,
        playback: Literal["push", "pull"] = "push",
        tool_timeout_s: float = 30.0,
        mcp_servers: Mapping[str, McpServer] | None = None,
        mcp_wait_s: float = 10.0,
        memory: Memory | None = None,
        history_tokens: int = 1000,
        persona: Persona | str | None = None,
    ) -> None:
        require_types(name=name, instructions=instructions, voice=voice, memory=memory, persona=persona)
        require_numbers(input_rate_hz=input_rate_hz, tool_timeout_s=tool_timeout_s)
        require_numbers(mcp_wait_s=mcp_wait_s, history_tokens=history_tokens)
        require_playback(playback)
        self.name = name
        self._character = Character((voice or RealtimeVoice()).resolved(), instructions, persona_of(persona))
        self._character.service()  # an invalid value is refused here, and not in mid-conversation
        self._remembering = Remembering(memory, history_tokens)
        functions = (*tools, *self._remembering.functions())
        self._toolbox = Toolbox(functions, tool_timeout_s, self._may_call, mcp_servers, mcp_wait_s)
        if self._toolbox.servers is not None:
            self._toolbox.servers.on_change(self._send_changes)
        self._sound = sound or ProgramSound(input_rate_hz, is_pulled=playback == "pull")
        self._emitter = Emitter()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._parts: AgentParts | None = None
        self._questions = Questions()
        self._open_session = OpenSession()
        self._cause: EdgevoiceError | None = None
        self._opened = AsyncExitStack()

    # --- the session --------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        if self._parts is not None:
            raise RuntimeError("this Agent is open already: one conversation at a time")
        try:
            await self._begin()
            await self._connected()
            await self._toolbox.servers_known()
        except BaseException:
            await self._leave()
            raise
        return self

    async def _begin(self) -> None:
        if (servers := self._toolbox.servers) is not None:
            self._run(servers.run())
        endpoint = await self._opened.enter_async_context(self._character.voice.reached())
        observation = Observation(is_exact=self._sound.is_exact)
        self._opened.callback(self._emit_rest, observation)
        await self._remembering.open(self._opened)
        watchers = Watchers(lambda notice: self._observe(observation, notice), self._lost)
        service = self._character.service()
        parts = self._parts = join(
            service,
            endpoint,
            lambda: self._open_session.begin(self._session()),
            self._toolbox,
            self._sound,
            watchers,
            self._remembering.earlier,
        )
        self._cause = None
        self._run(parts.link.run())
        parts.engine.add_observers(self._remembering.observers)
        for each in self._remembering.observers:
            self._beside(each.run(parts.engine.report))
        if parts.sound.run is not None:
            self._run(parts.sound.run)
        parts.engine.start()
        parts.engine.report(TalkPressed(parts.sound.near_end.position))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._leave()

    async def _leave(self) -> None:
        parts, self._parts = self._parts, None
        if parts is not None:
            parts.engine.report(TalkHeld())
            parts.engine.stop()
            parts.tools.close()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._opened.aclose()
        await self._emitter.finish()

    @property
    def phase(self) -> Phase:
        """The phase of the conversation; idle if there is none."""
        return self._parts.conversation.phase if self._parts is not None else Phase.IDLE

    def _open(self) -> AgentParts:
        if self._parts is None:
            raise ConversationOver("the Agent is not open: use it inside `async with`")
        if self.phase is Phase.IDLE:
            raise self._cause or ConversationOver("the conversation is over")
        return self._parts

    async def _connected(self) -> AgentParts:
        """Wait until the session is open; raise the error that ended it."""
        while (parts := self._open()).conversation.phase is Phase.CONNECTING:
            await self._questions.news()
        return parts

    # --- sound --------------------------------------------------------------------------------------------------------

    def send(self, pcm: bytes) -> None:
        """Send what the user says: mono s16 at the input's rate, in pieces of any length, as fast as it is spoken.

        Raises ``ConversationOver``, or the error that ended the conversation: ``LinkError``, ``AudioUnavailable``.
        """
        self._open()
        self._program().send(pcm)

    def read(self, frames: int) -> bytes:
        """Return exactly the next ``frames`` samples to play, mono s16 at 24 kHz; silence if nothing is to be heard.

        Any thread may call it, such as the callback of a player. Only with ``playback="pull"``: else ``RuntimeError``.
        """
        return self._program().read(frames)

    def _program(self) -> ProgramSound:
        if isinstance(self._sound, ProgramSound):
            return self._sound
        raise RuntimeError("this Agent uses a sound card; send() and read() are for one without")

    # --- words --------------------------------------------------------------------------------------------------------

    async def ask(self, text: str) -> str:
        """Send a message from the user as text; return the words of the answer once it has been heard.

        With ``playback="pull"`` it is heard only if the program calls ``read``. An answer that is sounding, or that the
        service has just begun, is interrupted. Raises the same errors as ``send``, ``ValueError`` for an empty text,
        ``AnswerFailed`` if the service could not finish it, ``ServiceBusy`` if it went on with other answers.
        """
        require_words("ask", text)
        asked: dict[int, TranscriptChanged] = {}

        def request(parts: AgentParts) -> None:
            is_new, session = not asked, self._questions.session
            if session not in asked:
                asked[session] = parts.link.send_text(text)
            name = self._questions.next_name()
            parts.link.create_response(may_call_tools=True, name=name)
            # As when the service reports the end of the user's turn: from now on an answer is due.
            parts.engine.report(TurnEnded(name))
            if is_new:  # however often it is asked, it is one question
                # Last, as with speech: if a tool waits for the user's approval, this decides, and must not be answered
                # instead of the question.
                parts.engine.notify(asked[session])

        return await self._turn(request)

    async def say(self, text: str) -> str:
        """Have the voice say this text; return the words that it said, once they have been heard.

        The model speaks: it is instructed to say exactly this, and a small model may deviate. Some models answer
        nothing before the user has said something. Raises the same errors as ``ask``.
        """
        require_words("say", text)
        quoted = text.replace('"', "'")
        told = f'Say exactly: "{quoted}"'

        def request(parts: AgentParts) -> None:
            name = self._questions.next_name()
            parts.link.create_response(may_call_tools=False, instructions=told, name=name)
            parts.engine.report(TurnEnded(name))

        return await self._turn(request)

    async def _turn(self, request: Callable[[AgentParts], None]) -> str:
        try:
            for _ in range(MOST_TIMES):
                with await self._asked(request) as stream:
                    if (answer := await self._questions.answer(stream)) is not None:
                        return answer
        except (AnswerFailed, ConversationOver) as error:
            raise self._cause or error from None
        raise ServiceBusy("the service was giving another answer each time it was asked", remedy="Ask again.")

    async def _asked(self, request: Callable[[AgentParts], None]) -> EventStream:
        """Ask for an answer; return the events from then on."""
        async with self._questions.one:
            parts = await self._connected()
            self.interrupt()
            await self._questions.until_free(lambda: parts.conversation.is_free)
            parts = await self._connected()
            stream = self.events()
            self._questions.put(functools.partial(request, parts))
            return stream

    def interrupt(self) -> None:
        """Cut the answer, if there is one; how much of it was heard is reported to the service."""
        if self._parts is not None and self.phase in {Phase.THINKING, Phase.SPEAKING}:
            self._parts.engine.report(TalkPressed(self._parts.sound.near_end.position))

    # --- changes ------------------------------------------------------------------------------------------------------

    def update(
        self,
        *,
        model: str | None = None,
        voice: str | None = None,
        speed: float | None = None,
        instructions: str | None = None,
        persona: Persona | str | None = None,
    ) -> None:
        """Change who answers, and how, in the middle of the conversation or before it; ``None`` keeps the old value.

        What a persona has overrides the rest; ``Persona(name="")`` has nothing. Only what changes is sent. For an
        invalid value it raises ``SettingsInvalid`` or ``PersonaInvalid`` and changes nothing. OpenAI's protocol keeps
        the model of a session, and a voice that has spoken: an ``Error`` says so, and the next session has the new one.
        """
        require_types(persona=persona)
        changes = {"model": model, "voice": voice, "speed": speed}
        given = {name: value for name, value in changes.items() if value is not None}
        old = self._character
        character = Character(
            replace(old.voice, **given),  # type: ignore[arg-type]  # each field by its own name
            old.instructions if instructions is None else instructions,
            old.persona if persona is None else persona_of(persona),
        )
        character.service()
        self._character = character
        self._send_changes()

    def add_tools(self, *tools: Callable[..., Any]) -> None:
        """Let the model call further functions from now on; if one cannot be a tool, it raises and adds none.

        Raises ``TypeError`` for a function that the model could not call, ``ValueError`` for a name that is taken.
        """
        self._toolbox.functions.add_all(tools)
        self._send_changes()

    def _may_call(self, tool: str) -> bool:
        return self._character.persona.allows(tool)

    def _session(self) -> dict[str, Any]:
        service = self._remembering.service(self._character.service())
        return session_of(service, self._toolbox.registry.definitions())

    def _send_changes(self) -> None:
        if self._parts is None:
            return
        dialect, is_free = self._character.service().spoken_dialect, self._parts.conversation.is_free
        changes, kept = self._open_session.changes(self._session(), dialect, is_free=is_free)
        if changes:
            self._parts.link.update(changes)
        for name in kept:
            line = f"the service keeps the {name} of this session; the new one comes with the next session"
            tell(_log, logging.WARNING, "change-kept-back", what=name, problem=line)
            self._emitter.emit(events.Error(f"{name}-kept", line, is_fatal=False))

    # --- events -------------------------------------------------------------------------------------------------------

    def on(self, event: str, callback: AnyCallback) -> AnyCallback:
        """Call ``callback`` with each event of a name, such as "writing"; return the callback.

        It is called in the loop's thread and must not block; an asynchronous callback runs beside the conversation.
        Raises ``ValueError`` if no event has that name.
        """
        return self._emitter.on(event, callback)

    def events(self) -> EventStream:
        """Return all events from now on, up to ``Closed``, as an iterator; leaving its context closes it."""
        return self._emitter.stream()

    def __aiter__(self) -> EventStream:
        return self.events()

    def _observe(self, observation: Observation, notice: Notice) -> None:
        seen = observation.take(notice)
        if isinstance(notice, PhaseEntered):
            if notice.phase is Phase.LISTENING:
                self._cause = None  # it was found again
            if notice.phase is Phase.IDLE:
                seen += observation.last(events.Closed(self._cause.code if self._cause is not None else ""))
                asyncio.get_running_loop().call_later(_REPORT_S, self._emit_rest, observation)
        for event in seen:
            self._emitter.emit(event)
        self._questions.take(notice)
        self._open_session.take(notice)
        if self._open_session.owes_speed and self._parts is not None and self._parts.conversation.is_free:
            self._send_changes()

    def _emit_rest(self, observation: Observation) -> None:
        for event in observation.rest():
            self._emitter.emit(event)

    def _lost(self, error: EdgevoiceError) -> None:
        if self.phase is Phase.IDLE:
            return  # the conversation is over already, and the program knows why
        self._cause = error
        is_fatal = not (isinstance(error, LinkError) and error.is_retriable)
        self._emitter.emit(events.Error(error.code, error.line(), is_fatal))

    # --- tasks --------------------------------------------------------------------------------------------------------

    def _beside(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _run(self, part: Coroutine[Any, Any, Any]) -> None:
        """Run a part without which there is no conversation: if it fails, the conversation ends with its error."""
        self._beside(part).add_done_callback(self._part_ended)

    def _part_ended(self, task: asyncio.Task[Any]) -> None:
        if self._parts is None or task.cancelled() or (error := task.exception()) is None:
            return
        if not isinstance(error, EdgevoiceError):
            # It is a bug: the program's own handler gets the traceback, as it does for every task that fails.
            task.get_loop().call_exception_handler({"message": _BROKEN, "exception": error, "task": task})
            error = of_machine(error) or EdgevoiceError(_BROKEN, remedy="Please report it with the traceback.")
        self._lost(error)
        self._parts.engine.report(TalkHeld())
