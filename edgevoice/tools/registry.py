"""The registry of tools: joins the sources, and offers the model those that the settings enable. No I/O."""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from edgevoice.errors import SettingsInvalid, ToolRefused
from edgevoice.journal import tell
from edgevoice.tools.tool import Tool, ToolDefinition, ToolSource

_log = logging.getLogger(__name__)

_ASKS_FIRST = "The user is asked for their approval first, so do not ask for it yourself."


class Registry:
    """The tools of all sources by name, as they are at the moment of asking.

    ``enabled`` names those that are offered, in this order; ``None`` offers all. What the sources in ``always`` have is
    offered without being named: their owner has put it there. Of two tools with one name the one of the earlier source
    is offered, and the log says so once. ``allows`` returns whether a tool may be called at the moment.
    """

    def __init__(
        self,
        sources: Sequence[ToolSource],
        *,
        enabled: Iterable[str] | None = None,
        always: Sequence[ToolSource] = (),
        allows: Callable[[str], bool] | None = None,
    ) -> None:
        self._always = always
        self._sources = (*sources, *always)
        self._enabled = None if enabled is None else tuple(dict.fromkeys(enabled))
        self._allows = allows
        self._hidden: set[tuple[str, str]] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tools that are offered."""
        return tuple(self._offered())

    def find(self, name: str) -> Tool:
        """Return a tool; raises ``ToolRefused``, which names the existing ones."""
        offered = self._offered()
        if name not in offered:
            raise ToolRefused(f"there is no such tool; there are: {', '.join(offered) or 'none'}")
        return offered[name]

    def definitions(self) -> list[dict[str, Any]]:
        """Return the tools as the Realtime protocol's ``session.tools``."""
        return [_declared(tool.definition) for tool in self._offered().values()]

    def on_change(self, changed: Callable[[], None]) -> None:
        """Call ``changed``, in the loop's thread, after each change in what is offered."""
        known = self.definitions()

        def compare() -> None:
            nonlocal known
            if (now := self.definitions()) != known:
                known = now
                changed()

        for source in self._sources:
            source.on_change(compare)

    def check_enabled(self) -> None:
        """Raise ``SettingsInvalid`` if ``enabled`` names a tool that no source offers or may offer later."""
        for name in self._enabled or ():
            if any(source.may_offer(name) for source in self._sources):
                continue
            there = list(self._everything())
            from difflib import get_close_matches  # noqa: PLC0415 - only for a mistake

            near = get_close_matches(name, there, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise SettingsInvalid(
                f"tools.enabled names {name}, and there is no such tool{hint}",
                remedy=f"Correct it or take it out; the tools are {', '.join(there) or 'none'}.",
            )

    def _offered(self) -> dict[str, Tool]:
        everything = self._everything()
        names = list(everything)
        if self._enabled is not None:
            unnamed = [tool.definition.name for source in self._always for tool in source.tools()]
            names = [name for name in (*self._enabled, *unnamed) if name in everything]
        return {name: everything[name] for name in names if self._allows is None or self._allows(name)}

    def _everything(self) -> dict[str, Tool]:
        everything: dict[str, Tool] = {}
        for source in self._sources:
            for tool in source.tools():
                name = tool.definition.name
                if everything.setdefault(name, tool) is not tool and (source.name, name) not in self._hidden:
                    self._hidden.add((source.name, name))
                    tell(_log, logging.WARNING, "tool-name-taken", tool=name, source=source.name)
        return everything


def _declared(definition: ToolDefinition) -> dict[str, Any]:
    """Return a definition as the Realtime protocol has it."""
    note = f" {_ASKS_FIRST}" if definition.requires_approval else ""
    return {
        "type": "function",
        "name": definition.name,
        "description": f"{definition.description}{note}",
        "parameters": definition.parameters,
    }
