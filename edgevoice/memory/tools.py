"""The tools by which a model remembers and forgets."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from edgevoice.errors import WishRefused
from edgevoice.memory import household
from edgevoice.memory.memory import Memory

_ASKED_FOR_S = 30.0
"""How long a question whether to forget everything waits for its answer."""


class MemoryTools:
    """Typed functions over a memory; ``clock`` returns monotonic seconds, ``changed`` is called after each change.

    ``user_turns`` returns how often the user has spoken: a question is answered by their next turn, and by no other.
    ``leave_out`` is awaited before anything is forgotten: the exchange that asks for it names the words again, and must
    not be written down.
    """

    def __init__(
        self,
        memory: Memory,
        clock: Callable[[], float],
        changed: Callable[[household.Record], None],
        leave_out: Callable[[], Awaitable[None]],
        user_turns: Callable[[], int],
    ) -> None:
        self._memory = memory
        self._leave_out = leave_out
        self._clock = clock
        self._changed = changed
        self._user_turns = user_turns
        self._asked: tuple[float, int] | None = None

    def functions(self) -> tuple[Callable[..., Any], ...]:
        """Return the functions, for a registry."""
        return (self.remember, self.update_memory, self.forget, self.search_memory, self.forget_everything)

    async def remember(self, note: Annotated[str, "One short sentence, as a fact: Anna is allergic to nuts"]) -> None:
        """Remember something for later conversations, when the user asks for it."""
        self._changed(await self._memory.change(lambda record: household.with_note(record, note)))

    async def update_memory(
        self,
        people: dict[str, Any] | None = None,
        home: dict[str, Any] | None = None,
        preferences: dict[str, Any] | None = None,
    ) -> None:
        """Change what is remembered of the people, the home and the preferences of this household.

        people: by name, what is to be merged into what is known of each; null forgets a field
        home: what is to be merged into what is known of the home
        preferences: what is to be merged into what is known of what people prefer
        """
        # Many models fill in null for what they leave out, so that deletes no section: `forget` does.
        patch = {"people": people, "home": home, "preferences": preferences}
        given = {name: value for name, value in patch.items() if value is not None}
        if not given:
            raise WishRefused("there is nothing to change: give people, home or preferences")
        self._changed(await self._memory.change(lambda record: household.merged(record, given)))

    async def forget(
        self, words: Annotated[str, "Words all of which are in what is to be forgotten: few, and none that is common"]
    ) -> dict[str, Any]:
        """Forget what is remembered and what was said about something, when the user asks for it."""
        taken: list[str] = []

        def change(record: household.Record) -> household.Record:
            left, out = household.without(record, words)
            taken.extend(out)
            return left

        await self._leave_out()
        self._changed(await self._memory.change(change))
        turns = await self._memory.forget_turns(words)
        was_in_state = await self._memory.forget_service_state(words)
        if not taken and not turns and not was_in_state:
            return {"forgotten": [], "hint": "nothing is remembered with these words"}
        return {"forgotten": taken, "turns_of_earlier_conversations": turns}

    async def search_memory(self, words: Annotated[str, "Words that were said"]) -> list[dict[str, str]]:
        """Search what was said in earlier conversations, when the user refers to one."""
        found = await self._memory.search(words)
        return [{"at": f"{turn.at:%Y-%m-%d %H:%M}", "who": turn.role, "said": turn.text} for turn in found]

    async def forget_everything(self) -> dict[str, Any]:
        """Forget everything that was ever said and remembered. Call it once, ask the user, and again if they agree."""
        now, turn = self._clock(), self._user_turns()
        asked_at, asked_in = self._asked or (now, turn)
        if turn != asked_in + 1 or now - asked_at > _ASKED_FOR_S:
            self._asked = now, turn
            return {"done": False, "ask": "Shall I really forget everything?"}
        self._asked = None
        await self._leave_out()
        await self._memory.forget_everything()
        self._changed({})
        return {"done": True}
