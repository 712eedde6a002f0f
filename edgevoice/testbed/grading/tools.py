"""The tools of a scenario that is held through the library: the box's own, and simulated ones."""

import inspect
from collections.abc import Callable
from typing import Any, Final

from edgevoice.alarms.keeper import Keeper, NoVoice
from edgevoice.alarms.ring_book import MemoryBook
from edgevoice.alarms.tools import AlarmTools
from edgevoice.core.facts import Event
from edgevoice.grading.scenario_file import ScenariosInvalid
from edgevoice.grading.scenarios import Scenario, SimulatedTool
from edgevoice.settings.assistant import ToolsSettings
from edgevoice.tools.clock import clock_tool
from edgevoice.tools.reasons import nothing_failed, reasons_tool
from edgevoice.tools.session import goodbye_tool
from edgevoice.tools.volume import volume_tool

_TYPES: Final = {"string": str, "integer": int, "number": float, "boolean": bool}

BUILT_IN: Final = ToolsSettings().enabled
"""The names of the box's own tools."""


class _Loudness:
    volume_percent = 70


def functions(scenario: Scenario, simulated: tuple[SimulatedTool, ...]) -> list[Callable[..., Any]]:
    """Return the functions that the model may call in one conversation; nothing outside of it changes.

    Raises ``ScenariosInvalid`` for a tool that does not exist.
    """

    def report(_fact: Event) -> None:
        """Ignore what a tool reports: no timer rings here, and the scenario decides when it is over."""

    alarms = AlarmTools(Keeper(MemoryBook(), NoVoice())).functions()
    own: tuple[Callable[..., Any], ...] = (
        clock_tool(),
        volume_tool(_Loudness()),
        *alarms,
        reasons_tool(nothing_failed),
        goodbye_tool(report),
    )
    there: dict[str, Callable[..., Any]] = dict(zip(BUILT_IN, own, strict=True))
    there |= {tool.name: _simulated(tool) for tool in simulated}
    wanted = tuple(there) if scenario.tools is None else scenario.tools
    if missing := [name for name in wanted if name not in there]:
        raise ScenariosInvalid(f"{scenario.name}: there is no tool {missing[0]}; there are {', '.join(there)}")
    return [there[name] for name in wanted]


def _simulated(tool: SimulatedTool) -> Callable[..., Any]:
    async def call(**_arguments: Any) -> Any:
        return tool.result

    # As if it had been written with these parameters: what the model learns of a tool is read from its signature.
    kinds = {name: _TYPES[kind] for name, kind in tool.parameters.items()}
    only_named = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter(name, only_named, annotation=kind) for name, kind in kinds.items()]
    vars(call)["__signature__"] = inspect.Signature(parameters)
    call.__annotations__ = dict(kinds)
    call.__name__, call.__doc__ = tool.name, tool.description
    return call
